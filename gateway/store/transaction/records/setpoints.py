"""Setpoints on their way to the PLC, into their tables, within the transaction that runs."""

import sqlite3
from dataclasses import asdict

from gateway.events import Event
from gateway.guardrails.reasons import Abstention, abstain
from gateway.records.setpoints import (
    OPEN_WRITES,
    IntentMoved,
    SetpointIntent,
    SetpointOutcome,
    WritesSwitched,
    WriteState,
)
from gateway.store.codec import encode
from gateway.store.statements import SQL, value_of


def intent_made(connection: sqlite3.Connection, event: Event, intent: SetpointIntent) -> None:
    """Write an intent, once for a guidance. Where another of its tag is open, it is closed as refused at once."""
    if value_of(connection, "setpoint_intent_is_there", intent_id=intent.intent_id) is not None:
        return
    other = value_of(connection, "open_intent_of_tag", tag=intent.tag)
    state = WriteState.OPEN if other is None else WriteState.REFUSED
    reason = None if other is None else abstain(Abstention.WRITE_UNDER_WAY, tag=intent.tag)
    row = {
        "intent_id": intent.intent_id,
        "guidance_id": intent.guidance_id,
        "tag": intent.tag,
        "state": state.value,
        "open": state in OPEN_WRITES,
        "automatic": intent.automatic,
        "issued_ns": intent.issued_ns,
        "body": encode(intent),
        "event_id": event.event_id,
    }
    connection.execute(SQL["insert_setpoint_intent"], row)
    _state(connection, event, IntentMoved(intent_id=intent.intent_id, tag=intent.tag, state=state, reason=reason))


def intent_moved(connection: sqlite3.Connection, event: Event, record: IntentMoved) -> None:
    """Write the state that an intent has come into; that its cause has ended is written, and leaves it as it was."""
    if record.state is WriteState.CAUSE_ENDED:
        _state(connection, event, record)
        return
    sent = record.written is not None or record.state in {WriteState.FOLLOWING, WriteState.WRITTEN}
    at = event.at if sent else None  # the first of them counts: what was sent may have moved the setpoint
    connection.execute(
        SQL["move_setpoint_intent"],
        {
            "intent_id": record.intent_id,
            "state": record.state.value,
            "open": record.state in OPEN_WRITES,
            "written_ns": None if at is None else at.wall_ns,
            "written_boot_ns": None if at is None else at.boot_ns,
            "written_boot_id": None if at is None else at.boot_id,
        },
    )
    _state(connection, event, record)


def _state(connection: sqlite3.Connection, event: Event, record: IntentMoved) -> None:
    row = {
        "intent_id": record.intent_id,
        "state": record.state.value,
        "at_ns": event.at_ns,
        "body": encode(record),
        "event_id": event.event_id,
    }
    connection.execute(SQL["insert_setpoint_intent_state"], row)


def writes_switched(connection: sqlite3.Connection, event: Event, record: WritesSwitched) -> None:
    """Write that all writing is stopped, or allowed again."""
    connection.execute(
        SQL["insert_setpoint_stop"], {**asdict(record), "at_ns": event.at_ns, "event_id": event.event_id}
    )


def outcome_recorded(connection: sqlite3.Connection, event: Event, record: SetpointOutcome) -> None:
    """Write what came of a move."""
    row = {**asdict(record), "followed": record.followed.value, "at_ns": event.at_ns}
    connection.execute(SQL["insert_setpoint_outcome"], row)
