"""Deliveries of the brokers become events: laboratory results, production context, responses of terminals.

What cannot be understood becomes a ``MessageRefused`` event and takes the same path, so it too is committed
before it is acknowledged.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from gateway.contract.identity import sha256_hex
from gateway.contract.reading import MessageRefusedError
from gateway.events import Arrived, HeadWitnessed, MessageRefused, Origin
from gateway.inbox import Inbox, Urgency
from gateway.moments import Moment
from gateway.transport.mqtt_connection import Delivery

Understand = Callable[[Delivery, Origin, Moment], Arrived | HeadWitnessed]

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


class Intake:
    """Puts the deliveries of one session into the inbox; acknowledges each once its event is committed."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        urgency: Urgency,
        routes: Mapping[str, Understand],
        now: Callable[[], Moment],
    ) -> None:
        """``routes``: subscribed topic filter to the function that understands its messages."""
        self._inbox = inbox
        self._urgency = urgency
        self._routes = routes
        self._now = now
        self._waiting = 0
        self._paused = False
        self.session: Acknowledger | None = None

    def take(self, delivery: Delivery) -> None:
        """Turn a delivery into an event and queue it."""
        session = self.session
        if session is None:
            return  # not acknowledged: it comes again

        def committed() -> None:
            self._waiting -= 1
            session.acknowledge(delivery)
            if self._paused and self._waiting <= _RESUME_AT:
                self._paused = False
                session.resume()

        self._inbox.put(self._event(delivery), self._urgency, committed)
        self._waiting += 1
        if not self._paused and self._waiting >= _PAUSE_AT:  # only where the protocol sets no bound (MQTT 3.1.1)
            self._paused = True
            session.pause()

    def takes(self, topic: str) -> bool:
        """Return whether a topic is one of this session's."""
        return any(matches(wanted, topic) for wanted in self._routes)

    def again(self, topic: str, payload: bytes, committed: Callable[[], None]) -> None:
        """Take a message once more that was refused earlier, as a person asked for; no broker waits for it."""
        delivery = Delivery(
            session="retry", topic=topic, payload=payload, message_number=0, redelivered=False, qos=0, generation=0
        )
        self._inbox.put(self._event(delivery), self._urgency, committed)

    def _event(self, delivery: Delivery) -> Arrived | HeadWitnessed:
        at = self._now()
        origin = Origin(
            session=delivery.session,
            topic=delivery.topic,
            message_number=delivery.message_number,
            redelivered=delivery.redelivered,
            payload_sha256=sha256_hex(delivery.payload),
        )
        try:
            return self._understand(delivery.topic)(delivery, origin, at)
        except MessageRefusedError as error:
            return MessageRefused(at=at, origin=origin, payload=delivery.payload[:KEPT_BYTES], reasons=error.reasons)

    def _understand(self, topic: str) -> Understand:
        """Return the first route that matches; the broker sends nothing that matches none."""
        return next(
            (route for wanted, route in self._routes.items() if matches(wanted, topic)),
            next(iter(self._routes.values())),
        )


def matches(topic_filter: str, topic: str) -> bool:
    """Return whether a topic matches a filter with ``+`` and ``#`` (MQTT 5.0, 4.7)."""
    wanted, found = topic_filter.split("/"), topic.split("/")
    for at, level in enumerate(wanted):
        if level == "#":
            return True
        if at >= len(found) or level not in {"+", found[at]}:
            return False
    return len(wanted) == len(found)
