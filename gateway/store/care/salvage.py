"""What can still be read of a damaged store: each row held against its hash, counted, and put back where it is missing.

Works on a copy, so that what was set aside stays as it is. A table whose middle cannot be read is read from both ends.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.errors import LablineError
from gateway.lab.disposition import worse
from gateway.records.laboratory import Recommendation
from gateway.records.outgoing import AuditEntry
from gateway.store.audit import trail as audit
from gateway.store.audit.evidence import evidence_hash, row_hash
from gateway.store.care.newest_rows import lapse_releases_on_other_facts, put_back_newest
from gateway.store.facts.lot.own_words import own_words
from gateway.store.statements import SQL
from gateway.store.tables import TABLES, Table
from gateway.store.transaction.lot_names import note_name
from gateway.store.transaction.lot_records import leave_to_judge, note_without_lot

_SALVAGED = tuple(table for table in TABLES.values() if table.salvaged)
_WITHOUT_ROWID = frozenset({"guidance_state"})
_RETAIN = "retain"
_CAUSE, _MOST_LOTS = "salvaged", 20_000
_CHANGING = frozenset({"hash", "current", "retain"})


@dataclass(slots=True)
class Salvaged:
    """What was read of each table: rows that hold, rows that do not, and whether its end was reached."""

    holding: dict[str, int] = field(default_factory=dict)
    damaged: dict[str, int] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)
    put_back: dict[str, int] = field(default_factory=dict)
    differing: dict[str, int] = field(default_factory=dict)  # there already, under the same key with other content
    merged: dict[str, int] = field(default_factory=dict)  # lots and orders that both stores know
    left_behind: dict[str, int | None] = field(default_factory=dict)  # what waited to be done; None: not readable
    lots: set[str] = field(default_factory=set)  # of which something was put back: they are judged again

    def document(self) -> dict[str, Any]:
        """Return it for a report and for the audit trail."""
        return {"holding": self.holding, "damaged": self.damaged, "not_read_to_the_end": self.cut,
                "put_back": self.put_back, "differing": self.differing, "merged": self.merged,
                "left_behind": self.left_behind, "lots_to_judge_again": len(self.lots)}  # fmt: skip


def salvage(file: Path, *, into: sqlite3.Connection | None, at_ns: int) -> Salvaged:
    """Return what holds in a damaged database, and put it into another store where it is missing there.

    All of it is put back in one transaction, or none. A lot that both know keeps the more careful recommendation, of a
    result the highest version is the current one, and messages that waited are sent without being retained, as newer
    messages of their topics must stay. Lots of which something was put back are judged again when the gateway starts.
    Raises LablineError where the file cannot be read at all.
    """
    salvaged = Salvaged()
    with tempfile.TemporaryDirectory(prefix="labline-salvage-") as name:
        copy = _copied(file, Path(name))
        with closing(_opened(copy)) as source:
            salvaged.left_behind = {
                table.name: _counted(source, f"SELECT count(*) FROM {table.name} WHERE {table.left_behind}")
                for table in TABLES.values()
                if table.left_behind is not None
            }
            if into is None:
                for table in _SALVAGED:
                    for _row in _holding(source, table, salvaged):
                        pass
            else:
                with _one_transaction(into):
                    for table in _SALVAGED:
                        _put_back(into, table, _holding(source, table, salvaged), salvaged)
                    into.execute(SQL["make_newest_versions_current"])
                    lapse_releases_on_other_facts(into, sorted(salvaged.lots))
                    _judge_again(into, salvaged.lots, at_ns=at_ns)
                    entry = AuditEntry(kind="salvaged", subject=str(file), body=salvaged.document())
                    audit.append(into, (entry,), at_ns=at_ns)
    return salvaged


def _copied(file: Path, folder: Path) -> Path:
    copy = folder / file.name
    try:
        for suffix in ("", "-wal"):
            if Path(f"{file}{suffix}").exists():
                shutil.copyfile(f"{file}{suffix}", f"{copy}{suffix}")
    except OSError as error:
        raise LablineError(f"{file} cannot be copied: {error}", hint="is there space in TMPDIR?") from error
    if not copy.exists():
        raise LablineError(f"there is no {file}", hint="name the state.db in a folder below quarantine")
    return copy


def _opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.text_factory = bytes  # damaged text is read as it is: its hash shows the damage
    return connection


@contextmanager
def _one_transaction(into: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; rows may come without those they point to, as those may be damaged."""
    into.execute("PRAGMA foreign_keys = OFF")
    into.execute("BEGIN IMMEDIATE")
    try:
        yield
        into.execute("COMMIT")
    except BaseException:
        into.execute("ROLLBACK")
        raise
    finally:
        into.execute("PRAGMA foreign_keys = ON")


