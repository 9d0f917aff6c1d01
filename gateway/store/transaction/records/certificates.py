"""Certificates, their states, documents and dispatch, into their tables, within the transaction that runs."""

import sqlite3
from typing import Any

from gateway.contract.certificates import version_id, words_of
from gateway.contract.identity import identity_of
from gateway.events import Event
from gateway.records.certificates import CertificateChanged, CertificateDrafted, CertificateMade, CertificateSent
from gateway.store.codec import encode
from gateway.store.statements import SQL


def certificate_drafted(connection: sqlite3.Connection, event: Event, record: CertificateDrafted) -> None:
    """Write a draft of a version."""
    row: dict[str, Any] = {
        "draft_id": identity_of("certificate-draft", record.certificate_id, record.version, record.draft),
        "certificate_id": record.certificate_id,
        "version": record.version,
        "draft": record.draft,
        "material_lot_id": record.content.material_lot_id,
        "customer": record.content.customer,
        "at_ns": event.at_ns,
        "sha256": record.sha256,
        "words": words_of(record),
        "body": encode(record),
    }
    connection.execute(SQL["insert_certificate"], row)
    _judge_divided_lot(connection, event, record.content.material_lot_id)


def certificate_changed(connection: sqlite3.Connection, event: Event, record: CertificateChanged) -> None:
    """Write the state of a version from now on."""
    row = {
        "version_id": version_id(record.certificate_id, record.version),
        "certificate_id": record.certificate_id,
        "version": record.version,
        "material_lot_id": record.material_lot_id,
        "state": record.state.value,
        "at_ns": event.at_ns,
        "body": encode(record),
    }
    connection.execute(SQL["insert_certificate_state"], row)
    _judge_divided_lot(connection, event, record.material_lot_id)


def _judge_divided_lot(connection: sqlite3.Connection, event: Event, lot: str) -> None:
    """Mark a lot that is divided: it counts as released only once each part does, with its own certificate."""
    because = {"material_lot_id": lot, "cause": event.event_id, "at_ns": event.at_ns}
    connection.execute(SQL["judge_divided_lot_again"], because)


def certificate_made(connection: sqlite3.Connection, event: Event, record: CertificateMade) -> None:
    """Write the document of a version; where it could not be made, it is tried again at the next start."""
    if not record.size:
        return
    row = {
        "version_id": version_id(record.certificate_id, record.version),
        "certificate_id": record.certificate_id,
        "version": record.version,
        "media_type": record.media_type,
        "sha256": record.sha256,
        "content": record.content,
        "problem": record.problem,
        "at_ns": event.at_ns,
    }
    connection.execute(SQL["insert_certificate_document"], row)


def certificate_sent(connection: sqlite3.Connection, event: Event, record: CertificateSent) -> None:
    """Write that a version was mailed, or never will be."""
    row = {
        "version_id": version_id(record.certificate_id, record.version),
        "at_ns": event.at_ns,
        "body": encode(record),
    }
    connection.execute(SQL["insert_certificate_sent"], row)
