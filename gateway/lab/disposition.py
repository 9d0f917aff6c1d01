"""One result judged by the specifications in force, and which results take each other's place. Pure.

What follows for a lot, of all that is known of it, is in ``gateway.lab.release``.
"""

from dataclasses import dataclass, replace

from gateway.lab.conformity_reasons import ConformityReason
from gateway.lab.in_force import differ
from gateway.lab.lot_reasons import LotReason, lot_reason
from gateway.lab.specifications import judge, unit_flags
from gateway.records.laboratory import LabResult, Recommendation, ResultStatus, Specification
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text

_ORDER = (Recommendation.PENDING, Recommendation.RELEASE, Recommendation.REVIEW, Recommendation.HOLD)
FOR_A_PERSON = frozenset({Recommendation.REVIEW, Recommendation.HOLD})
VALUE_RESTORED = LotReason.SUPERSEDED_VALUE_RESTORED.value
CONTROL_REJECTED = LotReason.CONTROL_REJECTED.value
OUT_OF_TREND, OUT_OF_LINE = LotReason.OUT_OF_TREND.value, "OUT_OF_LINE"
TREND_FLAGS = frozenset({OUT_OF_TREND, OUT_OF_LINE})
WITHDRAWN = frozenset({ResultStatus.REJECTED, ResultStatus.SUPERSEDED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One result with what it recommends and why."""

    result: LabResult
    recommendation: Recommendation
    reasons: tuple[Reason, ...]
    flags: tuple[str, ...]
    specification: Specification | None


def worse(first: Recommendation, second: Recommendation) -> Recommendation:
    """Return the more careful of two recommendations."""
    return max(first, second, key=_ORDER.index)


def judge_result(result: LabResult, in_force: tuple[Specification, ...], trends: tuple[Reason, ...] = ()) -> Judged:
    """Return a result judged by every specification that is in force and by the limits that came with it.

    Where they differ, the more careful recommendation holds and the conflict is flagged.
    A value that a correction had replaced and that came back is a review at least, for as long as it stands; so is one
    that was out of trend when it came. ``trends``: the reasons of that, where its chart has just given them.
    """
    own = result.specification
    specifications = (*in_force, *((own,) if own is not None else ()))
    first = specifications[0] if specifications else None
    if result.status in WITHDRAWN:
        return Judged(
            result=result,
            recommendation=Recommendation.PENDING,
            reasons=(_withdrawn(result),),
            flags=(*result.flags, f"RESULT_{result.status.upper()}"),
            specification=first,
        )
    judged = [judge(result, specification) for specification in specifications or (None,)]
    recommendation = max((asks for asks, _ in judged), key=_ORDER.index)
    if VALUE_RESTORED in result.flags and recommendation is not Recommendation.HOLD:
        recommendation = Recommendation.REVIEW
        judged.append((recommendation, lot_reason(LotReason.SUPERSEDED_VALUE_RESTORED)))
    if CONTROL_REJECTED in result.flags and recommendation is not Recommendation.HOLD:
        recommendation = Recommendation.REVIEW
        judged.append((recommendation, lot_reason(LotReason.CONTROL_REJECTED)))
    if not TREND_FLAGS.isdisjoint(result.flags) and recommendation is not Recommendation.HOLD:
        recommendation = Recommendation.REVIEW
        judged += [(recommendation, reason) for reason in trends or (lot_reason(LotReason.OUT_OF_TREND),)]
    return Judged(
        result=result,
        recommendation=recommendation,
        reasons=_speaking(judged, recommendation),
        flags=(*result.flags, *unit_flags(result, specifications), *_differing(specifications)),
        specification=first,
    )


def _differing(specifications: tuple[Specification, ...]) -> list[str]:
    """Return a flag for each way in which the specifications of one result differ."""
    flags = []
    if any(differ(specifications[0], other) for other in specifications[1:]):
        flags.append("SPECIFICATION_CONFLICT")
    if len({specification.version for specification in specifications} - {None}) > 1:
        flags.append("SPECIFICATION_VERSION_DIFFERS")
    return flags


def _withdrawn(result: LabResult) -> Reason:
    status = result.status.value
    return Reason(
        code=ConformityReason.RESULT_REJECTED.value,
        parameters={"analyte": result.analyte, "status": status},
        text=text(
            "conformity",
            ConformityReason.RESULT_REJECTED.value,
            variant=status,
            name=result.test_id,
            sample=result.sample_id,
        ),
    )


def _speaking(judged: list[tuple[Recommendation, Reason]], recommendation: Recommendation) -> tuple[Reason, ...]:
    reasons: dict[tuple[str, str], Reason] = {}
    for asks, reason in judged:
        if asks is recommendation:
            reasons.setdefault((reason.code, str(reason.parameters.get("rule", ""))), reason)
    return tuple(reasons.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class LotState:
    """What is recommended for a lot so far."""

    recommendation: Recommendation = Recommendation.PENDING
    latched: bool = False
    provisional: bool = False  # a hold by what a model says, which the laboratory's result confirms or withdraws


def retested(result: LabResult, results: tuple[LabResult, ...]) -> bool:
    """Return whether a result that holds replaces this one: its retest, or a retest of its withdrawn retest, and so on.

    A retest names the sample, or the result's own id in the laboratory, and is of the same test. Where retests
    name one another in a ring, none replaces another.
    """
    retests = [other for other in results if other.retest_of is not None]
    seen, waiting = [result], [result]
    while waiting and retests:
        replaced = waiting.pop()
        for other in retests:
            if any(_same(other, earlier) for earlier in seen) or not _is_retest(other, replaced):
                continue
            if other.status not in WITHDRAWN:
                return not _leads_to(result, other, results)
            seen.append(other)
            waiting.append(other)
    return False


def _leads_to(start: LabResult, origin: LabResult, results: tuple[LabResult, ...]) -> bool:
    """Return whether a result is itself a retest of another, at any distance."""
    seen, waiting = [start], [start]
    while waiting:
        retest = waiting.pop()
        for other in results:
            if _is_retest(retest, other) and not any(_same(other, earlier) for earlier in seen):
                if _same(other, origin):
                    return True
                seen.append(other)
                waiting.append(other)
    return False


def _is_retest(retest: LabResult, of: LabResult) -> bool:
    return (
        retest.retest_of is not None
        and retest.retest_of in {of.sample_id, of.foreign_id}
        and (retest.test_id, retest.analyte) == (of.test_id, of.analyte)
        and not _same(retest, of)
    )


def _same(first: LabResult, second: LabResult) -> bool:
    return (first.sample_id, first.test_id, first.replicate) == (second.sample_id, second.test_id, second.replicate)


def on_damaged_records(
    state: LotState, reasons: tuple[Reason, ...], damaged: tuple[str, ...]
) -> tuple[LotState, tuple[Reason, ...]]:
    """Return a lot's state when records behind it were damaged and left out: a review at least."""
    reason = lot_reason(LotReason.EVIDENCE_DAMAGED, records=list(damaged), shown={"count": len(damaged)})
    return replace(state, recommendation=worse(state.recommendation, Recommendation.REVIEW)), (reason, *reasons)


def no_less_careful(
    state: LotState, reasons: tuple[Reason, ...], before: LotState, *, forgotten: bool = False
) -> tuple[LotState, tuple[Reason, ...]]:
    """Return a lot's state while records are in doubt: never less careful than before, as evidence may be missing.

    ``forgotten``: earlier records are missing, so a lot of which nothing is known may be on hold.
    """
    least = before.recommendation
    if forgotten and least is Recommendation.PENDING and state.recommendation is Recommendation.RELEASE:
        least = Recommendation.REVIEW
    if least not in FOR_A_PERSON or worse(least, state.recommendation) is state.recommendation:
        return state, reasons
    return replace(state, recommendation=least), (lot_reason(LotReason.RECORDS_IN_DOUBT), *reasons)
