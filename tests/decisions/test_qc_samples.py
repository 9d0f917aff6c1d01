"""Control samples of the laboratory: Westgard's rules, what a rejected one means for results, and who hears of it."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.contract.times import rfc3339
from gateway.line.spc_rules import ControlMaterial
from gateway.time_units import SECOND_NS
from tests.fixtures.building import line
from tests.fixtures.store_bench import Bench, viscosity

HEAVY = ControlMaterial(name="OIL-500", analyte="viscosity", mean=500.0, standard_deviation=2.0, unit="mPa.s")
OIL = ControlMaterial(name="OIL-100", analyte="viscosity", mean=100.0, standard_deviation=0.5, unit="mPa.s")


@pytest.fixture
def bench(tmp_path):
    found = Bench(tmp_path)
    with closing(found.connection):
        found.line = line(controls=(OIL, HEAVY))
        found.order()
        yield found


def control(bench, value, **changes):
    """What the gateway says of a control measured now."""
    bench.now_ns += 60 * SECOND_NS
    document = {
        "sample_id": f"QC-{bench.now_ns}", "test_id": "Viscosity", "value": value, "unit": "mPa.s",
        "status": "approved", "control_id": "OIL-100", "analysed_at": rfc3339(bench.now_ns), **changes,
    }  # fmt: skip
    before = len(bench.sent("control"))
    bench.result(document)
    told = bench.sent("control")[before:]
    return (told[0]["rejected"], {each["code"] for each in told[0]["reasons"]}) if told else None


def judged(bench, **changes):
    """What is recommended for a lot of its own with a good value."""
    bench.now_ns += 60 * SECOND_NS
    sample = f"S-{bench.now_ns}"
    bench.result(viscosity(100.0, sample_id=sample, material_lot_id=f"LOT-{sample}", product="FG-100", **changes))
    found = bench.sent("disposition")[-1]
    return found["recommendation"], {each["code"] for each in found["reasons"]}


def test_a_control_in_line_is_told_and_concerns_no_lot(bench):
    assert control(bench, 100.4, material_lot_id="LOT/1") == (False, set())
    assert bench.sent("disposition") == []
    assert bench.rows("SELECT material_lot_id, current FROM lab_result") == [(None, 1)]
    (told,) = bench.sent("control")
    assert told["deviations"] == pytest.approx(0.8)
    assert told["lots_measured_since_last_good"] == []


@pytest.mark.parametrize(
    ("values", "last"),
    [
        ([101.2], (False, {"WARNING_1_2S"})),
        ([101.6], (True, {"WARNING_1_2S", "REJECT_1_3S"})),
        ([101.2, 101.3], (True, {"WARNING_1_2S", "REJECT_2_2S"})),
        ([101.2, 98.7], (False, {"WARNING_1_2S"})),  # opposite sides, but not of one run
        ([100.6, 100.7, 100.8, 100.6], (True, {"REJECT_4_1S"})),
        ([100.1] * 10, (True, {"REJECT_10_X"})),
    ],
)
def test_controls_are_held_against_westgards_rules(bench, values, last):
    assert [control(bench, value) for value in values][-1] == last


def test_two_controls_of_one_run_on_opposite_sides_reject_it(bench):
    control(bench, 101.2, run_id="run-7")
    assert control(bench, 98.7, run_id="run-7") == (True, {"WARNING_1_2S", "REJECT_R_4S"})


def test_what_is_measured_after_a_rejected_control_is_a_review_until_one_is_in_line_again(bench):
    control(bench, 100.0)
    assert judged(bench)[0] == "release"
    lot = bench.sent("disposition")[-1]["material_lot_id"]
    control(bench, 102.0)
    assert bench.sent("control")[-1]["lots_measured_since_last_good"] == [lot]  # whom it concerns
    assert judged(bench) == ("review", {"CONTROL_REJECTED"})
    assert judged(bench, analysed_at=rfc3339(bench.now_ns - 90 * SECOND_NS))[0] == "review"
    before_it = rfc3339(bench.now_ns - 1000 * SECOND_NS)
    assert judged(bench, sampled_at=before_it, analysed_at=before_it)[0] == "release"  # measured when all was well
    control(bench, 100.1)
    assert judged(bench)[0] == "release"


def test_instruments_are_apart_where_both_name_theirs(bench):
    control(bench, 102.0, instrument_id="VISC-1")
    assert judged(bench, instrument_id="VISC-2")[0] == "release"
    assert judged(bench, instrument_id="VISC-1")[0] == "review"
    assert judged(bench)[0] == "review"  # nobody knows by which it was measured


def test_a_good_control_of_another_level_or_instrument_clears_nothing(bench):
    run = {"run_id": "run-7", "instrument_id": "VISC-1"}
    at = rfc3339(bench.now_ns)
    control(bench, 104.0, analysed_at=at, **run)
    control(bench, 500.0, analysed_at=at, control_id="OIL-500", **run)
    assert judged(bench, instrument_id="VISC-1")[0] == "review"
    control(bench, 100.0, instrument_id="VISC-2")
    assert judged(bench)[0] == "review"  # by which it was measured nobody knows
    control(bench, 100.0, instrument_id="VISC-1")
    assert judged(bench, instrument_id="VISC-1")[0] == "release"


def test_a_material_that_is_not_configured_any_more_blocks_nothing(bench):
    control(bench, 520.0, control_id="OIL-500")
    assert judged(bench)[0] == "review"
    bench.line = replace(bench.line, controls=(OIL,))
    assert judged(bench)[0] == "release"


def test_saying_the_same_again_clears_no_doubt_and_measuring_again_does(bench):
    control(bench, 102.0)
    same = {"sample_id": "S-again", "material_lot_id": "LOT-again", "product": "FG-100"}
    bench.result(viscosity(100.0, result_version=1, **{**same, "status": "validated"}))
    control(bench, 100.0)
    bench.result(viscosity(100.0, result_version=2, **same))
    assert bench.sent("disposition")[-1]["recommendation"] == "review"
    bench.now_ns += SECOND_NS
    bench.result(viscosity(100.0, result_version=3, analysed_at=rfc3339(bench.now_ns), **same))
    assert bench.sent("disposition")[-1]["recommendation"] == "release"


def test_a_late_control_has_the_one_after_it_judged_again(bench):
    control(bench, 101.3)
    assert judged(bench)[0] == "release"
    control(bench, 101.3, analysed_at=rfc3339(bench.now_ns - 600 * SECOND_NS))
    assert judged(bench)[0] == "review"  # two in a row on one side
    assert bench.rows("SELECT rejected FROM control_point ORDER BY at_ns") == [(0,), (1,)]


def test_controls_of_one_instant_keep_their_order_when_one_of_them_is_judged_again(bench):
    control(bench, 101.3)
    instant, at = bench.now_ns, rfc3339(bench.now_ns)
    control(bench, 98.7, analysed_at=at)
    rejected = "SELECT rejected FROM control_point WHERE at_ns = (SELECT max(at_ns) FROM control_point) ORDER BY rowid"
    control(bench, 101.3, analysed_at=rfc3339(instant - 600 * SECOND_NS))
    assert sorted(bench.rows(rejected)) == [(0,), (1,)]  # the first of them is the second in a row on its side
    control(bench, 98.7, analysed_at=rfc3339(instant - 300 * SECOND_NS))
    assert bench.rows(rejected) == [(0,), (0,)]  # now the sides alternate, in the order in which they came


@pytest.mark.parametrize("sample", range(6))  # identities are hashes: their order is any
def test_of_two_controls_in_one_message_the_last_decides(bench, sample):
    bench.now_ns += 60 * SECOND_NS
    for part, value in enumerate((100.0, 103.0)):
        bench.result({
            "sample_id": f"QC-{sample}-{part}", "test_id": "Viscosity", "value": value, "unit": "mPa.s",
            "status": "approved", "control_id": "OIL-100", "analysed_at": rfc3339(bench.now_ns),
        })  # fmt: skip
    assert [each["rejected"] for each in bench.sent("control")] == [False, True]
    assert judged(bench) == ("review", {"CONTROL_REJECTED"})


def test_a_plants_sample_that_is_said_to_be_a_control_leaves_its_lot_for_a_person(bench):
    bench.result(viscosity(100.0, result_version=1))
    bench.result({**viscosity(100.0, result_version=2), "control_id": "OIL-100", "material_lot_id": None})
    assert [each["material_lot_id"] for each in bench.sent("disposition")] == ["LOT/1", "LOT/1"]
    assert bench.sent("disposition")[-1]["recommendation"] == "review"
    assert bench.rows("SELECT count(*) FROM control_point") == [(0,)]


def test_a_control_that_is_said_to_be_a_plants_sample_rejects_nothing_any_more(bench):
    control(bench, 102.0, sample_id="QC", result_version=1)
    assert judged(bench)[0] == "review"
    bench.result(viscosity(102.0, sample_id="QC", result_version=2, material_lot_id="LOT/1"))
    assert judged(bench)[0] == "release"


def test_a_corrected_control_takes_the_place_of_the_one_before(bench):
    control(bench, 102.0, sample_id="QC", result_version=1)
    assert control(bench, 100.2, sample_id="QC", result_version=2) == (False, set())
    assert judged(bench)[0] == "release"
    assert bench.rows("SELECT count(*) FROM control_point") == [(1,)]


@pytest.mark.parametrize(
    "changes",
    [{"control_id": "WATER"}, {"value": "<5"}, {"status": "entered"}, {"unit": "kg"}, {"status": "rejected"}],
)
def test_what_cannot_be_held_against_anything_is_kept_and_rejects_nothing(bench, changes):
    assert control(bench, **{"value": 110.0, **changes}) is None
    assert bench.rows("SELECT count(*) FROM lab_result") == [(1,)]
    (body,) = bench.rows("SELECT body FROM audit WHERE kind = 'control_judged'")
    assert json.loads(body[0])["rejected"] is False
    assert judged(bench)[0] == "release"


def test_a_control_in_another_unit_is_converted(bench):
    assert control(bench, 0.102, unit="Pa.s") == (True, {"WARNING_1_2S", "REJECT_1_3S"})


def test_a_late_control_is_judged_by_those_measured_before_it(bench):
    control(bench, 101.3)
    earlier = rfc3339(bench.now_ns - 600 * SECOND_NS)
    assert control(bench, 101.3, analysed_at=earlier) == (False, {"WARNING_1_2S"})


def test_without_control_materials_no_result_waits_for_a_control(bench):
    control(bench, 102.0)
    bench.line = replace(bench.line, controls=())
    assert judged(bench)[0] == "release"
