"""Who has rejected a warning or a suggestion is not asked again for the same cause, until it is another one."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.advice.rejection import AskedAgain
from gateway.line.alarm_rules import WarningRules
from gateway.records.acts import ActOutcome, AnswerGuidance
from gateway.records.people import Act
from gateway.records.timers import Timer
from gateway.store.database import open_state
from gateway.store.queries.alarms import standing_alarms
from gateway.time_units import SECOND_NS
from tests.decisions.test_alarms import WARNING, Alarms

HOURS_NS = 3600 * SECOND_NS
RULES = WarningRules(ask_again_after_ns=4 * HOURS_NS, ask_again_grown=0.5)
NEAR, NEARER, OUTSIDE, CALM, OTHER_SIDE = 76.9, 76.82, 74.0, 78.0, 79.1  # viscosity: 104.4, 104.7, 116, 100, 95.6


class Rejecting(Alarms):
    def predicts(self, temperature):
        self.now_ns += SECOND_NS
        self.model_due(temperature, setpoint=temperature)

    def open_of(self, kind):
        return [guidance_id for (guidance_id,) in
                self.rows("SELECT guidance_id FROM guidance WHERE kind = ? AND open = 1", kind)]  # fmt: skip

    def rejects(self, kind="warning", reason="the sensor was cleaned"):
        (guidance_id,) = self.open_of(kind)
        self.now_ns += SECOND_NS
        answer = self.act(AnswerGuidance(guidance_id=guidance_id, answer=Act.REJECT), reason=reason)
        assert answer.outcome is ActOutcome.DONE, answer
        return guidance_id

    def asks(self):
        """Return the codes of the reasons of the open warning."""
        (body,) = [body for (body,) in self.rows("SELECT body FROM guidance WHERE kind = 'warning' AND open = 1")]
        return [reason["code"] for reason in json.loads(body)["reasons"]]

    def reject_and_go_on(self, temperature, **changes):
        self.line = replace(self.line, models=(replace(self.line.models[0], warnings=replace(RULES, **changes)),))
        self.predicts(NEAR)
        self.rejects()
        self.predicts(temperature)


@pytest.fixture
def bench(tmp_path):
    bench = Rejecting(tmp_path)
    bench.order()
    with closing(bench.connection):
        yield bench


def test_a_rejected_warning_does_not_come_back_and_its_alarm_stands_with_who_rejected_it_and_why(bench):
    bench.reject_and_go_on(NEAR)
    for _ in range(3):
        bench.predicts(NEARER)
    assert (bench.open_of("warning"), bench.open_of("setpoint")) == ([], [])
    (alarm,) = standing_alarms(bench.connection)
    assert (alarm.state.value, alarm.active, alarm.reason) == ("acknowledged", True, "the sensor was cleaned")
    assert alarm.person
    assert bench.happened() == ["raised", "acknowledged"]


def test_it_comes_back_after_its_condition_has_ended(bench):
    bench.reject_and_go_on(NEAR)
    bench.predicts(CALM)
    assert bench.standing() == {}
    assert bench.happened() == ["raised", "acknowledged", "returned"]
    bench.predicts(NEAR)
    assert bench.asks() == ["PREDICTED_NEAR_LIMIT"]
    assert bench.standing() == {WARNING: "unacknowledged"}
    assert bench.rows("SELECT count(*) FROM audit WHERE kind = 'rejection_over'") == [(1,)]


@pytest.mark.parametrize(
    ("temperature", "why"),
    [
        (OUTSIDE, AskedAgain.REJECTED_NOW_CRITICAL),
        (OTHER_SIDE, AskedAgain.REJECTED_OTHER_LIMIT),
        (76.76, AskedAgain.REJECTED_GROWN),
    ],
)
def test_it_comes_back_at_once_when_it_is_another_and_says_that_it_was_rejected(bench, temperature, why):
    bench.reject_and_go_on(temperature)
    assert bench.asks()[-1] == why
    (reason,) = [reason for reason in bench.sent("guidance")[-1]["reasons"] if reason["code"] == why] or [None]
    assert "the sensor was cleaned" in reason["text"]
    assert bench.happened() == ["raised", "acknowledged", "raised"]


def test_it_comes_back_when_the_configured_time_is_over(bench):
    bench.reject_and_go_on(NEAR)
    bench.now_ns += 4 * HOURS_NS
    bench.predicts(NEAR)
    assert bench.asks()[-1] == AskedAgain.REJECTED_LONG_AGO


def test_a_critical_warning_comes_back_although_it_was_rejected(bench):
    bench.predicts(OUTSIDE)
    bench.rejects()
    bench.predicts(OUTSIDE)
    assert len(bench.open_of("warning")) == 1


def test_another_version_of_the_model_asks_again(bench):
    bench.reject_and_go_on(NEAR)
    model = bench.line.models[0]
    identity = replace(model.bundle.identity, sha256="cd" * 32)
    bench.line = replace(bench.line, models=(replace(model, bundle=replace(model.bundle, identity=identity)),))
    bench.predicts(NEAR)
    assert bench.asks() == ["PREDICTED_NEAR_LIMIT"]


def test_a_rejected_suggestion_is_not_made_again_while_its_warning_stands(bench):
    bench.predicts(NEAR)
    bench.rejects("setpoint", reason="the cooling is being repaired")
    bench.now_ns += 60 * SECOND_NS  # the setpoint may move again
    bench.predicts(NEARER)
    assert (len(bench.open_of("warning")), bench.open_of("setpoint")) == (1, [])
    ((said,),) = bench.rows("SELECT body FROM prediction ORDER BY at_ns DESC LIMIT 1")
    assert "the cooling is being repaired" in said
    bench.predicts(OUTSIDE)
    assert len(bench.open_of("setpoint")) == 1  # it is worse


def test_a_rejection_by_a_row_that_was_edited_keeps_nothing_back(bench):
    bench.reject_and_go_on(NEAR)
    assert bench.open_of("warning") == []
    bench.connection.execute("UPDATE guidance SET hash = 'ab' WHERE kind = 'warning'")
    bench.predicts(NEAR)
    assert bench.rows("SELECT count(*) FROM guidance WHERE kind = 'warning'") == [(2,)]
    assert bench.rows("SELECT code FROM latch") == [("EVIDENCE_DAMAGED",)]  # so all models are in shadow


def test_a_rejection_of_a_model_that_is_no_longer_there_ends_by_its_age(bench):
    bench.reject_and_go_on(NEAR)
    bench.line = replace(bench.line, models=())
    bench.timer(Timer.END_SHELVES)
    assert bench.standing() == {WARNING: "acknowledged"}
    bench.now_ns += 2 * HOURS_NS
    bench.timer(Timer.END_SHELVES)
    assert bench.standing() == {}


def test_it_holds_after_a_restart(bench, tmp_path):
    bench.reject_and_go_on(NEAR)
    bench.connection.close()
    again = Rejecting.__new__(Rejecting)
    again.__dict__.update(bench.__dict__)
    again.connection = open_state(tmp_path)
    with closing(again.connection):
        again.predicts(NEAR)
        assert again.open_of("warning") == []
