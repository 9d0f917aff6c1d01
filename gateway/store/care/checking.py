"""The full check of the state database: pages, schema, hashes of evidence, the audit chain, what it vouches for.

Reads everything, on a connection and a thread of its own, in steps between which it lets others go first.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from gateway.store.audit import trail as audit
from gateway.store.audit.reconciling import Reconciliation
from gateway.store.database import checked_tables, read_state, schema_problems
from gateway.store.statements import SQL

_ROWS_AT_ONCE = 500
_PAUSE_SECONDS = 0.005
_MOST_NAMED = 20


@dataclass(slots=True)
class Findings:
    """What is wrong, and how much was checked."""

    rows: int = 0
    audit_lines: int = 0
    damaged: int = 0
    archived: int = 0  # rows that only lines in an archive vouch for
    wrong: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.damaged and not self.wrong

    def add(self, what: str) -> None:
        """Note something wrong; of very many only the first ones in words."""
        self.damaged += 1
        if len(self.wrong) < _MOST_NAMED:
            self.wrong.append(what)


def check(
    directory: Path,
    *,
    stopping: Callable[[], bool] = lambda: False,
    gently: bool = True,
    archived: Iterable[Mapping[str, Any]] = (),
) -> Findings:
    """Return what a full check finds; raises LablineError where there is no store to read.

    Args:
        directory: the store's.
        stopping: called now and then; once it returns true, the check ends early.
        gently: whether to pause between steps.
        archived: the lines of archives, the oldest first; without them rows that only those vouch for are counted.
    """
    findings = Findings()
    steps = (_pages, _schema, _evidence, _chain, partial(_reconciled, archived=archived))
    with closing(read_state(directory)) as connection:
        try:
            for step in steps:
                for _ in step(connection, findings):
                    if stopping():
                        return findings
                    if gently:
                        time.sleep(_PAUSE_SECONDS)
        except (sqlite3.Error, TypeError, ValueError) as error:  # damage takes any form
            findings.add(f"the database cannot be read to its end: {error!r}")
    return findings


def _pages(connection: sqlite3.Connection, findings: Findings) -> Iterator[None]:
    """SQLite's own check, table by table, so that no step takes long; indexes are held against their tables."""
    for (table,) in connection.execute(SQL["tables"]).fetchall():
        for (finding,) in connection.execute(f"PRAGMA integrity_check('{table}')"):
            if finding != "ok":
                findings.add(f"{table}: {finding}")
        yield


def _schema(connection: sqlite3.Connection, findings: Findings) -> Iterator[None]:
    """Tables, views and triggers as this version makes them: without its triggers the trail is not append-only."""
    for problem in schema_problems(connection):
        findings.add(problem)
    yield


def _evidence(connection: sqlite3.Connection, findings: Findings) -> Iterator[None]:
    for table in checked_tables():
        rows = connection.execute(f"SELECT * FROM {table}_checked")
        while block := rows.fetchmany(_ROWS_AT_ONCE):
            findings.rows += len(block)
            for row in block:
                if not row["holds"]:
                    findings.add(f"{table} {tuple(row)[:3]} does not match its hash")
            yield


def _chain(connection: sqlite3.Connection, findings: Findings) -> Iterator[None]:
    findings.audit_lines, wrong = audit.verify(connection)
    if wrong is not None:
        findings.add(f"audit: {wrong}")
    for row in connection.execute(SQL["lines_not_ours"]):
        findings.add(f"audit: {row['subject']} are not the gateway's own, says line {row['seq']}")
    for row in connection.execute(SQL["signed_heads"]):
        known = connection.execute(SQL["audit_hash"], {"seq": row["seq"]}).fetchone()
        if known is not None and known["hash"] != row["hash"]:
            findings.add(f"audit: line {row['seq']} is not the one that was signed")
    yield


def _reconciled(
    connection: sqlite3.Connection, findings: Findings, *, archived: Iterable[Mapping[str, Any]]
) -> Iterator[None]:
    """Every row against the newest line that names it, and every row that no line names."""
    with Reconciliation(connection) as rows:
        rows.read_archived(archived)
        yield from rows.read_lines()
        yield from rows.compare()
        outcome = rows.outcome()
    findings.archived = sum(outcome.archived.values())
    for problem in outcome.wrong:
        findings.add(problem)
