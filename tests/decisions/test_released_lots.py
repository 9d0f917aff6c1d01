"""Review guidance of a lot ends as a person releases the lot, and stands again as other facts come; a hold stays."""

import json
from contextlib import closing

import pytest

from gateway.records.acts import ActOutcome
from gateway.records.lot_decisions import DecisionState, Verdict
from gateway.time_units import SECOND_NS
from tests.fixtures.store_bench import viscosity
from tests.people.test_lot_decisions import Deciding

RELEASE, HOLD = 100.0, 120.0
FOR_REVIEW = viscosity(100.0, sample_id="S-1", test_id="unknown test")


@pytest.fixture
def bench(tmp_path):
    bench = Deciding(tmp_path)
    with closing(bench.connection):
        yield bench


def guidance(bench, *, state=None):
    rows = bench.rows("SELECT kind, state, body FROM guidance WHERE kind IN ('review', 'hold') ORDER BY rowid")
    return [(kind, stands) for kind, stands, _body in rows if state is None or stands == state]


def reviewed(bench):
    bench.result(viscosity(RELEASE, sample_id="S-0"))
    bench.result(FOR_REVIEW)
    assert guidance(bench) == [("review", "proposed")]


def test_a_release_resolves_the_open_review_and_says_by_whose_decision(bench):
    reviewed(bench)
    assert bench.decide(Verdict.RELEASE, over=1).outcome is ActOutcome.DONE
    assert guidance(bench) == [("review", "resolved")]
    ((body,),) = bench.rows("SELECT body FROM guidance WHERE kind = 'review'")
    reason = json.loads(body)["reasons"][-1]
    assert reason["code"] == "DECIDED_BY_QUALITY"
    assert reason["parameters"]["record_id"] == bench.decision().record_id
    assert "Anna Q. has released this lot" in reason["text"]
    assert bench.decision().state is DecisionState.STANDS


def test_what_was_decided_does_not_come_back_while_nothing_else_is_known(bench):
    reviewed(bench)
    bench.decide(Verdict.RELEASE, over=1)
    bench.now_ns += SECOND_NS
    bench.result(FOR_REVIEW)  # the laboratory sends the same again
    assert guidance(bench) == [("review", "resolved")]
    assert bench.decision().state is DecisionState.STANDS


@pytest.mark.parametrize(("value", "stands"), [(RELEASE, "review"), (HOLD, "hold"), (HOLD, "review")])
def test_a_new_result_lets_the_decision_lapse_and_what_it_had_settled_stands_again(bench, value, stands):
    reviewed(bench)
    bench.decide(Verdict.RELEASE, over=1)
    bench.now_ns += SECOND_NS
    bench.result(viscosity(value, sample_id="S-2"))
    assert bench.decision().state is DecisionState.LAPSED
    assert stands in [kind for kind, _state in guidance(bench, state="proposed")]


def test_a_correction_for_the_worse_is_a_hold(bench):
    reviewed(bench)
    bench.decide(Verdict.RELEASE, over=1)
    bench.now_ns += SECOND_NS
    bench.result(viscosity(HOLD, sample_id="S-0", result_version=2))
    assert ("hold", "proposed") in guidance(bench)
    assert bench.decision().state is DecisionState.LAPSED


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.HOLD])
def test_a_lot_that_a_person_rejects_or_holds_has_its_hold(bench, verdict):
    reviewed(bench)
    bench.decide(verdict)
    assert ("hold", "proposed") in guidance(bench)


def test_a_hold_is_not_ended_by_a_decision(bench):
    bench.result(viscosity(HOLD, sample_id="S-1"))
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.REFUSED
    assert guidance(bench) == [("hold", "proposed")]
