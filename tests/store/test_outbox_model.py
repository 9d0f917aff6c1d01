"""The outbox against its twin in memory, through any sequence of what can happen to it."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from gateway.records.outgoing import Lane, OutgoingMessage
from gateway.time_units import SECOND_NS
from tests.conformance.outboxes import MemoryOutbox, StoreOutbox
from tests.fixtures.building import NOW_NS, deadline, moment

lanes = st.sampled_from(Lane)


@st.composite
def drawn_messages(draw):
    number = draw(st.integers(0, 40))
    lane = draw(lanes)
    return OutgoingMessage(
        message_id=f"m-{number}",
        lane=lane,
        topic=f"topic/{draw(st.integers(0, 4))}",
        payload=draw(st.binary(max_size=8)),
        retain=draw(st.booleans()),
        expires=draw(st.one_of(st.none(), st.integers(0, 20).map(lambda s: deadline(NOW_NS + s * SECOND_NS)))),
        replaces=draw(st.sampled_from([None, None, lane, Lane.GUIDANCE])),
    )


class OutboxMachine(RuleBasedStateMachine):
    written = Bundle("written")

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp(prefix="labline-outbox-"))
        self.real, self.twin = StoreOutbox(self.folder), MemoryOutbox()
        self.seconds = 0

    @rule(target=written, messages=st.lists(drawn_messages(), min_size=1, max_size=4))
    def append(self, messages):
        self.real.append(*messages)
        self.twin.append(*messages)
        return messages[0].message_id

    @rule(place=st.integers(0, 5))
    def acknowledge(self, place):
        if place < len(self.twin.waiting()):
            for outbox in (self.real, self.twin):  # their numbers may differ, their order may not
                outbox.acknowledge(outbox.waiting()[place].seq)

    @rule()
    def forget(self):
        """As after a while: all that was acknowledged is gone."""
        for outbox in (self.real, self.twin):
            outbox.forget(*outbox.acknowledged())

    @rule()
    def connection_goes(self):
        for outbox in (self.real, self.twin):
            outbox.wait_again()

    @rule(seconds=st.integers(0, 5))
    def expire(self, seconds):
        self.seconds += seconds
        for outbox in (self.real, self.twin):
            outbox.expire(moment(NOW_NS + self.seconds * SECOND_NS))

    @rule(lane=st.sampled_from([Lane.GUIDANCE, Lane.TELEMETRY]), count=st.integers(1, 3))
    def evict(self, lane, count):
        for outbox in (self.real, self.twin):
            outbox.evict(lane, count)

    @rule(place=st.integers(0, 3))
    def park(self, place):
        if place < len(self.twin.waiting()):
            for outbox in (self.real, self.twin):
                outbox.park(outbox.waiting()[place].seq)

    @rule(message_id=written)
    def unpark(self, message_id):
        for outbox in (self.real, self.twin):
            outbox.unpark(message_id)

    @rule(messages=st.lists(drawn_messages(), min_size=1, max_size=3))
    def crash(self, messages):
        for outbox in (self.real, self.twin):
            outbox.crash_in_the_middle_of(*messages)

    @rule()
    def reopen(self):
        self.real.reopen()

    @invariant()
    def both_hold_the_same(self):
        if not hasattr(self, "real"):
            return
        real, twin = self.real.waiting(), self.twin.waiting()
        assert [(message.message_id, message.payload) for message in real] == [
            (message.message_id, message.payload) for message in twin
        ]
        assert all(message.holds for message in real)
        assert self.real.departures() == self.twin.departures()

    def teardown(self):
        if hasattr(self, "real"):
            self.real.close()
            shutil.rmtree(self.folder)


OutboxMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestOutboxModel = OutboxMachine.TestCase
