"""Deviations that were closed or opened again, into their table, within the transaction that runs."""

import sqlite3

from gateway.events import Event
from gateway.records.deviation_states import DeviationClosed, DeviationReopened
from gateway.store.codec import encode
from gateway.store.statements import SQL


def deviation_closed(connection: sqlite3.Connection, event: Event, record: DeviationClosed) -> None:
    """Write that a deviation is closed."""
    _write(connection, event, record)


def deviation_reopened(connection: sqlite3.Connection, event: Event, record: DeviationReopened) -> None:
    """Write that a deviation is open again."""
    _write(connection, event, record)


def _write(connection: sqlite3.Connection, event: Event, record: DeviationClosed | DeviationReopened) -> None:
    row = {
        "deviation_id": record.deviation_id,
        "version": record.version,
        "state": record.state.value,
        "at_ns": event.at_ns,
        "body": encode(record),
    }
    connection.execute(SQL["insert_deviation_state"], row)
