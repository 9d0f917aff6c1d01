"""Signed records with their state and signatures, as they stand.

A record whose content, state or any signature does not match its hash is returned as one that does not hold, so that
nobody signs it and nobody takes it for signed.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from gateway.contract.identity import sha256_hex
from gateway.deadlines import Deadline
from gateway.records.act_kinds import ActKind
from gateway.records.signatures import Author, Signature, SignedOnRecord, SignedRecord, SigningState, is_bound
from gateway.records.users import Role
from gateway.store.statements import SQL


def signed_record_of(connection: sqlite3.Connection, record_id: str) -> SignedOnRecord | None:
    """Return a signed record, None where there is none."""
    row = connection.execute(SQL["signed_record"], {"record_id": record_id}).fetchone()
    return None if row is None else _on_record(connection, row)


def is_signed_by(signed: SignedOnRecord | None, names: Sequence[str], *, signature_id: str | None = None) -> bool:
    """Return whether a record holds and is signed for good by these people and nobody else.

    ``signature_id``: the signature by which another record says so, which must be one of them.
    """
    return (
        signed is not None
        and signed.holds
        and signed.state is SigningState.DONE
        and (signature_id is None or any(item.signature_id == signature_id for item in signed.signatures))
        and sorted(item.printed_name for item in signed.signatures) == sorted(names)
    )


def waiting(connection: sqlite3.Connection, *, most: int = 1000) -> Iterator[SignedOnRecord]:
    """Yield what waits for signatures, the oldest first; what has expired meanwhile, too."""
    for row in connection.execute(SQL["signed_records_waiting"], {"most": most}).fetchall():
        yield _on_record(connection, row)


def waiting_of(connection: sqlite3.Connection, of_user: Mapping[str, str]) -> Iterator[SignedOnRecord]:
    """Yield what waits of a kind, about a subject, that a user has asked for."""
    for row in connection.execute(SQL["signed_records_waiting_of"], of_user).fetchall():
        yield _on_record(connection, row)


def newest(connection: sqlite3.Connection, *, most: int = 1000) -> Iterator[SignedOnRecord]:
    """Yield all signed records, the newest first."""
    for row in connection.execute(SQL["signed_records"], {"most": most}).fetchall():
        yield _on_record(connection, row)


def signed_of(
    connection: sqlite3.Connection, kind: ActKind, subject: str, *, most: int = 1000
) -> Iterator[SignedOnRecord]:
    """Yield the signed records of a kind about a lot, a model and so on, the newest first."""
    rows = connection.execute(SQL["signed_records_of"], {"kind": kind.value, "subject": subject, "most": most})
    for row in rows.fetchall():
        yield _on_record(connection, row)


def _on_record(connection: sqlite3.Connection, row: sqlite3.Row) -> SignedOnRecord:
    record = _record(row)
    of_record = {"record_id": record.record_id}
    rows = connection.execute(SQL["signatures_of_record"], of_record).fetchall()
    signatures = tuple(_signature(signature) for signature in rows)
    state = connection.execute(SQL["signing_state_of_record"], of_record).fetchone()
    holds = (
        bool(row["holds"] and row["vouched"])
        and sha256_hex(record.body.encode()) == record.sha256
        and all(bool(signature["holds"] and signature["vouched"]) for signature in rows)
        and all(is_bound(signature, record) for signature in signatures)
        and state is not None
        and bool(state["holds"])
    )
    return SignedOnRecord(
        record=record,
        state=SigningState.WAITING if state is None else SigningState(state["state"]),
        signatures=signatures,
        holds=holds,
        why="" if state is None else state["why"],
    )


def _record(row: sqlite3.Row) -> SignedRecord:
    return SignedRecord(
        record_id=row["record_id"],
        kind=row["kind"],
        subject=row["subject"],
        version=row["version"],
        body=row["body"],
        sha256=row["sha256"],
        author=Author(user_id=row["author_id"], printed_name=row["author_name"]),
        made_ns=row["made_ns"],
        expires=Deadline(
            wall_ns=row["expires_wall_ns"], boot_ns=row["expires_boot_ns"], boot_id=row["expires_boot_id"]
        ),
    )


def _signature(row: sqlite3.Row) -> Signature:
    return Signature(
        signature_id=row["signature_id"],
        record_kind=row["record_kind"],
        record_id=row["record_id"],
        record_version=row["record_version"],
        record_sha256=row["record_sha256"],
        user_id=row["user_id"],
        printed_name=row["printed_name"],
        role=Role(row["role"]),
        meaning=row["meaning"],
        signed_ns=row["signed_ns"],
        event_id=row["event_id"],
    )
