"""One MQTT connection on paho, driven by the event loop, acknowledged by hand.

A paho client lives as long as one connection, and nothing is retried by paho: a publish that was not acknowledged
when the connection went is failed to its caller, who keeps it in the outbox. A reason code >= 0x80 is not an
acknowledgement, though paho calls the message published.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import structlog
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.errors import NotConnectedError

log = structlog.get_logger()

CONNECT_TIMEOUT_SECONDS = 10.0
_KEEPALIVE_SECONDS = 20
_REFUSED = 0x80
DEFAULT_INFLIGHT = 100
LARGEST_PACKET = 268_435_455
MAXIMUM_PACKET_BYTES = 2 * 1024 * 1024  # that we take: eight times the longest message that is read (contract.reading)
TAKEN_OVER = "Session taken over"  # paho's name of reason code 0x8E
_RETAINED_ONLY_ON_NEW_SUBSCRIPTION = 1
_MESSAGE_EXPIRY, _CONTENT_TYPE, _CORRELATION_DATA = 0x02, 0x03, 0x09


class RefusedError(NotConnectedError):
    """The broker answered CONNECT with a refusal; ``code`` is its reason code (MQTT 5.0, 3.2.2.2)."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class ClosedUnansweredError(NotConnectedError):
    """The connection was closed before CONNECT was answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerAddress:
    """Where the broker is and how to enter."""

    host: str
    port: int
    version_5: bool = True
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Will:
    """What the broker publishes, retained, when this session goes without a word."""

    topic: str
    payload: Callable[[], bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """A message from the broker, not yet acknowledged."""

    session: str
    topic: str
    payload: bytes
    message_number: int
    redelivered: bool
    qos: int
    generation: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """What to publish at QoS 1, with the properties of MQTT 5 (left out on 3.1.1)."""

    topic: str
    payload: bytes
    retain: bool = False
    expires_in_seconds: int | None = None
    content_type: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionOptions:
    """What a session is: whose, where, what it takes, and whom it tells.

    A session expiry above 0 makes it persistent (clean start off).
    """

    address: BrokerAddress
    client_id: str
    subscriptions: tuple[str, ...]
    retained: tuple[str, ...] = ()  # subscribed, too: what the broker retains of them comes at every connection
    on_delivery: Callable[[Delivery], None]
    on_state: Callable[[bool], None] = lambda _connected: None
    on_condition: Callable[[str, bool], None] = lambda _code, _stands: None  # (alarm's code, whether it stands)
    session_expiry_seconds: int = 0
    receive_maximum: int = DEFAULT_INFLIGHT
    will: Will | None = None

    @property
    def persistent(self) -> bool:
        """Return whether the broker keeps the session while nobody is connected."""
        return self.session_expiry_seconds > 0


class Connection:
    """One paho client from CONNECT to the end of its socket."""

    _client_class: type[Client] = Client
    _answer_seconds = 8.0  # that the answer to CONNECT may take

    def __init__(self, options: SessionOptions, generation: int) -> None:
        self.generation = generation
        self.broker_receive_maximum = DEFAULT_INFLIGHT
        self.broker_largest_packet = LARGEST_PACKET
        self.broker_maximum_qos = 2
        self.broker_retains = True
        self._session_present = False
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._subscribed: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._published: dict[int, asyncio.Future[int]] = {}
        self._acknowledged = asyncio.Event()  # one of what was published
        self._socket: Any = None
        self._watched = -1
        self._writing = False
        self._client = self._make_client()

    def _make_client(self) -> Client:
        options, address = self._options, self._options.address
        client = self._client_class(
            CallbackAPIVersion.VERSION2,
            client_id=options.client_id,
            clean_session=None if address.version_5 else not options.persistent,
            protocol=MQTTProtocolVersion.MQTTv5 if address.version_5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_TIMEOUT_SECONDS / 2
        client.max_inflight_messages_set(65_535)  # who publishes looks for room first; paho queues nothing
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if address.tls is not None:
            client.tls_set_context(address.tls)
        will = options.will
        if will is not None:
            client.will_set(will.topic, will.payload(), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        return client

    # --- from CONNECT to CONNACK and SUBACK

    async def open(self) -> None:
        """Connect; raises OSError or NotConnectedError."""
        await asyncio.to_thread(self._connect)
        self._socket = self._client.socket()
        if self._socket is None:
            raise ClosedUnansweredError("the connection was closed at once")
        self._watched = self._socket.fileno()
        self._loop.add_reader(self._watched, self._readable)
        self._flush()
        try:
            async with asyncio.timeout(self._answer_seconds):
                await self._opened
        except TimeoutError as error:
            raise ClosedUnansweredError("CONNECT was not answered") from error

    def _connect(self) -> None:
        """Runs in a thread: name lookup, TCP, TLS and the CONNECT packet."""
        options, address = self._options, self._options.address
        self._client.on_socket_open = self._without_delay
        properties = None
        if address.version_5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = options.session_expiry_seconds
            properties.ReceiveMaximum = options.receive_maximum
            properties.MaximumPacketSize = MAXIMUM_PACKET_BYTES
            self._client.connect(
                address.host,
                address.port,
                _KEEPALIVE_SECONDS,
                clean_start=not options.persistent,
                properties=properties,
            )
        else:
            self._client.connect(address.host, address.port, _KEEPALIVE_SECONDS)

    def _without_delay(self, _client: Client, _data: Any, opened: Any) -> None:
        """Send small packets at once: Nagle's algorithm would hold a result back for tens of milliseconds.

        Raises NotConnectedError, before CONNECT is sent, where nobody waits any more: a name that was looked up too
        slowly would have the broker end the connection that has taken this one's place.
        """
        if self._lost.done():
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
        self._session_present = self._session_present and not unheard
        answer: asyncio.Future[list[ReasonCode]] = self._loop.create_future()
        wanted: Any = [(topic, 1) for topic in topics]
        if self._options.address.version_5:
            once = SubscribeOptions(qos=1, retainHandling=_RETAINED_ONLY_ON_NEW_SUBSCRIPTION)
            always = SubscribeOptions(qos=1, noLocal=True)
            wanted = [(topic, always if topic in self._options.retained else once) for topic in topics]
        code, number = self._client.subscribe(wanted)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or number is None:
            raise NotConnectedError(f"subscribing failed: {code.name}")
        self._subscribed[number] = answer
        self._flush()
        codes = await answer
        return tuple(topic for topic, code in zip(topics, codes, strict=True) if code.value >= _REFUSED)

    async def until_lost(self) -> str:
        """Keep the connection alive; return why it was lost once it is."""
        while not self._lost.done():
            await asyncio.wait({self._lost}, timeout=1.0)
            if not self._lost.done():
                self._check(self._client.loop_misc())
                self._flush()
        return self._lost.result()

    def close(self, *, polite: bool) -> None:
        """Leave: DISCONNECT if polite and still possible, close the socket, fail what waits."""
        self._unwatch()
        self._client.on_disconnect = None
        if polite:
            with contextlib.suppress(OSError, ValueError):
                self._client.disconnect()
                self._client.loop_write()
        with contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.close()
        self._fail_waiting("the session was closed")

    def _fail_waiting(self, why: str) -> None:
        everything: tuple[asyncio.Future[Any], ...] = (
            *self._subscribed.values(),
            *self._published.values(),
        )
        if not self._opened.done():
            self._opened.set_exception(ClosedUnansweredError(why))
            self._opened.exception()
        for waiting in everything:
            if not waiting.done():
                waiting.set_exception(NotConnectedError(why))
                waiting.exception()  # looked at: a caller that was cancelled will not
        self._subscribed.clear()
        self._published.clear()
        self._acknowledged.set()
        if not self._lost.done():
            self._lost.set_result(why)

    # --- work

    @property
    def has_room(self) -> bool:
        """Return whether the broker takes another message before it has acknowledged one (MQTT 5.0, 3.3.4)."""
        return len(self._published) < self.broker_receive_maximum

    async def wait_room(self) -> None:
        """Wait until the broker takes another message, or the connection has gone."""
        while not self.has_room:
            self._acknowledged.clear()
            await self._acknowledged.wait()

    def publish(self, message: Outgoing) -> asyncio.Future[int]:
        """Publish at QoS 1; the future gives the broker's reason code, or NotConnectedError."""
        properties: Any = _PublishProperties(message) if self._options.address.version_5 else None
        sent = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain, properties=properties)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise NotConnectedError(f"publishing failed: {MQTTErrorCode(sent.rc).name}")
        outcome: asyncio.Future[int] = self._loop.create_future()
        self._published[sent.mid] = outcome
        self._flush()
        return outcome

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Send what is published within as few segments as possible (TCP_CORK), and at the end at once."""
        self._cork(1)
        try:
            yield
        finally:
            self._cork(0)

    def _cork(self, on: int) -> None:
        with contextlib.suppress(OSError, ValueError):  # of a socket that has gone there is nothing to send
            if self._socket is not None:
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)

    def acknowledge(self, delivery: Delivery) -> None:
        """Acknowledge a delivery of this connection."""
        if delivery.qos > 0:
            self._client.ack(delivery.message_number, delivery.qos)
            self._flush()

    def pause(self) -> None:
        """Take no more from the socket."""
        if self._watched >= 0:
            self._loop.remove_reader(self._watched)

    def resume(self) -> None:
        """Go on taking, beginning with what waits."""
        if self._watched >= 0:
            self._loop.add_reader(self._watched, self._readable)
            self._readable()

    # --- the socket on the event loop

    def _readable(self) -> None:
        try:
            self._check(self._client.loop_read())
            while self._socket is not None and isinstance(self._socket, ssl.SSLSocket) and self._pending():
                self._check(self._client.loop_read())
            self._flush()
        except Exception as error:  # a loop's edge: paho stumbles over malformed packets in many ways
            log.exception("a packet of the broker could not be read", client_id=self._options.client_id)
            self.end(f"a packet of the broker could not be read: {error!r}")

    def _pending(self) -> int:
        try:
            return int(self._socket.pending()) if self._client.socket() is not None else 0
        except (OSError, ValueError):
            return 0

    def _flush(self) -> None:
        """Write what waits; where the socket takes no more, go on when it does."""
        if self._client.want_write():
            self._check(self._client.loop_write())
        waiting = self._client.want_write() and self._watched >= 0
        if waiting and not self._writing:
            self._loop.add_writer(self._watched, self._flush)
        elif not waiting and self._writing:
            self._loop.remove_writer(self._watched)
        self._writing = waiting

    def _check(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.end(code.name)

    def end(self, why: str) -> None:
        """Give the connection up: whoever waits for it is told why."""
        self._unwatch()
        self._fail_waiting(why)

    def _unwatch(self) -> None:
        if self._watched >= 0:
            self._loop.remove_reader(self._watched)
            self._loop.remove_writer(self._watched)
            self._watched = -1
            self._writing = False

    # --- paho's callbacks, all on the event loop's thread

    def _on_connect(
        self, _client: Client, _data: Any, flags: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        if self._opened.done():
            return
        if code.value >= _REFUSED or (not isinstance(code.value, int)):
            number = code.value if isinstance(code.value, int) else _REFUSED
            self._opened.set_exception(RefusedError(str(code), code=number))
            return
        self.broker_receive_maximum = getattr(properties, "ReceiveMaximum", DEFAULT_INFLIGHT)
        self.broker_largest_packet = getattr(properties, "MaximumPacketSize", LARGEST_PACKET)
        self.broker_maximum_qos = getattr(properties, "MaximumQoS", 2)
        self.broker_retains = bool(getattr(properties, "RetainAvailable", 1))
        self._session_present = bool(flags.session_present)
        self._opened.set_result(None)

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        self.end(str(code))

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:  # a broker should never let it through
            topic = repr(message._topic)  # noqa: SLF001 - the only way to the raw bytes
        known = self._session_present and not self._options.address.version_5 and topic not in self._options.retained
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
            )
        )

    def _on_publish(self, _client: Client, _data: Any, number: int, code: ReasonCode, _properties: Any) -> None:
        outcome = self._published.pop(number, None)
        self._acknowledged.set()
        if outcome is not None and not outcome.done():
            outcome.set_result(code.value)

    def _on_subscribe(
        self, _client: Client, _data: Any, number: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        answer = self._subscribed.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(codes)


class _PublishProperties:
    """The properties of one PUBLISH (MQTT 5.0, 3.3.2.3), packed by ourselves: paho's class costs more than all else.

    paho asks of it no more than ``pack``.
    """

    def __init__(self, message: Outgoing) -> None:
        fields = []
        if message.expires_in_seconds is not None:
            fields.append(struct.pack("!BI", _MESSAGE_EXPIRY, min(message.expires_in_seconds, 2**32 - 1)))
        if message.content_type is not None:
            fields.append(_counted(_CONTENT_TYPE, message.content_type.encode()))
        if message.correlation is not None:
            fields.append(_counted(_CORRELATION_DATA, message.correlation))
        content = b"".join(fields)
        self._packed = _variable_byte_integer(len(content)) + content

    def pack(self) -> bytes:
        """Return the properties as they stand in the packet."""
        return self._packed


def _counted(identifier: int, content: bytes) -> bytes:
    return struct.pack("!BH", identifier, len(content)) + content


def _variable_byte_integer(number: int) -> bytes:
    """Return a number in the form of MQTT 5.0, 1.5.5."""
    digits = bytearray()
    while True:
        number, digit = divmod(number, 128)
        digits.append(digit | 0x80 if number else digit)
        if not number:
            return bytes(digits)
