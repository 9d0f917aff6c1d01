"""What can still be read of a damaged store: each row held against its hash, counted, and put back where it is missing.

Works on a copy, so that what was set aside stays as it is. A table whose middle cannot be read is read from both ends.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import LablineError
from gateway.records import AuditEntry
from gateway.store import audit
from gateway.store.evidence import evidence_hash

# in an order in which no row needs one that comes later; with the columns that its hash leaves out
_TABLES: dict[str, frozenset[str]] = {
    "event": frozenset(), "job_order": frozenset(), "lot": frozenset(), "context_change": frozenset(),
    "lab_result": frozenset(), "prediction": frozenset(), "disposition": frozenset(), "guidance": frozenset(),
    "guidance_state": frozenset(), "response": frozenset(), "dead_letter": frozenset(),
    "outbox": frozenset({"parked", "seq"}), "gap": frozenset(),
}  # fmt: skip
_WITHOUT_ROWID = frozenset({"guidance_state"})
_BLOBS = frozenset({"payload"})
_HASHED_BY_STATEMENT = frozenset({"outbox"})


@dataclass(slots=True)
class Salvaged:
    """How much was found of each table: rows that hold, rows that do not, and whether its end was reached."""

    holding: dict[str, int] = field(default_factory=dict)
    damaged: dict[str, int] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)
    put_back: dict[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return it for a report and for the audit trail."""
        return {"holding": self.holding, "damaged": self.damaged, "not_read_to_the_end": self.cut,
                "put_back": self.put_back}  # fmt: skip


def salvage(file: Path, *, into: sqlite3.Connection | None, at_ns: int) -> Salvaged:
    """Return what holds in a damaged database, and put it into another store where it is missing there.

    Raises LablineError where the file cannot be read at all.
    """
    found = Salvaged()
    with tempfile.TemporaryDirectory(prefix="labline-salvage-") as name:
        copy = Path(name) / file.name
        try:
            for suffix in ("", "-wal"):
                if Path(f"{file}{suffix}").exists():
                    shutil.copyfile(f"{file}{suffix}", f"{copy}{suffix}")
        except OSError as error:
            raise LablineError(f"{file} cannot be copied: {error}", hint="is there space in TMPDIR?") from error
        if not copy.exists():
            raise LablineError(f"there is no {file}", hint="name the state.db in a folder below quarantine")
        with closing(_opened(copy)) as source:
            for table, left_out in _TABLES.items():
                _table(source, table, left_out, into, found)
    if into is not None:
        entry = AuditEntry(kind="salvaged", subject=str(file), body=found.document())
        into.execute("BEGIN IMMEDIATE")
        audit.append(into, (entry,), at_ns=at_ns)
        into.execute("COMMIT")
    return found


def _opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.text_factory = bytes  # damaged text is told by its hash, not stumbled over
    return connection


def _table(
    source: sqlite3.Connection, table: str, left_out: frozenset[str], into: sqlite3.Connection | None, found: Salvaged
) -> None:
    found.holding[table] = found.damaged[table] = found.put_back[table] = 0
    for row in _rows(source, table, found):
        values = {name: row[name] for name in row.keys() if name not in {"hash", "salvage_row", *left_out}}  # noqa: SIM118
        stated = row["hash"]
        if stated is None or evidence_hash(table, *values.values()) != stated.decode(errors="replace"):
            found.damaged[table] += 1
            continue
        found.holding[table] += 1
        if into is not None:
            found.put_back[table] += _put_back(into, table, values)


def _rows(source: sqlite3.Connection, table: str, found: Salvaged) -> Iterator[sqlite3.Row]:
    """Yield the rows that can be read, from the front and, where that breaks off, from the back."""
    seen: set[Any] = set()
    orders = ("",) if table in _WITHOUT_ROWID else ("ORDER BY rowid", "ORDER BY rowid DESC")
    for order in orders:
        rowid = "NULL" if table in _WITHOUT_ROWID else "rowid"
        try:
            for row in source.execute(f"SELECT {rowid} AS salvage_row, * FROM {table} {order}"):
                key = row["salvage_row"]
                if key is not None and key in seen:
                    return
                seen.add(key)
                yield row
        except sqlite3.DatabaseError:
            if table not in found.cut:
                found.cut.append(table)
        else:
            return


def _put_back(into: sqlite3.Connection, table: str, values: dict[str, Any]) -> int:
    """Insert a row where it is missing; return how many were."""
    kept = {
        name: value.decode() if isinstance(value, bytes) and name not in _BLOBS else value
        for name, value in values.items()
    }
    if table in _HASHED_BY_STATEMENT:
        kept["hash"] = evidence_hash(table, *values.values())
    columns, marks = ", ".join(kept), ", ".join("?" * len(kept))
    statement = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"
    return into.execute(statement, tuple(kept.values())).rowcount


def quarantined(directory: Path) -> list[Path]:
    """Return the state databases that were set aside, oldest first."""
    return sorted((directory / "quarantine").glob("*/state.db"))


def why(file: Path) -> str:
    """Return why a database was set aside."""
    note = file.parent / "why.txt"
    return note.read_text(encoding="utf-8").strip() if note.exists() else ""
