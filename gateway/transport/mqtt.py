"""MQTT sessions on paho: one paho client per connection, driven by the event loop, acknowledged by hand.

* A new paho client for every connection; connecting happens off the loop. Nothing is retried by paho: a publish
  that was not acknowledged when the connection went is failed to its caller, who keeps it in the outbox.
* Every delivery carries the *generation* of its connection. An acknowledgement of an older generation is
  dropped: message ids are reused after a reconnect, and a late one would consume another message.
* A reason code >= 0x80 is not an acknowledgement, though paho calls the message published.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
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
from gateway.transport.reconnect import Backoff

log = structlog.get_logger()

_CONNECT_TIMEOUT_SECONDS = 10.0
_KEEPALIVE_SECONDS = 20
_REFUSED = 0x80
_DEFAULT_INFLIGHT = 100
_LARGEST_PACKET = 268_435_455
_RETAINED_ONLY_ON_NEW_SUBSCRIPTION = 1


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


class MqttSession:
    """One client id at one broker, kept connected by ``run``."""

    def __init__(
        self,
        *,
        address: BrokerAddress,
        client_id: str,
        subscriptions: tuple[str, ...],
        on_delivery: Callable[[Delivery], None],
        on_state: Callable[[bool], None] = lambda _connected: None,
        on_alarm: Callable[[str], None] = lambda _code: None,
        session_expiry_seconds: int = 0,
        receive_maximum: int = _DEFAULT_INFLIGHT,
        will: Will | None = None,
    ) -> None:
        """A session expiry above 0 makes the session persistent (clean start off)."""
        self.client_id = client_id
        self._address = address
        self._subscriptions = subscriptions
        self._on_delivery = on_delivery
        self._on_state = on_state
        self._on_alarm = on_alarm
        self._session_expiry_seconds = session_expiry_seconds
        self._receive_maximum = receive_maximum
        self._will = will
        self._backoff = Backoff()
        self._connection: _Connection | None = None
        self._generation = 0
        self._connected = asyncio.Event()
        self._paused = False
        self._polite = will is None
        self.refused_subscriptions: tuple[str, ...] = ()

    @property
    def connected(self) -> bool:
        """Return whether the session is up and its subscriptions are granted."""
        return self._connected.is_set()

    @property
    def inflight_limit(self) -> int:
        """Return how many publishes may wait for their acknowledgement at the broker's word."""
        broker = self._connection.broker_receive_maximum if self._connection else _DEFAULT_INFLIGHT
        return min(_DEFAULT_INFLIGHT, broker)

    @property
    def largest_packet_bytes(self) -> int:
        """Return the largest packet that the broker takes."""
        return self._connection.broker_largest_packet if self._connection else _LARGEST_PACKET

    def leave_politely(self) -> None:
        """Say DISCONNECT when the session ends: the broker then drops the will, so only after a goodbye."""
        self._polite = True

    async def wait_connected(self) -> None:
        """Wait until the session is up."""
        await self._connected.wait()

    async def run(self) -> None:
        """Keep the session connected until cancelled; then leave in order."""
        while True:
            try:
                await self._one_connection()
            except Exception as error:  # noqa: BLE001 - a loop's edge: paho, ssl and sockets raise of every kind
                level = log.warning if self._backoff.attempts == 0 else log.debug
                level("mqtt connection failed", client_id=self.client_id, error=str(error) or repr(error))
            await asyncio.sleep(self._backoff.next_delay())

    async def _one_connection(self) -> None:
        self._generation += 1
        connection = _Connection(self, self._generation)
        self._connection = connection  # deliveries come, and are acknowledged, before the subscriptions are granted
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_SECONDS):
                await connection.open()
                self.refused_subscriptions = await connection.subscribe(self._subscriptions)
            if self.refused_subscriptions:
                self._on_alarm("SUBSCRIPTION_REFUSED")
                log.error("subscription refused", client_id=self.client_id, topics=self.refused_subscriptions)
            self._connected.set()
            self._on_state(True)
            log.info("mqtt connected", client_id=self.client_id, attempts=self._backoff.attempts + 1)
            self._backoff.succeeded()
            if self._paused:
                connection.pause()
            await connection.until_lost()
        finally:
            self._connection = None
            if self._connected.is_set():
                self._connected.clear()
                self._on_state(False)
            connection.close(polite=self._polite)

    def publish(self, message: Outgoing) -> "asyncio.Future[int]":
        """Publish at QoS 1; the future gives the broker's reason code (0 is success) or NotConnectedError."""
        if self._connection is None or not self.connected:
            raise NotConnectedError(f"{self.client_id} is not connected")
        return self._connection.publish(message)

    def pause(self) -> None:
        """Take no more from the socket, now and after a reconnect; the broker and the network hold what comes."""
        self._paused = True
        if self._connection is not None:
            self._connection.pause()

    def resume(self) -> None:
        """Go on taking from the socket."""
        self._paused = False
        if self._connection is not None:
            self._connection.resume()

    def drop(self, why: str) -> None:
        """End this connection; a new one is made. What was not acknowledged comes or goes again."""
        if self._connection is not None:
            self._connection.end(why)

    def acknowledge(self, delivery: Delivery) -> bool:
        """Acknowledge a delivery; return False where its connection is gone, so that it will come again."""
        if self._connection is None or delivery.generation != self._connection.generation:
            return False
        self._connection.acknowledge(delivery)
        return True


