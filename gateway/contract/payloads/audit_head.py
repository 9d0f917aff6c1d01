"""A signed head of the audit trail."""

from gateway.contract.identity import identity_of
from gateway.contract.payloads.parts import Payload
from gateway.contract.times import rfc3339
from gateway.records.outgoing import SignedHead


class AuditHeadPayload(Payload):
    """``audit/head``: the signed head of the audit chain; keep some elsewhere as witnesses."""

    seq: int
    hash: str
    public_key: str
    signature: str


def audit_head_payload(signed: SignedHead) -> AuditHeadPayload:
    """Return the payload of a signed head."""
    return AuditHeadPayload(
        schema="labline.audit-head/1",
        id=identity_of("audit-head", signed.head.seq, signed.head.hash),
        cause=None,
        issued_at=rfc3339(signed.at_ns),
        line=signed.line,
        seq=signed.head.seq,
        hash=signed.head.hash,
        public_key=signed.public_key,
        signature=signed.signature,
    )
