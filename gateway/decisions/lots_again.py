"""Facts about lots have changed: they are judged again, and a changed recommendation is published."""

from gateway.advice.lot_guidance import Occasion as LotOccasion
from gateway.advice.lot_guidance import advise_on_lot
from gateway.advice.lot_outcome import Trigger, lot_outcome
from gateway.contract.identity import identity_of
from gateway.decision import Decision
from gateway.decisions.changes import assessment_alone, disposition_changes, guidance_changes
from gateway.decisions.follow_ups import follow_ups_of_lot_judged_again
from gateway.events import LotsJudgedAgain
from gateway.facts.lot import LotFacts, LotsAgainFacts
from gateway.records.production import Context


def on_lots_judged_again(event: LotsJudgedAgain, facts: LotsAgainFacts) -> Decision:
    """Judge lots again whose facts have changed; publish each recommendation that is another one now."""
    decided = Decision()
    for lot_facts in facts.lots:
        decided += _judged_again(event, lot_facts, facts)
    return decided


def _judged_again(event: LotsJudgedAgain, lot_facts: LotFacts, facts: LotsAgainFacts) -> Decision:
    context = lot_facts.knowledge.context
    trigger = Trigger(
        at_ns=event.at_ns,
        disposition_id=identity_of("disposition", event.event_id, context.material_lot_id),
        flags=("JUDGED_AGAIN",),
    )
    outcome = lot_outcome(lot_facts, facts, trigger)
    if not outcome.changed:
        return assessment_alone(outcome, facts)
    occasion = LotOccasion(
        event_id=event.event_id,
        at_ns=event.at_ns,
        context=Context(
            equipment_id=context.equipment_id, job_order_id=context.job_order_id, client_id=context.client_id
        ),
        procedures=facts.line.procedures,
    )
    guidance = advise_on_lot(outcome, occasion, open_guidance=lot_facts.open_guidance)
    investigated = follow_ups_of_lot_judged_again(lot_facts, outcome.assessed, at_ns=event.at_ns)
    changes = disposition_changes(outcome, event, facts) + guidance_changes(guidance, event, facts)
    return changes + Decision(follow_ups=investigated)
