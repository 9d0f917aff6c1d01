"""What stage automatic does not do again by itself: a move that the plant, an operator or a person was against."""

from contextlib import closing
from dataclasses import replace

import pytest

from gateway.guardrails.reasons import Abstention, abstain
from gateway.latches import mismatch_latch
from gateway.line.alarm_rules import WarningRules
from gateway.records.acts import AcknowledgeAlarm, ActOutcome, AnswerGuidance
from gateway.records.guidance import Guidance
from gateway.records.people import Act
from gateway.records.setpoints import WriteState
from gateway.setpoints.kept_back import is_kept_back
from gateway.store.codec import decode
from gateway.store.queries.setpoints import last_move
from tests.fixtures.people import SIGNED
from tests.fixtures.writes import TAG, WritingBench


class Automatic(WritingBench):
    """Time goes on by more than the setpoint's interval between two predictions."""

    def suggest(self, temperature=76.0, setpoint=78.0):
        self.now_ns += 700 * 10**9
        self.model_due(temperature, setpoint=setpoint)

    def ended(self, state, code=None, **parameters):
        """A move that stage automatic began ends so."""
        ((intent, _state),) = self.open
        reason = None if code is None else abstain(code, tag=TAG, **parameters)
        if state not in {WriteState.REFUSED, WriteState.STOPPED}:
            self.begin(intent.intent_id)
        self.end(intent.intent_id, state, reason=reason)
        return intent

    @property
    def newest(self):
        return self.rows("SELECT state FROM guidance WHERE kind = 'setpoint' ORDER BY issued_ns DESC LIMIT 1")[0][0]


@pytest.fixture
def bench(tmp_path):
    bench = Automatic(tmp_path, moves_per_hour=100)
    with closing(bench.connection):
        yield bench


PLANT = [
    (WriteState.OVERRIDDEN, Abstention.OPERATOR_MODE, {}),
    (WriteState.REFUSED, Abstention.SETPOINT_OUTSIDE_RANGE, {"proposed": 79.9, "lower": 60.0, "upper": 79.0}),
    (WriteState.REFUSED, Abstention.PLC_LIMITS_UNKNOWN, {}),
    (WriteState.STOPPED, Abstention.STOP_TAG, {}),
]


@pytest.mark.parametrize(("state", "code", "parameters"), PLANT)
def test_what_the_plant_was_against_is_suggested_but_not_done_again_until_its_cause_has_ended(
    bench, state, code, parameters
):
    bench.suggest()
    intent = bench.ended(state, code, **parameters)
    for _ in range(3):
        bench.suggest()
    assert (bench.open, bench.newest) == ((), "proposed")
    bench.end(intent.intent_id, WriteState.CAUSE_ENDED)
    assert bench.states() == [(state.value,)]  # it stays what it was
    bench.suggest()
    assert len(bench.open) == 1


def test_what_was_requested_and_refused_before_it_was_applied_is_kept_back_by_that_cause(bench):
    bench.suggest()
    bench.ended(WriteState.OVERRIDDEN, Abstention.WRITE_STOPPED, cause="x", cause_code="OPERATOR_MODE", written=79.9,
                read=78.0)  # fmt: skip
    bench.suggest()
    assert (bench.open, bench.newest) == ((), "proposed")
    assert last_move(bench.connection, TAG).cause == "OPERATOR_MODE"


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (WriteState.EXPIRED, Abstention.APPROVAL_EXPIRED),
        (WriteState.REFUSED, Abstention.NOT_APPROVED),
        (WriteState.STOPPED, Abstention.WRITES_STOPPED),
    ],
)
def test_what_only_the_records_were_against_is_tried_again_as_soon_as_they_are_not(bench, state, code):
    bench.suggest()
    ((intent, _state),) = bench.open
    bench.end(intent.intent_id, state, reason=abstain(code, tag=TAG, state="superseded"))
    bench.suggest()
    assert len(bench.open) == 1


def test_while_an_alarm_of_the_setpoint_stands_nothing_is_approved_by_itself(bench):
    bench.suggest()
    bench.ended(WriteState.MISMATCH, Abstention.WRITE_MISMATCH, written=79.9, read=79.0)
    bench.suggest(setpoint=79.0)
    assert (bench.states(), bench.newest) == ([("mismatch",)], "proposed")
    answer = bench.act(AcknowledgeAlarm(code=mismatch_latch(TAG)), at_ns=bench.now_ns)
    assert answer.outcome is ActOutcome.DONE, answer
    bench.suggest(setpoint=79.0)
    assert len(bench.open) == 1


