"""Signatures: which acts wait for another person's signature, and which were signed."""

import json
import sqlite3
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from gateway.console.snapshot import Snapshot
from gateway.console.views.parts import SignaturePart, View
from gateway.console.views.signed import signature_part
from gateway.contract.times import rfc3339
from gateway.decisions.signed_wording import SignedText, in_words, what_is_done
from gateway.people.signing import SIGNABLE, policy_of
from gateway.records.act_kinds import ActKind
from gateway.records.signatures import SignedOnRecord, SigningState
from gateway.store.queries.seen_records import is_seen_as_signed
from gateway.store.queries.signatures import newest, waiting
from gateway.store.queries.users import passwords_to_confirm, users_of_all

_MOST = 200
_NEVER_DONE = frozenset({SigningState.WITHDRAWN, SigningState.REFUSED})


class PendingActView(View):
    """An act that waits until enough people have signed it."""

    pending_id: str
    act: str
    subject: str
    title: str
    meaning: str = Field(description="with which the next person signs, as it is kept")
    parameters: dict[str, Any]
    rests_on: dict[str, Any] = Field(description="the facts for which it is asked; signed with it")
    evidence: dict[str, Any] = Field(description="what stood beside it; signed with it")
    sha256: str = Field(description="of the record that is shown; the act sign_pending states it")
    reason: str
    asked_by: str
    asked_by_user: str = Field(description="who signs it no further, and may withdraw it")
    asked_at: str
    expires_at: str
    roles: list[str] = Field(description="of these the next person must have one")
    count: int = Field(description="how many signatures it needs")
    signed: list[SignaturePart]


class EndedState(StrEnum):
    """Why an act that waited was never done; refused: rejected, or changed meanwhile."""

    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    EXPIRED = "expired"


class EndedActView(View):
    """An act that has waited and was never done: withdrawn, rejected, changed meanwhile, or too late."""

    pending_id: str
    act: str
    subject: str
    title: str
    asked_by: str
    asked_at: str
    state: EndedState
    why: str = Field(description="the reason; of an expired one when that was")
    signed: list[SignaturePart]


class SignedRecordView(View):
    """A signature that was given, with what it is of."""

    signature: SignaturePart
    record_kind: str
    record_id: str = Field(description="what it is about, such as the lot")
    signed_record_id: str = Field(description="the record that was signed, by which it is exported")
    state: Literal["waiting", "done", "withdrawn", "refused"]


class PasswordToConfirmView(View):
    """A password that somebody else has issued: its user decides nothing until a third person confirms it."""

    user_id: str
    full_name: str
    issued_by: str = Field(description="the printed name of who has")
    issued_by_user: str = Field(description="who does not confirm it")
    replaced: bool = Field(description="the user has set a password of their own; before that nobody confirms it")


class SignaturesView(View):
    """GET /api/signatures."""

    passwords: list[PasswordToConfirmView] = Field(
        description="that another person of quality or an administrator confirms (act confirm_password)"
    )
    waiting: list[PendingActView]
    ended: list[EndedActView] = Field(description="the newest first")
    given: list[SignedRecordView] = Field(description="the newest first")


def signatures_view(connection: sqlite3.Connection, snapshot: Snapshot) -> SignaturesView:
    """Return what waits for signatures, and the signatures that were given; what does not hold is left out."""
    seen = snapshot.seen(connection)
    return SignaturesView(
        passwords=[] if seen.limited else _passwords(connection),
        waiting=waiting_for_signatures(connection, snapshot),
        ended=list(_ended(connection, snapshot)),
        given=[
            SignedRecordView(
                signature=signature_part(signature),
                record_kind=signature.record_kind,
                record_id=signed.record.subject,
                signed_record_id=signed.record.record_id,
                state=signed.state.value,
            )
            for signed in newest(connection, most=_MOST)
            if signed.holds and is_seen_as_signed(seen, signed.record)
            for signature in signed.signatures
        ],
    )


def _passwords(connection: sqlite3.Connection) -> list[PasswordToConfirmView]:
    names = {user.user_id: user.full_name for user in users_of_all(connection)}
    return [
        PasswordToConfirmView(
            user_id=user.user_id,
            full_name=user.full_name,
            issued_by=names.get(password.issued_by or "", password.issued_by or ""),
            issued_by_user=password.issued_by or "",
            replaced=not password.must_change,
        )
        for user, password in passwords_to_confirm(connection)
    ]


def waiting_for_signatures(
    connection: sqlite3.Connection, snapshot: Snapshot, *, subject: str | None = None
) -> list[PendingActView]:
    """Return what waits for signatures, the oldest first; ``subject``: only what is about it."""
    seen = snapshot.seen(connection)
    return [
        pending_view(signed, snapshot)
        for signed in waiting(connection, most=_MOST)
        if signed.holds
        and not snapshot.at.is_past(signed.record.expires)
        and (subject is None or signed.record.subject == subject)
        and is_seen_as_signed(seen, signed.record)
    ]


def _ended(connection: sqlite3.Connection, snapshot: Snapshot) -> Iterator[EndedActView]:
    """Yield what was never done, the newest first."""
    seen = snapshot.seen(connection)
    for signed in newest(connection, most=_MOST):
        expired = signed.state is SigningState.WAITING and snapshot.at.is_past(signed.record.expires)
        if (
            not signed.holds
            or not (expired or signed.state in _NEVER_DONE)
            or not is_seen_as_signed(seen, signed.record)
        ):
            continue
        record = signed.record
        yield EndedActView(
            pending_id=record.record_id,
            act=record.kind,
            subject=record.subject,
            title=what_is_done(record),
            asked_by=record.author.printed_name,
            asked_at=rfc3339(record.made_ns),
            state=EndedState.EXPIRED if expired else EndedState(signed.state.value),
            why=rfc3339(record.expires.wall_ns) if expired else signed.why,
            signed=[signature_part(signature) for signature in signed.signatures],
        )


def pending_view(signed: SignedOnRecord, snapshot: Snapshot) -> PendingActView:
    """Return an act that waits, with what it rests on as it is signed."""
    record, kind = signed.record, ActKind(signed.record.kind)
    document = json.loads(record.body)
    policy = policy_of(kind, snapshot.line.signatures) if kind in SIGNABLE else None
    what = what_is_done(record)
    return PendingActView(
        pending_id=record.record_id,
        act=record.kind,
        subject=record.subject,
        title=what,
        meaning=in_words(SignedText.APPROVAL, what=what),
        parameters=document.get("act") or {},
        rests_on=document.get("rests_on") or {},
        evidence=document.get("evidence") or {},
        sha256=record.sha256,
        reason=document.get("reason", ""),
        asked_by=record.author.printed_name,
        asked_by_user=record.author.user_id,
        asked_at=rfc3339(record.made_ns),
        expires_at=rfc3339(record.expires.wall_ns),
        roles=[] if policy is None else [role.value for role in policy.roles],
        count=0 if policy is None else policy.count,
        signed=[signature_part(signature) for signature in signed.signatures],
    )
