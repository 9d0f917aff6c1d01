"""Signatures as they are shown with what was signed: printed name, role, UTC time and meaning (21 CFR 11.50 b)."""

import sqlite3

from gateway.console.views.parts import SignaturePart
from gateway.contract.times import rfc3339
from gateway.records.act_kinds import ActKind
from gateway.records.signatures import Signature, SigningState
from gateway.store.queries.signatures import signed_of

_MOST = 100


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


def signatures_on(connection: sqlite3.Connection, subject: str, *kinds: ActKind) -> list[SignaturePart]:
    """Return the signatures of acts that were done about a subject, by kind, each kind the newest first.

    What waits, what was ended before it was done, and what does not match its hash is left out.
    """
    return [
        signature_part(signature)
        for kind in kinds
        for signed in signed_of(connection, kind, subject, most=_MOST)
        if signed.holds and signed.state is SigningState.DONE
        for signature in signed.signatures
    ]
