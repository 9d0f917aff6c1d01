"""What a laboratory and a plant get wrong, and what becomes of it: each row of the table in ``docs/payloads.md``."""

import json
from contextlib import closing

import pytest

from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.contract.times import rfc3339
from gateway.records.laboratory import ResultStatus
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS
from tests.fixtures.store_bench import Bench, viscosity

EARLIER = rfc3339(NOW_NS - 60 * SECOND_NS)
EARLIER_STILL = rfc3339(NOW_NS - 600 * SECOND_NS)


@pytest.fixture
def bench(tmp_path):
    found = Bench(tmp_path)
    with closing(found.connection):
        found.order()
        yield found


def last_disposition(bench):
    found = bench.sent("disposition")[-1]
    return found["recommendation"], {each["code"] for each in found["reasons"]}, set(found["flags"])


def test_limits_of_a_message_that_contradict_the_configuration_take_the_more_careful_and_are_flagged(bench):
    bench.result(viscosity(104.0, specification={"lower": 90.0, "upper": 103.0}))
    recommendation, _codes, flags = last_disposition(bench)
    assert recommendation == "hold"
    assert "SPECIFICATION_CONFLICT" in flags


@pytest.mark.parametrize("unit", ["degC", "frobs", "mPa.s.s.s"])
def test_a_unit_that_is_none_of_the_specification_is_for_a_person(bench, unit):
    bench.result(viscosity(100.0, unit=unit))
    assert last_disposition(bench)[:2] == ("review", {"UNIT_MISMATCH"})


def test_a_result_before_its_own_sample_is_judged_by_what_was_in_force_when_the_sample_was_drawn(bench):
    bench.result(viscosity(100.0, sampled_at=EARLIER, received_at=EARLIER_STILL, analysed_at=EARLIER_STILL))
    assert last_disposition(bench)[0] == "release"


def test_two_values_under_one_identity_and_version_leave_the_first_on_record(bench):
    bench.result(viscosity(100.0, result_version=1))
    bench.result(viscosity(120.0, result_version=1))
    (letter,) = bench.sent("dead-letter")
    assert [each["code"] for each in letter["reasons"]] == ["RESULT_VERSION_CONFLICT"]
    assert [each["recommendation"] for each in bench.sent("disposition")] == ["release", "hold"]
    assert [json.loads(body)["value"] for (body,) in bench.rows("SELECT body FROM lab_result")] == [100.0]


def test_a_correction_of_a_result_never_seen_is_the_first_on_record(bench):
    bench.result(viscosity(100.0, result_version=3))
    assert last_disposition(bench)[0] == "release"
    bench.result(viscosity(120.0, result_version=2, sample_id="S-1"))  # the one before it comes later
    assert "OLDER_VERSION" in last_disposition(bench)[2]
    assert last_disposition(bench)[0] == "review"


def test_a_lot_closed_twice_is_closed_once(bench):
    bench.result(viscosity(120.0))
    bench.context("lot_closed", material_lot_id="LOT/1")
    closed = bench.rows("SELECT closed_ns FROM lot")
    messages = len(bench.rows("SELECT 1 FROM outbox"))
    bench.now_ns += 60 * SECOND_NS
    bench.context("lot_closed", material_lot_id="LOT/1")
    assert bench.rows("SELECT closed_ns FROM lot") == closed
    assert [document["state"] for document in bench.sent("guidance")][-1] == "resolved"
    assert (
        len(bench.rows("SELECT 1 FROM outbox")) - messages <= 1
    )  # the lot's topic is cleared again, which is harmless


def test_genealogy_that_runs_in_a_loop_stops_nothing(bench):
    for lot, consumed in (("LOT/1", "M-1"), ("M-1", "M-2"), ("M-2", "LOT/1"), ("M-2", "M-2")):
        bench.context("material_consumed", material_lot_id=lot, consumed_lot_id=consumed, equipment_id="R1")
    bench.result(viscosity(120.0))
    last_disposition = {each["material_lot_id"]: each["recommendation"] for each in bench.sent("disposition")}
    assert last_disposition == {"LOT/1": "hold", "M-1": "review", "M-2": "review"}
    assert bench.rows("SELECT count(*) FROM follow_up") == [(1,)]


@pytest.mark.parametrize(
    ("text", "comma", "outcome"),
    [
        ("1,234.5", False, (1234.5, None, "THOUSANDS_SEPARATORS")),
        ("1.234,5", True, (1234.5, None, "THOUSANDS_SEPARATORS")),
        ("98,5", True, (98.5, None, None)),
        ("1,234", False, None),
        ("98,5", False, None),
        ("n.d.", False, (None, "<", None)),
        ("<LOQ", False, (None, "<", None)),
        ("<0.05", False, (None, "<", None)),
        ("", False, None),
        ("   ", False, None),
        ("clear", False, (None, None, "TEXT_VALUE")),
    ],
)
def test_numbers_as_laboratories_write_them_are_read_without_guessing_or_refused(text, comma, outcome):
    payload = json.dumps({**viscosity(text), "lod": 0.1, "loq": 0.5}).encode()

    def read():
        return lab_result(
            payload,
            LimsInterface(source="lims", analytes={}, assume_status=ResultStatus.APPROVED, decimal_comma=comma),
            now_ns=NOW_NS,
        )

    result = read()
    if outcome is None:
        assert (result.value, result.qualifier) == (None, None)
        assert result.unread
        return
    value, qualifier, flag = outcome
    assert (result.value, result.qualifier) == (value, qualifier)
    assert flag is None or flag in result.flags


def test_a_limit_that_nobody_knows_is_for_a_person(bench):
    bench.result(viscosity("<LOQ"))
    recommendation, codes, flags = last_disposition(bench)
    assert (recommendation, codes) == ("review", {"VALUE_UNKNOWN"})
    assert "LIMIT_UNKNOWN" in flags
