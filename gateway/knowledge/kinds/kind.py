"""What a kind of records is: how one is read, and which rows of the store change it."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from gateway.knowledge.documents import Document
from gateway.records.scope import Scope
from gateway.store.statements import SQL, value_of

Keys = Callable[[sqlite3.Connection, str], tuple[str, ...]]
"""From the name of a row, as the audit trail has it, to the keys of the records that it changes."""


class DamagedRecordError(Exception):
    """A record does not match its hash: it is not shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind. ``table``: whose rows are read in their order to build the index (``knowledge_scan_<table>``).

    ``make``: the record of a key, None where it is gone; raises DamagedRecordError. ``changed_by``: by table.
    ``kept``: stays where the index has to drop the oldest for want of room.
    """

    name: str
    table: str
    make: Callable[[sqlite3.Connection, str], Document | None]
    changed_by: Mapping[str, Keys] = field(default_factory=dict)
    kept: bool = False


def itself(_connection: sqlite3.Connection, name: str) -> tuple[str, ...]:
    """Return the name of a row as the key of its record."""
    return (name,)


def by_statement(statement: str) -> Keys:
    """Return what finds the key by a statement with the row's name."""

    def keys(connection: sqlite3.Connection, name: str) -> tuple[str, ...]:
        return tuple(str(key) for (key,) in connection.execute(SQL[statement], {"name": name}) if key is not None)

    return keys


def row_that_holds(connection: sqlite3.Connection, statement: str, key: str) -> sqlite3.Row | None:
    """Return the row of a key, None where there is none; raises DamagedRecordError where it does not hold."""
    row: sqlite3.Row | None = connection.execute(SQL[statement], {"key": key}).fetchone()
    if row is not None and not row["holds"]:
        raise DamagedRecordError(key)
    return row


def of_lot_too(connection: sqlite3.Connection, scope: Scope, lots: Iterable[str | None]) -> Scope:
    """Return a record's scope; where it names no client, that of the first of its lots that production names one of.

    A message may have left the client out, and production may have named it later.
    """
    if scope.client_id is not None:
        return scope
    for lot in lots:
        client = None if lot is None else value_of(connection, "client_of_lot", material_lot_id=lot)
        if client:
            return Scope(client_id=str(client), study_id=scope.study_id)
    return scope


def rows_that_hold(connection: sqlite3.Connection, statement: str, key: str) -> list[sqlite3.Row]:
    """Return the rows of a key that hold."""
    return [row for row in connection.execute(SQL[statement], {"key": key}) if row["holds"]]