# --- reading -------------------------------------------------------------------------------------------


def _counted(source: sqlite3.Connection, query: str) -> int | None:
    with suppress(sqlite3.DatabaseError):
        return int(source.execute(query).fetchone()[0])
    return None


def _holding(source: sqlite3.Connection, of: Table, salvaged: Salvaged) -> Iterator[dict[str, Any]]:
    """Yield the rows that match their hash, in their order, and count all."""
    table, left_out = of.name, {"hash", "salvage_row", *of.hash_leaves_out}
    salvaged.holding[table] = salvaged.damaged[table] = 0
    for row in _rows(source, table, salvaged):
        values = {name: row[name] for name in row.keys() if name not in left_out}  # noqa: SIM118
        stated = row["hash"]
        if stated is None or evidence_hash(table, *values.values()) != stated.decode(errors="replace"):
            salvaged.damaged[table] += 1
        else:
            salvaged.holding[table] += 1
            yield values


def _rows(source: sqlite3.Connection, table: str, salvaged: Salvaged) -> Iterator[sqlite3.Row]:
    """Yield the rows that can be read, in their order: from the front, and where that breaks off, those at the back."""
    if table in _WITHOUT_ROWID:
        try:
            yield from source.execute(f"SELECT * FROM {table}")
        except sqlite3.DatabaseError:
            salvaged.cut.append(table)
        return
    last_read = None
    try:
        for row in source.execute(f"SELECT rowid AS salvage_row, * FROM {table} ORDER BY rowid"):
            last_read = row["salvage_row"]
            yield row
    except sqlite3.DatabaseError:
        salvaged.cut.append(table)
        for number in reversed(_numbers_from_the_back(source, table, last_read)):
            with suppress(sqlite3.DatabaseError):  # one more that cannot be read
                yield from source.execute(f"SELECT rowid AS salvage_row, * FROM {table} WHERE rowid = ?", (number,))


def _numbers_from_the_back(source: sqlite3.Connection, table: str, last_read: int | None) -> list[int]:
    numbers = []
    with suppress(sqlite3.DatabaseError):
        for (number,) in source.execute(f"SELECT rowid FROM {table} ORDER BY rowid DESC"):
            if last_read is not None and number <= last_read:
                break
            numbers.append(number)
    return numbers


# --- putting back --------------------------------------------------------------------------------------


def _put_back(into: sqlite3.Connection, of: Table, rows: Iterable[dict[str, Any]], salvaged: Salvaged) -> None:
    table = of.name
    salvaged.put_back[table] = salvaged.differing[table] = 0
    texts = (_with_texts(of, values) for values in rows)
    if of.newest_counts:
        newest = put_back_newest(into, of, texts)
        salvaged.put_back[table], salvaged.differing[table] = len(newest.rows), newest.differing
        for row in newest.rows:
            _note(into, table, row, salvaged)
        return
    for kept in texts:
        if _RETAIN in kept:
            kept[_RETAIN] = 0
        if of.hashed_by_statement:
            kept["hash"] = row_hash(table, kept.values())
        columns, marks = ", ".join(kept), ", ".join("?" * len(kept))
        statement = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"
        inserted = into.execute(statement, tuple(kept.values())).rowcount
        salvaged.put_back[table] += inserted
        if inserted:
            _note(into, table, kept, salvaged)
            continue
        if of.merged_by is not None:
            salvaged.merged[table] = salvaged.merged.get(table, 0) + _merged(into, table, of.merged_by, kept)
        else:
            salvaged.differing[table] += _differs(into, table, kept)


