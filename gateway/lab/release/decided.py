"""A person's decision on a lot among its assessments, and whether it still rests on the facts. Pure.

A lot that a person rejects or keeps on hold is held, whatever else speaks of it, and so are the lots made of it; only
another decision changes that. A release never outlives the facts that it rests on.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from gateway.contract.times import rfc3339
from gateway.lab.disposition import LotState
from gateway.lab.release.assessment import Assessment, Subject, points_of
from gateway.lab.release.lot_knowledge import LotKnowledge
from gateway.lab.release.open_points import Finding, OpenPoint
from gateway.records.laboratory import Recommendation
from gateway.records.lot_decisions import DecisionState, LotDecided, Verdict
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text


def by_decision(lot: LotKnowledge) -> Iterator[Assessment]:
    """Return that a person has rejected the lot or keeps it on hold."""
    decision = lot.decision
    if decision is None or decision.verdict is Verdict.RELEASE:
        return
    reason = reason_of_decision(decision, of_part=lot.is_part)
    finding = Finding(OpenPoint.DECIDED_BY_QUALITY.value, Recommendation.HOLD, reason)
    points = points_of(lot, Subject.DECISION.value, (finding,), evidence={"record_id": decision.record_id})
    yield Assessment(material_lot_id=lot.lot, subject=Subject.DECISION.value, kind=Subject.DECISION, **points)


def reason_of_decision(decision: LotDecided, *, of_part: bool) -> Reason:
    """Return the reason that says how a person has decided on a lot, or on a part of one."""
    parameters = {"verdict": decision.verdict.value, "person": decision.printed_name, "at": rfc3339(decision.at_ns),
                  "reason": decision.reason}  # fmt: skip
    variant = f"{decision.verdict.value}_part" if of_part else decision.verdict.value
    sentence = text("open_point", OpenPoint.DECIDED_BY_QUALITY.value, variant=variant, **parameters)
    return Reason(code=OpenPoint.DECIDED_BY_QUALITY.value, parameters=parameters, text=sentence)


def decision_after(
    decision: LotDecided,
    state: LotState,
    *,
    missing: tuple[str, ...],
    other_facts: Collection[str],
    damaged: bool,
) -> LotDecided:
    """Return a decision after its lot was judged: it stands, or it has lapsed.

    Args:
        decision: the newest decision on the lot.
        state: what the gateway recommends now.
        missing: required tests without an approved result.
        other_facts: the subjects of assessments that have changed, without the decision's own.
        damaged: whether records behind the lot are damaged.
    """
    basis = decision.basis
    same = not other_facts and missing == basis.missing_tests
    if decision.verdict is Verdict.RELEASE:
        recommended = (state.recommendation, state.latched, state.provisional)
        same = same and not damaged and recommended == (basis.recommendation, basis.latched, basis.provisional)
    if decision.state is DecisionState.LAPSED or not same:
        return replace(decision, state=DecisionState.LAPSED)
    return replace(decision, state=DecisionState.STANDS)
