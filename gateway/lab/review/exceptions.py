"""What a check reports: an exception with its evidence, and how a row of the table of checks looks. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from gateway.lab.review.codes import ReviewCode, ReviewGroup, ReviewSeverity
from gateway.lab.review.facts import LotReviewFacts


class EvidenceKind(StrEnum):
    """What a piece of evidence is, so that a page can link to it."""

    RESULT = "result"
    SAMPLE = "sample"
    POINT = "point"
    TAG = "tag"
    GAP = "gap"
    ALARM = "alarm"
    GUIDANCE = "guidance"
    INTENT = "intent"
    LINE = "line"
    MESSAGE = "message"
    DELIVERY = "delivery"
    SIGNED_RECORD = "signed_record"
    LOT = "lot"
    EVENT = "event"
    DEVIATION = "deviation"
    CERTIFICATE = "certificate"
    DISPOSITION = "disposition"
    RECORD = "record"


class Evidence(NamedTuple):
    """A record that shows it, by its id."""

    kind: EvidenceKind
    id: str


class Finding(NamedTuple):
    """What a check reports; ``parameters``: of its sentence, without anything that changes with the clock alone."""

    at_ns: int | None
    evidence: tuple[Evidence, ...]
    parameters: Mapping[str, Any]


Find = Callable[[LotReviewFacts], Iterator[Finding]]
"""How a check finds what it reports."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One row of the table: what it reports and how much that weighs, what it looks at, and how it finds it."""

    code: ReviewCode
    group: ReviewGroup
    severity: ReviewSeverity
    looks_at: Callable[[LotReviewFacts], Sequence[Any]]
    find: Find


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewException:
    """Something that a person must look at; its id is made of its facts: where they change, it is another one."""

    exception_id: str
    code: ReviewCode
    group: ReviewGroup
    severity: ReviewSeverity
    at_ns: int | None
    text: str
    parameters: Mapping[str, Any]
    evidence: tuple[Evidence, ...]


def checks_of(group: ReviewGroup, looks_at: Callable[[LotReviewFacts], Sequence[Any]]) -> Callable[..., Check]:
    """Return what makes the rows of a group that look at the same: by code, severity and function."""

    def row(code: ReviewCode, severity: ReviewSeverity, find: Find) -> Check:
        return Check(code=code, group=group, severity=severity, looks_at=looks_at, find=find)

    return row


def finding(at_ns: int | None, *evidence: Evidence, **parameters: Any) -> Finding:
    """Return what a check reports."""
    return Finding(at_ns, evidence, parameters)