def _with_texts(of: Table, values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.decode() if isinstance(value, bytes) and name not in of.blobs else value
        for name, value in values.items()
    }


def _note(into: sqlite3.Connection, table: str, kept: dict[str, Any], salvaged: Salvaged) -> None:
    """Note the lot of a row; a result that names none is found by its sample, equipment or order again."""
    if lot := kept.get("material_lot_id"):
        salvaged.lots.add(lot)
    for lot in (kept.get("material_lot_id"), kept.get("consumed_lot_id")):
        if lot:
            note_name(into, lot)
    if table != "lab_result":
        return
    with suppress(ValidationError):  # written by another version: it stays on record as it is
        result = own_words(kept["body"])
        for lot in result.other_lots:
            note_name(into, lot)
        if result.control_id is None:
            note_without_lot(into, result, at_ns=result.sampled_ns or _arrived_ns(into, kept))


def _arrived_ns(into: sqlite3.Connection, kept: dict[str, Any]) -> int:
    row = into.execute("SELECT at_ns FROM event WHERE event_id = ?", (kept["event_id"],)).fetchone()
    return 0 if row is None else int(row["at_ns"])


def _judge_again(into: sqlite3.Connection, lots: Iterable[str], *, at_ns: int) -> None:
    """Have the lots judged again of which something was put back, and those that are open: it may speak of them."""
    because = {"cause": _CAUSE, "at_ns": at_ns}
    into.execute("DELETE FROM result_without_lot WHERE result_id IN (SELECT result_id FROM control_point)")
    into.execute(SQL["judge_open_lots_again"], {"most": _MOST_LOTS, **because})
    for lot in sorted(lots):
        into.execute(SQL["judge_lot_again"], {"material_lot_id": lot, **because})
    leave_to_judge(into, cause=_CAUSE, at_ns=at_ns)


def _differs(into: sqlite3.Connection, table: str, kept: dict[str, Any]) -> bool:
    """Return whether no row is there with this content, states that change left out."""
    compared = {name: value for name, value in kept.items() if name not in _CHANGING}
    condition = " AND ".join(f"{name} IS ?" for name in compared)
    row = into.execute(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1", tuple(compared.values())).fetchone()
    return row is None


def _merged(into: sqlite3.Connection, table: str, key: str, kept: dict[str, Any]) -> int:
    """Let a lot or an order that both stores know have what either knows of it; return whether that changed anything.

    What the present store does not know is taken over; of a lot the recommendation that asks for more care holds, and
    a latch stays.
    """
    present = into.execute(f"SELECT * FROM {table}_checked WHERE {key} = ?", (kept[key],)).fetchone()
    if not present["holds"]:
        return 0  # damaged here: no decision stands on it, and no later change makes it hold again
    after = {name: value if present[name] is None else present[name] for name, value in kept.items()}
    if table == "lot":
        careful = worse(Recommendation(present["recommendation"]), Recommendation(kept["recommendation"]))
        after |= {"recommendation": careful.value, "latched": int(present["latched"] or kept["latched"])}
    if all(after[name] == present[name] for name in after):
        return 0
    assignments = ", ".join(f"{name} = ?" for name in after)
    into.execute(f"UPDATE {table} SET {assignments} WHERE {key} = ?", (*after.values(), kept[key]))
    return 1


def quarantined(directory: Path) -> list[Path]:
    """Return the state databases that were set aside, oldest first."""
    return sorted((directory / "quarantine").glob("*/state.db"))


def why(file: Path) -> str:
    """Return why a database was set aside."""
    note = file.parent / "why.txt"
    return note.read_text(encoding="utf-8").strip() if note.exists() else ""
