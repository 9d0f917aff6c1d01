"""What each version of each result asks for its lot. Pure.

A version that holds asks for what its value says, and for a review where it is a retest or where its lot is another
product. An earlier version that was out, or that nobody could read, stays known: its correction alone settles nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.lab.disposition import FOR_A_PERSON, WITHDRAWN, Judged, retested
from gateway.lab.release.assessment import FAILURES, Assessment, Subject, points_of
from gateway.lab.release.basis import Basis, InForce, basis_of, drawn_ns, judged_by
from gateway.lab.release.lot_knowledge import LotContext, LotKnowledge, Relation, ResultOnRecord, result_key
from gateway.lab.release.open_points import Finding, Points
from gateway.lab.release.result_findings import (
    control_with_lot,
    earlier_version,
    judged_findings,
    repeats_another,
    scope_contradicted,
    tested_again,
    unread,
    withdrawn,
    without_lot,
)
from gateway.records.laboratory import LabResult, Recommendation, ResultStatus

_OF_NO_LIMIT: Mapping[str, Any] = {"version": None, "effective_from_ns": None, "effective_until_ns": None}


def by_results(lot: LotKnowledge, in_force: InForce) -> tuple[Assessment, ...]:
    """Return what each version of each result asks for."""
    standing = lot.standing
    return tuple(_result(lot, record, standing, in_force) for record in lot.results)


def _result(
    lot: LotKnowledge, record: ResultOnRecord, standing: tuple[LabResult, ...], in_force: InForce
) -> Assessment:
    basis = basis_of(lot.context, record, in_force)
    judged = judged_by(_as_it_said(record), basis)
    findings = _findings(lot.context, record, judged, basis, standing)
    evidence = _evidence(record.result, basis) if findings else {}
    return _assessment(lot, record, judged, basis, points_of(lot, record.result.result_id, findings, evidence))


def _as_it_said(record: ResultOnRecord) -> ResultOnRecord:
    """Return an earlier version as validated: that the laboratory withdrew it does not clear a failure."""
    if record.current or record.result.status not in WITHDRAWN:
        return record
    return replace(record, result=replace(record.result, status=ResultStatus.VALIDATED))


def _findings(
    context: LotContext, record: ResultOnRecord, judged: Judged, basis: Basis, standing: tuple[LabResult, ...]
) -> tuple[Finding, ...]:
    """Return what of a version of a result asks for care, the most telling first."""
    result = record.result
    if record.relation is Relation.POSSIBLE:
        against = record.current and (judged.recommendation in FOR_A_PERSON or bool(result.unread))
        return (without_lot(result, judged),) if against else ()
    if not record.current:
        stands = next((other for other in standing if result_key(other) == result_key(result)), None)
        return earlier_version(result, judged, stands)
    if result.control_id is not None:
        return (control_with_lot(result),)
    if result.unread:
        return (unread(result), *judged_findings(judged, result, only_hold=True))
    if result.status in WITHDRAWN:
        return (withdrawn(result),)
    replaced = judged.recommendation is Recommendation.HOLD and retested(result, standing)
    return (
        *((tested_again(result, judged),) if replaced else judged_findings(judged, result)),
        *((repeats_another(result, standing),) if result.retest_of is not None else ()),
        *scope_contradicted(result, context, basis),
    )


def _evidence(result: LabResult, basis: Basis) -> Mapping[str, object]:
    """Return what a point of a result is settled on besides its reason; where that changes, a person decides again."""
    return {
        "value": result.value_text,
        "unit": result.unit,
        "products": sorted(basis.products),
        "clients": sorted(basis.clients),
        "limits": sorted({repr(replace(limits, **_OF_NO_LIMIT)) for limits in basis.specifications}),
    }


def awaited_order(lot: LotKnowledge, result: LabResult) -> str | None:
    """Return the order that a result names, where the lot has another one: the result is judged by its product, too."""
    return result.job_order_id if result.job_order_id != lot.context.job_order_id else None


def _assessment(lot: LotKnowledge, record: ResultOnRecord, judged: Judged, basis: Basis, points: Points) -> Assessment:
    result, certain = record.result, record.relation is not Relation.POSSIBLE
    stands = record.current and certain and result.status not in WITHDRAWN and result.control_id is None
    return Assessment(
        material_lot_id=lot.lot,
        subject=result.result_id,
        kind=Subject.RESULT,
        base=Recommendation.RELEASE if stands else Recommendation.PENDING,
        inside=judged.reasons if judged.recommendation is Recommendation.RELEASE else (),
        **points,
        failed=any(point.asks is Recommendation.HOLD or point.code in FAILURES for point in points["points"]),
        approved=stands and result.status is ResultStatus.APPROVED,
        unchecked=stands and result.status is ResultStatus.ENTERED,
        retest=result.retest_of is not None,
        states_lot=record.relation is Relation.STATED,
        source=result.source,
        sample_id=result.sample_id,
        test_id=result.test_id,
        result_version=result.result_version,
        analyte=result.analyte,
        products=basis.products,
        own_product=result.material_definition_id,
        own_client=result.client_id,
        awaited_order_id=awaited_order(lot, result),
        current=record.current,
        flags=judged.flags if record.current else (),
        at_ns=drawn_ns(record),
    )
