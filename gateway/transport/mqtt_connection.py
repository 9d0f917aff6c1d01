"""One MQTT connection on paho, driven by the event loop, acknowledged by hand.

A paho client lives as long as one connection, and nothing is retried by paho: a publish that was not acknowledged
when the connection went is failed to its caller, who keeps it in the outbox.
"""

import asyncio
import contextlib
import socket
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.errors import NotConnectedError
from gateway.transport.mqtt_answers import REFUSED, BrokerAnswers
from gateway.transport.mqtt_client import connect, make_client
from gateway.transport.mqtt_failures import ClosedUnansweredError
from gateway.transport.mqtt_messages import Delivery, Outgoing
from gateway.transport.mqtt_options import SessionOptions
from gateway.transport.mqtt_properties import TRACEPARENT, PublishProperties
from gateway.transport.mqtt_socket import LoopSocket

_RETAINED_ONLY_ON_NEW_SUBSCRIPTION = 1
_WITH_WILL = 0x04  # "Disconnect with Will Message" (MQTT 5.0, 3.14.2.1)
_NEVER_SUBSCRIBED = "labline/never-subscribed"


class Connection:
    """One paho client from CONNECT to the end of its socket."""

    _client_class: type[Client] = Client
    _answer_seconds = 8.0  # that the answer to CONNECT may take

    def __init__(self, options: SessionOptions, generation: int) -> None:
        self.generation = generation
        self.answers = BrokerAnswers()
        self._options = options
        self._client = make_client(options, self._client_class)
        self._client.on_socket_open = self._without_delay
        self._client.on_connect = self.answers.on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_publish = self.answers.on_publish
        self._client.on_subscribe = self.answers.on_subscribe
        self._client.on_unsubscribe = self.answers.on_unsubscribe
        self.socket = LoopSocket(self._client, client_id=options.client_id, lost=self.end)

    # --- from CONNECT to CONNACK and SUBACK

    async def open(self) -> None:
        """Connect; raises OSError or NotConnectedError."""
        await asyncio.to_thread(connect, self._client, self._options)
        if not self.socket.watch():
            raise ClosedUnansweredError("the connection was closed at once")
        try:
            async with asyncio.timeout(self._answer_seconds):
                await self.answers.opened
        except TimeoutError as error:
            raise ClosedUnansweredError("CONNECT was not answered") from error

    def _without_delay(self, _client: Client, _data: Any, opened: Any) -> None:
        """Send small packets at once: Nagle's algorithm would hold a result back for tens of milliseconds.

        Raises NotConnectedError, before CONNECT is sent, where nobody waits any more: a name that was looked up too
        slowly would have the broker end the connection that has taken this one's place.
        """
        if self.answers.lost.done():
            opened.close()
            raise NotConnectedError("the session was closed")
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def subscribe(self, only: tuple[str, ...] | None = None, *, unheard: bool = False) -> tuple[str, ...]:
        """Subscribe at QoS 1 to what the session takes, or some of it; return the topics that the broker refused.

        ``unheard``: some was refused before, so that what the broker retains of it is new to a session it knows, too.
        """
        topics = (*self._options.subscriptions, *self._options.retained) if only is None else only
        if not topics:
            return ()
        self.answers.session_present = self.answers.session_present and not unheard
        filters: Any = [(topic, 1) for topic in topics]
        if self._options.address.version_5:
            once = SubscribeOptions(qos=1, retainHandling=_RETAINED_ONLY_ON_NEW_SUBSCRIPTION)
            always = SubscribeOptions(qos=1, noLocal=True)
            filters = [(topic, always if topic in self._options.retained else once) for topic in topics]
        code, number = self._client.subscribe(filters)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or number is None:
            raise NotConnectedError(f"subscribing failed: {code.name}")
        answer = self.answers.to_subscribe(number)
        self.socket.flush()
        codes = await answer
        return tuple(topic for topic, code in zip(topics, codes, strict=True) if code.value >= REFUSED)

    async def until_lost(self) -> str:
        """Keep the connection alive; return why it was lost once it is."""
        lost = self.answers.lost
        while not lost.done():
            await asyncio.wait({lost}, timeout=1.0)
            if not lost.done():
                self.socket.check(self._client.loop_misc())
                self.socket.flush()
        return lost.result()

    def end(self, why: str) -> None:
        """Give the connection up: whoever waits for it gets the reason."""
        self.socket.unwatch()
        self.answers.fail(why)

    def close(self, *, polite: bool, with_will: bool = False) -> None:
        """Leave: DISCONNECT if polite and still possible, close the socket, fail what waits.

        ``with_will``: the broker is to publish the will all the same, which only MQTT 5 can say.
        """
        self.socket.unwatch()
        self._client.on_disconnect = None
        if polite:
            leaves_will = with_will and self._options.address.version_5
            code = ReasonCode(PacketTypes.DISCONNECT, identifier=_WITH_WILL) if leaves_will else None
            with contextlib.suppress(OSError, ValueError):
                self._client.disconnect(reasoncode=code)
                self._client.loop_write()
        self.socket.close()
        self.answers.fail("the session was closed")

    # --- messages

    def publish(self, message: Outgoing) -> asyncio.Future[int]:
        """Publish at QoS 1; the future gives the broker's reason code, or NotConnectedError."""
        properties: Any = PublishProperties(message) if self._options.address.version_5 else None
        sent = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain, properties=properties)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise NotConnectedError(f"publishing failed: {MQTTErrorCode(sent.rc).name}")
        outcome = self.answers.to_publish(sent.mid)
        self.socket.flush()
        return outcome

    def send(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 0, not retained: nothing says whether it arrives; raises NotConnectedError."""
        sent = self._client.publish(topic, payload, qos=0)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise NotConnectedError(f"publishing failed: {MQTTErrorCode(sent.rc).name}")
        self.socket.flush()

    async def confirmed(self) -> None:
        """Return once the broker has read what was sent: it answers in order. Raises NotConnectedError.

        It is asked to end a subscription that there is not, which changes nothing and brings no retained message.
        """
        code, number = self._client.unsubscribe(_NEVER_SUBSCRIBED)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or number is None:
            raise NotConnectedError(f"the broker cannot be asked: {code.name}")
        answer = self.answers.to_unsubscribe(number)
        self.socket.flush()
        await answer

    def acknowledge(self, delivery: Delivery) -> None:
        """Acknowledge a delivery of this connection."""
        if delivery.qos > 0:
            self._client.ack(delivery.message_number, delivery.qos)
            self.socket.flush()

    # --- paho's callbacks, all on the event loop's thread

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        self.end(str(code))

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:  # a broker should never let it through
            topic = repr(message._topic)  # noqa: SLF001 - the only way to the raw bytes
        known = (
            self.answers.session_present and not self._options.address.version_5 and topic not in self._options.retained
        )
        if message.retain and known:
            self._client.ack(message.mid, message.qos)  # sent again only because we subscribed again
            return
        self._options.on_delivery(
            Delivery(
                session=self._options.client_id,
                topic=topic,
                payload=bytes(message.payload),
                message_number=message.mid,
                redelivered=message.dup,
                qos=message.qos,
                generation=self.generation,
                traceparent=_traceparent(message),
                response_topic=getattr(message.properties, "ResponseTopic", None),
                correlation=getattr(message.properties, "CorrelationData", None),
            )
        )


def _traceparent(message: MQTTMessage) -> str | None:
    """Return the user property of that name, the first where there are several."""
    pairs = getattr(message.properties, "UserProperty", None) or ()
    return next((value for name, value in pairs if name == TRACEPARENT), None)
