"""An alarm of the store against ISA-18.2's table of states: people, conditions, expiry, latches, rules and restarts."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.records.acts import Acknowledge, ActOutcome, ReturnToService, Shelve, TakeOutOfService, Unshelve
from gateway.records.timers import Timer
from gateway.store.database import open_state
from gateway.time_units import SECOND_NS
from tests.decisions.test_suppression import STIRRER, Plant
from tests.decisions.test_suppression import rule as suppression_rule

CODE = "CONNECTION_UNSTABLE"
ALARM = f"gateway/{CODE}"
SHELVED_SECONDS = 30.0


class AlarmInStore(RuleBasedStateMachine):
    """What ISA-18.2 says of one alarm, next to the store."""

    @initialize(latched=st.booleans())
    def a_plant(self, latched):
        self.folder = tempfile.TemporaryDirectory(prefix="labline-alarm-")
        rules = () if latched else (suppression_rule(tag=STIRRER, codes={CODE}),)
        self.plant, self.latched = Plant(Path(self.folder.name), *rules), latched
        self.active, self.owed, self.kept, self.until_ns = False, False, "none", None
        self.by_design = False  # whether the rule's condition holds

    def teardown(self):
        self.plant.connection.close()
        self.folder.cleanup()

    def state(self):
        return self.plant.standing().get(ALARM, "normal")

    def is_done(self, act):
        return self.plant.act(act).outcome is ActOutcome.DONE

    def comes_back(self):
        """It is kept back no longer: unless the rule holds, what is active is new to people, and the rest is over."""
        self.kept, self.until_ns = "none", None
        self.owed = self.active

    @rule(stands=st.booleans())
    def condition(self, stands):
        self.plant.condition(CODE, stands, latched=self.latched)
        if stands and not self.active:
            self.active, self.owed = True, True
            if self.kept == "none" and self.by_design:
                self.kept = "suppressed_by_design"
        elif not stands and self.active:
            self.active = False
            self.owed = self.owed and not self.latched  # whoever takes a latched one down has seen it

    @rule()
    def acknowledge(self):
        stands = self.active or self.owed or self.kept != "none"
        possible = stands and self.owed and not (self.latched and self.active)
        assert self.is_done(Acknowledge(alarm_id=ALARM)) == possible
        self.owed = self.owed and not possible

    @rule()
    def shelve(self):
        stands = self.active or self.owed or self.kept != "none"
        possible = stands and self.kept in {"none", "shelved"} and not self.latched
        assert self.is_done(Shelve(alarm_id=ALARM, seconds=SHELVED_SECONDS)) == possible
        if possible:
            self.kept, self.until_ns = "shelved", self.plant.now_ns + int(SHELVED_SECONDS * SECOND_NS)

    @rule()
    def unshelve(self):
        assert self.is_done(Unshelve(alarm_id=ALARM)) == (self.kept == "shelved")
        if self.kept == "shelved":
            self.comes_back()

    @rule()
    def out_of_service(self):
        stands = self.active or self.owed or self.kept != "none"
        possible = stands and self.kept != "out_of_service" and not self.latched
        assert self.is_done(TakeOutOfService(alarm_id=ALARM)) == possible
        if possible:
            self.kept, self.until_ns = "out_of_service", None

    @rule()
    def in_service(self):
        assert self.is_done(ReturnToService(alarm_id=ALARM)) == (self.kept == "out_of_service")
        if self.kept == "out_of_service":
            self.comes_back()

    @rule(seconds=st.sampled_from([5, 20, 40]))
    def time_passes(self, seconds):
        self.plant.now_ns += seconds * SECOND_NS
        self.plant.timer(Timer.END_SHELVES)
        if self.kept == "shelved" and self.plant.now_ns >= self.until_ns:
            self.comes_back()
            if self.active and self.by_design:
                self.kept = "suppressed_by_design"

    @precondition(lambda self: not self.latched)
    @rule(stirrer=st.sampled_from([0.0, 5.5, 9.0, None]))
    def the_rule_is_looked_at(self, stirrer):
        self.plant.look(stirrer=stirrer)
        mark = 6.0 if self.by_design else 5.0
        self.by_design = stirrer is not None and stirrer < mark
        if self.by_design and self.kept == "none" and self.active:
            self.kept = "suppressed_by_design"
        elif not self.by_design and self.kept == "suppressed_by_design":
            self.comes_back()

    @rule()
    def the_gateway_restarts(self):
        self.plant.connection.close()
        self.plant.connection = open_state(Path(self.folder.name))

    @invariant()
    def is_as_the_standard_says(self):
        if self.kept != "none":
            expected = self.kept
        elif self.active and self.owed:
            expected = "latched_unacknowledged" if self.latched else "unacknowledged"
        else:
            expected = {(True, False): "acknowledged", (False, True): "returned_unacknowledged"}.get(
                (self.active, self.owed), "normal"
            )
        assert self.state() == expected


TestAlarmInStore = AlarmInStore.TestCase
TestAlarmInStore.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
