"""What the writer had written, and when writing was stopped: it stands in a replay, in which no PLC is written to."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from gateway.advice.lifecycle import moved
from gateway.deadlines import ClockReading
from gateway.events import SetpointWriteEnded
from gateway.records.guidance import Guidance, GuidanceState
from gateway.records.setpoints import IntentMoved, WritesSwitched, WriteState
from gateway.store.codec import decode
from gateway.store.statements import SQL
from gateway.store.transaction.records.guidance import guidance_changed
from gateway.store.transaction.records.setpoints import intent_moved, writes_switched


class WriteStep(NamedTuple):
    """A step of a write, with the state that its guidance came into by it; or a stop of all writing, or its end."""

    at_ns: int
    event_id: str
    record: IntentMoved | WritesSwitched
    guidance_id: str = ""
    guidance_state: GuidanceState | None = None


def write_steps(connection: sqlite3.Connection) -> list[WriteStep]:
    """Return what is on record of writes and stops, in its order."""
    return sorted((*_steps(connection), *_stops(connection)), key=lambda step: step.at_ns)


def _steps(connection: sqlite3.Connection) -> Iterator[WriteStep]:
    for row in connection.execute(SQL["setpoint_writes_on_record"]):
        state = None if row["guidance_state"] is None else GuidanceState(row["guidance_state"])
        record = decode(IntentMoved, row["body"])
        yield WriteStep(row["at_ns"], row["event_id"], record, row["guidance_id"], state)


def _stops(connection: sqlite3.Connection) -> Iterator[WriteStep]:
    for row in connection.execute(SQL["setpoint_stops_on_record"]):
        record = WritesSwitched(stopped=bool(row["stopped"]), person=row["person"], reason=row["reason"])
        yield WriteStep(row["at_ns"], row["event_id"], record)


def let_stand(connection: sqlite3.Connection, step: WriteStep, at: ClockReading) -> None:
    """Write a step as it was, and the state of its guidance."""
    record = step.record
    if isinstance(record, WritesSwitched):
        stopped = SetpointWriteEnded(event_id=step.event_id, at=at, intent_id="", state=WriteState.STOPPED)
        writes_switched(connection, stopped, record)
        return
    event = SetpointWriteEnded(event_id=step.event_id, at=at, intent_id=record.intent_id, state=record.state)
    intent_moved(connection, event, record)
    row = connection.execute(SQL["guidance_by_id"], {"guidance_id": step.guidance_id}).fetchone()
    if row is not None and step.guidance_state is not None:
        changed = moved(decode(Guidance, row["body"]), step.guidance_state)
        if changed is not None:
            guidance_changed(connection, event, changed)
