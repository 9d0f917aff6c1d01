"""What speaks against a release stands before whoever signs it, and what failed or nobody checked is settled first."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.lab.release.assessment import FAILURES
from gateway.lab.release.open_points import SETTLED_FIRST
from gateway.line.spc_rules import TrendRules
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, SettlePoint
from gateway.records.lot_decisions import DecisionState, Verdict
from gateway.store.queries.lots import lot_on_record
from gateway.time_units import SECOND_NS
from tests.fixtures.deciding import LOT, Deciding, by
from tests.fixtures.store_bench import viscosity


@pytest.fixture
def bench(tmp_path):
    bench = Deciding(tmp_path)
    with closing(bench.connection):
        yield bench


def points(bench):
    return lot_on_record(bench.connection, LOT).open_points


def settle(bench):
    for item in points(bench):
        act = SettlePoint(material_lot_id=LOT, point_id=item.point.point_id)
        assert bench.act(act, credential=by("anna"), reason="asked the laboratory").outcome is ActOutcome.DONE


def of_no_specification(bench):
    bench.result(viscosity(100.0, sample_id="S-2", test_id="unknown test"))


def test_a_lot_whose_only_result_nobody_has_checked_is_not_released(bench):
    bench.result(viscosity(100.0, status="entered"))
    assert [item.point.code for item in points(bench)] == ["NOT_YET_VALIDATED"]
    for over in (0, 1):
        answer = bench.decide(Verdict.RELEASE, over=over)
        assert (answer.outcome, answer.code) == (ActOutcome.REFUSED, ActRefusal.LOT_POINTS_FIRST)
        assert answer.parameters["points"] == [points(bench)[0].point.reason.text]
    assert bench.decision() is None
    assert "not checked" in bench.rows("SELECT body FROM audit WHERE kind = 'act_refused'")[-1][0]
    bench.result(viscosity(100.0, status="validated", result_version=2))
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.DONE


def test_a_result_that_nobody_has_checked_is_not_released_whatever_else_speaks_against_it(bench):
    bench.result(viscosity(100.0))
    bench.result(viscosity(100.0, sample_id="S-2", test_id="unknown test", status="entered"))
    assert [item.point.code for item in points(bench)] == ["NO_SPECIFICATION"]
    assert bench.decide(Verdict.RELEASE, over=1).code is ActRefusal.LOT_POINTS_FIRST


NOT_KNOWN_TO_BE_GOOD = {
    "unread": [viscosity("garbled <<>> 12 or 13", sample_id="S-2")],
    "withdrawn": [viscosity(100.0, sample_id="S-2", status="rejected")],
    "corrected from a failure": [viscosity(120.0), viscosity(100.0, result_version=2)],
    "undecided": [viscosity("<104", sample_id="S-2")],
}


@pytest.mark.parametrize("results", NOT_KNOWN_TO_BE_GOOD.values(), ids=NOT_KNOWN_TO_BE_GOOD)
def test_no_signature_takes_what_failed_or_was_not_read_with_it(bench, results):
    bench.result(viscosity(100.0, sample_id="S-9"))
    for result in results:
        bench.result(result)
    assert bench.recommended() in {"review", "hold"}
    answer = bench.decide(Verdict.RELEASE, over=len(points(bench)))
    assert answer.outcome is ActOutcome.REFUSED
    assert answer.code in {ActRefusal.LOT_POINTS_FIRST, ActRefusal.LOT_HELD}
    assert bench.decision() is None


def test_a_lot_without_a_good_result_is_not_released_over_its_other_points(bench):
    of_no_specification(bench)
    assert bench.recommended() == "review"
    assert bench.decide(Verdict.RELEASE, over=1).code is ActRefusal.NOTHING_FOR_RELEASE


def test_a_release_over_open_points_states_how_many_and_the_record_says_so(bench):
    bench.result(viscosity(100.0))
    of_no_specification(bench)
    (point,) = points(bench)
    for over in (0, 2):
        answer = bench.decide(Verdict.RELEASE, over=over)
        assert answer.code is ActRefusal.LOT_POINTS_OPEN
        assert answer.parameters == {"lot": LOT, "count": 1, "points": [point.point.reason.text]}
    assert bench.decide(Verdict.RELEASE, over=1, reason="the test is no part of the order").outcome is ActOutcome.DONE
    assert (bench.newest()["recommendation"], bench.newest()["decision"]["stands"]) == ("review", True)
    assert bench.newest()["decision"]["meaning"] == f"decision: release of lot {LOT} over 1 open point"
    ((record,),) = bench.rows("SELECT body FROM signed_record")
    assert point.point.reason.text in record
    ((body,),) = bench.rows("SELECT body FROM audit WHERE kind = 'lot_decided'")
    assert (json.loads(body)["open_points"], json.loads(body)["recommendation"]) == (["NO_SPECIFICATION"], "review")


def test_a_release_over_a_result_that_was_out_of_trend_stands(bench):
    bench.line = replace(bench.line, trends=(TrendRules(product="FG-100", analyte="viscosity"),))
    for number in range(30):
        bench.now_ns += SECOND_NS
        value = 100.0 + 0.1 * (number % 3)
        bench.result(viscosity(value, sample_id=f"P-{number}", material_lot_id="BEFORE", product="FG-100"))
    bench.now_ns += SECOND_NS
    bench.result(viscosity(7.0, sample_id="S-2", test_id="pH", unit=None))
    bench.result(viscosity(104.0))
    assert [item.point.code for item in points(bench)] == ["OUT_OF_TREND"]
    assert bench.decide(Verdict.RELEASE, over=1).outcome is ActOutcome.DONE
    assert bench.decision().state is DecisionState.STANDS


def test_a_point_that_comes_after_the_lot_was_shown_is_not_released_over(bench):
    bench.result(viscosity(100.0))
    of_no_specification(bench)
    bench.decide(Verdict.RELEASE, over=1)
    bench.result(viscosity(100.0, sample_id="S-3", test_id="another test"))
    assert bench.newest()["decision"]["stands"] is False
    assert bench.decide(Verdict.RELEASE, over=1).code is ActRefusal.LOT_POINTS_OPEN


def test_what_was_settled_with_its_reason_is_released(bench):
    bench.result(viscosity(100.0, status="entered"))
    settle(bench)
    assert bench.recommended() == "release"
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.DONE


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.HOLD])
def test_whoever_keeps_a_lot_states_no_points(bench, verdict):
    bench.result(viscosity(100.0, status="entered"))
    assert bench.decide(verdict).outcome is ActOutcome.DONE


def test_each_failure_is_settled_first():
    assert FAILURES <= SETTLED_FIRST
