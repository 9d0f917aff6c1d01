"""The process loop: take what waits, decide it on the writer's thread, commit once, then acknowledge.

Group commit without a timer: whatever came in while the last batch was being committed is the next batch, at
most 20 events or 20 ms of work. Nothing is acknowledged before it is committed. An event whose decision fails
is committed as a dead letter, so poison neither blocks nor vanishes. When the store itself fails, the batch is
abandoned, nothing is acknowledged, and the events are tried again one at a time until the store is back.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import structlog

from gateway.contract.contexts import reference_to_change
from gateway.contract.identity import delivery_identity, identity_of
from gateway.contract.reading import Refusal, refusal
from gateway.contract.specifications import reference_to_specification
from gateway.database.opening import is_of_the_file
from gateway.database.writer import Writer
from gateway.decision import Latched
from gateway.decisions.table import decide, windows_needed
from gateway.errors import StoreUnavailableError
from gateway.events import (
    Arrived,
    ContextChanged,
    Event,
    FollowUpDue,
    FollowUpKind,
    GatewayStarted,
    LotsJudgedAgain,
    MessageRefused,
    ModelDue,
    ResultArrived,
    SpecificationStated,
    Timer,
    TimerDue,
)
from gateway.facts.base import Facts
from gateway.history.windows import TagWindow, WindowRequest
from gateway.ingest.event_queue import EventQueue, Pending
from gateway.line.definition import LineDefinition
from gateway.operations.plant_log import PlantLine, PlantLog, lines_of
from gateway.records.guidance import Guidance
from gateway.records.laboratory import ResultReference
from gateway.records.outgoing import AuditEntry
from gateway.store.audit import trail as audit
from gateway.store.facts.situation import load
from gateway.store.outbox import Queued
from gateway.store.transaction import lot_records
from gateway.store.transaction import write_decision as recording
from gateway.store.transaction.event_identity import identify, reference_to

log = structlog.get_logger()

Windows = Callable[[Iterable[WindowRequest]], Awaitable[Mapping[WindowRequest, TagWindow]]]
"""History, asked for windows."""

_MOST_EVENTS = 20
_MOST_WORK_SECONDS = 0.020
_FINISH_SECONDS = 2.0
_LOOK_SECONDS = 1.0
_LOTS_AT_ONCE = 20  # judged again in the transaction that touched them
_RETRY_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchOutcome:
    """How many events of a batch are committed, and how many of those could not be decided."""

    done: int
    failed: int
    damaged: int = 0  # how many of them met records that do not match their hash
    follow_ups: int = 0  # how many they have left for later
    messages: tuple[Queued, ...] | None = ()  # what they have left to be sent; None: to be read from the outbox
    board_due: TimerDue | None = None  # where guidance has changed: to be decided next, so that it delays no result
    lines: tuple[PlantLine, ...] = ()  # what the log tells of it


class Processor:
    """The loop itself, and what it tells about itself."""

    def __init__(
        self,
        *,
        inbox: EventQueue,
        line: LineDefinition,
        windows: Windows,
        writer: Writer,
        on_committed: Callable[[tuple[Queued, ...] | None], None],
        on_progress: Callable[[], None],
        on_store: Callable[[str | None], None],
        on_alarm: Callable[[str], None],
        on_follow_ups: Callable[[], None] = lambda: None,
        on_board_due: Callable[[TimerDue], None] = lambda _due: None,
    ) -> None:
        """``on_committed`` hears of the messages that wait now, None where the outbox has to be read for them.

        ``on_store`` hears why the store fails, None once it works again; ``on_alarm`` of failed decisions.

        ``on_follow_ups`` and ``on_board_due`` hear of what decisions have left for later.
        """
        self._inbox = inbox
        self._line = line
        self._windows = windows
        self._writer = writer
        self._on_committed = on_committed
        self._on_progress = on_progress
        self._on_store = on_store
        self._on_alarm = on_alarm
        self._on_follow_ups = on_follow_ups
        self._on_board_due = on_board_due
        self._plant_log = PlantLog()
        self._room = asyncio.Event()
        self._room.set()

    async def run(self) -> None:
        """Process until cancelled; what has been taken is finished first."""
        while True:
            batch = await self._inbox.take(most=_MOST_EVENTS)
            await self._until_room()
            await self._finish(asyncio.create_task(self.process(batch), name="process-batch"))
            self._on_progress()

    def take_line(self, line: LineDefinition) -> None:
        """Decide by this definition from the next batch on."""
        self._line = line

    def room(self, there_is: bool) -> None:  # noqa: FBT001 - a state, told by a callback
        """Note whether the disk has room; without it nothing is decided, committed or acknowledged."""
        (self._room.set if there_is else self._room.clear)()

    async def _until_room(self) -> None:
        while not self._room.is_set():
            self._on_progress()  # no stalled loop: a restart would not bring space
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
        waiting = [await self._with_windows(pending, line) for pending in batch]
        while waiting:
            try:
                outcome = await self._writer.run(partial(decide_batch, line=line, batch=tuple(waiting)))
            except StoreUnavailableError as error:
                log.error("store failed; nothing is acknowledged", error=str(error))  # noqa: TRY400 - the cause is in it
                self._on_committed(None)  # nobody knows whether it was committed
                await self._one_at_a_time(waiting, line)
                return
            self._on_store(None)
            await self._settle(waiting[: outcome.done], outcome)
            waiting = waiting[outcome.done :]

    async def _one_at_a_time(self, waiting: Sequence[Pending], line: LineDefinition) -> None:
        """Try each event until it is committed; predictions and timers are given up, as new ones will come."""
        for pending in waiting:
            attempt = 0
            while not await self._committed_alone(pending, line) and not isinstance(pending.event, ModelDue | TimerDue):
                await asyncio.sleep(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)])
                attempt += 1

    async def _committed_alone(self, pending: Pending, line: LineDefinition) -> bool:
        try:
            outcome = await self._writer.run(partial(decide_batch, line=line, batch=(pending,)))
        except StoreUnavailableError as error:
            self._on_store(str(error))
            self._on_committed(None)  # it may be there all the same, and is not always tried again
            return False
        finally:
            self._on_progress()  # a full disk is no stalled loop: a restart would not mend it
        self._on_store(None)
        await self._settle([pending], replace(outcome, messages=None))  # and what an attempt before has left
        return True

    async def _settle(self, done: Sequence[Pending], outcome: BatchOutcome) -> None:
        self._on_committed(outcome.messages)
        await asyncio.sleep(0)  # what people wait for leaves before the receipts do
        self._plant_log.write(outcome.lines)
        if outcome.failed:
            self._on_alarm("DECISION_FAILED")
        if outcome.damaged:
            self._on_alarm("EVIDENCE_DAMAGED")
        for pending in done:
            pending.committed()
        if outcome.follow_ups:
            self._on_follow_ups()
        if outcome.board_due is not None:
            self._on_board_due(outcome.board_due)

    async def _with_windows(self, pending: Pending, line: LineDefinition) -> Pending:
        if pending.windows:  # read before it was put into the inbox: a long stretch keeps nothing else waiting
            return pending
        windows = await self._windows(windows_needed(pending.event, line))
        return replace(pending, windows=windows) if windows else pending


def decide_batch(
    connection: sqlite3.Connection, *, line: LineDefinition, batch: Sequence[Pending], trail: bool = True
) -> BatchOutcome:
    """Decide and write as many events as fit into the time, in the transaction that runs.

    ``trail``: whether the audit trail is written; a replay's would vouch for nothing. Raises sqlite3.Error where the
    transaction is lost; then none of the events is done.
    """
    deciding = _Deciding(connection, line, trail=trail)
    begun, done = time.perf_counter(), 0
    for pending in batch:
        if done and time.perf_counter() - begun > _MOST_WORK_SECONDS:
            break
        deciding.take(pending)
        done += 1
    return BatchOutcome(
        done=done,
        failed=deciding.failed,
        damaged=deciding.damaged,
        follow_ups=deciding.follow_ups,
        messages=deciding.messages,
        board_due=deciding.board_due,
        lines=tuple(deciding.lines),
    )


class _Deciding:
    """Decides events one after the other within one transaction, and counts what did not go well."""

    def __init__(self, connection: sqlite3.Connection, line: LineDefinition, *, trail: bool) -> None:
        self._connection = connection
        self._line = line
        self._trail = trail
        self.board_due: TimerDue | None = None
        self.messages: tuple[Queued, ...] | None = ()
        self.failed = 0
        self.damaged = 0
        self.follow_ups = 0
        self.lines: list[PlantLine] = []

    def take(self, pending: Pending) -> None:
        """Decide an event that has come in, unless it has been decided already."""
        try:
            event = identify(self._connection, pending.event)  # which only reads
        except Exception as error:
            if is_of_the_file(error) or not self._connection.in_transaction:
                raise
            log.exception("an event could not be identified; it becomes a dead letter", kind=pending.event.kind)
            event = _unidentified(pending.event, error)
        if event is not None:
            self.decide(event, pending.windows)

    def decide(self, event: Event, windows: Mapping[WindowRequest, TagWindow]) -> None:
        """Decide and write one event under a savepoint, and judge again the lots that it touches."""
        self._connection.execute("SAVEPOINT decision")
        try:
            facts = load(self._connection, event, self._line, windows)
            decision = decide(event, facts)
            queued = recording.write(self._connection, event, decision, trail=self._trail)
            latched = any(isinstance(record, Latched) for record in decision.records)
            if facts.damaged:
                latched = recording.note_damage(self._connection, event, facts.damaged) or latched
                self.damaged += 1
            self.follow_ups += len(decision.follow_ups)
            self.lines += lines_of(event, decision) if self._trail else ()
            if any(isinstance(record, Guidance) for record in decision.records):
                board_id = identity_of("board", event.event_id)
                self.board_due = TimerDue(event_id=board_id, at=event.at, timer=Timer.REFRESH_BOARD)
        except Exception as error:
            if is_of_the_file(error) or not self._connection.in_transaction:
                raise  # not the event's fault: it is not acknowledged, and comes again
            self._connection.execute("ROLLBACK TO decision")
            log.exception("a decision failed; the event becomes a dead letter", kind=event.kind)
            queued = _bury(self._connection, self._line, event, error)
            self.failed += 1
            latched = False
        self.messages = None if self.messages is None or queued is None else self.messages + queued
        self._connection.execute("RELEASE decision")
        if latched:
            self._judge_advice_again(event)
        if not isinstance(event, ModelDue | TimerDue):
            self._judge_lots_again(event)

    def _judge_advice_again(self, event: Event) -> None:
        """Take back, in the same transaction, what an alarm that has just latched does not let stand."""
        again_id = identity_of("judged-again", event.event_id)
        self.decide(TimerDue(event_id=again_id, at=event.at, timer=Timer.EXPIRE_GUIDANCE), {})

    def _judge_lots_again(self, event: Event) -> None:
        """Judge, in the same transaction, the lots whose facts have changed; very many of them later, some at a time.

        Until then such a lot is judged as a whole with each result that comes, so none meets what is out of date.
        """
        waiting = isinstance(event, FollowUpDue) and event.follow_up.kind is FollowUpKind.JUDGE_AGAIN
        started = isinstance(event, GatewayStarted)
        cause = None if waiting or started else event.event_id
        lots = lot_records.lots_to_judge(self._connection, cause=cause, most=_LOTS_AT_ONCE + 1)
        many = len(lots) > _LOTS_AT_ONCE
        if lots and (started or many):
            lot_records.judge_later(self._connection, event)
            self.follow_ups += 1
        if not lots or started or (many and not waiting):
            return
        because = event.because if isinstance(event, LotsJudgedAgain) else event.event_id
        again_id = identity_of("lots-judged-again", event.event_id)
        self.decide(LotsJudgedAgain(event_id=again_id, at=event.at, lots=lots[:_LOTS_AT_ONCE], because=because), {})


def _unidentified(event: Event, error: Exception) -> Event:
    """Return an event that cannot be told apart from others as a refused message; its lots are for a person."""
    if not isinstance(event, Arrived):
        return event
    own_id = delivery_identity(topic=event.origin.topic, payload_sha256=event.origin.payload_sha256, ordinal=-1)
    return _undecidable(replace(event, event_id=identity_of(own_id, event.at_ns)), error)


def _undecidable(event: Arrived, error: Exception) -> MessageRefused:
    reason = refusal(
        Refusal.DECISION_FAILED,
        f"The gateway could not decide this message ({type(error).__name__}); it is kept for a person to look at.",
        error=repr(error)[:500].encode("utf-8", "backslashreplace").decode(),
    )
    return MessageRefused(
        event_id=event.event_id,
        at=event.at,
        origin=event.origin,
        payload=event.payload,
        reasons=(reason,),
        about=_about(event),
    )


def _about(event: Arrived) -> ResultReference | None:
    """Return of which lots a message speaks that could not be decided."""
    match event:
        case ResultArrived():
            return reference_to(event.result)
        case ContextChanged():
            return reference_to_change(event.change)
        case SpecificationStated():
            return reference_to_specification(event.specification)
        case MessageRefused():
            return event.about
        case _:
            return None


def _bury(
    connection: sqlite3.Connection, line: LineDefinition, event: Event, error: Exception
) -> tuple[Queued, ...] | None:
    """Write an undecidable message as a dead letter, anything else as an audit entry; return as ``recording.write``."""
    if isinstance(event, Arrived):
        refused = _undecidable(event, error)
        return recording.write(connection, refused, decide(refused, Facts(line=line, latches=(), damaged=())))
    if isinstance(event, FollowUpDue):
        recording.done_with(connection, event)
    body = {"error": f"the gateway could not decide this ({type(error).__name__})"}
    entry = AuditEntry(kind="decision_failed", subject=event.event_id, body=body)
    audit.append(connection, (entry,), at_ns=event.at_ns)
    return ()
