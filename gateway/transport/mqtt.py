"""MQTT sessions: one client id, kept connected; connecting happens off the loop.

Every delivery carries the *generation* of its connection. An acknowledgement of an older generation is dropped:
message ids are reused after a reconnect, and a late one would consume another message.
"""

import asyncio
from contextlib import AbstractContextManager, nullcontext

from gateway.clock import Clock
from gateway.errors import NotConnectedError
from gateway.transport.mqtt_answers import LARGEST_PACKET
from gateway.transport.mqtt_client import CONNECT_TIMEOUT_SECONDS
from gateway.transport.mqtt_connection import Connection
from gateway.transport.mqtt_failures import cause_of
from gateway.transport.mqtt_messages import Delivery, Outgoing
from gateway.transport.mqtt_options import DEFAULT_INFLIGHT, SessionOptions
from gateway.transport.mqtt_subscriptions import Subscriptions
from gateway.transport.reconnect import SHORT_LIFE_SECONDS, Reconnection

_TAKEN_OVER = "Session taken over"  # paho's name of reason code 0x8E


class _ClientIdAlarms:
    """The alarms about our client id: another client may have the same."""

    def __init__(self, options: SessionOptions) -> None:
        self._on_condition = options.on_condition
        self._unstable = f"CONNECTION_UNSTABLE_{options.client_id.upper()}"

    def report(self, *, taken_over: bool, unstable: bool) -> None:
        """Report which of them stand after a connection."""
        self._on_condition("CLIENT_ID_TAKEN_OVER", taken_over)
        self._on_condition(self._unstable, unstable)

    def clear(self) -> None:
        """Take them down, once a connection has stood for a while."""
        self.report(taken_over=False, unstable=False)


class MqttSession:
    """One client id at one broker, kept connected by ``run``."""

    def __init__(self, options: SessionOptions, *, clock: Clock) -> None:
        self._options = options
        self._reconnection = Reconnection(f"mqtt {options.client_id}", clock=clock)
        self._connection: Connection | None = None
        self.client_id = options.client_id
        self.generation = 0  # number of the present connection, or of the last one
        self.subscriptions = Subscriptions(options)
        self.polite = options.will is None  # whether it ends with DISCONNECT: the broker then drops the will
        self._connected = asyncio.Event()
        self._alarms = _ClientIdAlarms(options)
        self._paused = False
        self.taken_over = False  # whether the last connection went to another client of our name

    @property
    def connected(self) -> bool:
        """Return whether the session is up and its subscriptions are granted."""
        return self._connected.is_set()

    @property
    def inflight_limit(self) -> int:
        """Return how many messages of the outbox may wait for their acknowledgement; one more place is the status's."""
        broker = self._connection.answers.receive_maximum if self._connection else DEFAULT_INFLIGHT
        return max(1, min(DEFAULT_INFLIGHT, broker - 1))

    @property
    def has_room(self) -> bool:
        """Return whether the broker takes another message before it has acknowledged one."""
        return self._connection is None or self._connection.answers.has_room

    async def wait_room(self) -> None:
        """Wait until the broker takes another message, or at once where there is no connection."""
        if self._connection is not None:
            await self._connection.answers.wait_room()

    @property
    def largest_packet_bytes(self) -> int:
        """Return the largest packet that the broker takes."""
        return self._connection.answers.largest_packet if self._connection else LARGEST_PACKET

    async def wait_connected(self) -> None:
        """Wait until the session is up."""
        await self._connected.wait()

    async def run(self) -> None:
        """Keep the session connected until cancelled; then leave in order."""
        while True:
            self._reconnection.attempt()
            try:
                why = await self._one_connection()
            except Exception as error:  # noqa: BLE001 - a loop's edge: paho, ssl and sockets raise of every kind
                why = cause_of(error, self._options.address)
            self.taken_over = _TAKEN_OVER in why
            self._alarms.report(taken_over=self.taken_over, unstable=self._reconnection.unstable)
            await asyncio.sleep(self._reconnection.failed(why))

    async def _one_connection(self) -> str:
        """Live through one connection; return why it ended."""
        self.generation += 1
        connection = Connection(self._options, self.generation)
        self._connection = connection  # deliveries come, and are acknowledged, before the subscriptions are granted
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                await connection.open()
                self._reconnection.connected()
                await self.subscriptions.ask(connection)
            self._connected.set()
            self._options.on_state(True)
            self._reconnection.proven()
            if self._paused:
                connection.socket.pause()
            clearing = asyncio.get_running_loop().call_later(SHORT_LIFE_SECONDS, self._alarms.clear)
            try:
                return await self.subscriptions.until_lost(connection)
            finally:
                clearing.cancel()
        finally:
            self._connection = None
            if self._connected.is_set():
                self._connected.clear()
                self._options.on_state(False)
            connection.close(polite=self.polite)

    def publish(self, message: Outgoing) -> "asyncio.Future[int]":
        """Publish at QoS 1; the future gives the broker's reason code (0 is success) or NotConnectedError."""
        if self._connection is None or not self.connected:
            raise NotConnectedError(f"{self.client_id} is not connected")
        return self._connection.publish(message)

    def batched(self) -> AbstractContextManager[None]:
        """Return a context within which publishes share segments on the wire; it sends them when left."""
        return nullcontext() if self._connection is None else self._connection.socket.batched()

    def pause(self) -> None:
        """Stop reading from the socket, now and after a reconnect; the broker and the network keep the messages."""
        self._paused = True
        if self._connection is not None:
            self._connection.socket.pause()

    def resume(self) -> None:
        """Go on taking from the socket."""
        self._paused = False
        if self._connection is not None:
            self._connection.socket.resume()

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
