"""What the lines of the audit trail vouch for: of each evidence row the newest line that names it, and its hash there.

It waits in a database of its own on disk: a trail of years does not fit into memory.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from gateway.store.audit import trail as audit
from gateway.store.statements import SQL

_LINES_AT_ONCE = 500
_VOUCHING_SINCE = 1  # the schema from which on lines vouch for rows
_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE vouched (name TEXT PRIMARY KEY, hash TEXT, seq INTEGER NOT NULL, met INTEGER NOT NULL DEFAULT 0)
    WITHOUT ROWID;
CREATE TABLE recommended (lot TEXT PRIMARY KEY, recommendation TEXT NOT NULL, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE doubt (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class Vouched(NamedTuple):
    """The newest line about a row: the row's hash in it, None where the row was taken out; the line's number."""

    hash: str | None
    seq: int


class VouchedRows:
    """The rows that the lines of one trail vouch for, by name (table and key), and those in doubt.

    ``from_the_first_line``: whether all lines since the first were read. ``vouching_since``: the first line that
    vouches for rows, None where there is none. ``vouched_twice``: lines that pass off an edit as a migration.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._rows = sqlite3.connect("", isolation_level=None)  # a file of SQLite's own, gone with the connection
        self._first_waiting = connection.execute(SQL["first_waiting"]).fetchone()[0]
        self._last_seq = 0
        self._last_migrated = 0
        self._brought_to: dict[int, int] = {}  # schema to the first line about a migration to it
        self.from_the_first_line = True
        self.vouching_since: int | None = None
        self.vouched_twice: list[str] = []
        self._rows.executescript(_TABLES)
        self._rows.execute("BEGIN")

    def close(self) -> None:
        """Drop the database."""
        self._rows.close()

    # --- reading the lines ---------------------------------------------------------------------------------

    def read_archived(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Read archived lines, the oldest archive first."""
        for line in lines:
            self._read(int(line["seq"]), str(line["kind"]), str(line["body"]))

    def read_lines(self) -> Iterator[None]:
        """Read the lines of the store that were not read yet; yields now and then."""
        for count, line in enumerate(audit.lines_from(self._connection, self._last_seq + 1)):
            self._read(line.seq, line.kind, line.body)
            if count % _LINES_AT_ONCE == 0:
                yield

    def _read(self, seq: int, kind: str, body: str) -> None:
        if seq != self._last_seq + 1:
            self.from_the_first_line = False
        self._last_seq = seq
        if f'"{audit.VOUCHED}"' not in body and kind != "disposition":
            return
        try:
            content = json.loads(body)
            rows = content.get(audit.VOUCHED, {})
            vouched = [
                (str(name), None if digest is None else str(digest), seq)
                for name, digest in rows.items()
                if not self._has_left(str(name))
            ]
        except (ValueError, AttributeError):
            return  # the check of the chain reports it
        if kind == audit.MIGRATED:
            self._read_migration(seq, content)
        if vouched and self.vouching_since is None:
            self.vouching_since = seq
        self._rows.executemany("INSERT OR REPLACE INTO vouched (name, hash, seq) VALUES (?, ?, ?)", vouched)
        if kind == "disposition" and isinstance(content.get("lot"), str):
            self._rows.execute("INSERT OR REPLACE INTO recommended VALUES (?, ?, ?)",
                               (content["lot"], str(content.get("recommendation")), seq))  # fmt: skip

    def _has_left(self, name: str) -> bool:
        """Return whether a row is a message that was sent long ago: nothing that waits is as old."""
        table, _, key = name.partition(" ")
        return table == "outbox" and key.isdigit() and int(key) < self._first_waiting

    def _read_migration(self, seq: int, content: Mapping[str, Any]) -> None:
        """Note a line that vouches for rows as a migration left them; where nothing was migrated, it hides an edit."""
        before, after = content.get("from_schema"), content.get("to_schema")
        if not isinstance(before, int) or not isinstance(after, int):
            return
        first = self._brought_to.setdefault(after, seq)
        again = first != seq and self._last_migrated != seq - 1
        if again or (before < _VOUCHING_SINCE and self.vouching_since is not None and first == seq):
            self.vouched_twice.append(
                f"audit line {seq} vouches for records anew, though lines before it did so already"
            )
        self._last_migrated = seq

    # --- what they vouch for -------------------------------------------------------------------------------

    def of(self, name: str) -> Vouched | None:
        """Return the newest line about a row, None where no line names it."""
        row = self._rows.execute("SELECT hash, seq FROM vouched WHERE name = ?", (name,)).fetchone()
        return None if row is None else Vouched(*row)

    def recommended_lots(self) -> Iterator[tuple[str, str, int]]:
        """Yield (lot, recommendation, line's number) of the newest line about each lot's disposition."""
        yield from self._rows.execute("SELECT lot, recommendation, seq FROM recommended ORDER BY lot")

    def meet(self, name: str, digest: str | None) -> None:
        """Note a row that is there; it is in doubt unless the newest line about it has this hash."""
        met = self._rows.execute("UPDATE vouched SET met = 1 WHERE name = ? AND hash = ?", (name, digest)).rowcount
        if not met:
            self._rows.execute("INSERT OR IGNORE INTO doubt VALUES (?)", (name,))

    def doubt_those_not_met(self) -> None:
        """Put in doubt what lines vouch for and no row has met."""
        self._rows.execute("INSERT OR IGNORE INTO doubt SELECT name FROM vouched WHERE met = 0 AND hash IS NOT NULL")

    def in_doubt(self) -> Iterator[str]:
        """Yield the names of rows in doubt."""
        for (name,) in self._rows.execute("SELECT name FROM doubt ORDER BY name"):
            yield name
