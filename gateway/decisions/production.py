"""Production context and master data: orders, lots, equipment, specifications."""

from dataclasses import asdict, replace
from typing import Any

from gateway.advice.lifecycle import moved
from gateway.advice.publication import (
    cleared_disposition,
    cleared_part,
)
from gateway.decision import Decision, SpecificationRecorded
from gateway.decisions.changes import audit_entry, guidance_changes
from gateway.decisions.follow_ups import follow_up_of_lot, follow_ups_of_certificates
from gateway.events import ContextChanged, SpecificationStated
from gateway.facts.base import Facts
from gateway.facts.production import LotClosedFacts, LotEndedFacts
from gateway.records.follow_ups import FollowUpKind
from gateway.records.guidance import GuidanceState
from gateway.records.laboratory import Specification


def on_context(event: ContextChanged, _facts: Facts) -> Decision:
    """Record what an order, a lot, a material or an equipment does; lots that it touches are judged again."""
    change = event.change
    subject = change.material_lot_id or change.job_order_id or change.equipment_id or ""
    return Decision(
        records=(change,),
        audit=(audit_entry("context_changed", subject, scope=change.scope, event=change.kind.value, at_ns=change.at_ns,
                           equipment_id=change.equipment_id, order=change.job_order_id,
                           product=change.material_definition_id, state=change.state,
                           **({} if change.phase is None else {"phase": change.phase}),
                           **({} if change.plan is None else asdict(change.plan))),),
    )  # fmt: skip


def on_lot_ended(event: ContextChanged, facts: LotEndedFacts) -> Decision:
    """Record that a lot has ended; how it was made, and which tests it needs, are follow-ups."""
    change, recorded = event.change, on_context(event, facts)
    if change.material_lot_id is None:
        return recorded
    equipment = change.equipment_id or facts.context.equipment_id
    made = follow_up_of_lot(change.material_lot_id, equipment, started_ns=facts.lot_started_ns, ended_ns=change.at_ns)
    sample_request = (replace(made, kind=FollowUpKind.SAMPLE_REQUEST),) if facts.line.sampling else ()
    certificates = follow_ups_of_certificates(change.material_lot_id, facts.line, ended_ns=change.at_ns)
    return recorded + Decision(follow_ups=(made, *sample_request, *certificates))


def on_lot_closed(event: ContextChanged, facts: LotClosedFacts) -> Decision:
    """Record that a lot is closed: nobody needs guidance or a disposition of it any more."""
    change, recorded = event.change, on_context(event, facts)
    if change.material_lot_id is None:
        return recorded
    closed = tuple(
        moved(guidance, GuidanceState.RESOLVED)
        for guidance in facts.open_guidance
        if guidance.material_lot_id in {change.material_lot_id, *(part.part_id for part in facts.parts)}
    )
    cleared = cleared_disposition(change.material_lot_id, line=facts.line, cause=event.event_id)
    settled = tuple(guidance for guidance in closed if guidance is not None)
    certificates = follow_ups_of_certificates(change.material_lot_id, facts.line, ended_ns=change.at_ns)
    of_parts = tuple(cleared_part(part.part_id, line=facts.line, cause=event.event_id) for part in facts.parts)
    done = Decision(messages=(cleared, *of_parts), follow_ups=certificates)
    return recorded + done + guidance_changes(settled, event, facts)


def on_specification(event: SpecificationStated, _facts: Facts) -> Decision:
    """Record a version of a specification, or its withdrawal."""
    stated = event.specification
    return Decision(
        records=(SpecificationRecorded(specification=stated, withdrawn=event.withdrawn),),
        audit=(audit_entry("specification_withdrawn" if event.withdrawn else "specification_stated", stated.analyte,
                      scope=stated.scope, product=stated.product, client=stated.client_id, version=stated.version,
                      **_what_it_says(stated)),),
    )  # fmt: skip


def _what_it_says(stated: Specification) -> dict[str, Any]:
    """Return the fields of a specification that decide, for the audit trail."""
    always = {"lower": stated.lower, "upper": stated.upper, "unit": stated.unit}
    named = {"analyte", "product", "client_id", "version"}
    stated_fields = {name: value for name, value in asdict(stated).items() if value is not None and name not in named}
    return always | stated_fields
