"""Specifications that master data states: from when they hold, what conflicts and what is refused; their replay."""

import json
from contextlib import closing

import pytest

from gateway.contract.refusals import MessageRefusedError
from gateway.contract.specifications import stated_specification
from gateway.contract.times import rfc3339
from gateway.events import MessageRefused, SpecificationStated
from gateway.replay.recorded import recorded_events, recorded_stretch
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS, line, moment
from tests.fixtures.store_bench import Bench, viscosity

STATED = {"product": "FG-100", "analyte": "viscosity", "version": "4", "lower": 95.0, "upper": 102.0, "unit": "mPa.s"}


@pytest.fixture
def bench(tmp_path):
    found = Bench(tmp_path)
    with closing(found.connection):
        found.line = line(specifications=())
        found.order()
        yield found


def state(bench, **changes):
    bench.now_ns += SECOND_NS
    payload = json.dumps({**STATED, **changes}).encode()
    specification, withdrawn = stated_specification(payload, now_ns=bench.now_ns)
    event = SpecificationStated(at=moment(bench.now_ns), origin=bench.origin("mes/specifications/x", payload),
                                specification=specification, withdrawn=withdrawn, payload=payload)  # fmt: skip
    return bench.commit(event)


def judged(bench, value, **changes):
    """What is recommended for a lot of its own."""
    bench.now_ns += SECOND_NS
    sample = f"S-{bench.now_ns}"
    bench.result(viscosity(value, sample_id=sample, material_lot_id=f"LOT-{sample}", product="FG-100", **changes))
    found = bench.sent("disposition")[-1]
    return found["recommendation"], set(found["flags"]) - {"NO_SAMPLED_AT"}


def test_the_first_stated_specification_holds_from_the_beginning_and_a_later_one_from_when_it_was_stated(bench):
    assert judged(bench, 103.0) == ("review", set())  # there is none yet
    state(bench)
    assert bench.sent("disposition")[-1]["recommendation"] == "hold"  # judged again
    earlier = rfc3339(NOW_NS - SECOND_NS)
    assert judged(bench, 101.0, sampled_at=earlier)[0] == "release"  # drawn before, when nothing else held
    bench.now_ns += SECOND_NS
    state(bench, version="5", upper=100.5)
    assert judged(bench, 101.0)[0] == "hold"
    assert judged(bench, 101.0, sampled_at=earlier)[0] == "release"


def test_a_later_version_takes_over_on_its_day_and_a_withdrawn_one_holds_no_longer(bench):
    state(bench)
    state(bench, version="5", upper=104.0, effective_from=rfc3339(bench.now_ns + 100 * SECOND_NS))
    assert judged(bench, 103.0)[0] == "hold"
    bench.now_ns += 200 * SECOND_NS
    assert judged(bench, 103.0)[0] == "release"
    state(bench, version="5", withdrawn=True)
    assert judged(bench, 103.0)[0] == "hold"  # the fourth holds again


def test_what_configuration_and_master_data_say_differently_is_flagged(bench):
    bench.line = line()
    state(bench)
    assert judged(bench, 103.0) == ("hold", {"SPECIFICATION_CONFLICT", "SPECIFICATION_VERSION_DIFFERS"})


def test_attacks_06_the_trail_says_by_what_a_stated_specification_judges(bench):
    words = {"lower": None, "upper": None, "unit": None, "accepts": ["absent"], "rejects": ["present"]}
    state(bench, analyte="salmonella", required=True, **words)
    state(bench, target=100.0, bands={"release": [98, 101], "review": [96, 102]})
    first, second = (json.loads(body) for (body,) in bench.rows(
        "SELECT body FROM audit WHERE kind = 'specification_stated' ORDER BY seq"))  # fmt: skip
    assert (first["accepts"], first["rejects"], first["required"]) == (["absent"], ["present"], True)
    assert (second["lower"], second["upper"], second["target"]) == (95.0, 102.0, 100.0)
    assert second["bands"] == {"release": [98.0, 101.0], "review": [96.0, 102.0]}


def test_attacks_02_decimals_beyond_all_bounds_are_refused_with_the_bound_that_they_pass(bench):
    for decimals, bound in ((10**30, "at most 2147483647"), (-1, "at least 0")):
        payload = json.dumps({**STATED, "decimals": decimals}).encode()
        with pytest.raises(MessageRefusedError, match=f"decimals is .*; it must be {bound}"):
            stated_specification(payload, now_ns=bench.now_ns)


def test_models_are_held_against_what_is_stated(bench):
    state(bench)
    bench.model_due(77.4)  # 102.4, which the fourth version does not allow
    (warning,) = [each for each in bench.sent("guidance") if each["kind"] == "warning"]
    assert warning["specification"]["version"] == "4"


def test_what_is_told_again_is_no_second_version_and_what_differs_is_refused(bench):
    state(bench)
    state(bench)
    assert bench.rows("SELECT count(*) FROM specification_stated") == [(1,)]
    state(bench, upper=103.0)
    assert bench.rows("SELECT count(*), max(json_extract(reasons, '$[0].code')) FROM dead_letter") == [
        (1, "SPECIFICATION_VERSION_CONFLICT")
    ]
    assert judged(bench, 102.5)[0] == "hold"


def test_a_replay_reads_what_was_stated(bench):
    state(bench)
    state(bench, withdrawn=True)
    stretch = recorded_stretch(bench.connection)
    events = [each.event for each in recorded_events(bench.connection, stretch, understand=lambda *_: None)]
    assert [each.withdrawn for each in events if isinstance(each, SpecificationStated)] == [False, True]
    assert not any(isinstance(each, MessageRefused) for each in events)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"version": None}, ["MISSING"]),
        ({"lower": None, "upper": None}, ["SPECIFICATION_EMPTY"]),
        ({"lower": 200.0}, ["SPECIFICATION_REVERSED"]),
        ({"bands": {"release": [98, 102], "review": [95, 105]}}, ["MISSING"]),
        ({"target": 100.0, "bands": {"release": [102, 98], "review": "wide"}}, ["WRONG_TYPE", "WRONG_TYPE"]),
        ({"effective_from": "2027-01-01T00:00:00Z", "effective_until": "2026-01-01T00:00:00Z"}, ["OUT_OF_RANGE"]),
        ({"analyte": "", "product": None, "upper": "102"}, ["WRONG_TYPE", "MISSING", "MISSING"]),
    ],
)
def test_what_is_no_specification_is_refused_with_every_reason(changes, codes):
    with pytest.raises(MessageRefusedError) as refused:
        stated_specification(json.dumps({**STATED, **changes}).encode(), now_ns=NOW_NS)
    assert [reason.code for reason in refused.value.reasons] == codes
