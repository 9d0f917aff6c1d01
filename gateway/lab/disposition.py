"""What is recommended for a lot after a result: the worst of its current results, with a latched hold. Pure.

A hold once recommended is never lifted by the gateway: when the results behind it get better (a correction,
a retest, a rejection), the recommendation becomes a review and a person decides.
"""

from dataclasses import dataclass

from gateway.lab.specifications import Judgement, judge
from gateway.records import LabResult, Reason, Recommendation, ResultStatus, Specification

_ORDER = (Recommendation.PENDING, Recommendation.RELEASE, Recommendation.REVIEW, Recommendation.HOLD)
WITHDRAWN = frozenset({ResultStatus.REJECTED, ResultStatus.SUPERSEDED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One result with what it recommends and why."""

    result: LabResult
    recommendation: Recommendation
    reasons: tuple[Reason, ...]
    flags: tuple[str, ...]


def worse(first: Recommendation, second: Recommendation) -> Recommendation:
    """Return the one that asks for more care."""
    return max(first, second, key=_ORDER.index)


def judge_result(result: LabResult, configured: Specification | None) -> Judged:
    """Return a result judged by the configured specification and by the limits that came with it.

    Where both are there and differ, the more careful recommendation holds and the conflict is flagged.
    """
    if result.status in WITHDRAWN:
        return Judged(
            result=result,
            recommendation=Recommendation.PENDING,
            reasons=(_withdrawn(result),),
            flags=(*result.flags, f"RESULT_{result.status.upper()}"),
        )
    own = result.specification
    given: list[Specification | None] = [item for item in (configured, own) if item is not None]
    judged = [judge(result, specification) for specification in given or [None]]
    recommendation = max((each for each, _ in judged), key=_ORDER.index)
    flags = list(result.flags)
    if configured is not None and own is not None and _differ(configured, own):
        flags.append("SPECIFICATION_CONFLICT")
    return Judged(
        result=result,
        recommendation=recommendation,
        reasons=_speaking(judged, recommendation),
        flags=tuple(flags),
    )


def _withdrawn(result: LabResult) -> Reason:
    return Reason(
        code=Judgement.RESULT_REJECTED.name,
        parameters={"analyte": result.analyte, "status": result.status.value},
        text=f"The laboratory set {result.test_id} of {result.sample_id} to {result.status.value}.",
    )


def _speaking(judged: list[tuple[Recommendation, Reason]], recommendation: Recommendation) -> tuple[Reason, ...]:
    reasons: dict[str, Reason] = {}
    for each, reason in judged:
        if each is recommendation:
            reasons.setdefault(reason.code, reason)
    return tuple(reasons.values())


def _differ(configured: Specification, own: Specification) -> bool:
    return (configured.lower, configured.upper) != (own.lower, own.upper)


@dataclass(frozen=True, kw_only=True, slots=True)
class LotState:
    """What is recommended for a lot so far."""

    recommendation: Recommendation = Recommendation.PENDING
    latched: bool = False


def recommend(judged: tuple[Judged, ...], before: LotState, *, restored: bool) -> tuple[LotState, tuple[Reason, ...]]:
    """Return the lot's new state and the reasons for it.

    Args:
        judged: the lot's current results, judged.
        before: the lot's state until now.
        restored: whether the newest result says again what a correction had replaced: a review at least.
    """
    recommendation = Recommendation.PENDING
    for each in judged:
        recommendation = worse(recommendation, each.recommendation)
    reasons = tuple(reason for each in judged if each.recommendation is recommendation for reason in each.reasons)
    if restored and recommendation is not Recommendation.HOLD:
        recommendation = Recommendation.REVIEW
        reasons = (*reasons, _VALUE_RESTORED)
    if before.latched and recommendation is not Recommendation.HOLD:
        return LotState(recommendation=Recommendation.REVIEW, latched=True), (_HOLD_LATCHED, *reasons)
    latched = before.latched or recommendation is Recommendation.HOLD
    return LotState(recommendation=recommendation, latched=latched), reasons


_HOLD_LATCHED = Reason(
    code="HOLD_LATCHED",
    text="A hold was recommended for this lot earlier; only a person lifts it.",
)
_VALUE_RESTORED = Reason(
    code="SUPERSEDED_VALUE_RESTORED",
    text="The newest version says again what an earlier correction had replaced.",
)
