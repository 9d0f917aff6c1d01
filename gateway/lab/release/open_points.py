"""What speaks against a release: open points, what each rests on, and how a person settles it. Pure.

A point is settled by its identity, which is made of the facts behind it: where the facts change, it is another point,
and a person decides again. Nobody settles a hold here.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypedDict

from gateway.contract.identity import identity_of
from gateway.lab.conformity_reasons import ConformityReason
from gateway.lab.disposition import TREND_FLAGS
from gateway.records.laboratory import Recommendation
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text


class OpenPoint(StrEnum):
    """What speaks against a release besides the value of a result."""

    RESULT_UNREAD = "RESULT_UNREAD"
    MESSAGE_REFUSED = "MESSAGE_REFUSED"
    SPECIFICATION_REFUSED = "SPECIFICATION_REFUSED"
    RESULT_CONTRADICTED = "RESULT_CONTRADICTED"
    RESULT_WITHDRAWN = "RESULT_WITHDRAWN"
    EARLIER_VERSION_FAILED = "EARLIER_VERSION_FAILED"
    EARLIER_VERSION_UNREAD = "EARLIER_VERSION_UNREAD"
    RESULT_LEFT_LOT = "RESULT_LEFT_LOT"
    SAMPLE_OF_SEVERAL_LOTS = "SAMPLE_OF_SEVERAL_LOTS"
    LOT_NAME_UNCLEAR = "LOT_NAME_UNCLEAR"
    LOT_NAME_ALIKE = "LOT_NAME_ALIKE"
    RETEST = "RETEST"
    RETEST_WITHOUT_ORIGINAL = "RETEST_WITHOUT_ORIGINAL"
    RETESTED = "RETESTED"
    CONTROL_WITH_LOT = "CONTROL_WITH_LOT"
    RESULT_WITHOUT_LOT = "RESULT_WITHOUT_LOT"
    CONTEXT_CONTRADICTED = "CONTEXT_CONTRADICTED"
    PRODUCT_UNKNOWN = "PRODUCT_UNKNOWN"
    PARENT_IN_QUESTION = "PARENT_IN_QUESTION"
    NOT_JUDGED_AGAIN = "NOT_JUDGED_AGAIN"
    PARTS_EXCEED_LOT = "PARTS_EXCEED_LOT"
    PARTS_NOT_COMPARABLE = "PARTS_NOT_COMPARABLE"
    LOT_GOES_ON = "LOT_GOES_ON"
    DECIDED_BY_QUALITY = "DECIDED_BY_QUALITY"


class WithoutOwnWay(StrEnum):
    """How points are settled that have no way of their own in the group ``how_to_settle``."""

    HOLD = "HOLD"
    PARENT_FOR_REVIEW = "PARENT_FOR_REVIEW"
    ANY_OTHER_POINT = "ANY_OTHER_POINT"


WITH_OWN_WAY: frozenset[str] = frozenset({*OpenPoint, ConformityReason.NO_SPECIFICATION})
"""Codes with a way of their own in the group ``how_to_settle``."""


SETTLED_FIRST: frozenset[str] = frozenset(
    {
        OpenPoint.RESULT_UNREAD, OpenPoint.MESSAGE_REFUSED, OpenPoint.SPECIFICATION_REFUSED,
        OpenPoint.RESULT_CONTRADICTED, OpenPoint.RESULT_WITHDRAWN, OpenPoint.EARLIER_VERSION_FAILED,
        OpenPoint.EARLIER_VERSION_UNREAD, OpenPoint.RETESTED, OpenPoint.NOT_JUDGED_AGAIN,
        OpenPoint.PARTS_EXCEED_LOT, OpenPoint.PARTS_NOT_COMPARABLE, OpenPoint.LOT_GOES_ON,
        ConformityReason.NOT_YET_VALIDATED, ConformityReason.VALUE_UNKNOWN, ConformityReason.TEXT_UNKNOWN,
        ConformityReason.NUMBER_UNEXPECTED, ConformityReason.UNIT_MISMATCH, ConformityReason.UNIT_MISSING,
        ConformityReason.CENSORED_UNDECIDED, ConformityReason.RESULT_REJECTED,
    }
)  # fmt: skip
"""Codes of what failed, was not read or was checked by nobody: no signature of a release takes them with it."""


class Finding(NamedTuple):
    """Something that asks for care, before it is known whether a person has settled it."""

    code: str
    asks: Recommendation
    reason: Reason


def for_review(code: OpenPoint, sentence: Mapping[str, object], /, **parameters: object) -> Finding:
    """Return a finding on which a person decides.

    Args:
        code: its code; the sentence is in the group ``open_point``.
        sentence: what stands in the sentence besides the parameters, and which variant of it.
        parameters: the facts that it rests on.
    """
    shown = text("open_point", code.value, **{**parameters, **sentence})
    return Finding(code, Recommendation.REVIEW, Reason(code=code, parameters=parameters, text=shown))


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One thing that asks for care, and why; ``settled``: a person has looked at it."""

    point_id: str
    code: str
    asks: Recommendation
    reason: Reason

    @property
    def how(self) -> str:
        """Return how a person settles it."""
        return text("how_to_settle", self._way)

    @property
    def _way(self) -> str:
        if self.asks is Recommendation.HOLD:
            return WithoutOwnWay.HOLD.value
        if self.of_parent_for_review:
            return WithoutOwnWay.PARENT_FOR_REVIEW.value
        return str(self.code) if self.code in WITH_OWN_WAY else WithoutOwnWay.ANY_OTHER_POINT.value

    @property
    def can_be_settled(self) -> bool:
        """Return whether a person can settle it: no hold, and no parent whose own points can still be settled."""
        return self.asks is not Recommendation.HOLD and not self.of_parent_for_review

    @property
    def of_parent_for_review(self) -> bool:
        """Return whether it is about a parent lot that is for review: later findings about it must reach this lot."""
        of_parent = self.code == OpenPoint.PARENT_IN_QUESTION
        return of_parent and self.reason.parameters.get("recommendation") != Recommendation.HOLD.value


class Points(TypedDict):
    """The points of one subject."""

    points: tuple[Point, ...]
    settled: tuple[Point, ...]


def open_and_settled(
    findings: Iterable[Finding], settled: Collection[str], *, lot: str, subject: str, evidence: Mapping[str, object]
) -> Points:
    """Return the points that no person has settled, and those that one has; a hold is settled by nobody.

    Args:
        findings: what asks for care.
        settled: the identities of the points that people have settled.
        lot: for which they are settled; empty for those that are the same for each lot, and settled for all at once.
        subject: what they are about.
        evidence: what they rest on besides their reasons.
    """
    points = tuple(
        Point(point_id=_point_id(lot, subject, code, reason, evidence), code=code, asks=asks, reason=reason)
        for code, asks, reason in findings
    )
    by_a_person = tuple(point for point in points if point.can_be_settled and point.point_id in settled)
    return {"points": tuple(point for point in points if point not in by_a_person), "settled": by_a_person}


def _point_id(lot: str, subject: str, code: str, reason: Reason, evidence: Mapping[str, object]) -> str:
    """Return the identity of a point. It is made of its facts: where they change, it is another point.

    A result that is out of trend has one such point: by which rule is known only when it arrives.
    """
    facts = {} if code in TREND_FLAGS else reason.parameters
    rests_on = json.dumps([facts, dict(evidence)], sort_keys=True, default=str, separators=(",", ":"))
    return identity_of("point", lot, subject, code, rests_on)