class _Connection:
    """One paho client from CONNECT to the end of its socket."""

    def __init__(self, session: MqttSession, generation: int) -> None:
        self.generation = generation
        self.broker_receive_maximum = _DEFAULT_INFLIGHT
        self.broker_largest_packet = _LARGEST_PACKET
        self._session_present = False
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._subscribed: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._published: dict[int, asyncio.Future[int]] = {}
        self._socket: Any = None
        self._watched = -1
        self._writing = False
        self._client = self._make_client()

    def _make_client(self) -> Client:
        session, address = self._session, self._session._address  # noqa: SLF001 - two halves of one part
        persistent = session._session_expiry_seconds > 0  # noqa: SLF001
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=session.client_id,
            clean_session=None if address.version_5 else not persistent,
            protocol=MQTTProtocolVersion.MQTTv5 if address.version_5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = _CONNECT_TIMEOUT_SECONDS / 2
        client.max_inflight_messages_set(65_535)  # the drain bounds what is in flight; paho queues nothing
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if address.tls is not None:
            client.tls_set_context(address.tls)
        will = session._will  # noqa: SLF001
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
            raise NotConnectedError("the connection was closed at once")
        self._watched = self._socket.fileno()
        self._loop.add_reader(self._watched, self._readable)
        self._flush()
        await self._opened

    def _connect(self) -> None:
        """Runs in a thread: name lookup, TCP, TLS and the CONNECT packet."""
        session, address = self._session, self._session._address  # noqa: SLF001
        self._client.on_socket_open = _without_delay
        properties = None
        if address.version_5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = session._session_expiry_seconds  # noqa: SLF001
            properties.ReceiveMaximum = session._receive_maximum  # noqa: SLF001
            persistent = session._session_expiry_seconds > 0  # noqa: SLF001
            self._client.connect(
                address.host,
                address.port,
                _KEEPALIVE_SECONDS,
                clean_start=not persistent,
                properties=properties,
            )
        else:
            self._client.connect(address.host, address.port, _KEEPALIVE_SECONDS)

    async def subscribe(self, topics: tuple[str, ...]) -> tuple[str, ...]:
        """Subscribe at QoS 1 and return the topics that the broker refused."""
        if not topics:
            return ()
        answer: asyncio.Future[list[ReasonCode]] = self._loop.create_future()
        wanted: Any = [(topic, 1) for topic in topics]
        if self._session._address.version_5:  # noqa: SLF001
            options = SubscribeOptions(qos=1, retainHandling=_RETAINED_ONLY_ON_NEW_SUBSCRIPTION)
            wanted = [(topic, options) for topic in topics]
        code, number = self._client.subscribe(wanted)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or number is None:
            raise NotConnectedError(f"subscribing failed: {code.name}")
        self._subscribed[number] = answer
        self._flush()
        codes = await answer
        return tuple(topic for topic, code in zip(topics, codes, strict=True) if code.value >= _REFUSED)

    async def until_lost(self) -> None:
        """Keep the connection alive; return when it is lost."""
        while not self._lost.done():
            await asyncio.wait({self._lost}, timeout=1.0)
            if not self._lost.done():
                self._check(self._client.loop_misc())
                self._flush()
        log.warning("mqtt connection lost", client_id=self._session.client_id, reason=self._lost.result())

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
            self._opened,
            *self._subscribed.values(),
            *self._published.values(),
        )
        for waiting in everything:
            if not waiting.done():
                waiting.set_exception(NotConnectedError(why))
                waiting.exception()  # looked at: a caller that was cancelled will not
        self._subscribed.clear()
        self._published.clear()
        if not self._lost.done():
            self._lost.set_result(why)

    # --- work

    def publish(self, message: Outgoing) -> asyncio.Future[int]:
        properties = None
        if self._session._address.version_5:  # noqa: SLF001
            properties = _publish_properties(message)
        sent = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain, properties=properties)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise NotConnectedError(f"publishing failed: {MQTTErrorCode(sent.rc).name}")
        outcome: asyncio.Future[int] = self._loop.create_future()
        self._published[sent.mid] = outcome
        self._flush()
        return outcome

    def acknowledge(self, delivery: Delivery) -> None:
        if delivery.qos > 0:
            self._client.ack(delivery.message_number, delivery.qos)
            self._flush()

    def pause(self) -> None:
        if self._watched >= 0:
            self._loop.remove_reader(self._watched)

    def resume(self) -> None:
        if self._watched >= 0:
            self._loop.add_reader(self._watched, self._readable)
            self._readable()

    # --- the socket on the event loop

    def _readable(self) -> None:
        self._check(self._client.loop_read())
        while self._socket is not None and isinstance(self._socket, ssl.SSLSocket) and self._pending():
            self._check(self._client.loop_read())
        self._flush()

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
            self._opened.set_exception(NotConnectedError(f"the broker refused the connection: {code}"))
            return
        self.broker_receive_maximum = getattr(properties, "ReceiveMaximum", _DEFAULT_INFLIGHT)
        self.broker_largest_packet = getattr(properties, "MaximumPacketSize", _LARGEST_PACKET)
        self._session_present = bool(flags.session_present)
        self._opened.set_result(None)

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        self.end(str(code))

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if message.retain and self._session_present and not self._session._address.version_5:  # noqa: SLF001
            self._client.ack(message.mid, message.qos)  # sent again only because we subscribed again
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:  # a broker should never let it through
            topic = repr(message._topic)  # noqa: SLF001 - the only way to the raw bytes
        self._session._on_delivery(  # noqa: SLF001
            Delivery(
                session=self._session.client_id,
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
        if outcome is not None and not outcome.done():
            outcome.set_result(code.value)

    def _on_subscribe(
        self, _client: Client, _data: Any, number: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        answer = self._subscribed.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(codes)


def _without_delay(_client: Client, _data: Any, opened: Any) -> None:
    """Send small packets at once: Nagle's algorithm would hold a result back for tens of milliseconds."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _publish_properties(message: Outgoing) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)
    if message.expires_in_seconds is not None:
        properties.MessageExpiryInterval = message.expires_in_seconds
    if message.content_type is not None:
        properties.ContentType = message.content_type
    if message.correlation is not None:
        properties.CorrelationData = message.correlation
    return properties
