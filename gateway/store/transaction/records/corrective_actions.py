"""Corrective actions, into their tables, within the transaction that runs."""

import sqlite3
from dataclasses import asdict

from gateway.events import Event
from gateway.records.corrective_actions import ActionDone, ActionRecorded
from gateway.store.codec import encode
from gateway.store.statements import SQL


def action_recorded(connection: sqlite3.Connection, _event: Event, action: ActionRecorded) -> None:
    """Write an action."""
    row = {"action_id": action.action_id, "deviation_id": action.deviation_id, "at_ns": action.at_ns}
    connection.execute(SQL["insert_corrective_action"], {**row, "body": encode(action)})


def action_done(connection: sqlite3.Connection, event: Event, record: ActionDone) -> None:
    """Write that an action was done."""
    connection.execute(SQL["insert_corrective_action_done"], {**asdict(record), "event_id": event.event_id})
