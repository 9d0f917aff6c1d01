"""The audit trail vouches for every evidence row: each line names the rows that were written with it, by their hashes.

Nobody has to think of it. Temporary triggers on the writing connection note each change of a row in each table, whoever
makes it, and ``audit.append`` puts what was noted into the line that it writes, in the same transaction. A new table is
vouched for from its first row on, unless its row in ``tables.py`` says why not.
"""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

from gateway.database.opening import Schema
from gateway.store.tables import TABLES

_NOTED = """
CREATE TEMP TABLE changed_row (number INTEGER PRIMARY KEY, name TEXT NOT NULL, hash TEXT);
CREATE TEMP TABLE vouched_row (name TEXT PRIMARY KEY, hash TEXT, owner TEXT, seq INTEGER);
CREATE TEMP TABLE own_head (one INTEGER PRIMARY KEY, seq INTEGER NOT NULL, hash TEXT NOT NULL);
"""
"""Of this connection: rows that wait for a line, rows that authorise (``authority.py``), the newest line it wrote."""
_WITH_THE_NEXT_LINE = "departure "
"""Rows that make no line of their own: of messages that others have replaced, in an outage one after the other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """A table whose rows are vouched for: its key, and what is the hash of a row."""

    table: str
    key: tuple[str, ...]
    hash_sql: str  # {row} stands for the row
    has_hash: bool
    has_rowid: bool
    only_where: str
    may_leave: bool  # without a line

    def key_sql(self, row: str) -> str:
        """Return the SQL for a row's key as the trail writes it: its text, or a JSON array of several columns."""
        columns = ", ".join(f"{row}.{name}" for name in self.key)
        return f"json_array({columns})" if len(self.key) > 1 else f"CAST({columns} AS TEXT)"

    def rows(self) -> str:
        """Return the statement that reads every row's key, hash and number in its table."""
        number = "rowid" if self.has_rowid else "NULL"
        return (
            f"SELECT {self.key_sql('t')} AS name, {self.hash_sql.format(row='t')} AS hash, t.{number} AS number "
            f"FROM {self.table} AS t WHERE {self.only_where.format(row='t')}"
        ).replace("t.NULL", "NULL")

    def row(self, key: str) -> tuple[str, list[Any]]:
        """Return the statement that reads one row as ``rows`` does, and its parameters."""
        values = json.loads(key) if len(self.key) > 1 else [key]
        return f"{self.rows()} AND " + " AND ".join(f"t.{name} = ?" for name in self.key), values


def evidence_tables(connection: sqlite3.Connection) -> tuple[Evidence, ...]:
    """Return every table of a database whose rows are vouched for."""
    tables = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()
    return tuple(_evidence(connection, name, sql) for name, sql in tables if _is_vouched_for(name))


def _is_vouched_for(table: str) -> bool:
    return table not in TABLES or TABLES[table].not_vouched_for is None


def _evidence(connection: sqlite3.Connection, table: str, sql: str) -> Evidence:
    columns = [(name, kind, key) for _, name, kind, _, _, key in connection.execute(f"PRAGMA table_info('{table}')")]
    has_hash = any(name == "hash" for name, _kind, _key in columns)
    cells = ", ".join(
        f"CAST({{row}}.{name} AS BLOB)" if kind == "TEXT" else f"{{row}}.{name}" for name, kind, _key in columns
    )
    return Evidence(
        table=table,
        key=(table in TABLES and TABLES[table].named_by)
        or tuple(name for name, _kind, key in sorted(columns, key=lambda column: column[2]) if key),
        hash_sql="{row}.hash" if has_hash else f"evidence_hash('{table}', {cells})",
        has_hash=has_hash,
        has_rowid="WITHOUT ROWID" not in sql.upper(),
        only_where=(table in TABLES and TABLES[table].vouched_where) or "1",
        may_leave=table in TABLES and TABLES[table].may_leave,
    )


def watch(connection: sqlite3.Connection, schema: Schema) -> None:
    """Have every change of an evidence row on this connection noted for the next line of the trail."""
    connection.executescript(_triggers_of(schema.migrations, tuple(schema.functions.items())))


@cache
def _triggers_of(migrations: tuple[str, ...], functions: tuple[tuple[str, Callable[..., Any]], ...]) -> str:
    with closing(sqlite3.connect(":memory:")) as fresh:
        for name, function in functions:
            fresh.create_function(name, -1, function, deterministic=True)
        for script in migrations:
            fresh.executescript(script)
        return "".join(
            (
                _NOTED,
                *(_triggers_on(table) for table in evidence_tables(fresh)),
            )
        )


def _triggers_on(evidence: Evidence) -> str:
    """Return the triggers that note a table's changes; a hash that a trigger sets later is noted then."""
    update = "UPDATE OF hash" if evidence.has_hash else "UPDATE"
    hashed = " AND NEW.hash IS NOT NULL" if evidence.has_hash else ""
    return "".join(
        f"CREATE TEMP TRIGGER {evidence.table}_vouched_{number} AFTER {act} ON main.{evidence.table} "
        f"WHEN {evidence.only_where.format(row=row)}{condition} BEGIN "
        f"INSERT INTO changed_row (name, hash) VALUES ('{evidence.table} ' || {evidence.key_sql(row)}, {value}); "
        "END;\n"
        for number, (act, row, condition, value) in enumerate(
            (
                ("INSERT", "NEW", hashed, evidence.hash_sql.format(row="NEW")),
                (update, "NEW", hashed, evidence.hash_sql.format(row="NEW")),
                *((("DELETE", "OLD", "", "NULL"),) if not evidence.may_leave else ()),
            )
        )
    )


def changed_rows(connection: sqlite3.Connection) -> dict[str, str | None]:
    """Return the rows that changed since the last call: table and key to the row's hash, None of a row that is gone."""
    rows = dict[str, str | None](connection.execute("SELECT name, hash FROM changed_row ORDER BY number"))
    if rows:
        connection.execute("DELETE FROM changed_row")
    return rows


def go_on_vouching(connection: sqlite3.Connection) -> None:
    """Have the next line name the rows that authorise and that the trail vouches for: lines about them are to leave."""
    for table in evidence_tables(connection):
        if table.table in TABLES and TABLES[table.table].authorises:
            name = f"'{table.table} ' || {table.key_sql('t')}"
            connection.execute(
                f"INSERT INTO changed_row (name, hash) SELECT {name}, t.hash FROM {table.table} AS t "
                f"WHERE vouched({name}, t.hash)"
            )


def wants_a_line(connection: sqlite3.Connection) -> bool:
    """Return whether something has changed that must not wait for the next line."""
    row = connection.execute(
        "SELECT 1 FROM changed_row WHERE substr(name, 1, ?) <> ? LIMIT 1",
        (len(_WITH_THE_NEXT_LINE), _WITH_THE_NEXT_LINE),
    ).fetchone()
    return row is not None
