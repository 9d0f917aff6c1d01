"""Events are identified, decided and written in one transaction, on the writing thread.

An event whose decision fails becomes a dead letter, so poison neither blocks nor vanishes. What decides otherwise as
what lots are judged by has changed is decided in the same transaction.
"""

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from gateway.contract.identity import delivery_identity, identity_of
from gateway.contract.mes_messages import reference_to_change
from gateway.contract.refusals import Refusal, RefusalText, refusal, refusal_text
from gateway.contract.specifications import reference_to_specification
from gateway.database.opening import is_of_the_file
from gateway.decision import Decision, Latched
from gateway.decisions.table import decide
from gateway.events import (
    ActRequested,
    Arrived,
    ContextChanged,
    Event,
    FollowUpDue,
    GatewayStarted,
    LotsJudgedAgain,
    MessageRefused,
    ModelDue,
    ResultArrived,
    SpecificationStated,
    TimerDue,
)
from gateway.facts.base import Facts
from gateway.history.windows import TagWindow, WindowRequest
from gateway.line.definition import LineDefinition
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, refused
from gateway.records.follow_ups import FollowUpKind
from gateway.records.guidance import Guidance
from gateway.records.laboratory import ProvisionalHold, ResultReference
from gateway.records.outgoing import AuditEntry
from gateway.records.timers import Timer
from gateway.store.audit import trail as audit
from gateway.store.facts.table import load
from gateway.store.outbox import Queued
from gateway.store.transaction import lot_records
from gateway.store.transaction import write_decision as recording
from gateway.store.transaction.event_identity import identify, reference_to

log = structlog.get_logger()

_MOST_WORK_SECONDS = 0.020

_LOTS_AT_ONCE = 20  # judged again in the transaction that touched them


class Waiting(Protocol):
    """An event that waits to be decided, with the history windows that its decision looks at."""

    @property
    def event(self) -> Event:
        """Return the event."""
        ...

    @property
    def windows(self) -> Mapping[WindowRequest, TagWindow]:
        """Return its windows."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchOutcome:
    """How many events of a batch are committed, and how many of those could not be decided."""

    done: int
    failed: int
    damaged: int = 0  # how many of them met records that do not match their hash
    follow_ups: int = 0  # how many they have left for later
    messages: tuple[Queued, ...] | None = ()  # what they have left to be sent; None: to be read from the outbox
    answers: Mapping[str, Answer] = field(default_factory=dict)  # by the id of each event that somebody has asked for
    board_due: TimerDue | None = None  # where guidance has changed: to be decided next, so that it delays no result


def decide_batch(
    connection: sqlite3.Connection,
    *,
    line: LineDefinition,
    batch: Sequence[Waiting],
    trail: bool = True,
    lots_later: bool = False,
    on_decided: Callable[[Event, Decision], None] = lambda _event, _decision: None,
) -> BatchOutcome:
    """Decide and write as many events as fit into the time, in the transaction that runs.

    ``trail``: whether the audit trail is written; a replay's would vouch for nothing. ``lots_later``: whether lots that
    are to be judged again wait until a gateway runs. ``on_decided`` is called with each decision, before the commit.
    Raises sqlite3.Error where the transaction is lost; then none of the events is done.
    """
    deciding = _Deciding(connection, line, trail=trail, lots_later=lots_later, on_decided=on_decided)
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
        answers=deciding.answers,
        board_due=deciding.board_due,
    )


class _Deciding:
    """Decides events one after the other within one transaction, and counts what did not go well."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        line: LineDefinition,
        *,
        trail: bool,
        lots_later: bool,
        on_decided: Callable[[Event, Decision], None],
    ) -> None:
        self._connection = connection
        self._line = line
        self._trail = trail
        self._lots_later = lots_later
        self._on_decided = on_decided
        self.board_due: TimerDue | None = None
        self.messages: tuple[Queued, ...] | None = ()
        self.failed = 0
        self.damaged = 0
        self.follow_ups = 0
        self.answers: dict[str, Answer] = {}

    def take(self, pending: Waiting) -> None:
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
            answer = decision.answer
            queued = recording.write(self._connection, event, decision, line=self._line, trail=self._trail)
            latched = any(isinstance(record, Latched) for record in decision.records)
            holds_a_lot = any(isinstance(record, ProvisionalHold) for record in decision.records)
            if facts.damaged:
                latched = recording.note_damage(self._connection, event, facts.damaged) or latched
                self.damaged += 1
            self.follow_ups += len(decision.follow_ups)
            self._on_decided(event, decision)
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
            answer, latched, holds_a_lot = _could_not_decide(event, error), False, False
        self.messages = None if self.messages is None or queued is None else self.messages + queued
        self._connection.execute("RELEASE decision")
        if answer is not None:
            self.answers[event.event_id] = answer
        if latched:
            self._judge_advice_again(event)
        if not isinstance(event, ModelDue | TimerDue) or holds_a_lot:
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
        if lots and self._lots_later:
            lot_records.judge_at_next_start(self._connection, event)
            return
        if lots and (started or many):
            lot_records.judge_later(self._connection, event)
            self.follow_ups += 1
        if not lots or started or (many and not waiting):
            return
        because = event.because if isinstance(event, LotsJudgedAgain) else event.event_id
        again_id = identity_of("lots-judged-again", event.event_id)
        self.decide(LotsJudgedAgain(event_id=again_id, at=event.at, lots=lots[:_LOTS_AT_ONCE], because=because), {})


def _unidentified(event: Event, error: Exception) -> Event:
    """Return an event without a certain identity as a refused message; its lots are for a person."""
    if not isinstance(event, Arrived):
        return event
    own_id = delivery_identity(topic=event.origin.topic, payload_sha256=event.origin.payload_sha256, ordinal=-1)
    return _undecidable(replace(event, event_id=identity_of(own_id, event.at_ns)), error)


def _undecidable(event: Arrived, error: Exception) -> MessageRefused:
    reason = refusal(
        Refusal.DECISION_FAILED,
        refusal_text(RefusalText.DECISION_FAILED, error=type(error).__name__),
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
    """Return which lots a message concerns that could not be decided."""
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


def _could_not_decide(event: Event, error: Exception) -> Answer | None:
    """Return the answer to a person whose act could not be decided; nothing of it is done."""
    if not isinstance(event, ActRequested):
        return None
    return refused(ActRefusal.COULD_NOT_DECIDE, error=type(error).__name__)


def _bury(
    connection: sqlite3.Connection, line: LineDefinition, event: Event, error: Exception
) -> tuple[Queued, ...] | None:
    """Write an undecidable message as a dead letter, anything else as an audit entry; return as ``recording.write``."""
    if isinstance(event, Arrived):
        refused = _undecidable(event, error)
        return recording.write(
            connection, refused, decide(refused, Facts(line=line, latches=(), damaged=())), line=line
        )
    if isinstance(event, FollowUpDue):
        recording.done_with(connection, event)
    body = {"error": f"the gateway could not decide this ({type(error).__name__})"}
    entry = AuditEntry(kind="decision_failed", subject=event.event_id, body=body)
    audit.append(connection, (entry,), at_ns=event.at_ns)
    return ()
