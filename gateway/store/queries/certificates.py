"""Certificates as they stand: each version with its state, as it was written and signed.

A version whose rows do not match their hash, or whose signature does not cover its data, does not hold: nobody signs
it, nothing is sent of it, and a release that waits for it goes on waiting.
"""

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from pydantic import ValidationError

from gateway.contract.certificates import certificate_data, data_sha256, version_id
from gateway.records.act_kinds import ActKind
from gateway.records.certificates import (
    CertificateChanged,
    CertificateDrafted,
    CertificateOnRecord,
    CertificateSent,
    CertificateState,
)
from gateway.records.signatures import SigningState
from gateway.store.codec import decode
from gateway.store.queries.signatures import signed_record_of
from gateway.store.statements import SQL, value_of

MOST_OF_A_LOT = 500
Damaged = tuple[str, ...]


class Document(NamedTuple):
    """The document of a version as it was issued; without content the reason why there is none."""

    media_type: str
    sha256: str
    content: bytes
    problem: str
    holds: bool


def certificates_of_lot(connection: sqlite3.Connection, lot: str) -> tuple[tuple[CertificateOnRecord, ...], Damaged]:
    """Return every version of a lot's certificates, and the records that do not hold."""
    parameters = {"material_lot_id": lot, "most": MOST_OF_A_LOT}
    return _on_record(connection, connection.execute(SQL["certificates_of_lot"], parameters).fetchall())


def versions_of(connection: sqlite3.Connection, certificate_id: str) -> tuple[CertificateOnRecord, ...]:
    """Return the versions of a certificate, the newest first."""
    parameters = {"certificate_id": certificate_id, "most": MOST_OF_A_LOT}
    return _on_record(connection, connection.execute(SQL["versions_of_certificate"], parameters).fetchall())[0]


def certificate_version(
    connection: sqlite3.Connection, certificate_id: str, version: int
) -> CertificateOnRecord | None:
    """Return one version of a certificate, None where there is none."""
    parameters = {"certificate_id": certificate_id, "version": version}
    rows = connection.execute(SQL["certificate_draft"], parameters).fetchall()
    return next(iter(_on_record(connection, rows)[0]), None)


def id_of_number(connection: sqlite3.Connection, number: str) -> str | None:
    """Return the id of the certificate that a number or an id names, None where none or several are."""
    prefix = number.strip().lower()
    head, dash, version = prefix.rpartition("-")
    if dash and version.isdigit() and len(head) == 8:  # noqa: PLR2004 - a number: 0e2cbb4c-1
        prefix = head
    if not prefix or not set(prefix) <= set("0123456789abcdef-"):
        return None
    rows = connection.execute(SQL["certificate_by_number"], {"prefix": prefix}).fetchall()
    return str(rows[0]["certificate_id"]) if len(rows) == 1 else None


def found(
    connection: sqlite3.Connection, *, query: str, before: int = 2**62, most: int = 100
) -> list[tuple[int, CertificateOnRecord]]:
    """Return (place, newest version) of the certificates that a search names, the newest first."""
    parameters = {"query": " ".join(query.lower().split()), "before": before, "most": most}
    rows = connection.execute(SQL["certificates_found"], parameters).fetchall()
    return [(row["place"], version) for row in rows for version in _on_record(connection, [row])[0]]


def document_of(connection: sqlite3.Connection, certificate_id: str, version: int) -> Document | None:
    """Return the document of a version as it was issued, None where there is none on record."""
    key = {"version_id": version_id(certificate_id, version)}
    row = connection.execute(SQL["certificate_document"], key).fetchone()
    if row is None:
        return None
    return Document(row["media_type"], row["sha256"], row["content"], row["problem"], bool(row["holds"]))


def sent_of(connection: sqlite3.Connection, certificate_id: str, version: int) -> CertificateSent | None:
    """Return to whom a version was mailed, None where it was not."""
    key = {"version_id": version_id(certificate_id, version)}
    row = connection.execute(SQL["certificate_sent"], key).fetchone()
    return decode(CertificateSent, row["body"]) if row is not None and row["holds"] else None


def _on_record(
    connection: sqlite3.Connection, rows: Iterable[sqlite3.Row]
) -> tuple[tuple[CertificateOnRecord, ...], Damaged]:
    known, damaged = [], []
    for row in rows:
        try:
            drafted = decode(CertificateDrafted, row["body"])
        except ValidationError:
            damaged.append(row["record"])
            continue
        changed, whole = _state(connection, drafted)
        holds = bool(row["holds"]) and _is_what_it_says(drafted, row["sha256"]) and whole
        if not holds:
            damaged.append(row["record"])
        state = CertificateState.DRAFT if changed is None else changed.state
        known.append(CertificateOnRecord(drafted=drafted, state=state, holds=holds, changed=changed))
    return tuple(known), tuple(damaged)


def _is_what_it_says(drafted: CertificateDrafted, sha256: str) -> bool:
    """Return whether a draft's data have the SHA-256 that is on record of it."""
    data = certificate_data(drafted.content, of=drafted.certificate_id, version=drafted.version, reason=drafted.reason)
    return data_sha256(data) == drafted.sha256 == sha256


def _state(connection: sqlite3.Connection, drafted: CertificateDrafted) -> tuple[CertificateChanged | None, bool]:
    """Return the state of a version, None of a draft, and whether that is as it was written and signed."""
    key = version_id(drafted.certificate_id, drafted.version)
    row = connection.execute(SQL["newest_certificate_state"], {"version_id": key}).fetchone()
    if row is None:
        return None, not value_of(connection, "certificate_state_is_missing", version_id=key)
    try:
        changed = decode(CertificateChanged, row["body"])
    except ValidationError:
        return None, False
    return changed, bool(row["holds"]) and _is_signed(connection, drafted, changed)


def _is_signed(connection: sqlite3.Connection, drafted: CertificateDrafted, changed: CertificateChanged) -> bool:
    """Return whether a version was signed over its own data, by those whom its state names."""
    signature = changed.signature
    if signature is None or changed.sha256 != drafted.sha256 or changed.draft != drafted.draft:
        return False
    signed = signed_record_of(connection, signature.record_id)
    if signed is None or not signed.holds or signed.state is not SigningState.DONE:
        return False
    record = signed.record
    act = json.loads(record.body).get("act") or {}
    return (
        (record.kind, record.subject) == (ActKind.SIGN_CERTIFICATE, drafted.certificate_id)
        and (act.get("version"), act.get("sha256")) == (drafted.version, drafted.sha256)
        and sorted(item.printed_name for item in signed.signatures) == sorted(signature.signed_by)
    )
