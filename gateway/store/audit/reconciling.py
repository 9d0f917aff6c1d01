"""Evidence rows held against what the audit trail says of them: none changed, none missing, none that no line knows.

The lines are read first, then the rows, while the gateway may be writing. What does not agree is looked at once more,
both at one instant, so that a row that was written in between is no finding. What the lines say waits in a database of
its own on disk: a trail of years does not fit into memory.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from gateway.database.opening import one_state
from gateway.lab.disposition import worse
from gateway.records.laboratory import Recommendation
from gateway.store.audit import trail as audit
from gateway.store.audit.vouching import Evidence, evidence_tables
from gateway.store.statements import SQL

_ROWS_AT_ONCE = 500
_VOUCHING_SINCE = 1  # the schema from which on lines vouch for rows
_NEED_NO_LINE = frozenset({"departure"})  # a message that another one has replaced is vouched for by a later line
_SAID = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE vouched (name TEXT PRIMARY KEY, hash TEXT, seq INTEGER NOT NULL, met INTEGER NOT NULL DEFAULT 0)
    WITHOUT ROWID;
CREATE TABLE lot_said (lot TEXT PRIMARY KEY, recommendation TEXT NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE doubt (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Archived:
    """Of a table: how many rows archived lines alone vouch for, and the highest number of such a row."""

    rows: int
    last_row: int | None


@dataclass(slots=True)
class Reconciled:
    """What does not agree, and how many rows of each table archived lines alone vouch for."""

    wrong: list[str] = field(default_factory=list)
    archived: dict[str, int] = field(default_factory=dict)


class Reconciliation:
    """One comparison of a store's rows with its trail; a context manager."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tables = {each.table: each for each in evidence_tables(connection)}
        self._said = sqlite3.connect("", isolation_level=None)  # a file of SQLite's own, gone with the connection
        self._first_waiting = connection.execute(SQL["first_waiting"]).fetchone()[0]
        self._last_seq = 0
        self._from_the_first_line = True
        self._tolerant = False  # whether the store is one of before, which the next start vouches for
        self._vouching_since: int | None = None  # the first line that vouches for rows
        self._last_migrated = 0
        self._brought_to: dict[int, int] = {}  # schema to the first line about a migration to it
        self._anew: list[str] = []

    def __enter__(self) -> Self:
        self._said.executescript(_SAID)
        self._said.execute("BEGIN")
        return self

    def __exit__(self, *_exception: object) -> None:
        self._said.close()

    def read_archived(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Take what archived lines say, the oldest archive first."""
        for line in lines:
            if line["seq"] != self._last_seq + 1:
                self._from_the_first_line = False
            self._take(int(line["seq"]), str(line["kind"]), str(line["body"]))

    def read_lines(self) -> Iterator[None]:
        """Take what the lines of the store say that were not read yet; yields now and then."""
        for count, line in enumerate(audit.lines_from(self._connection, self._last_seq + 1)):
            if line.seq != self._last_seq + 1:
                self._from_the_first_line = False
            self._take(line.seq, line.kind, line.body)
            if count % _ROWS_AT_ONCE == 0:
                yield

    def _take(self, seq: int, kind: str, body: str) -> None:
        self._last_seq = seq
        if f'"{audit.VOUCHED}"' not in body and kind != "disposition":
            return
        try:
            said = json.loads(body)
            rows = said.get(audit.VOUCHED, {})
            taken = [
                (str(name), None if digest is None else str(digest), seq)
                for name, digest in rows.items()
                if not self._has_left(str(name))
            ]
        except (ValueError, AttributeError):
            return  # the chain's own check has told it already
        if kind == audit.MIGRATED:
            self._take_migration(seq, said)
        if taken and self._vouching_since is None:
            self._vouching_since = seq
        self._said.executemany("INSERT OR REPLACE INTO vouched (name, hash, seq) VALUES (?, ?, ?)", taken)
        if kind == "disposition" and isinstance(said.get("lot"), str):
            self._said.execute("INSERT OR REPLACE INTO lot_said VALUES (?, ?, ?)",
                               (said["lot"], str(said.get("recommendation")), seq))  # fmt: skip

    def _has_left(self, name: str) -> bool:
        """Return whether a line speaks of a message that was sent long ago: nothing that waits is as old."""
        table, _, key = name.partition(" ")
        return table == "outbox" and key.isdigit() and int(key) < self._first_waiting

    def _take_migration(self, seq: int, said: Mapping[str, Any]) -> None:
        """Note a line that vouches for rows as a migration left them; where nothing was migrated, it hides an edit."""
        before, after = said.get("from_schema"), said.get("to_schema")
        if not isinstance(before, int) or not isinstance(after, int):
            return
        first = self._brought_to.setdefault(after, seq)
        again = first != seq and self._last_migrated != seq - 1
        if again or (before < _VOUCHING_SINCE and self._vouching_since is not None and first == seq):
            self._anew.append(f"audit line {seq} vouches for records anew, though lines before it did so already")
        self._last_migrated = seq

    # --- comparing -------------------------------------------------------------------------------------

    def compare(self) -> Iterator[None]:
        """Look at every row, and note what does not agree with the lines; yields after some rows."""
        for table in self._tables.values():
            rows = self._connection.execute(table.rows())
            while block := rows.fetchmany(_ROWS_AT_ONCE):
                for row in block:
                    name = f"{table.table} {row['name']}"
                    met = self._said.execute(
                        "UPDATE vouched SET met = 1 WHERE name = ? AND hash = ?", (name, row["hash"])
                    ).rowcount
                    if not met:
                        self._said.execute("INSERT OR IGNORE INTO doubt VALUES (?)", (name,))
                yield
        self._said.execute("INSERT OR IGNORE INTO doubt SELECT name FROM vouched WHERE met = 0 AND hash IS NOT NULL")
        yield

    def outcome(self) -> Reconciled:
        """Return what does not agree at this instant, of what ``compare`` has noted."""
        found = Reconciled(wrong=[*self._anew])
        with one_state(self._connection):
            for _ in self.read_lines():
                pass
            allowed = self._archived()
            self._tolerant = self._vouching_since is None and not self._migrated()
            for (name,) in self._said.execute("SELECT name FROM doubt ORDER BY name").fetchall():
                table, _, key = name.partition(" ")
                self._judge(name, self._tables.get(table), key, allowed, found)
            found.wrong += self._lots_said_otherwise()
        for table, count in found.archived.items():
            if count > allowed[table].rows:
                found.wrong.append(
                    f"{table}: no line here vouches for {count} rows, but archived lines for {allowed[table].rows} only"
                )
        return found

    def _judge(
        self, name: str, table: Evidence | None, key: str, allowed: Mapping[str, Archived], found: Reconciled
    ) -> None:
        said = self._said.execute("SELECT hash, seq FROM vouched WHERE name = ?", (name,)).fetchone()
        row = None if table is None else _row(self._connection, table, key)
        if row is None:
            may_leave = table is not None and table.may_leave
            if said is not None and said[0] is not None and not may_leave:
                found.wrong.append(f"{name}, which audit line {said[1]} vouches for, is missing or changed")
        elif said is None:
            if table is not None and table.table not in _NEED_NO_LINE:
                self._unknown(name, row, allowed.get(table.table), found)
        elif said[0] is None:
            found.wrong.append(f"{name} is there, but audit line {said[1]} says that it was taken out")
        elif said[0] != row["hash"]:
            found.wrong.append(f"{name}, which audit line {said[1]} vouches for, is missing or changed")

    def _unknown(self, name: str, row: sqlite3.Row, allowed: Archived | None, found: Reconciled) -> None:
        table = name.partition(" ")[0]
        number = row["number"]
        known_before = allowed is not None and (number is None or 0 < number <= (allowed.last_row or 0))
        if self._tolerant:
            return
        if known_before:
            found.archived[table] = found.archived.get(table, 0) + 1
        else:
            found.wrong.append(f"{name}: no audit line vouches for this record")

    def _migrated(self) -> bool:
        """Return whether the store has been vouched for in the schema it has now."""
        (schema,) = self._connection.execute("PRAGMA user_version").fetchone()
        row = self._connection.execute(SQL["store"]).fetchone()
        return row is not None and bool(row["vouched_schema"] == schema)

    def _lots_said_otherwise(self) -> list[str]:
        """Return the lots whose record asks for less care than the newest line about their disposition."""
        wrong = []
        for lot, said, seq in self._said.execute("SELECT lot, recommendation, seq FROM lot_said ORDER BY lot"):
            row = self._connection.execute(SQL["lot_recommendation"], {"material_lot_id": lot}).fetchone()
            if row is not None and _less_careful(row["recommendation"], said):
                wrong.append(f"lot {lot} stands as {row['recommendation']}, but audit line {seq} recommends {said}")
        return wrong

    def _archived(self) -> dict[str, Archived]:
        """Return what archived lines alone vouch for, by the newest line about an archive: nothing if they are read."""
        if self._from_the_first_line:
            return {}
        row = self._connection.execute(SQL["last_line_of_archive"]).fetchone()
        try:
            said = json.loads(row["body"])["rows"] if row is not None else {}
            return {table: Archived(rows=int(each["rows"]), last_row=each["last_row"]) for table, each in said.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            return {}

    # --- for archiving, and after a migration ------------------------------------------------------------

    def known_until(self, last_seq: int) -> dict[str, Archived]:
        """Return of each table the rows that no line after that one vouches for; the comparison must have been made."""
        allowed, found = self._archived(), dict[str, Archived]()
        for table in self._tables.values():
            count, last_row = 0, 0
            for row in self._connection.execute(table.rows()):
                name = f"{table.table} {row['name']}"
                said = self._said.execute("SELECT seq FROM vouched WHERE name = ?", (name,)).fetchone()
                if said[0] <= last_seq if said is not None else table.table in allowed:
                    count, last_row = count + 1, max(last_row, row["number"] or 0)
            if count:
                found[table.table] = Archived(rows=count, last_row=last_row)
        return found

    def not_vouched_for(self) -> Iterator[tuple[str, str | None]]:
        """Yield each row, and each one that is gone, of which the lines do not say what it is now."""
        for (name,) in self._said.execute("SELECT name FROM doubt ORDER BY name"):
            table, _, key = name.partition(" ")
            known = self._tables.get(table)
            row = None if known is None else _row(self._connection, known, key)
            yield name, None if row is None else row["hash"]


def vouch_after_migration(connection: sqlite3.Connection, schema: int, *, at_ns: int) -> None:
    """Have the trail vouch for the rows that a migration has changed; for all of a store from before it did so.

    What was changed by somebody else before that is vouched for with it: the line says from which schema on.
    """
    row = connection.execute(SQL["store"]).fetchone()
    if row["vouched_schema"] == schema:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        with Reconciliation(connection) as rows:
            for _ in (*rows.read_lines(), *rows.compare()):
                pass
            audit.vouch_for(connection, rows.not_vouched_for(), schemas=(row["vouched_schema"], schema), at_ns=at_ns)
        connection.execute(SQL["vouched_for_schema"], {"schema": schema})
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _row(connection: sqlite3.Connection, table: Evidence, key: str) -> sqlite3.Row | None:
    try:
        statement, values = table.row(key)
    except ValueError:  # a key that is none
        return None
    row: sqlite3.Row | None = connection.execute(statement, values).fetchone()
    return row


def _less_careful(stands: str, said: str) -> bool:
    """Return whether a lot stands as something that asks for less care than was said; damaged words count as such."""
    try:
        standing, recommended = Recommendation(stands), Recommendation(said)
    except ValueError:
        return stands != said
    return recommended is not Recommendation.RELEASE and worse(standing, recommended) is not standing
