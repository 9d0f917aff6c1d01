"""The audit trail as a chain: each line's hash covers its content and the hash of the line before."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from gateway.records import AuditEntry
from gateway.store.statements import SQL

GENESIS = "0" * 64


def line_hash(*, seq: int, at_ns: int, kind: str, subject: str, body: str, previous: str) -> str:
    """Return the SHA-256 over the line's fields as a JSON list; ``body`` is the stored text itself."""
    content = json.dumps([seq, at_ns, kind, subject, body, previous], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def append(connection: sqlite3.Connection, entries: Iterable[AuditEntry], *, at_ns: int) -> None:
    """Append entries within the transaction that runs."""
    for entry in entries:
        seq, previous = connection.execute(SQL["last_audit"]).fetchone() or (0, GENESIS)
        line: dict[str, Any] = {
            "seq": seq + 1,
            "at_ns": at_ns,
            "kind": entry.kind,
            "subject": entry.subject,
            "body": json.dumps(entry.body, ensure_ascii=False, allow_nan=False, separators=(",", ":")),
            "previous": previous,
        }
        connection.execute(SQL["append_audit"], {**line, "hash": line_hash(**line)})


def verify(connection: sqlite3.Connection) -> tuple[int, str | None]:
    """Return (number of lines that hold from the start, what is wrong with the next one or None)."""
    expected, previous = 1, GENESIS
    for seq, at_ns, kind, subject, body, linked, stated in connection.execute(SQL["whole_audit"]):
        if seq != expected:
            return expected - 1, f"line {expected} is missing"
        if linked != previous:
            return expected - 1, f"line {seq} does not follow the line before it"
        if stated != line_hash(seq=seq, at_ns=at_ns, kind=kind, subject=subject, body=body, previous=linked):
            return expected - 1, f"line {seq} has been changed"
        expected, previous = seq + 1, stated
    return expected - 1, None
