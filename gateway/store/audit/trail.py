"""The audit trail as a chain: each line's hash covers its content and the hash of the line before.

A line also names the evidence rows that were written with it, by their hashes (``vouching``).
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar

from gateway.errors import EvidenceDamagedError
from gateway.records.outgoing import AuditEntry
from gateway.store.audit.authority import AUTHORISES, NOT_OURS, authorises, named
from gateway.store.audit.vouching import changed_rows, wants_a_line
from gateway.store.statements import SQL

Row = TypeVar("Row")

GENESIS = "0" * 64
RECORDED = "recorded"
"""Kind of a line that does nothing but vouch for rows."""
MIGRATED = "records_migrated"
"""Kind of a line that vouches for rows as a migration of the store has left them."""
VOUCHED = "vouched"
"""Key in a line's body: table and key of each row that it vouches for, to its hash, or to null where it is gone."""
_ROWS_OF_LINE = 500
_TAIL = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of the trail, as it is stored."""

    seq: int
    at_ns: int
    kind: str
    subject: str
    body: str
    previous: str
    hash: str


def line_hash(*, seq: int, at_ns: int, kind: str, subject: str, body: str, previous: str) -> str:
    """Return the SHA-256 over the line's fields as a JSON list; ``body`` is the stored text itself."""
    content = json.dumps([seq, at_ns, kind, subject, body, previous], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def append(connection: sqlite3.Connection, entries: Iterable[AuditEntry], *, at_ns: int) -> None:
    """Append entries within the transaction that runs; they vouch for the rows that it has changed so far."""
    new = _vouching(tuple(entries), connection)
    if not new:
        return
    last, previous = connection.execute(SQL["last_audit"]).fetchone() or (0, GENESIS)
    new = tuple(_noted(connection, entry) for entry in (*_not_ours(connection, last, previous), *new))
    for seq, entry in enumerate(new, start=last + 1):
        line: dict[str, Any] = {
            "seq": seq,
            "at_ns": at_ns,
            "kind": entry.kind,
            "subject": entry.subject,
            "body": json.dumps(
                {**entry.scope.known(), **entry.body}, ensure_ascii=False, allow_nan=False, separators=(",", ":")
            ),
            "previous": previous,
        }
        line["hash"] = previous = line_hash(**line)
        connection.execute(SQL["append_audit"], line)
    connection.execute("UPDATE own_head SET seq = ?, hash = ?", (last + len(new), previous))


def _noted(connection: sqlite3.Connection, entry: AuditEntry) -> AuditEntry:
    """Return an entry with a mark where it vouches for rows that authorise, which are noted for who asks."""
    rows = [(name, digest) for name, digest in entry.body.get(VOUCHED, {}).items() if authorises(name)]
    if not rows and entry.kind != NOT_OURS:
        return entry
    for name, digest in rows:
        of = named(name)
        connection.execute(
            "INSERT OR REPLACE INTO vouched_row VALUES (?, ?, ?, ?)",
            (name, digest, None if of is None else of.owner, None if of is None else of.seq),
        )
    return replace(entry, body={AUTHORISES: True, **entry.body})


def _not_ours(connection: sqlite3.Connection, last: int, last_hash: str) -> tuple[AuditEntry, ...]:
    """Return a line about lines that somebody else has added since this connection wrote its last one."""
    own = connection.execute("SELECT seq, hash FROM own_head").fetchone()
    return () if own is None or tuple(own) == (last, last_hash) else (not_ours(own[0], last),)


def not_ours(after: int, until: int) -> AuditEntry:
    """Return the entry which says that lines are not the gateway's own: they give nobody authority."""
    return AuditEntry(kind=NOT_OURS, subject=f"lines {after + 1} to {until}", body={"after": after, "until": until})


def append_for_changes(
    connection: sqlite3.Connection, entries: tuple[AuditEntry, ...], *, subject: str, at_ns: int
) -> None:
    """Append entries; where there are none and rows have changed all the same, a line that vouches for those."""
    if not entries and wants_a_line(connection):
        entries = (AuditEntry(kind=RECORDED, subject=subject, body={}),)
    append(connection, entries, at_ns=at_ns)


def vouch_for(
    connection: sqlite3.Connection, rows: Iterable[tuple[str, str | None]], *, schemas: tuple[int, int], at_ns: int
) -> None:
    """Append lines that vouch for rows as they are, after a migration from one schema to another has changed them."""
    before, after = schemas
    for part in batched(rows, _ROWS_OF_LINE):
        body = {"from_schema": before, "to_schema": after, VOUCHED: dict(part)}
        append(connection, (AuditEntry(kind=MIGRATED, subject=f"schema {after}", body=body),), at_ns=at_ns)


def _vouching(entries: tuple[AuditEntry, ...], connection: sqlite3.Connection) -> tuple[AuditEntry, ...]:
    """Return the entries, the first one with the hashes of the rows that were written with it.

    So the chain, whose head is witnessed off the box, vouches for them: none can be changed, invented or go missing
    unseen. Very many are parted over lines of their own.
    """
    if not entries:
        return ()
    first, *others = entries
    rows = list(changed_rows(connection).items())
    if not rows:
        return entries
    parts = [dict(part) for part in batched(rows, _ROWS_OF_LINE)]
    rest = (AuditEntry(kind=RECORDED, subject=first.subject, body={VOUCHED: part}) for part in parts[1:])
    vouched = {**first.body.get(VOUCHED, {}), **parts[0]}
    return (replace(first, body={**first.body, VOUCHED: vouched}), *others, *rest)


def batched(rows: Iterable[Row], most: int) -> Iterator[tuple[Row, ...]]:
    """Yield rows in tuples of at most so many (``itertools.batched`` of Python 3.12)."""
    remaining = iter(rows)
    while part := tuple(islice(remaining, most)):
        yield part


def lines_from(connection: sqlite3.Connection, seq: int) -> Iterator[Line]:
    """Yield the lines from a number on."""
    for row in connection.execute(SQL["audit_from"], {"seq": seq}):
        yield Line(**dict(row))


def verify(connection: sqlite3.Connection) -> tuple[int, str | None]:
    """Return (number of lines that hold from the start, what is wrong with the next one or None).

    The start is the first line ever, or the one after the newest archive.
    """
    archives = connection.execute(SQL["archives"]).fetchall()
    last = archives[-1] if archives else None
    return _verify(connection, last["last_seq"] if last else 0, last["last_hash"] if last else GENESIS)


def _verify(connection: sqlite3.Connection, after: int, previous: str) -> tuple[int, str | None]:
    expected = after + 1
    for line in lines_from(connection, after + 1):
        wrong = _wrong_with(line, expected, previous)
        if wrong is not None:
            return expected - 1 - after, wrong
        expected, previous = line.seq + 1, line.hash
    return expected - 1 - after, None


def _wrong_with(line: Line, expected: int, previous: str) -> str | None:
    if line.seq != expected:
        return f"line {expected} is missing"
    if line.previous != previous:
        return f"line {line.seq} does not follow the line before it"
    texts = (line.kind, line.subject, line.body, line.previous, line.hash)
    if not all(isinstance(text, str) for text in texts) or not isinstance(line.at_ns, int):
        return f"line {line.seq} has been changed"
    stated = line_hash(seq=line.seq, at_ns=line.at_ns, kind=line.kind, subject=line.subject, body=line.body,
                       previous=line.previous)  # fmt: skip
    return None if stated == line.hash else f"line {line.seq} has been changed"


def verify_tail(connection: sqlite3.Connection) -> None:
    """Raise EvidenceDamagedError unless the lines since the last signed head follow from it."""
    head = connection.execute(SQL["last_audit"]).fetchone()
    if head is None:
        return
    signed = connection.execute(SQL["last_signed_head"]).fetchone()
    archived = connection.execute(SQL["archived_until"]).fetchone()[0] or 0
    after = max(signed["seq"] if signed is not None else head["seq"] - _TAIL, archived, 0)
    before = connection.execute(SQL["audit_hash"], {"seq": after}).fetchone()
    archives = connection.execute(SQL["archives"]).fetchall()
    previous = before["hash"] if before is not None else archives[-1]["last_hash"] if archives else GENESIS
    if signed is not None and signed["seq"] == after and before is not None and signed["hash"] != before["hash"]:
        raise EvidenceDamagedError(f"audit line {after} is not the one that was signed")
    _lines, wrong = _verify(connection, after, previous)
    if wrong is not None:
        raise EvidenceDamagedError(f"the audit trail does not hold: {wrong}")
