"""The drain: read what waits, check once more, publish, wait for the acknowledgement, delete.

The outbox is the only retrier: what was in flight when a connection went is simply read again, in order. What has just
been committed is handed over, and sent without being read where all before it has been passed on. Sending and
settling are two loops, so that the pipeline stays full while acknowledged rows are deleted in batches on the writing
thread; until that is committed they count as in flight.

What follows from the broker's answers stands in ``settling.py``, what must not leave in ``holding_back.py``. A message
that the broker refuses is parked: kept, alarmed, and not in the way.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from gateway.clock import Clock
from gateway.database.writer import Writer
from gateway.errors import StoreUnavailableError
from gateway.line.definition import LineDefinition
from gateway.operations.traces import NO_TRACES, Traces
from gateway.publish.holding_back import HoldingBack, SendingListener
from gateway.publish.in_flight import InFlight
from gateway.publish.order import SendingOrder
from gateway.publish.sending import Sending
from gateway.publish.settling import Settling
from gateway.publish.waiting import Waiting
from gateway.store.outbox import Queued
from gateway.store.queries.readers import Reader
from gateway.transport.mqtt import MqttSession

log = structlog.get_logger()

_IDLE_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 2.0
_LOOK_AGAIN_AT_LAST_SECONDS = 8.0
_ACKNOWLEDGEMENT_TIMEOUT_SECONDS = 20.0
_CAREFUL_PAUSE_SECONDS = 1.0


class Drain:
    """Sends what the outbox holds through one session."""

    def __init__(
        self,
        *,
        session: MqttSession,
        reader: Reader,
        writer: Writer,
        line: LineDefinition,
        present: Callable[[str], float | None],
        clock: Clock,
        listener: SendingListener,
        traces: Traces = NO_TRACES,
    ) -> None:
        """``present`` gives a tag's value at this instant, or None."""
        self._session = session
        self._reader = reader
        self._clock = clock
        self._listener = listener
        self._order = SendingOrder()
        self._waiting = Waiting(reader, self._order)
        self._in_flight = InFlight(clock, traces)
        self.holding_back = HoldingBack(
            session=session, reader=reader, writer=writer, line=line, present=present, clock=clock,
            listener=listener,
        )  # fmt: skip
        self._settling = Settling(
            session=session, writer=writer, in_flight=self._in_flight, order=self._order,
            holding_back=self.holding_back, on_settled=self._on_settled,
        )  # fmt: skip
        self._sending = Sending(
            session=session, writer=writer, waiting=self._waiting, in_flight=self._in_flight,
            holding_back=self.holding_back, poison_detector=self._settling.poison_detector, clock=clock,
            traces=traces,
        )  # fmt: skip
        self._something = asyncio.Event()
        self._settled = asyncio.Event()
        self._store_fails = False  # whether sending met a store that cannot be used, when it last tried
        self._caught_up = asyncio.Event()
        self._look_again_at = 0.0

    @property
    def sent(self) -> int:
        """Return how many messages the broker has acknowledged."""
        return self._settling.sent

    def _on_settled(self, lost: bool) -> None:  # noqa: FBT001 - told by a callback
        self._waiting.more = self._waiting.more or lost
        self._settled.set()
        self._something.set()  # there may be room again

    def take_line(self, line: LineDefinition) -> None:
        """Check what leaves by this definition from now on."""
        self.holding_back.take_line(line)

    def wake(self) -> None:
        """Look again: something was committed."""
        self.committed(None)

    def committed(self, messages: Sequence[Queued] | None) -> None:
        """Take what was committed now, in its order; None where the outbox has to be read for it."""
        if messages is not None and not messages:
            return
        self._waiting.committed(messages, connected=self._session.connected)
        self._caught_up.clear()
        self._something.set()

    def look_behind(self) -> None:
        """Look at what lies behind the cursors, too, as soon as nothing is in flight: a message has come back."""
        self._look_again_at = -math.inf
        self.wake()

    async def caught_up(self, *, within_seconds: float) -> None:
        """Return when all that was committed is handed to the session, or when that takes too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                await self._caught_up.wait()

    async def run(self) -> None:
        """Drain until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._settling.run(), name="drain-settling")
            await self._send_what_waits()

    async def until_empty(self) -> None:
        """Return when nothing is left to send; what was acknowledged is then taken for kept by a broker that lives."""
        while self._is_busy() or await self._waiting.is_anything_left():
            self._settled.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_SECONDS):
                    await self._settled.wait()
        if self._session.connected and self._sending.is_current:
            await self._settling.all_is_kept()

    def _is_busy(self) -> bool:
        """Return whether there is work that it knows of, without a look into the outbox."""
        to_read = self._session.connected and not self._store_fails and bool(self._waiting)
        return bool(self._in_flight) or to_read

    async def _send_what_waits(self) -> None:
        while True:
            self._listener.progress()
            if self._in_flight.waits_longer_than(_ACKNOWLEDGEMENT_TIMEOUT_SECONDS):
                self._settling.dropped_by_us()
                self._session.drop("the broker did not acknowledge in time")
            try:
                if self._session.connected and self._waiting:
                    await self._send()
                    self._store_fails = False
            except StoreUnavailableError as error:
                log.error("the outbox cannot be used", error=str(error))  # noqa: TRY400 - the cause is in the sentence
                self._look_again_at, self._waiting.more, self._store_fails = 0.0, True, True
                await asyncio.sleep(_IDLE_SECONDS)
            await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(_IDLE_SECONDS):
                await self._something.wait()
        except TimeoutError:
            self._waiting.more = True  # look now and then, whatever was or was not told
        if not self._in_flight and self._clock.monotonic() >= self._look_again_at:
            self._look_again_at = self._clock.monotonic() + _LOOK_AGAIN_SECONDS
            self._order.again()
            self._waiting.more = True
        self._something.clear()

    async def _send(self) -> None:
        if not self._sending.is_current:
            await self._begin()
        limit = self._sending.most_in_flight()
        room = limit - len(self._in_flight)
        if room <= limit // 4:
            return  # settling wakes us when there is more
        if self._in_flight and self._clock.monotonic() - self._look_again_at > _LOOK_AGAIN_AT_LAST_SECONDS:
            return  # traffic never pauses: once nothing is in flight, what lies behind the cursors is looked at again
        await self._sending.send(room)
        if not self._waiting:
            self._caught_up.set()
            self._settled.set()  # who waits until all is empty looks again

    async def _begin(self) -> None:
        """Begin again on a connection that has come up."""
        self._waiting.more = True
        if self._in_flight:  # settling has not yet heard what became of them on the connection before
            self._in_flight.answered.set()
            while self._in_flight:
                self._settled.clear()
                self._listener.progress()  # where the store fails, waiting is all there is to do
                with suppress(TimeoutError):
                    async with asyncio.timeout(_IDLE_SECONDS):
                        await self._settled.wait()
        if self._settling.poison_detector.careful:
            await asyncio.sleep(_CAREFUL_PAUSE_SECONDS)  # a connection that stands without it, for the comparison
        generation = self._session.generation
        self._settling.begin()
        number = max(self._clock.now_ns(), self._order.connection + 1)  # no other ever had it, in this life or before
        self._order.begin(await self._reader.newest_seq(), connection=number)
        self._sending.generation = generation  # only now: where the store fails, it is begun again