def written(bench):
    bench.suggest()
    ((intent, _state),) = bench.open
    bench.begin(intent.intent_id)
    bench.end(intent.intent_id, before=78.0, written=intent.to_value, read_back=intent.to_value)
    return intent


def test_an_operator_who_moves_the_setpoint_back_is_not_worked_against(bench):
    written(bench)
    for _ in range(3):
        bench.suggest(setpoint=78.0)
    assert (len(bench.states()), bench.newest) == (1, "proposed")


def test_after_a_move_that_stands_the_next_one_goes_on(bench):
    intent = written(bench)
    bench.suggest(temperature=76.0, setpoint=intent.to_value)
    assert len(bench.open) == 1


def test_a_person_who_approves_the_suggestion_lets_it_go_on(bench):
    written(bench)
    bench.suggest(setpoint=78.0)
    ((guidance_id,),) = bench.rows("SELECT guidance_id FROM guidance WHERE state = 'proposed' AND kind = 'setpoint'")
    answer = bench.act(AnswerGuidance(guidance_id=guidance_id, answer=Act.APPROVE), credential=SIGNED)
    assert answer.outcome is ActOutcome.DONE, answer
    ((intent, _state),) = bench.open
    bench.begin(intent.intent_id)
    bench.end(intent.intent_id, before=78.0, written=intent.to_value, read_back=intent.to_value)
    bench.suggest(setpoint=intent.to_value)
    ((again, _state),) = bench.open
    assert again.automatic


def test_another_product_and_another_version_of_the_model_go_on_too(bench):
    written(bench)
    model = bench.line.models[0]
    identity = replace(model.bundle.identity, sha256="cd" * 32)
    other = replace(model, bundle=replace(model.bundle, identity=identity))
    bench.line = replace(bench.line, models=(other,))
    bench.suggest(setpoint=78.0)
    assert len(bench.open) == 1


def test_another_model_that_moves_the_same_setpoint_does_not_work_against_an_operator_either(bench):
    written(bench)
    last = last_move(bench.connection, TAG)
    bench.suggest(setpoint=78.0)
    ((body,),) = bench.rows("SELECT body FROM guidance WHERE kind = 'setpoint' ORDER BY issued_ns DESC LIMIT 1")
    guidance, (moved,) = decode(Guidance, body), bench.line.models[0].bundle.manipulated
    assert is_kept_back(last, guidance, moved)
    assert is_kept_back(replace(last, model="another", model_sha256="cd" * 32), guidance, moved)
    assert not is_kept_back(replace(last, model_sha256="cd" * 32), guidance, moved)
    assert not is_kept_back(replace(last, product="FG-200"), guidance, moved)
    assert is_kept_back(replace(last, holds=False), guidance, moved)


def test_a_move_whose_record_does_not_hold_is_left_to_people(bench):
    written(bench)
    bench.connection.execute("UPDATE setpoint_intent_state SET body = replace(body, '79.9', '78')")
    assert last_move(bench.connection, TAG).holds is False


def test_what_a_person_has_rejected_is_asked_again_when_it_is_worse_but_never_done_by_itself(bench):
    rules = WarningRules(ask_again_after_ns=4 * 3600 * 10**9, ask_again_grown=0.5)
    bench.line = replace(bench.line, models=(replace(bench.line.models[0], warnings=rules),))
    bench.suggest(76.9)
    ((intent, _state),) = bench.open
    answer = bench.act(AnswerGuidance(guidance_id=intent.guidance_id, answer=Act.REJECT), reason="being repaired")
    assert answer.outcome is ActOutcome.DONE, answer
    bench.begin(intent.intent_id)
    assert bench.states() == [("refused",)]  # not even the one that was approved
    bench.suggest(76.9)
    assert bench.rows("SELECT count(*) FROM guidance WHERE kind = 'setpoint'") == [(1,)]
    bench.suggest(74.0)
    assert (bench.open, bench.newest) == ((), "proposed")
    ((reasons,),) = bench.rows("SELECT body FROM guidance WHERE kind = 'setpoint' ORDER BY issued_ns DESC LIMIT 1")
    assert "being repaired" in reasons
