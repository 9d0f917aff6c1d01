"""What a broker answers on one connection: to CONNECT, SUBSCRIBE and PUBLISH, and who waits for it.

A reason code >= 0x80 is not an acknowledgement, though paho calls the message published. What was not answered when the
connection went is failed to its caller.
"""

import asyncio
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.errors import NotConnectedError
from gateway.transport.mqtt_failures import ClosedUnansweredError, RefusedError
from gateway.transport.mqtt_options import DEFAULT_INFLIGHT

LARGEST_PACKET = 268_435_455
REFUSED = 0x80


class BrokerAnswers:
    """The answers of one connection, and the limits that the broker has set to it."""

    def __init__(self) -> None:
        self.receive_maximum = DEFAULT_INFLIGHT
        self.largest_packet = LARGEST_PACKET
        self.maximum_qos = 2
        self.retains = True
        self.session_present = False
        self._loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        self._subscribed: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._unsubscribed: dict[int, asyncio.Future[None]] = {}
        self._published: dict[int, asyncio.Future[int]] = {}
        self._acknowledged = asyncio.Event()  # any of the published messages

    def to_subscribe(self, number: int) -> asyncio.Future[list[ReasonCode]]:
        """Return the future of the answer to a SUBSCRIBE."""
        answer = self._subscribed[number] = self._loop.create_future()
        return answer

    def to_unsubscribe(self, number: int) -> asyncio.Future[None]:
        """Return the future of the answer to an UNSUBSCRIBE."""
        answer = self._unsubscribed[number] = self._loop.create_future()
        return answer

    def to_publish(self, number: int) -> asyncio.Future[int]:
        """Return the future of the reason code for a PUBLISH."""
        answer: asyncio.Future[int] = self._loop.create_future()
        self._published[number] = answer
        return answer

    @property
    def has_room(self) -> bool:
        """Return whether the broker takes another message before it has acknowledged one (MQTT 5.0, 3.3.4)."""
        return len(self._published) < self.receive_maximum

    async def wait_room(self) -> None:
        """Wait until the broker takes another message, or the connection has gone."""
        while not self.has_room:
            self._acknowledged.clear()
            await self._acknowledged.wait()

    def acknowledged(self, number: int, code: int) -> None:
        """Take the reason code for a PUBLISH."""
        outcome = self._published.pop(number, None)
        self._acknowledged.set()
        if outcome is not None and not outcome.done():
            outcome.set_result(code)

    def fail(self, why: str) -> None:
        """Tell everyone who waits that the connection has gone."""
        if not self.opened.done():
            self.opened.set_exception(ClosedUnansweredError(why))
            self.opened.exception()
        asked = (self._subscribed, self._unsubscribed, self._published)
        waiting: list[asyncio.Future[Any]] = [answer for answers in asked for answer in answers.values()]
        for answer in waiting:
            if not answer.done():
                answer.set_exception(NotConnectedError(why))
                answer.exception()  # looked at: a caller that was cancelled will not
        for answers in asked:
            answers.clear()
        self._acknowledged.set()
        if not self.lost.done():
            self.lost.set_result(why)

    # --- paho's callbacks, all on the event loop's thread

    def on_connect(
        self, _client: Client, _data: Any, flags: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        """Take the answer to CONNECT."""
        if self.opened.done():
            return
        if code.value >= REFUSED or (not isinstance(code.value, int)):
            number = code.value if isinstance(code.value, int) else REFUSED
            self.opened.set_exception(RefusedError(str(code), code=number))
            return
        self.receive_maximum = getattr(properties, "ReceiveMaximum", DEFAULT_INFLIGHT)
        self.largest_packet = getattr(properties, "MaximumPacketSize", LARGEST_PACKET)
        self.maximum_qos = getattr(properties, "MaximumQoS", 2)
        self.retains = bool(getattr(properties, "RetainAvailable", 1))
        self.session_present = bool(flags.session_present)
        self.opened.set_result(None)

    def on_publish(self, _client: Client, _data: Any, number: int, code: ReasonCode, _properties: Any) -> None:
        """Take the answer to a PUBLISH."""
        self.acknowledged(number, code.value)

    def on_subscribe(self, _client: Client, _data: Any, number: int, codes: list[ReasonCode], _properties: Any) -> None:
        """Take the answer to a SUBSCRIBE."""
        answer = self._subscribed.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(codes)

    def on_unsubscribe(self, _client: Client, _data: Any, number: int, _codes: Any, _properties: Any) -> None:
        """Take the answer to an UNSUBSCRIBE, whatever it says."""
        answer = self._unsubscribed.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(None)
