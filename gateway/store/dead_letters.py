"""Dead letters: what could not be understood, kept whole, listed and tried again when a person asks for it."""

import sqlite3
from dataclasses import dataclass

from gateway.errors import LablineError
from gateway.records import AuditEntry
from gateway.store import audit
from gateway.store.evidence import must_hold
from gateway.store.statements import SQL


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """A dead letter that a person wants tried again."""

    dead_letter_id: str
    topic: str
    payload: bytes
    person: str


def ask_retry(connection: sqlite3.Connection, dead_letter_id: str, *, person: str, at_ns: int) -> None:
    """Note that a dead letter is to be tried again, with an audit entry; raises LablineError where there is none."""
    row = connection.execute(SQL["dead_letter"], {"dead_letter_id": dead_letter_id}).fetchone()
    if row is None:
        raise LablineError(f"there is no dead letter {dead_letter_id}", hint="labline buffer dead-letters lists them")
    must_hold(row["holds"], table="dead_letter", key=dead_letter_id)
    asked = {"dead_letter_id": dead_letter_id, "asked_ns": at_ns, "person": person}
    connection.execute(SQL["ask_retry"], asked)
    entry = AuditEntry(kind="dead_letter_retry", subject=dead_letter_id, body={"person": person})
    audit.append(connection, (entry,), at_ns=at_ns)


def retried(dead_letter_id: str, tried_ns: int, connection: sqlite3.Connection) -> None:
    """Note that it was tried."""
    connection.execute(SQL["retried"], {"dead_letter_id": dead_letter_id, "tried_ns": tried_ns})
