"""The list of what was looked at, as it is signed: counts by check, and each exception with its settlement. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gateway.contract.times import rfc3339
from gateway.lab.review.exceptions import ReviewException
from gateway.lab.review.review import Review

SCHEMA = "labline.lot-review/1"


class Answer(NamedTuple):
    """What a person has said of an exception; ``settled``: and it is settled with that."""

    event_id: str
    exception_id: str
    material_lot_id: str
    code: str
    settled: int
    person: str
    role: str
    comment: str
    at_ns: int


def review_document(review: Review, answers: Mapping[str, Sequence[Answer]]) -> dict[str, Any]:
    """Return what is signed of a review; the same facts and answers give the same document."""
    return {
        "schema": SCHEMA,
        "lot": review.material_lot_id,
        "from": None if review.from_ns is None else rfc3339(review.from_ns),
        "until": None if review.until_ns is None else rfc3339(review.until_ns),
        "basis_sha256": review.basis_sha256,
        "data_points": review.data_points,
        "looked_at": {code.value: count for code, count in review.looked_at.items()},
        "groups": {
            tally.group.value: {"looked_at": tally.looked_at, "exceptions": tally.exceptions} for tally in review.groups
        },
        "exceptions": [_exception(item, answers.get(item.exception_id, ())) for item in review.exceptions],
    }


def _exception(item: ReviewException, answers: Sequence[Answer]) -> dict[str, Any]:
    return {
        "exception_id": item.exception_id,
        "code": item.code.value,
        "group": item.group.value,
        "severity": item.severity.value,
        "at": None if item.at_ns is None else rfc3339(item.at_ns),
        "text": item.text,
        "evidence": [{"kind": evidence.kind.value, "id": evidence.id} for evidence in item.evidence],
        "settled": any(answer.settled for answer in answers),
        "answers": [
            {"person": answer.person, "role": answer.role, "comment": answer.comment, "settles": bool(answer.settled),
             "at": rfc3339(answer.at_ns)}
            for answer in answers
        ],
    }  # fmt: skip
