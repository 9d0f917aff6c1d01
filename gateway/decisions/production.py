"""Production context and master data: orders, lots, equipment, specifications."""

from dataclasses import asdict, replace
from typing import Any

from gateway.advice.investigation import (
    follow_up_of_lot,
)
from gateway.advice.lifecycle import moved
from gateway.advice.publication import (
    cleared_disposition,
)
from gateway.decision import Decision, SpecificationRecorded
from gateway.decisions.changes import audit_entry, guidance_changes
from gateway.events import (
    ContextChanged,
    FollowUpKind,
    SpecificationStated,
)
from gateway.records.guidance import GuidanceState
from gateway.records.laboratory import Specification
from gateway.records.production import ContextKind
from gateway.facts.situation import Situation


def on_context(event: ContextChanged, situation: Situation) -> Decision:
    """Record a change; an ended lot is looked into later, a closed one needs no guidance any more."""
    change = event.change
    subject = change.material_lot_id or change.job_order_id or change.equipment_id or ""
    recorded = Decision(
        records=(change,),
        audit=(audit_entry("context_changed", subject, event=change.kind.value, at_ns=change.at_ns,
                           equipment_id=change.equipment_id, order=change.job_order_id,
                           product=change.material_definition_id, state=change.state),),
    )  # fmt: skip
    if change.kind is ContextKind.LOT_ENDED and change.material_lot_id is not None:
        equipment = change.equipment_id or situation.context.equipment_id
        made = follow_up_of_lot(
            change.material_lot_id, equipment, started_ns=situation.lot_started_ns, ended_ns=change.at_ns
        )
        asked = (replace(made, kind=FollowUpKind.SAMPLE_REQUEST),) if situation.line.sampling else ()
        return recorded + Decision(follow_ups=(made, *asked))
    if change.kind is not ContextKind.LOT_CLOSED or change.material_lot_id is None:
        return recorded
    closed = tuple(
        moved(guidance, GuidanceState.RESOLVED)
        for guidance in situation.open_guidance
        if guidance.material_lot_id == change.material_lot_id
    )
    cleared = cleared_disposition(change.material_lot_id, line=situation.line, cause=event.event_id)
    settled = tuple(guidance for guidance in closed if guidance is not None)
    return recorded + Decision(messages=(cleared,)) + guidance_changes(settled, event, situation)


def on_specification(event: SpecificationStated, _situation: Situation) -> Decision:
    """Record a version of a specification, or its withdrawal."""
    stated = event.specification
    return Decision(
        records=(SpecificationRecorded(specification=stated, withdrawn=event.withdrawn),),
        audit=(audit_entry("specification_withdrawn" if event.withdrawn else "specification_stated", stated.analyte,
                      product=stated.product, client=stated.client_id, version=stated.version,
                      **_what_it_says(stated)),),
    )  # fmt: skip


def _what_it_says(stated: Specification) -> dict[str, Any]:
    """Return by what a specification judges, as the audit trail has it: limits and words, and what else decides."""
    always = {"lower": stated.lower, "upper": stated.upper, "unit": stated.unit}
    named = {"analyte", "product", "client_id", "version"}
    stated_fields = {name: value for name, value in asdict(stated).items() if value is not None and name not in named}
    return always | stated_fields
