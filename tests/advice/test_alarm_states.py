"""The states of an alarm against a model of two memories and a shelf (ISA-18.2)."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.advice.alarm_states import MEMORIES, SUPPRESSIONS, after
from gateway.records.alarms import Alarm, AlarmChange, AlarmState, Suppression
from gateway.records.guidance import Severity

ALARM = Alarm(alarm_id="warning/R1/m/ph", title="ph", severity=Severity.WARNING, position="operator")


class TwoMemories(RuleBasedStateMachine):
    """What a person would keep in mind of one alarm, next to the table."""

    def __init__(self):
        super().__init__()
        self.alarm, self.now = ALARM, 0
        self.active, self.owed, self.kept = False, False, Suppression.NONE  # owed: a look that nobody has had yet

    def happens(self, change):
        self.now += 1
        following = after(self.alarm, change, at_ns=self.now)
        self.alarm = self.alarm if following is None else following
        return following is not None

    @rule(calls=st.booleans())
    def begins(self, calls):
        was = self.active
        self.happens(AlarmChange.RAISED if calls else AlarmChange.ACTIVE)
        self.active = True
        if calls or not was:
            self.owed = True

    @rule()
    def ends(self):
        self.happens(AlarmChange.RETURNED)
        self.active = False

    @rule()
    def is_seen(self):
        assert self.happens(AlarmChange.ACKNOWLEDGED) == self.owed
        self.owed = False

    @rule(change=st.sampled_from([AlarmChange.SHELVED, AlarmChange.SUPPRESSED, AlarmChange.TAKEN_OUT_OF_SERVICE]))
    def is_kept_from_calling(self, change):
        wanted = {AlarmChange.SHELVED: Suppression.SHELVED, AlarmChange.SUPPRESSED: Suppression.BY_DESIGN,
                  AlarmChange.TAKEN_OUT_OF_SERVICE: Suppression.OUT_OF_SERVICE}[change]  # fmt: skip
        out_of_service = change is AlarmChange.TAKEN_OUT_OF_SERVICE and self.kept is not Suppression.OUT_OF_SERVICE
        again = change is AlarmChange.SHELVED and self.kept is Suppression.SHELVED
        possible = self.kept is Suppression.NONE or out_of_service or again
        assert self.happens(change) == possible
        self.kept = wanted if possible else self.kept

    @rule(change=st.sampled_from([AlarmChange.UNSHELVED, AlarmChange.UNSUPPRESSED, AlarmChange.RETURNED_TO_SERVICE]))
    def calls_again(self, change):
        ends = {AlarmChange.UNSHELVED: Suppression.SHELVED, AlarmChange.UNSUPPRESSED: Suppression.BY_DESIGN,
                AlarmChange.RETURNED_TO_SERVICE: Suppression.OUT_OF_SERVICE}[change]  # fmt: skip
        assert self.happens(change) == (self.kept is ends)
        if self.kept is ends:
            self.kept, self.owed = Suppression.NONE, self.active

    @invariant()
    def is_as_a_person_would_say(self):
        assert (self.alarm.active, not self.alarm.acknowledged) == (self.active, self.owed)
        assert self.alarm.suppression is self.kept
        if self.kept is not Suppression.NONE:
            assert self.alarm.state.value == self.kept.value
        else:
            assert (self.alarm.state is AlarmState.NORMAL) == (not self.active and not self.owed)


TestTwoMemories = TwoMemories.TestCase
TestTwoMemories.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)


def test_every_change_is_in_one_table_and_leads_to_a_state_that_is_shown():
    in_tables = {change for _, change in MEMORIES} | {change for _, change in SUPPRESSIONS}
    assert in_tables == set(AlarmChange) - {AlarmChange.ESCALATED}
    for active in (True, False):
        for acknowledged in (True, False):
            assert replace(ALARM, active=active, acknowledged=acknowledged).state in AlarmState


@pytest.mark.parametrize(("seen", "state"), [(False, "latched_unacknowledged"), (True, "acknowledged")])
def test_a_latched_alarm_says_so(seen, state):
    assert replace(ALARM, latched=True, active=True, acknowledged=seen).state.value == state
