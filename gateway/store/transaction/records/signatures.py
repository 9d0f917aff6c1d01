"""What people sign, their signatures, and what becomes of it, into their tables, within the transaction that runs."""

import sqlite3
from dataclasses import asdict

from gateway.events import Event
from gateway.records.signatures import Signature, SignedRecord, SigningStateChanged
from gateway.store.statements import SQL


def record_to_sign(connection: sqlite3.Connection, _event: Event, record: SignedRecord) -> None:
    """Write what is signed."""
    connection.execute(
        SQL["insert_signed_record"],
        {
            **asdict(record),
            "author_id": record.author.user_id,
            "author_name": record.author.printed_name,
            "expires_wall_ns": record.expires.wall_ns,
            "expires_boot_ns": record.expires.boot_ns,
            "expires_boot_id": record.expires.boot_id,
        },
    )


def signature_given(connection: sqlite3.Connection, _event: Event, signature: Signature) -> None:
    """Write a person's signature."""
    connection.execute(SQL["insert_signature"], asdict(signature))


def signing_state_changed(connection: sqlite3.Connection, _event: Event, record: SigningStateChanged) -> None:
    """Write what has become of an act that needs signatures."""
    connection.execute(SQL["insert_signing_state"], asdict(record))
