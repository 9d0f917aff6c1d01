"""The edge node's loop: connects, waits for the host, is born, tells what is reported, and says when it goes.

A report waits in the store until the broker has answered something that was sent after it: at QoS 0 nothing else says
that it arrived. What was in doubt when a connection went is told again, as historical.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog

from gateway.clock import Clock
from gateway.contract.sparkplug.host_state import HostState, state_message
from gateway.contract.sparkplug.metrics import catalogue_of
from gateway.contract.sparkplug.payload import asks_for_rebirth, node_death_payload
from gateway.contract.sparkplug.topics import host_topic
from gateway.database.writer import Writer
from gateway.errors import NotConnectedError, StoreUnavailableError
from gateway.line.definition import LineDefinition
from gateway.publish.sparkplug.kept import KeptReports
from gateway.publish.sparkplug.options import NodeOptions
from gateway.publish.sparkplug.session import Session
from gateway.publish.sparkplug.telling import Telling
from gateway.store.queries.readers import Reader
from gateway.store.sparkplug import next_bd_seq
from gateway.transport.mqtt_client import CONNECT_TIMEOUT_SECONDS
from gateway.transport.mqtt_connection import Connection
from gateway.transport.mqtt_failures import cause_of
from gateway.transport.mqtt_messages import Delivery
from gateway.transport.mqtt_options import SessionOptions, Will
from gateway.transport.reconnect import Reconnection

log = structlog.get_logger()

UNAVAILABLE = "SPARKPLUG_UNAVAILABLE"
_LOOK_SECONDS = 1.0
_GATHER_SECONDS = 0.1  # what is committed shortly after each other goes in one message
_REBIRTH_SECONDS = 1.0  # from one birth to the next, however often a host asks
_HEADER_BYTES = 64
_MILLISECOND_NS = 1_000_000


class SparkplugNode:
    """The edge node, until cancelled."""

    def __init__(
        self,
        options: NodeOptions,
        *,
        line: LineDefinition,
        reader: Reader,
        writer: Writer,
        clock: Clock,
        sources: Callable[[], Mapping[str, bool]],
        on_condition: Callable[[str, bool], None],
    ) -> None:
        """``sources``: which are connected; a device all of whose sources are lost is dead."""
        self.kept = KeptReports(options, reader=reader, writer=writer, clock=clock)
        self._options = options
        self._line = line
        self._catalogue = catalogue_of(line)
        self._writer = writer
        self._clock = clock
        self._sources = sources
        self._on_condition = on_condition
        self._reconnection = Reconnection(f"sparkplug {options.client_id}", clock=clock)
        self._connection: Connection | None = None
        self._generation = 0
        self._host = HostState()
        self._look = asyncio.Event()
        self._rebirth = asyncio.Event()
        self._odd_logged: set[str] = set()

    def wake(self) -> None:
        """Look at once for what was committed."""
        self._look.set()

    def take_line(self, line: LineDefinition) -> None:
        """Work by this line from now on; where its metrics are others, everything is born again."""
        self._line = line
        catalogue = catalogue_of(line)
        if catalogue != self._catalogue:
            self._catalogue = catalogue
            self._rebirth.set()
            self._look.set()

    async def run(self) -> None:
        """Be the edge node until cancelled; then leave with a death."""
        tidying = asyncio.create_task(self.kept.tidy_for_ever(), name="sparkplug-tidying")
        try:
            while True:
                self._reconnection.attempt()
                try:
                    why = await self._one_connection()
                except StoreUnavailableError as error:
                    why = f"the store is not available: {error}"
                except Exception as error:  # noqa: BLE001 - a loop's edge: paho, ssl and sockets raise of every kind
                    why = cause_of(error, self._options.address)
                self.kept.figures.online = False
                self._on_condition(UNAVAILABLE, True)
                await asyncio.sleep(self._reconnection.failed(why))
        finally:
            tidying.cancel()

    # --- one connection

    async def _one_connection(self) -> str:
        """Live through one connection; return why it ended."""
        bd_seq = await self._writer.run(next_bd_seq)
        self._generation += 1
        connection = Connection(self._session_options(bd_seq), self._generation)
        self._connection, telling = connection, None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                await connection.open()
                self._reconnection.connected()
                refused = await connection.subscribe()
            if refused:
                raise NotConnectedError(f"the broker refuses the subscription to {', '.join(refused)}")
            session = Session(
                node=self._options.node,
                catalogue=self._catalogue,
                bd_seq=bd_seq,
                largest_bytes=connection.answers.largest_packet - _HEADER_BYTES,
                datatypes=self._options.datatypes_in_data,
            )
            telling = Telling(connection, session, self.kept, sources=self._sources, now_ms=self._now_ms)
            return await self._until_it_ends(connection, telling)
        finally:
            self._connection = None
            if telling is not None:
                telling.say_goodbye()
            connection.close(polite=True, with_will=True)

    def _session_options(self, bd_seq: int) -> SessionOptions:
        options = self._options
        death = node_death_payload(bd_seq, at_ms=self._now_ms())
        host = options.primary_host_id
        return SessionOptions(
            address=options.address,
            client_id=options.client_id,
            subscriptions=(options.node.commands,),
            retained=() if host is None else (host_topic(host),),
            on_delivery=self._delivered,
            will=Will(topic=options.node.topic("NDEATH"), payload=lambda: death, retain=False),
        )

    async def _until_it_ends(self, connection: Connection, telling: Telling) -> str:
        lost = asyncio.create_task(connection.until_lost(), name="sparkplug-until-lost")
        told = asyncio.create_task(self._tell_for_ever(telling), name="sparkplug-telling")
        tasks = {lost, told}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return told.result() if told.done() else lost.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell_for_ever(self, telling: Telling) -> str:
        """Tell what is reported; return why it ends: the primary host has gone."""
        while self._host_is_away():
            await self._wait()
            self._on_condition(UNAVAILABLE, self._host_is_away())
        self._reconnection.proven()
        while True:
            self._rebirth.clear()
            born_at = self._clock.monotonic()
            await telling.be_born(self._line, self._catalogue)
            self._on_condition(UNAVAILABLE, False)
            while not self._rebirth.is_set():
                if self._host_is_away():
                    return f"the primary host {self._options.primary_host_id} is offline"
                await telling.attend_devices(self._line)
                if not await telling.tell(unless=self._rebirth.is_set):
                    await self._wait()
            await asyncio.sleep(max(0.0, born_at + _REBIRTH_SECONDS - self._clock.monotonic()))

    # --- what comes

    def _delivered(self, delivery: Delivery) -> None:
        """Take a command, or the state of the host; nothing else that comes means anything."""
        host = self._options.primary_host_id
        if delivery.topic == self._options.node.commands:
            if asks_for_rebirth(delivery.payload):
                self._rebirth.set()
            else:
                self._odd("a command is not taken: only a rebirth can be asked for", bytes=len(delivery.payload))
        elif host is not None and delivery.topic == host_topic(host):
            message = state_message(delivery.payload)
            if message is None:
                self._odd("the state of the primary host is not understood", host=host)
            else:
                self._host = self._host.after(message)
        self._look.set()
        if self._connection is not None:
            self._connection.acknowledge(delivery)

    def _odd(self, event: str, **fields: object) -> None:
        """Log what comes and means nothing: each kind once, then as detail, however much of it comes."""
        (log.debug if event in self._odd_logged else log.warning)(event, **fields)
        self._odd_logged.add(event)

    def _host_is_away(self) -> bool:
        return self._options.primary_host_id is not None and self._host.online is not True

    # --- the clock

    def _now_ms(self) -> int:
        return self._clock.now_ns() // _MILLISECOND_NS

    async def _wait(self) -> None:
        """Wait until there may be something new; what follows at once is gathered."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._look.wait()
                await asyncio.sleep(_GATHER_SECONDS)
        self._look.clear()
