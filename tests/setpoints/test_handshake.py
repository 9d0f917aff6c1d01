"""The handshake against a model of a PLC: the gateway sends at most what it may, and never guesses."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.guardrails.reasons import Abstention, abstain
from gateway.line.setpoint_writes import Point, WriteProfile
from gateway.records.setpoints import WriteState
from gateway.setpoints.handshake import Do, Ended, Handshake, Seen, conclude, refused_by_server
from gateway.time_units import SECOND_NS
from tests.fixtures.writes import write

MTP = write(
    profile=WriteProfile.MTP,
    nodes=dict.fromkeys((Point.REQUEST, Point.REQUESTED, Point.APPLY, Point.ACTUAL, Point.EXTERNAL), "n"),
    timeout_ns=5 * SECOND_NS,
    settle_ns=SECOND_NS,
)


class ModuleAndGateway(RuleBasedStateMachine):
    """A process module that takes, clamps, ramps or ignores a request, loses its mode, or shows nothing for a while."""

    @initialize(goal=st.floats(70, 90), before=st.floats(70, 90))
    def sent(self, goal, before):
        self.goal, self.before, self.actual, self.requested = goal, before, before, before
        self.external, self.readable, self.now_ns, self.applies = True, True, 0, 0
        self.handshake = Handshake(write=MTP, before=before, goal=goal, sent_ns=0)
        self.ended, self.near_since, self.stopped = None, None, None
        self.look()

    def look(self):
        """What the gateway does with each reading."""
        if self.ended is not None:
            return
        seen = Seen(
            actual=self.actual if self.readable else None,
            requested=self.requested if self.readable else None,
            external=self.external if self.readable else None,
        )
        near = self.readable and abs(self.actual - self.goal) <= MTP.tolerance
        self.near_since = (self.now_ns if self.near_since is None else self.near_since) if near else None
        following = self.handshake.step(seen, self.now_ns, stopped=self.stopped)
        if isinstance(following, Ended):
            self.ended = following
            return
        self.handshake, do = following
        if do is Do.APPLY:
            assert self.readable
            assert self.stopped is None, "sent after a stop"
            assert abs(self.actual - self.before) <= MTP.tolerance, "sent over what a person has moved"
            assert self.external, "sent to a PLC that a person has in hand"
            assert abs(self.requested - self.goal) <= MTP.tolerance, "applied another value than was asked for"
            self.applies += 1

    @precondition(lambda self: self.ended is None)
    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 3.0]))
    def time_passes(self, seconds):
        self.now_ns += round(seconds * SECOND_NS)
        self.look()

    @rule()
    def takes_the_request(self):
        self.requested = self.goal
        self.look()

    @precondition(lambda self: self.applies)
    @rule(share=st.sampled_from([0.3, 1.0]))
    def follows(self, share):
        self.actual += share * (self.requested - self.actual)
        self.look()

    @rule(limit=st.floats(70, 90))
    def clamps(self, limit):
        self.requested = min(self.requested, limit)
        self.actual = min(self.actual, limit)
        self.look()

    @rule(value=st.floats(70, 90))
    def a_person_moves_it(self, value):
        self.external, self.actual = False, value
        self.look()

    @rule(value=st.floats(70, 90))
    def a_person_moves_it_while_it_listens(self, value):
        self.actual = value
        self.look()

    @rule()
    def a_person_stops_all_writing(self):
        self.stopped = abstain(Abstention.WRITES_STOPPED)
        self.look()

    @rule(readable=st.booleans())
    def is_seen_or_not(self, readable):
        self.readable = readable
        self.look()

    @invariant()
    def sends_once_and_ends_in_time(self):
        if not hasattr(self, "goal"):
            return
        assert self.applies <= 1
        if self.ended is None:
            # timeout, or as long as what stands near it has to settle
            assert self.now_ns < MTP.timeout_ns or self.near_since is not None
            return
        near = abs((self.ended.read_back or -1e9) - self.goal) <= MTP.tolerance
        assert (self.ended.state is WriteState.WRITTEN) == near
        assert self.ended.state in {
            WriteState.WRITTEN, WriteState.NOT_TAKEN, WriteState.MISMATCH, WriteState.UNKNOWN, WriteState.OVERRIDDEN,
            WriteState.STOPPED,
        }  # fmt: skip
        if self.ended.state is WriteState.STOPPED:
            assert abs(self.ended.read_back - self.before) <= MTP.tolerance
            assert self.stopped is not None
        assert (self.ended.reason is None) == near


TestModuleAndGateway = ModuleAndGateway.TestCase
TestModuleAndGateway.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


def test_a_value_that_is_clamped_with_the_next_scan_is_a_mismatch_though_it_was_read_back_before():
    sent = Handshake(write=MTP, before=78.0, goal=80.0, sent_ns=0)
    sent, do = sent.step(Seen(actual=80.0, external=True), SECOND_NS // 10)
    assert do is Do.WAIT
    sent, do = sent.step(Seen(actual=79.0, external=True), SECOND_NS // 2)
    assert do is Do.WAIT
    ended = sent.step(Seen(actual=79.0, external=True), 5 * SECOND_NS)
    assert (ended.state, ended.reason.code) == (WriteState.MISMATCH, "WRITE_MISMATCH")


numbers = st.floats(-1e6, 1e6)


@given(before=st.none() | numbers, goal=numbers, actual=st.none() | numbers)
def test_what_is_read_back_decides_and_what_cannot_be_read_is_not_known(before, goal, actual):
    ended = conclude(MTP, before=before, goal=goal, actual=actual)
    assert (ended.state is WriteState.UNKNOWN) == (actual is None)
    if ended.state is WriteState.WRITTEN:
        assert abs(actual - goal) <= MTP.tolerance
    if ended.state is WriteState.NOT_TAKEN:
        assert abs(actual - before) <= MTP.tolerance < abs(actual - goal)


def test_a_server_that_refuses_and_moves_all_the_same_is_a_mismatch():
    assert refused_by_server(MTP, "BadUserAccessDenied", before=78.0, actual=78.0).reason.code == "WRITE_REFUSED"
    assert refused_by_server(MTP, "BadTimeout", before=78.0, actual=80.0).state is WriteState.MISMATCH
