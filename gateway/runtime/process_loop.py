"""The process loop: take what waits, decide it on the writer's thread, commit once, then acknowledge.

Group commit without a timer: whatever came in while the last batch was being committed is the next batch, at
most 20 events or 20 ms of work. Nothing is acknowledged before it is committed. When the store itself fails, the batch
is abandoned, nothing is acknowledged, and the events are tried again one at a time until the store is back.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Protocol

import structlog

from gateway.database.writer import Writer
from gateway.decision import Decision
from gateway.decisions.table import windows_needed
from gateway.errors import StoreUnavailableError
from gateway.events import (
    ActRequested,
    Event,
    ModelDue,
    TimerDue,
)
from gateway.history.windows import TagWindow, WindowRequest
from gateway.ingest.event_queue import EventQueue, Pending
from gateway.line.definition import LineDefinition
from gateway.operations.plant_log import PlantLine, PlantLog, lines_of
from gateway.operations.traces import NO_TRACES, Traces
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import unknown
from gateway.store.outbox import Queued
from gateway.store.transaction.decide_batch import BatchOutcome, decide_batch

log = structlog.get_logger()

Windows = Callable[[Iterable[WindowRequest]], Awaitable[Mapping[WindowRequest, TagWindow]]]
"""History, asked for windows."""

_MOST_EVENTS = 20

_FINISH_SECONDS = 2.0

_LOOK_SECONDS = 1.0

_RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)


class ProcessListener(Protocol):
    """What hears of the process loop."""

    def committed(self, messages: tuple[Queued, ...] | None) -> None:
        """Take the messages that wait now; None where the outbox has to be read for them."""
        ...

    def progress(self) -> None:
        """Note that the loop gets on."""
        ...

    def store(self, failure: str | None) -> None:
        """Note why the store fails; None once it works again."""
        ...

    def alarm(self, code: str) -> None:
        """Note a decision that failed, or that met damaged records."""
        ...

    def follow_ups(self) -> None:
        """Note that decisions have left work for later."""
        ...

    def board_due(self, due: TimerDue) -> None:
        """Note that the board is to be published again, when there is time."""
        ...


OnDecided = Callable[[Event, Decision], None]


class Processor:
    """The loop itself."""

    def __init__(
        self,
        *,
        inbox: EventQueue,
        line: LineDefinition,
        windows: Windows,
        writer: Writer,
        listener: ProcessListener,
        on_decided: OnDecided | None = None,
        traces: Traces = NO_TRACES,
    ) -> None:
        """``on_decided`` hears of each decision once it is committed, ``traces`` before its messages are sent."""
        self._inbox = inbox
        self._line = line
        self._windows = windows
        self._writer = writer
        self._listener = listener
        self._plant_log = PlantLog()
        self._lines: list[PlantLine] = []
        self._on_decided = on_decided
        self._traces = traces
        self._decided: list[tuple[Event, Decision]] = []
        self._room = asyncio.Event()
        self._room.set()

    async def run(self) -> None:
        """Process until cancelled; what has been taken is finished first."""
        while True:
            batch = await self._inbox.take(most=_MOST_EVENTS)
            await self._until_room()
            await self._finish(asyncio.create_task(self.process(batch), name="process-batch"))
            self._listener.progress()

    def take_line(self, line: LineDefinition) -> None:
        """Decide by this definition from the next batch on."""
        self._line = line

    def room(self, there_is: bool) -> None:  # noqa: FBT001 - a state, told by a callback
        """Note whether the disk has room; without it nothing is decided, committed or acknowledged."""
        (self._room.set if there_is else self._room.clear)()

    async def _until_room(self) -> None:
        while not self._room.is_set():
            self._listener.progress()  # no stalled loop: a restart would not bring space
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._room.wait()

    async def _finish(self, task: asyncio.Task[None]) -> None:
        """Await the batch even through a cancellation, then pass the cancellation on."""
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            done, _ = await asyncio.wait({task}, timeout=_FINISH_SECONDS)
            task.cancel()  # only where the store does not commit: then nothing was acknowledged
            for finished in done:
                finished.result()  # a store that it found corrupt is told even now
            raise

    async def process(self, batch: Sequence[Pending]) -> None:
        """Decide and commit a batch, then acknowledge it."""
        line = self._line  # another version may be taken meanwhile: windows and decision are of one
        waiting = [await self._with_windows(pending, line) for pending in batch if pending.begin()]
        while waiting:
            try:
                outcome = await self._writer.run(self._decide(line, waiting))
            except StoreUnavailableError as error:
                log.error("store failed; nothing is acknowledged", error=str(error))  # noqa: TRY400 - the cause is in it
                self._listener.committed(None)  # nobody knows whether it was committed
                await self._one_at_a_time(waiting, line)
                return
            self._listener.store(None)
            await self._settle(waiting[: outcome.done], outcome)
            waiting = waiting[outcome.done :]

    def _decide(self, line: LineDefinition, waiting: Sequence[Pending]) -> Callable[[sqlite3.Connection], BatchOutcome]:
        """Return the work of a batch; what the log tells of it is written once it is committed."""
        self._lines.clear()
        self._decided.clear()

        def noted(event: Event, decision: Decision) -> None:
            self._lines.extend(lines_of(event, decision))
            if self._on_decided is not None or self._traces is not NO_TRACES:
                self._decided.append((event, decision))

        for pending in waiting:
            self._traces.begun(pending.event)
        return partial(decide_batch, line=line, batch=tuple(waiting), on_decided=noted)

    async def _one_at_a_time(self, waiting: Sequence[Pending], line: LineDefinition) -> None:
        """Try each event until it is committed; predictions and timers are given up, as new ones will come.

        A person's act is not tried again: nobody knows whether it is done already, and the person is told so.
        """
        for pending in waiting:
            attempt = 0
            if isinstance(pending.event, ActRequested):
                pending.answered(unknown(ActRefusal.STORE_FAILED))
                continue
            while not await self._committed_alone(pending, line) and not isinstance(pending.event, ModelDue | TimerDue):
                await asyncio.sleep(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)])
                attempt += 1

    async def _committed_alone(self, pending: Pending, line: LineDefinition) -> bool:
        try:
            outcome = await self._writer.run(self._decide(line, (pending,)))
        except StoreUnavailableError as error:
            self._listener.store(str(error))
            self._listener.committed(None)  # it may be there all the same, and is not always tried again
            return False
        finally:
            self._listener.progress()  # a full disk is no stalled loop: a restart would not mend it
        self._listener.store(None)
        await self._settle([pending], replace(outcome, messages=None))  # and what an attempt before has left
        return True

    async def _settle(self, done: Sequence[Pending], outcome: BatchOutcome) -> None:
        for event, decision in self._decided:
            self._traces.decided(event, decision)
        self._listener.committed(outcome.messages)
        await asyncio.sleep(0)  # what people wait for leaves before the receipts do
        self._plant_log.write(self._lines)
        self._tell_decided()
        if outcome.failed:
            self._listener.alarm("DECISION_FAILED")
        if outcome.damaged:
            self._listener.alarm("EVIDENCE_DAMAGED")
        for pending in done:
            pending.committed()
            answer = outcome.answers.get(pending.event.event_id)
            if answer is not None:
                pending.answered(answer)
        if outcome.follow_ups:
            self._listener.follow_ups()
        if outcome.board_due is not None:
            self._listener.board_due(outcome.board_due)

    def _tell_decided(self) -> None:
        if self._on_decided is not None:
            for event, decision in self._decided:
                self._on_decided(event, decision)

    async def _with_windows(self, pending: Pending, line: LineDefinition) -> Pending:
        if pending.windows:  # read before it was put into the inbox: a long stretch keeps nothing else waiting
            return pending
        windows = await self._windows(windows_needed(pending.event, line))
        return replace(pending, windows=windows) if windows else pending
