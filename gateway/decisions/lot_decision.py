"""A person decides on a lot: release, reject or hold, by a signature over the facts that were shown.

A release is refused while the gateway holds the lot, while a required test or every good result is missing, while
records are in doubt, and over what failed, was not read or was checked by nobody: these points are settled first. Over
other points that ask for a review a person releases it knowingly: they state how many they have seen, and the signed
record names them. The lot is judged again at once, and its disposition carries the decision.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.contract.lot_decisions import basis_document, basis_sha256
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.events import ActRequested
from gateway.facts.acts import PointOnRecord
from gateway.facts.lot_decision import DecideLotFacts
from gateway.lab.release.open_points import SETTLED_FIRST
from gateway.latches import in_doubt
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, DecideLot, done, refused
from gateway.records.laboratory import Recommendation
from gateway.records.lot_decisions import DecisionState, LotDecided, Verdict

_POINTS_NAMED, _POINTS_IN_A_REFUSAL = 20, 5


def what_it_rests_on(act: DecideLot, facts: DecideLotFacts) -> Mapping[str, Any]:
    """Return what of a lot is signed: the basis, by its parts and its SHA-256, and its open points."""
    if facts.basis is None:
        return {"lot": act.material_lot_id, "basis": None}
    part: dict[str, Any] = {}
    if facts.part is not None:
        part = {"part": facts.part.name, "part_of_lot": facts.part.material_lot_id, "quantity": facts.part.amount}
    part |= {"parts_decided_by_themselves": list(facts.parts)} if facts.parts else {}
    return {"basis": basis_document(facts.basis), "basis_sha256": basis_sha256(facts.basis), **part,
            "open_points": _named(facts.open_points, most=_POINTS_NAMED)}  # fmt: skip


def on_decide_lot(event: ActRequested, facts: DecideLotFacts) -> Decision:
    """Put a person's decision on a lot on record; the lot is judged again with it."""
    act = event.act
    if not isinstance(act, DecideLot):
        raise TypeError(f"{act.kind} is no DecideLot")
    refusal = _not_named(act, facts) or _decided_already(act, facts)
    refusal = refusal or _not_seen(act, facts) or _not_released(act, facts)
    if refusal is not None or facts.basis is None:
        return Decision(answer=refusal)
    if event.signed is None:
        raise TypeError("a decision on a lot is signed")  # the least number of signatures says so
    signatures = event.signed.signatures
    if not signatures:  # its author does not sign: it waits, and nothing is decided yet
        return Decision(answer=done())
    last = signatures[-1]
    decided = LotDecided(
        record_id=event.signed.record.record_id,
        material_lot_id=act.material_lot_id,
        verdict=act.verdict,
        basis=facts.basis,
        printed_name=last.printed_name,
        role=last.role,
        meaning=last.meaning,
        signature_id=last.signature_id,
        signed_by=tuple(signature.printed_name for signature in signatures),
        reason=event.reason,
        at_ns=event.at_ns,
        state=DecisionState.MADE,
    )
    entry = audit_entry("lot_decided", act.material_lot_id, scope=facts.scope, decision=act.verdict.value,
                        recommendation=facts.basis.recommendation.value, basis_sha256=act.basis_sha256,
                        open_points=[item.point.code for item in facts.open_points[:_POINTS_NAMED]],
                        signature_id=last.signature_id, person=event.person, reason=event.reason)  # fmt: skip
    return Decision(records=(decided,), audit=(entry,), answer=done(decision=act.verdict.value))


def _not_named(act: DecideLot, facts: DecideLotFacts) -> Answer | None:
    """Return that a decision on a part does not name it, or names one that the lot is not."""
    if facts.part is not None and facts.set_back:
        return refused(ActRefusal.PART_IS_UNDONE, part=facts.part.name, lot=facts.part.material_lot_id)
    name = "" if facts.part is None else facts.part.name
    return None if act.part == name else refused(ActRefusal.PART_NOT_NAMED, lot=act.material_lot_id, part=name or "-")


def _not_seen(act: DecideLot, facts: DecideLotFacts) -> Answer | None:
    """Return why the lot cannot be decided on as it was shown."""
    if facts.basis is None:
        return refused(ActRefusal.LOT_NOT_JUDGED, lot=act.material_lot_id)
    if facts.waits:
        return refused(ActRefusal.LOT_ABOUT_TO_BE_JUDGED, lot=act.material_lot_id)
    if basis_sha256(facts.basis) != act.basis_sha256:
        return refused(ActRefusal.LOT_CHANGED, lot=act.material_lot_id)
    return None


def _not_released(act: DecideLot, facts: DecideLotFacts) -> Answer | None:
    """Return why a lot cannot be released, None where it can, or is not to be."""
    basis = facts.basis
    if act.verdict is not Verdict.RELEASE or basis is None:
        return None
    lot = act.material_lot_id
    if facts.damaged_records or in_doubt(facts.latches):
        return refused(ActRefusal.LOT_RECORDS_IN_DOUBT, lot=lot)
    if basis.recommendation is Recommendation.HOLD:
        return refused(ActRefusal.LOT_HELD, lot=lot)
    if basis.missing_tests:
        return refused(ActRefusal.LOT_TESTS_MISSING, lot=lot, tests=list(basis.missing_tests))
    if basis.recommendation is Recommendation.PENDING:
        return refused(ActRefusal.NOTHING_FOR_RELEASE, lot=lot)
    return _not_released_over(act, facts)


def _not_released_over(act: DecideLot, facts: DecideLotFacts) -> Answer | None:
    """Return why a lot is not released over what speaks against it, None where nothing does, or it may be."""
    lot, points = act.material_lot_id, facts.open_points
    first = [item for item in points if _is_settled_first(item)]
    if first:
        return refused(ActRefusal.LOT_POINTS_FIRST, lot=lot, points=_named(first, most=_POINTS_IN_A_REFUSAL))
    if not facts.inside:
        return refused(ActRefusal.NOTHING_FOR_RELEASE, lot=lot)
    if act.over_open_points != len(points):
        named = _named(points, most=_POINTS_IN_A_REFUSAL)
        return refused(ActRefusal.LOT_POINTS_OPEN, lot=lot, count=len(points), points=named)
    if facts.review_stands is False:
        return refused(ActRefusal.REVIEW_NOT_SIGNED, lot=lot)
    return None


def _is_settled_first(item: PointOnRecord) -> bool:
    """Return whether no release is signed over a point: it failed, was not read, or nobody has checked it."""
    return item.about.failed or item.about.unchecked or item.point.code in SETTLED_FIRST


def _named(points: Sequence[PointOnRecord], *, most: int) -> list[str]:
    more = len(points) - most
    return [*(item.point.reason.text for item in points[:most]), *([f"+ {more}"] if more > 0 else [])]


def _decided_already(act: DecideLot, facts: DecideLotFacts) -> Answer | None:
    decision = facts.decision
    if decision is None or decision.verdict is not act.verdict or decision.state is DecisionState.LAPSED:
        return None
    return refused(
        ActRefusal.LOT_DECIDED_ALREADY,
        lot=act.material_lot_id,
        decision=decision.verdict.value,
        person=decision.printed_name,
    )
