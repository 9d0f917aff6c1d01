"""Deliveries of the brokers become events: laboratory results, production context, responses of terminals.

What cannot be understood becomes a ``MessageRefused`` event and takes the same path, so it too is committed
before it is acknowledged.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol

import structlog

from gateway.contract.identity import sha256_hex
from gateway.contract.refusals import (
    MessageRefusedError,
    Refusal,
    RefusalText,
    refusal,
    refusal_text,
    unreadable,
)
from gateway.contract.topics import matches
from gateway.deadlines import ClockReading
from gateway.events import Arrived, HeadWitnessed, MessageRefused
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.operations.traces import NO_TRACES, Traces
from gateway.records.deliveries import Origin
from gateway.records.verdicts import Reason
from gateway.transport.mqtt_messages import Delivery

Understand = Callable[[Delivery, Origin, ClockReading], Arrived | HeadWitnessed]
Split = Callable[[bytes], Sequence[bytes]]
"""A payload parted into payloads of one event each; raises MessageRefusedError where it cannot be."""

log = structlog.get_logger()

KEPT_BYTES = 1024 * 1024  # of a refused message; anything longer is cut, with its full hash on record
_PAUSE_AT, _RESUME_AT = 1000, 500


class Acknowledger(Protocol):
    """The session a delivery came by."""

    def acknowledge(self, delivery: Delivery) -> bool:
        """Acknowledge to the broker."""
        ...

    def pause(self) -> None:
        """Take no more from the socket for now."""
        ...

    def resume(self) -> None:
        """Go on taking."""
        ...


@dataclass(slots=True)
class _Waiting:
    """A message whose event waits to be committed, with its deliveries on the newest connection.

    All of them are to be acknowledged: a retained message comes twice on one connection, as unacknowledged and as new.
    """

    deliveries: list[Delivery]

    def again(self, delivery: Delivery) -> None:
        """Note a redelivery; deliveries of an older connection are dropped, as the broker forgets them."""
        if delivery.generation != self.deliveries[-1].generation:
            self.deliveries.clear()
        self.deliveries.append(delivery)


class Intake:
    """Puts the deliveries of one session into the inbox; acknowledges each once its event is committed."""

    def __init__(
        self,
        *,
        inbox: EventQueue,
        urgency: Urgency,
        routes: Mapping[str, Understand],
        now: Callable[[], ClockReading],
        splits: Mapping[str, Split] = MappingProxyType({}),
        goes_first: Callable[[ClockReading], bool] = lambda _at: True,
        traces: Traces = NO_TRACES,
    ) -> None:
        """Take from a session.

        ``routes``: subscribed topic filter to the function that understands its messages; ``splits``: of those whose
        messages may hold several results, how they are divided. ``goes_first``: whether the message of an instant
        still has the urgency; else it waits behind all else.
        """
        self._inbox = inbox
        self._urgency = urgency
        self._routes = routes
        self._now = now
        self._goes_first = goes_first
        self._traces = traces
        self._splits = splits
        self._offered = 0
        self._waiting: dict[tuple[int, str, str], _Waiting] = {}
        self._paused = False
        self.session: Acknowledger | None = None

    def take(self, delivery: Delivery) -> None:
        """Turn a delivery into an event and queue it.

        What the broker sends again while it still waits here joins the one that waits: however often a connection
        comes back while nothing can be committed, each message is here once.
        """
        session = self.session
        if session is None:
            return  # not acknowledged: it comes again
        log.debug("received", topic=delivery.topic, bytes=len(delivery.payload), redelivered=delivery.redelivered)
        if not delivery.payload:  # how a retained message is cleared (MQTT 5.0, 3.3.1.3): it holds nothing
            log.debug("an empty message is acknowledged and ignored", topic=delivery.topic)
            session.acknowledge(delivery)
            return
        events = self._events(delivery)
        if not events:
            session.acknowledge(delivery)  # it holds nothing that could be lost
            return
        witness = isinstance(events[0], HeadWitnessed)  # retained: sent again at every connection
        key = (0 if witness else delivery.message_number, delivery.topic, sha256_hex(delivery.payload))
        standing = self._waiting.get(key)
        if standing is not None and (delivery.redelivered or witness):
            standing.again(delivery)
            return
        waiting = self._waiting[key] = _Waiting([delivery])

        committed = _countdown(len(events), lambda: self._settled(key, waiting, session))
        urgency = self._urgency if self._goes_first(events[0].at) else Urgency.LATER
        for event in events:
            self._traces.arrived(event, delivery.traceparent)
            self._inbox.put(event, urgency, committed)
        if not self._paused and len(self._waiting) >= _PAUSE_AT:  # only where the protocol sets no bound (MQTT 3.1.1)
            self._paused = True
            session.pause()

    def _settled(self, key: tuple[int, str, str], waiting: _Waiting, session: Acknowledger) -> None:
        """Acknowledge a message whose events are all committed."""
        if self._waiting.get(key) is waiting:
            del self._waiting[key]
        for delivery in waiting.deliveries:
            session.acknowledge(delivery)
        if self._paused and len(self._waiting) <= _RESUME_AT:
            self._paused = False
            session.resume()

    def takes(self, topic: str) -> bool:
        """Return whether a topic is one of this session's."""
        return any(matches(topic_filter, topic) for topic_filter in self._routes)

    def offer(
        self, topic: str, payload: bytes, *, session: str, committed: Callable[[], None]
    ) -> list[Arrived | HeadWitnessed]:
        """Take a message that no broker waits for, posted over HTTP or retried by a person; return its events.

        ``committed`` is called when all of it is.
        """
        self._offered += 1
        delivery = Delivery(
            session=session, topic=topic, payload=payload, message_number=self._offered, redelivered=False, qos=0,
            generation=0,
        )  # fmt: skip
        events = self._events(delivery)
        for event in events:
            self._traces.arrived(event, delivery.traceparent)
        for event in events[:-1]:
            self._inbox.put(event, self._urgency)
        if events:
            self._inbox.put(events[-1], self._urgency, committed)  # they are committed in their order
        else:
            committed()
        return events

    def _events(self, delivery: Delivery) -> list[Arrived | HeadWitnessed]:
        """Return the events of a message; none for a list without results.

        All of it is of one moment, by which a redelivery of all of it is recognised.
        """
        at, route = self._now(), self._route(delivery.topic)
        if route is None:
            return [_refused(delivery, at, MessageRefusedError((_unrouted(delivery.topic, self._routes),)))]
        split = self._splits.get(route)
        if split is None:
            return [self._event(delivery, at, route)]
        try:
            return [self._event(replace(delivery, payload=part), at, route) for part in split(delivery.payload)]
        except MessageRefusedError as error:
            refused = error
        except Exception as error:  # a loop's edge, as below
            log.exception("a message could not be parted; it becomes a dead letter", topic=delivery.topic)
            refused = MessageRefusedError((unreadable(error),))
        return [_refused(delivery, at, refused)]

    def _event(self, delivery: Delivery, at: ClockReading, route: str) -> Arrived | HeadWitnessed:
        try:
            return self._routes[route](delivery, _origin(delivery), at)
        except MessageRefusedError as error:
            refused = error
        except Exception as error:  # a loop's edge: no message, whatever is in it, may stop the ones after it
            log.exception("a message could not be read; it becomes a dead letter", topic=delivery.topic)
            refused = MessageRefusedError((unreadable(error),))
        return _refused(delivery, at, refused)

    def _route(self, topic: str) -> str | None:
        """Return the first route that takes a topic, or None: a message is never read as what it may not be."""
        return next((route for route in self._routes if matches(route, topic)), None)


def _countdown(count: int, done: Callable[[], None]) -> Callable[[], None]:
    """Return what calls ``done`` when it has been called so many times."""
    left = count

    def once() -> None:
        nonlocal left
        left -= 1
        if not left:
            done()

    return once


def _origin(delivery: Delivery) -> Origin:
    return Origin(
        session=delivery.session,
        topic=delivery.topic,
        message_number=delivery.message_number,
        redelivered=delivery.redelivered,
        payload_sha256=sha256_hex(delivery.payload),
    )


def _refused(delivery: Delivery, at: ClockReading, error: MessageRefusedError) -> MessageRefused:
    kept = delivery.payload[:KEPT_BYTES]
    return MessageRefused(at=at, origin=_origin(delivery), payload=kept, reasons=error.reasons, about=error.about)


def _unrouted(topic: str, routes: Iterable[str]) -> Reason:
    text = refusal_text(RefusalText.NO_ROUTE, topic=topic)
    return refusal(Refusal.NO_ROUTE, text, topic=topic, configured=", ".join(routes))
