"""MQTT sessions: one client id, kept connected; connecting happens off the loop.

Every delivery carries the *generation* of its connection. An acknowledgement of an older generation is dropped:
message ids are reused after a reconnect, and a late one would consume another message.
"""

import asyncio
from contextlib import AbstractContextManager, nullcontext, suppress

import structlog

from gateway.clock import Clock
from gateway.errors import NotConnectedError
from gateway.transport.mqtt_causes import cause_of
from gateway.transport.mqtt_connection import (
    CONNECT_TIMEOUT_SECONDS,
    DEFAULT_INFLIGHT,
    LARGEST_PACKET,
    TAKEN_OVER,
    Connection,
    Delivery,
    Outgoing,
    SessionOptions,
)
from gateway.transport.reconnect import SHORT_LIFE_SECONDS, Reconnection

log = structlog.get_logger()

_ASK_AGAIN_SECONDS = 60.0  # for a subscription that was refused


class MqttSession:
    """One client id at one broker, kept connected by ``run``."""

    def __init__(self, options: SessionOptions, *, clock: Clock) -> None:
        self._options = options
        self._reconnection = Reconnection(f"mqtt {options.client_id}", clock=clock)
        self._connection: Connection | None = None
        self._generation = 0
        self._connected = asyncio.Event()
        self._unstable = f"CONNECTION_UNSTABLE_{options.client_id.upper()}"
        self._paused = False
        self.taken_over = False  # whether the last connection went to another client of our name
        self._polite = options.will is None
        self.refused_subscriptions: tuple[str, ...] = ()

    @property
    def client_id(self) -> str:
        """Return the client id."""
        return self._options.client_id

    @property
    def connected(self) -> bool:
        """Return whether the session is up and its subscriptions are granted."""
        return self._connected.is_set()

    @property
    def generation(self) -> int:
        """Return the number of the present connection, or of the last one."""
        return self._generation

    @property
    def inflight_limit(self) -> int:
        """Return how many messages of the outbox may wait for their acknowledgement; one more place is the status's."""
        broker = self._connection.broker_receive_maximum if self._connection else DEFAULT_INFLIGHT
        return max(1, min(DEFAULT_INFLIGHT, broker - 1))

    @property
    def has_room(self) -> bool:
        """Return whether the broker takes another message before it has acknowledged one."""
        return self._connection is None or self._connection.has_room

    async def wait_room(self) -> None:
        """Wait until the broker takes another message, or at once where there is no connection."""
        if self._connection is not None:
            await self._connection.wait_room()

    @property
    def largest_packet_bytes(self) -> int:
        """Return the largest packet that the broker takes."""
        return self._connection.broker_largest_packet if self._connection else LARGEST_PACKET

    def leave_politely(self) -> None:
        """Say DISCONNECT when the session ends: the broker then drops the will, so only after a goodbye."""
        self._polite = True

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
            self.taken_over = TAKEN_OVER in why
            self._options.on_condition("CLIENT_ID_TAKEN_OVER", self.taken_over)
            self._options.on_condition(self._unstable, self._reconnection.unstable)
            await asyncio.sleep(self._reconnection.failed(why))

    async def _one_connection(self) -> str:
        """Live through one connection; return why it ended."""
        self._generation += 1
        connection = Connection(self._options, self._generation)
        self._connection = connection  # deliveries come, and are acknowledged, before the subscriptions are granted
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                await connection.open()
                self._reconnection.connected()
                await self._subscribe(connection)
            self._connected.set()
            self._options.on_state(True)
            self._reconnection.proven()
            if self._paused:
                connection.pause()
            calm = asyncio.get_running_loop().call_later(SHORT_LIFE_SECONDS, self._calm)
            try:
                return await self._until_lost(connection)
            finally:
                calm.cancel()
        finally:
            self._connection = None
            if self._connected.is_set():
                self._connected.clear()
                self._options.on_state(False)
            connection.close(polite=self._polite)

    async def _subscribe(self, connection: Connection, only: tuple[str, ...] | None = None) -> None:
        refused = await connection.subscribe(only, unheard=bool(self.refused_subscriptions))
        self.refused_subscriptions = refused
        self._options.on_condition("SUBSCRIPTION_REFUSED", bool(refused))
        if refused and refused != only:  # what is asked for again each minute is told once
            log.error("subscription refused", client_id=self.client_id, topics=refused)

    async def _until_lost(self, connection: Connection) -> str:
        """Return why the connection was lost; until then ask now and then for what was refused: rights may be given."""
        lost = asyncio.create_task(connection.until_lost(), name=f"{self.client_id}-until-lost")
        try:
            while self.refused_subscriptions:
                await asyncio.wait({lost}, timeout=_ASK_AGAIN_SECONDS)
                if lost.done():
                    break
                with suppress(TimeoutError):  # a slow broker is no lost one; it is asked again
                    async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                        await self._subscribe(connection, self.refused_subscriptions)
            return await lost
        finally:
            lost.cancel()

    def _calm(self) -> None:
        """Take the alarms about our name down once a connection has stood for a while."""
        self._options.on_condition("CLIENT_ID_TAKEN_OVER", False)
        self._options.on_condition(self._unstable, False)

    def publish(self, message: Outgoing) -> "asyncio.Future[int]":
        """Publish at QoS 1; the future gives the broker's reason code (0 is success) or NotConnectedError."""
        if self._connection is None or not self.connected:
            raise NotConnectedError(f"{self.client_id} is not connected")
        return self._connection.publish(message)

    def together(self) -> AbstractContextManager[None]:
        """Return a context within which publishes share segments on the wire; it sends them when left."""
        return nullcontext() if self._connection is None else self._connection.together()

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
