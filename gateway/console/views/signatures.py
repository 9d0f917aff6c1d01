"""Signatures: which acts wait for another person's signature, and which were signed."""

import json
import sqlite3
from typing import Any

from pydantic import Field

from gateway.console.snapshot import Snapshot
from gateway.console.views.parts import SignaturePart, View
from gateway.contract.times import rfc3339
from gateway.people.signing import SIGNABLE, policy_of
from gateway.records.act_kinds import ActKind
from gateway.records.signatures import Signature, SignedOnRecord
from gateway.store.queries.signatures import newest, waiting

_MOST = 200


class PendingActView(View):
    """An act that waits until enough people have signed it."""

    pending_id: str
    act: str
    subject: str
    title: str
    parameters: dict[str, Any]
    sha256: str = Field(description="of the record that is shown; the act sign_pending states it")
    reason: str
    asked_by: str
    asked_at: str
    expires_at: str
    roles: list[str] = Field(description="of these the next person must have one")
    count: int = Field(description="how many signatures it needs")
    signed: list[SignaturePart]


class SignedRecordView(View):
    """A signature that was given, with what it is of."""

    signature: SignaturePart
    record_kind: str
    record_id: str


class SignaturesView(View):
    """GET /api/signatures."""

    waiting: list[PendingActView]
    given: list[SignedRecordView] = Field(description="the newest first")


def signatures_view(connection: sqlite3.Connection, snapshot: Snapshot) -> SignaturesView:
    """Return what waits for signatures, and the signatures that were given; what does not hold is left out."""
    return SignaturesView(
        waiting=[
            _pending(signed, snapshot)
            for signed in waiting(connection, most=_MOST)
            if signed.holds and not snapshot.at.is_past(signed.record.expires)
        ],
        given=[
            SignedRecordView(
                signature=signature_part(signature), record_kind=signature.record_kind, record_id=signed.record.subject
            )
            for signed in newest(connection, most=_MOST)
            if signed.holds
            for signature in signed.signatures
        ],
    )


def signature_part(signature: Signature) -> SignaturePart:
    """Return a signature as it is shown with its record."""
    return SignaturePart(
        signature_id=signature.signature_id,
        user_id=signature.user_id,
        full_name=signature.printed_name,
        role=signature.role.value,
        meaning=signature.meaning,
        signed_at=rfc3339(signature.signed_ns),
    )


def _pending(signed: SignedOnRecord, snapshot: Snapshot) -> PendingActView:
    record, kind = signed.record, ActKind(signed.record.kind)
    document = json.loads(record.body)
    policy = policy_of(kind, snapshot.line.signatures) if kind in SIGNABLE else None
    return PendingActView(
        pending_id=record.record_id,
        act=record.kind,
        subject=record.subject,
        title=f"{record.kind.replace('_', ' ')} {record.subject}",
        parameters=document,
        sha256=record.sha256,
        reason=document.get("reason", ""),
        asked_by=record.author.printed_name,
        asked_at=rfc3339(record.made_ns),
        expires_at=rfc3339(record.expires.wall_ns),
        roles=[] if policy is None else [role.value for role in policy.roles],
        count=0 if policy is None else policy.count,
        signed=[signature_part(signature) for signature in signed.signatures],
    )
