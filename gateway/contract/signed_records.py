"""What is signed, as bytes that anybody can check: canonical JSON (``labline.signed-record/1``) and its SHA-256.

Canonical: keys in order, no spaces, UTF-8, times in RFC 3339. It holds the act, whom it is of, why, and what it rests
on, so that a signature over its hash covers all of that and fits nothing else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.contract.acts import act_document, act_of_document
from gateway.contract.identity import sha256_hex
from gateway.contract.times import rfc3339
from gateway.deadlines import Deadline
from gateway.records.act_kinds import ActKind
from gateway.records.acts import Act
from gateway.records.signatures import Author, SignedRecord

SCHEMA = "labline.signed-record/1"


def canonical(document: Mapping[str, Any]) -> str:
    """Return a document as canonical JSON."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestOfAct:
    """Who asks for which act, why and when, and the evidence then: what does not change while the act waits."""

    record_id: str
    act: Act
    reason: str
    author: Author
    made_ns: int
    expires: Deadline
    evidence: Mapping[str, Any] = field(default_factory=dict)


def signed_record(
    request: RequestOfAct, *, line: str, subject: str, version: int, rests_on: Mapping[str, Any]
) -> SignedRecord:
    """Return the record that is signed; ``rests_on``: the facts for which the act is asked."""
    body = canonical(
        {
            "schema": SCHEMA,
            "record_id": request.record_id,
            "line": line,
            "kind": request.act.kind.value,
            "subject": subject,
            "version": version,
            "act": act_document(request.act),
            "reason": request.reason,
            "rests_on": dict(rests_on),
            "evidence": dict(request.evidence),
            "author": {"user": request.author.user_id, "printed_name": request.author.printed_name},
            "made_at": rfc3339(request.made_ns),
        }
    )
    return SignedRecord(
        record_id=request.record_id,
        kind=request.act.kind.value,
        subject=subject,
        version=version,
        body=body,
        sha256=sha256_hex(body.encode()),
        author=request.author,
        made_ns=request.made_ns,
        expires=request.expires,
    )


def request_in(record: SignedRecord) -> RequestOfAct:
    """Return who asked for which act in a signed record that holds; raises ValueError where it is none."""
    document = json.loads(record.body)
    return RequestOfAct(
        record_id=record.record_id,
        act=act_of_document(ActKind(record.kind), document["act"]),
        reason=document["reason"],
        author=record.author,
        made_ns=record.made_ns,
        expires=record.expires,
        evidence=document["evidence"],
    )
