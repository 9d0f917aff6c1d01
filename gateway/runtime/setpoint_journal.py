"""What is on record of setpoint writes, and what goes on record of them."""

import asyncio
import sqlite3
from functools import partial

from gateway.clock import Clock
from gateway.contract.identity import identity_of
from gateway.database.writer import Writer
from gateway.deadlines import ClockReading
from gateway.errors import LablineError
from gateway.events import Event, SetpointWriteBegun, SetpointWriteEnded
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.records.setpoints import IntentMoved, SetpointIntent, StopOnRecord, WriteState
from gateway.setpoints.handshake import Ended
from gateway.setpoints.kept_back import PLANT_CAUSES
from gateway.store.queries.setpoints import (
    WriteOnRecord,
    intent_of_id,
    last_move,
    open_intents,
    state_of_intent,
    stop_of,
    write_on_record,
)

_COMMIT_SECONDS = 10.0

StateOfWrites = tuple[StopOnRecord | None, tuple[tuple[SetpointIntent, WriteState], ...]]


class SetpointJournal:
    """Reads on the writing thread, so that what was committed before is seen; writes by events that are decided."""

    def __init__(self, *, clock: Clock, store: Writer, inbox: EventQueue) -> None:
        self._clock = clock
        self._store = store
        self._inbox = inbox

    async def state_of_writes(self) -> StateOfWrites:
        """Return the stop that stands, if any, and the intents that are open or being written."""
        return await self._store.run(_state_of_writes)

    async def on_record(self, intent: SetpointIntent) -> WriteOnRecord | None:
        """Return all that the records say of a write at this instant."""
        return await self._store.run(partial(_on_record, intent_id=intent.intent_id, at=self._clock.now()))

    async def followed(self, intent: SetpointIntent) -> IntentMoved | None:
        """Return the record since which the feedback of a setpoint is awaited, None where it does not hold."""
        following = WriteState.FOLLOWING
        return await self._store.run(partial(_state, intent_id=intent.intent_id, state=following))

    async def kept_back(self, tag: str) -> tuple[SetpointIntent, str] | None:
        """Return the last move of a setpoint with what the plant had against it, None where nothing stands."""
        return await self._store.run(partial(_kept_back, tag=tag))

    async def before(self, intent: SetpointIntent) -> float | None:
        """Return where the setpoint stood when its write was begun, None where that is not known."""
        return await self._store.run(partial(_before, intent_id=intent.intent_id))

    async def begun(self, intent: SetpointIntent, before: float | None) -> None:
        """Put on record that a write begins; the decision may close the intent instead."""
        event = SetpointWriteBegun(
            event_id=_event_id("begun", intent), at=self._clock.now(), intent_id=intent.intent_id, before=before
        )
        await self.committed(event)

    async def ended(
        self, intent: SetpointIntent, ended: Ended, *, before: float | None = None, written: float | None = None
    ) -> None:
        """Put on record what came of a write."""
        event = SetpointWriteEnded(
            event_id=_event_id(ended.state.value, intent),
            at=self._clock.now(),
            intent_id=intent.intent_id,
            state=ended.state,
            before=before,
            written=written,
            read_back=ended.read_back,
            feedback=ended.feedback,
            reason=ended.reason,
        )
        await self.committed(event)

    async def committed(self, event: Event) -> None:
        """Have an event decided; raises LablineError where it is not committed in time."""
        committed = asyncio.Event()
        self._inbox.put(event, Urgency.STOP_AND_RESPONSES, committed.set)
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                await committed.wait()
        except TimeoutError:
            self._inbox.withdraw(event.event_id)
            raise LablineError(f"the store did not take {event.kind} in {_COMMIT_SECONDS:g} s") from None


def _event_id(what: str, intent: SetpointIntent) -> str:
    return identity_of("setpoint-write", what, intent.intent_id)


# --- on the writing thread -----------------------------------------------------------------------------------


def _state_of_writes(connection: sqlite3.Connection) -> StateOfWrites:
    return stop_of(connection), open_intents(connection)


def _on_record(connection: sqlite3.Connection, *, intent_id: str, at: ClockReading) -> WriteOnRecord | None:
    return write_on_record(connection, intent_id, at)


def _before(connection: sqlite3.Connection, *, intent_id: str) -> float | None:
    begun = state_of_intent(connection, intent_id, WriteState.WRITING)
    return None if begun is None else begun.before


def _kept_back(connection: sqlite3.Connection, *, tag: str) -> tuple[SetpointIntent, str] | None:
    last = last_move(connection, tag)
    if last is None or not last.holds or last.cause not in PLANT_CAUSES or last.cause is None:
        return None
    intent = intent_of_id(connection, last.intent_id)
    return None if intent is None else (intent, last.cause)


def _state(connection: sqlite3.Connection, *, intent_id: str, state: WriteState) -> IntentMoved | None:
    return state_of_intent(connection, intent_id, state)
