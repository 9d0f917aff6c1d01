"""Sends what waits through the session: in its order, as much as may be in flight, each message looked at once more."""

from collections.abc import Sequence

import structlog

from gateway.clock import Clock
from gateway.database.writer import Writer
from gateway.errors import NotConnectedError, StoreUnavailableError
from gateway.operations.traces import Traces
from gateway.publish.holding_back import HoldingBack
from gateway.publish.in_flight import InFlight
from gateway.publish.poison_message import PoisonMessageDetector
from gateway.publish.waiting import Waiting
from gateway.records.outgoing import Lane
from gateway.store.outbox import Queued
from gateway.time_units import SECOND_NS
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_messages import Outgoing

log = structlog.get_logger()


class Sending:
    """Passes messages on; ``generation``: of the connection that they go out by."""

    def __init__(
        self,
        *,
        session: MqttSession,
        writer: Writer,
        waiting: Waiting,
        in_flight: InFlight,
        holding_back: HoldingBack,
        poison_detector: PoisonMessageDetector,
        clock: Clock,
        traces: Traces,
    ) -> None:
        self._traces = traces
        self._session = session
        self._writer = writer
        self._waiting = waiting
        self._order = waiting.order
        self._in_flight = in_flight
        self._holding_back = holding_back
        self._poison_detector = poison_detector
        self._clock = clock
        self.generation = -1

    @property
    def is_current(self) -> bool:
        """Return whether the connection is the one that it has begun on."""
        return self._session.generation == self.generation

    def most_in_flight(self) -> int:
        """Return how many messages may be in flight."""
        return 1 if self._poison_detector.careful else self._session.inflight_limit

    async def send(self, room: int) -> None:
        """Send at most so many of what waits; raises StoreUnavailableError where the store cannot be used."""
        messages, all_read = await self._waiting.next(room)
        if not self._writer.reliable:  # what is read may be gone when the disk is whole again
            raise StoreUnavailableError("the disk failed as the store committed", hint="check the disk's health")
        with self._session.batched():
            if not await self._passed_on(messages, all_read=all_read):
                self._waiting.more = True
                return
        self._waiting.more = self._waiting.more or not all_read

    async def _passed_on(self, messages: Sequence[Queued], *, all_read: bool) -> bool:
        """Pass on what waits, each live message behind the older ones of its topic; return whether all could be."""
        backlog = {(message.lane, message.topic) for message in messages if not self._order.is_live(message)}
        pulled = set[tuple[Lane, str]]()  # whose backlog is sent: what of it was read and not pulled is gone since
        for message in messages:
            if not self.is_current or not self._has_room():
                return False
            topic, live = (message.lane, message.topic), self._order.is_live(message)
            if live and (topic in backlog or not all_read):
                if not await self._older_first(message):
                    return False
                pulled.add(topic)
            if live or topic not in pulled:
                await self._pass_on(message)
            else:
                self._order.passed(message)
        return True

    def _has_room(self) -> bool:
        """Return whether one more may be in flight: older ones of a topic have taken places meanwhile."""
        return len(self._in_flight) < self.most_in_flight() and self._session.has_room

    async def _older_first(self, message: Queued) -> bool:
        """Send a topic's backlog before its live message; return False where more of it waits than fits now."""
        if self._order.backlog == 0:
            return True
        most = self.most_in_flight() - len(self._in_flight)
        older = await self._waiting.older_of_topic(message, most=most)
        for earlier in older:
            if not self._order.was_pulled(earlier):
                await self._pass_on(earlier, pulled=True)
                self._order.pulled(earlier)
        return len(older) < most

    async def _pass_on(self, message: Queued, *, pulled: bool = False) -> None:
        """Publish a message, or take it out with a record of why not."""
        if not pulled:
            self._order.passed(message)
            if self._order.was_pulled(message):
                return
        if message.seq in self._in_flight:
            return
        if not await self._holding_back.holds(message):
            self._publish(message)

    def _publish(self, message: Queued) -> None:
        if not self.is_current:  # changed while the message was looked at: begun again
            self._waiting.more = True
            return
        try:
            traceparent = self._traces.traceparent_of(message.message_id)
            late = self._order.is_late(message)
            outcome = self._session.publish(_outgoing(message, self._clock, late=late, traceparent=traceparent))
        except NotConnectedError:
            self._waiting.more = True  # the next connection begins again
            return
        self._in_flight.add(message, outcome)
        log.debug("sent", topic=message.topic, message=message.message_id)


def _outgoing(message: Queued, clock: Clock, *, late: bool, traceparent: str | None) -> Outgoing:
    seconds = None
    if message.expires is not None:
        seconds = max(1, -(-clock.now().remaining_ns(message.expires) // SECOND_NS))
    return Outgoing(
        topic=message.topic,
        payload=message.payload,
        retain=message.retain,
        expires_in_seconds=seconds,
        content_type="application/json" if message.payload else None,
        correlation=message.message_id.encode(),
        late=late,
        traceparent=traceparent,
    )
