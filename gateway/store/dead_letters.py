"""Dead letters: what could not be understood, kept once and whole, listed and tried again when a person asks for it.

Each refusal is a row for itself, which names the payload by its hash; the payload is kept once, however often it is
sent. All payloads together have a quota: beyond it the oldest go, and their rows stay. So a sender that sends rubbish
for ever fills no disk.
"""

import sqlite3
from dataclasses import dataclass

from gateway.contract.identity import sha256_hex
from gateway.errors import LablineError
from gateway.records.outgoing import AuditEntry
from gateway.store.audit import trail as audit
from gateway.store.audit.evidence import must_hold
from gateway.store.statements import SQL

QUOTA_BYTES = 64 * 2**20
_ROW_BYTES = 512  # what a payload takes beside itself
_REFERENCE = b"sha256:"


def keep(connection: sqlite3.Connection, payload: bytes, *, quota_bytes: int = QUOTA_BYTES) -> bytes:
    """Keep a payload unless it is kept already; return what names it in its dead letters.

    What goes beyond the quota makes the oldest payloads go, never this one.
    """
    payload_sha256 = sha256_hex(payload)
    row = {"payload_sha256": payload_sha256, "bytes": len(payload) + _ROW_BYTES, "payload": payload}
    if connection.execute(SQL["keep_dead_letter_payload"], row).rowcount:
        while connection.execute(SQL["dead_letter_payload_bytes"]).fetchone()[0] > quota_bytes:
            if not connection.execute(SQL["drop_oldest_dead_letter_payload"], row).rowcount:
                break
    return _REFERENCE + payload_sha256.encode()


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
        raise LablineError(
            f"there is no dead letter {dead_letter_id}, and no parked message",
            hint="labline buffer dead-letters and labline buffer parked list them",
        )
    must_hold(row["holds"], table="dead_letter", key=dead_letter_id)
    if row["payload"] is None:
        raise LablineError(
            f"the payload of {dead_letter_id} is kept no longer: newer dead letters have used up the quota",
            hint="have the sender send it again",
        )
    asked = {"dead_letter_id": dead_letter_id, "asked_ns": at_ns, "person": person}
    connection.execute(SQL["ask_retry"], asked)
    entry = AuditEntry(kind="dead_letter_retry", subject=dead_letter_id, body={"person": person})
    audit.append(connection, (entry,), at_ns=at_ns)


def retried(dead_letter_id: str, tried_ns: int, connection: sqlite3.Connection) -> None:
    """Note that it was tried."""
    connection.execute(SQL["retried"], {"dead_letter_id": dead_letter_id, "tried_ns": tried_ns})
