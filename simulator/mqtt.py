"""The simulator's own MQTT client: paho in its thread, deliveries handed to the event loop with their instant."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

LATE = ("labline-sent", "late")


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A message as it came in; ``at`` is on the performance counter, read in the network thread.

    ``late``: its user property says that it waited while the broker was away.
    """

    topic: str
    payload: bytes
    retained: bool
    at: float
    late: bool = False


class Publishes(Protocol):
    """What takes messages for the broker."""

    async def publish(self, topic: str, payload: bytes) -> float:
        """Publish a message and return the instant of sending, once it has arrived."""
        ...


class Participant:
    """A client that subscribes to some topics and publishes at QoS 1; an async context manager."""

    def __init__(
        self,
        name: str,
        *,
        port: int,
        version_5: bool,
        subscriptions: tuple[str, ...] = (),
        on_message: Callable[[Received], None] = lambda _received: None,
        on_arrival: Callable[[Received], None] = lambda _received: None,
        persistent: bool = False,
    ) -> None:
        """``on_arrival`` hears of messages in the network thread, ``on_message`` in the event loop.

        ``persistent``: the broker keeps what comes while we are away (MQTT 5).
        """
        self._on_arrival = on_arrival
        self._persistent = persistent
        self._port = port
        self._subscriptions = subscriptions
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self._subscribed = asyncio.Event()
        self._waiting: dict[int, asyncio.Event] = {}
        self._lock = threading.Lock()
        protocol = MQTTProtocolVersion.MQTTv5 if version_5 else MQTTProtocolVersion.MQTTv311
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=f"simulator-{name}", protocol=protocol)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_arguments: self._call(self._subscribed.set)
        self._client.on_message = self._received
        self._client.on_publish = self._published
        self._client.on_socket_open = _without_delay
        self._client.max_inflight_messages_set(1000)

    def _call(self, function: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function)

    def _connected(self, client: Client, *_arguments: Any) -> None:
        if self._subscriptions:
            client.subscribe([(topic, 1) for topic in self._subscriptions])
        else:
            self._call(self._subscribed.set)

    def _received(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        received = Received(
            topic=message.topic,
            payload=bytes(message.payload),
            retained=message.retain,
            at=time.perf_counter(),
            late=LATE in (getattr(message.properties, "UserProperty", None) or ()),
        )
        self._on_arrival(received)
        self._call(lambda: self._on_message(received))

    def _published(self, _client: Client, _data: Any, number: int, *_arguments: Any) -> None:
        with self._lock:
            done = self._waiting.setdefault(number, asyncio.Event())
        self._call(done.set)

    async def __aenter__(self) -> Self:
        if self._persistent:
            kept = Properties(PacketTypes.CONNECT)
            kept.SessionExpiryInterval = 86_400
            self._client.reconnect_delay_set(min_delay=1, max_delay=1)
            await asyncio.to_thread(
                self._client.connect, "127.0.0.1", self._port, 30, clean_start=False, properties=kept
            )
        else:
            await asyncio.to_thread(self._client.connect, "127.0.0.1", self._port, 30)
        self._client.loop_start()
        async with asyncio.timeout(10):
            await self._subscribed.wait()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> float:
        """Publish at QoS 1, wait for the acknowledgement, and return the instant of sending."""
        at = time.perf_counter()
        sent = self._client.publish(topic, payload, qos=1, retain=retain)
        if sent.rc not in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}:
            raise ConnectionError(f"publishing failed: {sent.rc}")
        with self._lock:
            done = self._waiting.setdefault(sent.mid, asyncio.Event())
        await done.wait()
        with self._lock:
            self._waiting.pop(sent.mid, None)
        return at


def _without_delay(_client: Client, _data: Any, opened: Any) -> None:
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
