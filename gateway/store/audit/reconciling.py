"""Evidence rows compared with the audit trail: none changed, none missing, none that no line names.

The lines are read first, then the rows, while the gateway may be writing. A row in doubt is looked at once more, it and
its lines at one instant, so that a row that was written in between is no finding.
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
from gateway.store.audit.vouched_rows import Vouched, VouchedRows
from gateway.store.audit.vouching import Evidence, evidence_tables
from gateway.store.statements import SQL

_ROWS_AT_ONCE = 500
_NEED_NO_LINE = frozenset({"departure"})  # a message that another one has replaced is vouched for by a later line


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
        self._tables = {table.table: table for table in evidence_tables(connection)}
        self._vouched = VouchedRows(connection)
        self._tolerant = False  # whether the store was made before lines vouched for rows: its next start does so

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._vouched.close()

    def read_archived(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Read archived lines, the oldest archive first."""
        self._vouched.read_archived(lines)

    def read_lines(self) -> Iterator[None]:
        """Read the lines of the store that were not read yet; yields now and then."""
        return self._vouched.read_lines()

    # --- comparing -------------------------------------------------------------------------------------

    def compare(self) -> Iterator[None]:
        """Look at every row, and note what does not agree with the lines; yields after some rows."""
        for table in self._tables.values():
            rows = self._connection.execute(table.rows())
            while block := rows.fetchmany(_ROWS_AT_ONCE):
                for row in block:
                    self._vouched.meet(f"{table.table} {row['name']}", row["hash"])
                yield
        self._vouched.doubt_those_not_met()
        yield

    def outcome(self) -> Reconciled:
        """Return what does not agree at this instant, of what ``compare`` has noted."""
        reconciled = Reconciled(wrong=[*self._vouched.vouched_twice])
        with one_state(self._connection):
            for _ in self.read_lines():
                pass
            archived = self._archived()
            self._tolerant = self._vouched.vouching_since is None and not self._migrated()
            for name in self._vouched.in_doubt():
                self._judge(name, archived, reconciled)
            reconciled.wrong += self._less_careful_lots()
        for table, count in reconciled.archived.items():
            if count > archived[table].rows:
                reconciled.wrong.append(
                    f"{table}: no line here vouches for {count} rows, "
                    f"but archived lines for {archived[table].rows} only"
                )
        return reconciled

    def _judge(self, name: str, archived: Mapping[str, Archived], reconciled: Reconciled) -> None:
        """Note what is wrong with a row in doubt."""
        table, row = self._row(name)
        vouched = self._vouched.of(name)
        if row is None:
            may_leave = table is not None and table.may_leave
            if vouched is not None and vouched.hash is not None and not may_leave:
                reconciled.wrong.append(_missing_or_changed(name, vouched))
        elif vouched is None:
            if table is not None and table.table not in _NEED_NO_LINE:
                self._judge_unnamed(name, row, archived.get(table.table), reconciled)
        elif vouched.hash is None:
            reconciled.wrong.append(f"{name} is there, but audit line {vouched.seq} says that it was taken out")
        elif vouched.hash != row["hash"]:
            reconciled.wrong.append(_missing_or_changed(name, vouched))

    def _judge_unnamed(self, name: str, row: sqlite3.Row, archived: Archived | None, reconciled: Reconciled) -> None:
        """Note a row that no line names, unless archived lines vouch for it."""
        table = name.partition(" ")[0]
        number = row["number"]
        known_before = archived is not None and (number is None or 0 < number <= (archived.last_row or 0))
        if self._tolerant:
            return
        if known_before:
            reconciled.archived[table] = reconciled.archived.get(table, 0) + 1
        else:
            reconciled.wrong.append(f"{name}: no audit line vouches for this record")

    def _row(self, name: str) -> tuple[Evidence | None, sqlite3.Row | None]:
        """Return a row's table and the row itself, as far as they are there."""
        table_name, _, key = name.partition(" ")
        table = self._tables.get(table_name)
        if table is None:
            return None, None
        try:
            statement, values = table.row(key)
        except ValueError:  # a key that is none
            return table, None
        row: sqlite3.Row | None = self._connection.execute(statement, values).fetchone()
        return table, row

    def _migrated(self) -> bool:
        """Return whether the store has been vouched for in the schema it has now."""
        (schema,) = self._connection.execute("PRAGMA user_version").fetchone()
        row = self._connection.execute(SQL["store"]).fetchone()
        return row is not None and bool(row["vouched_schema"] == schema)

    def _less_careful_lots(self) -> list[str]:
        """Return the lots whose record asks for less care than the newest line about their disposition."""
        wrong = []
        for lot, recommended, seq in self._vouched.recommended_lots():
            row = self._connection.execute(SQL["lot_recommendation"], {"material_lot_id": lot}).fetchone()
            if row is not None and _less_careful(row["recommendation"], recommended):
                wrong.append(
                    f"lot {lot} stands as {row['recommendation']}, but audit line {seq} recommends {recommended}"
                )
        return wrong

    def _archived(self) -> dict[str, Archived]:
        """Return what archived lines alone vouch for, by the newest line about an archive: nothing if they are read."""
        if self._vouched.from_the_first_line:
            return {}
        row = self._connection.execute(SQL["last_line_of_archive"]).fetchone()
        try:
            tables = json.loads(row["body"])["rows"] if row is not None else {}
            return {
                table: Archived(rows=int(counts["rows"]), last_row=counts["last_row"])
                for table, counts in tables.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError):
            return {}

    # --- for archiving, and after a migration ------------------------------------------------------------

    def known_until(self, last_seq: int) -> dict[str, Archived]:
        """Return of each table the rows that no line after that one vouches for; the comparison must have been made."""
        archived, known = self._archived(), dict[str, Archived]()
        for table in self._tables.values():
            count, last_row = 0, 0
            for row in self._connection.execute(table.rows()):
                vouched = self._vouched.of(f"{table.table} {row['name']}")
                if vouched.seq <= last_seq if vouched is not None else table.table in archived:
                    count, last_row = count + 1, max(last_row, row["number"] or 0)
            if count:
                known[table.table] = Archived(rows=count, last_row=last_row)
        return known

    def not_vouched_for(self) -> Iterator[tuple[str, str | None]]:
        """Yield (name, hash) of each row that the lines do not vouch for as it is now; None where it is gone."""
        for name in self._vouched.in_doubt():
            _table, row = self._row(name)
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


def _missing_or_changed(name: str, vouched: Vouched) -> str:
    return f"{name}, which audit line {vouched.seq} vouches for, is missing or changed"


def _less_careful(recorded: str, audited: str) -> bool:
    """Return whether a lot's record asks for less care than the audit line; so does a word that is none of ours."""
    try:
        on_record, in_line = Recommendation(recorded), Recommendation(audited)
    except ValueError:
        return recorded != audited
    return in_line is not Recommendation.RELEASE and worse(on_record, in_line) is not on_record
