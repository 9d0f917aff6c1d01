"""Dead letters: what could not be understood, kept once and whole, listed and tried again when a person asks for it.

Each refusal is a row for itself, which names the payload by its hash; the payload is kept once, however often it is
sent. All payloads together have a quota: beyond it the oldest go, and their rows stay. So a sender that sends rubbish
for ever fills no disk.
"""

import sqlite3
from dataclasses import dataclass

from gateway.contract.identity import sha256_hex
from gateway.store.statements import SQL

QUOTA_BYTES = 64 * 2**20
_ROW_BYTES = 512  # what a row takes in addition to its payload
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
    """A dead letter that a person has asked to be tried again."""

    dead_letter_id: str
    topic: str
    payload: bytes
    person: str


def retried(dead_letter_id: str, tried_ns: int, connection: sqlite3.Connection) -> None:
    """Note that it was tried."""
    connection.execute(SQL["retried"], {"dead_letter_id": dead_letter_id, "tried_ns": tried_ns})
