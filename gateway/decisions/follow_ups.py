"""What a decision leaves for later: the record of how a lot was made, and the draft of a deviation. Pure."""

from gateway.decision import LotAssessed
from gateway.events import FollowUpDue
from gateway.facts.lot import LotFacts
from gateway.history.windows import WindowRequest
from gateway.lab.disposition import TREND_FLAGS, judge_result
from gateway.lab.in_force import SpecificationsOnRecord
from gateway.lab.release.assessment import Subject
from gateway.line.definition import LineDefinition
from gateway.records.follow_ups import FollowUp, FollowUpKind
from gateway.records.laboratory import LabResult, Recommendation
from gateway.time_units import SECOND_NS

LONGEST_NS = 8 * 3600 * SECOND_NS  # of a process window

_USUAL_NS = 3600 * SECOND_NS  # where nobody says when the lot was begun


def windows_of_follow_up(event: FollowUpDue, line: LineDefinition) -> tuple[WindowRequest, ...]:
    """Return the stretches of the equipment's tags that a follow-up looks at."""
    follow_up = event.follow_up
    return tuple(
        WindowRequest(tag=tag.name, start_ns=follow_up.from_ns, end_ns=follow_up.until_ns)
        for tag in line.tags.values()
        if follow_up.equipment_id is not None and tag.equipment_id == follow_up.equipment_id
    )


def follow_up_of_lot(lot: str, equipment_id: str | None, *, started_ns: int | None, ended_ns: int) -> FollowUp:
    """Return the follow-up of a lot that has ended."""
    return FollowUp(
        kind=FollowUpKind.FINGERPRINT,
        subject=lot,
        equipment_id=equipment_id,
        from_ns=_from_ns(started_ns, ended_ns),
        until_ns=ended_ns,
        begins_with_lot=started_ns is not None and started_ns == _from_ns(started_ns, ended_ns),
    )


def follow_ups_of_certificates(lot: str | None, line: LineDefinition, *, ended_ns: int) -> tuple[FollowUp, ...]:
    """Return the follow-up of a lot that is complete: its certificates are drafted; none where nobody requires any."""
    if lot is None or not line.certificates.requirements:
        return ()
    return (_of_certificates(lot, until_ns=ended_ns),)


def follow_ups_of_certified_lot(lot_facts: LotFacts, line: LineDefinition) -> tuple[FollowUp, ...]:
    """Return the follow-up of a lot that was judged anew: its certificates are drafted again, or questioned."""
    part = lot_facts.part  # whose certificates are among those of its lot
    lot = lot_facts.knowledge.lot if part is None else part.material_lot_id
    if part is not None and not lot_facts.certified:
        return ()
    complete = lot_facts.ended_ns is not None or lot_facts.closed
    concerned = lot_facts.certified or (complete and bool(line.certificates.requirements))
    return (_of_certificates(lot, until_ns=0),) if lot and concerned else ()


def _of_certificates(lot: str, *, until_ns: int) -> FollowUp:
    return FollowUp(kind=FollowUpKind.CERTIFICATE, subject=lot, equipment_id=None, from_ns=0, until_ns=until_ns)


def follow_up_of_result(
    result: LabResult,
    equipment_id: str | None,
    *,
    started_ns: int | None,
    until_ns: int,
    material_lot_id: str | None = None,
) -> FollowUp:
    """Return the follow-up of a result that failed; ``material_lot_id``: for which lot, where it does not say that."""
    return FollowUp(
        kind=FollowUpKind.DEVIATION,
        subject=result.result_id,
        equipment_id=equipment_id,
        from_ns=_from_ns(started_ns, until_ns),
        until_ns=until_ns,
        begins_with_lot=started_ns is not None and started_ns == _from_ns(started_ns, until_ns),
        material_lot_id=material_lot_id,
    )


def follow_ups_of_lot_judged_again(
    lot_facts: LotFacts, assessed: LotAssessed | None, *, at_ns: int
) -> tuple[FollowUp, ...]:
    """Return the follow-ups of results that fail for a lot now that its context is another one."""
    changed = () if assessed is None else assessed.changed
    failed = {assessment.subject for assessment in changed if assessment.kind is Subject.RESULT and assessment.failed}
    made_until_ns = at_ns if lot_facts.ended_ns is None else min(at_ns, lot_facts.ended_ns)
    context = lot_facts.knowledge.context
    return tuple(
        follow_up_of_result(
            record.result,
            record.result.equipment_id or context.equipment_id,
            started_ns=lot_facts.started_ns,
            until_ns=made_until_ns if record.result.sampled_ns is None else record.result.sampled_ns,
            material_lot_id=context.material_lot_id,
        )
        for record in lot_facts.knowledge.results
        if record.current and record.result.result_id in failed
    )


def follow_up_of_running_lot(
    result: LabResult, equipment_id: str | None, *, started_ns: int | None, until_ns: int, known_until_ns: int | None
) -> FollowUp | None:
    """Return the follow-up of a lot that has no end on record: how it was made so far; None where that is known.

    Plants that never say when a lot ends would have no lots in control to compare with. ``known_until_ns``: until when
    it is known how the lot was made; it is looked at again when it has run for half as long again.
    """
    if result.material_lot_id is None or equipment_id is None:
        return None
    from_ns = _from_ns(started_ns, until_ns)
    if known_until_ns is not None and 2 * (until_ns - from_ns) < 3 * (known_until_ns - from_ns):
        return None
    return follow_up_of_lot(result.material_lot_id, equipment_id, started_ns=started_ns, ended_ns=until_ns)


def had_failed(before: LabResult | None, specifications: SpecificationsOnRecord, at_ns: int) -> bool:
    """Return whether the version that a result takes the place of was out of specification, or out of trend."""
    if before is None:
        return False
    in_force = specifications.in_force(
        before.analyte, at_ns, product=before.material_definition_id, client_id=before.client_id
    )
    out_of_trend = not TREND_FLAGS.isdisjoint(before.flags)
    return out_of_trend or judge_result(before, in_force).recommendation is Recommendation.HOLD


def _from_ns(started_ns: int | None, until_ns: int) -> int:
    begun = until_ns - _USUAL_NS if started_ns is None or started_ns >= until_ns else started_ns
    return max(begun, until_ns - LONGEST_NS)
