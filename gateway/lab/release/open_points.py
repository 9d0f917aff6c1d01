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
    RETEST = "RETEST"
    RETEST_WITHOUT_ORIGINAL = "RETEST_WITHOUT_ORIGINAL"
    RETESTED = "RETESTED"
    CONTROL_WITH_LOT = "CONTROL_WITH_LOT"
    RESULT_WITHOUT_LOT = "RESULT_WITHOUT_LOT"
    CONTEXT_CONTRADICTED = "CONTEXT_CONTRADICTED"
    PRODUCT_UNKNOWN = "PRODUCT_UNKNOWN"
    PARENT_IN_QUESTION = "PARENT_IN_QUESTION"
    NOT_JUDGED_AGAIN = "NOT_JUDGED_AGAIN"


HOW_TO_SETTLE: Mapping[str, str] = {
    OpenPoint.RESULT_UNREAD: "have the laboratory send it again in a readable form, or read it and settle the point",
    OpenPoint.MESSAGE_REFUSED: "read the message (labline buffer dead-letters --id ID); then settle the point",
    OpenPoint.SPECIFICATION_REFUSED: "have this version sent again in a readable form, or read it (labline buffer "
    "dead-letters --id ID) and settle the point: that holds for all lots of the message",
    OpenPoint.RESULT_CONTRADICTED: "ask the laboratory which value holds; then settle the point",
    OpenPoint.RESULT_WITHDRAWN: "have the laboratory replace it by a new version, or settle the point",
    OpenPoint.EARLIER_VERSION_FAILED: "look at why the value was corrected; then settle the point",
    OpenPoint.EARLIER_VERSION_UNREAD: "check that it said what its correction says; then settle the point",
    OpenPoint.RESULT_LEFT_LOT: "check that the result is not of this lot; then settle the point",
    OpenPoint.SAMPLE_OF_SEVERAL_LOTS: "have the laboratory correct the lot, or name all lots of a composite in one "
    "result; or settle the point on each of the lots",
    OpenPoint.LOT_NAME_UNCLEAR: "have lists of lots sent as lists; or settle the point on each of the lots",
    OpenPoint.RETEST: "decide on the out-of-specification investigation; then settle the point",
    OpenPoint.RETEST_WITHOUT_ORIGINAL: "find the result that it repeats; then settle the point",
    OpenPoint.RETESTED: "decide on the out-of-specification investigation; then settle the point",
    OpenPoint.CONTROL_WITH_LOT: "configure the control material, or settle the point",
    OpenPoint.RESULT_WITHOUT_LOT: "have the laboratory name the lot, or settle the point",
    OpenPoint.CONTEXT_CONTRADICTED: "correct the master data; then settle the point",
    OpenPoint.PRODUCT_UNKNOWN: "have the product of the lot told; it is judged again then",
    OpenPoint.PARENT_IN_QUESTION: "decide on the parent lot; this lot is judged again then",
    OpenPoint.NOT_JUDGED_AGAIN: "check the lot's results by hand; then settle the point",
    ConformityReason.NO_SPECIFICATION.name: (
        "check the names of product and test, state a specification, or settle the point"
    ),
}
LOOK_AND_SETTLE = "look at the result; then settle the point"
SETTLE_ON_PARENT = "settle the points of the parent lot; this lot is judged again then"
A_HOLD_IS_DECIDED = "quality decides on the lot; no setting of the gateway lifts a hold"


class Finding(NamedTuple):
    """Something that asks for care, before it is known whether a person has settled it."""

    code: str
    asks: Recommendation
    reason: Reason


def for_review(code: OpenPoint, text: str, **parameters: object) -> Finding:
    """Return a finding on which a person decides; ``parameters``: the facts that it rests on."""
    return Finding(code, Recommendation.REVIEW, Reason(code=code, parameters=parameters, text=text))


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
        if self.asks is Recommendation.HOLD:
            return A_HOLD_IS_DECIDED
        if self.of_parent_for_review:
            return SETTLE_ON_PARENT
        return HOW_TO_SETTLE.get(self.code, LOOK_AND_SETTLE)

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
