"""Records, audit entries and messages of guidance and dispositions that are new or changed."""

from typing import Any

from gateway.advice.lot_outcome import LotOutcome
from gateway.advice.publication import (
    guidance_message,
    message_of_disposition,
)
from gateway.advice.rationing import KEPT_BACK
from gateway.decision import Decision
from gateway.decisions.follow_ups import follow_ups_of_certified_lot
from gateway.events import ActRequested, Event, LotsJudgedAgain, ResponseArrived
from gateway.facts.base import Facts
from gateway.records.guidance import Guidance, GuidanceState
from gateway.records.lot_decisions import DecisionState, LotDecided
from gateway.records.outgoing import AuditEntry
from gateway.records.scope import OF_THE_PLANT, Scope
from gateway.records.setpoints import AUTOMATIC
from gateway.setpoints.intents import intent_of


def disposition_changes(outcome: LotOutcome, event: Event, facts: Facts) -> Decision:
    """Record and publish a lot's disposition, with what speaks for and against it."""
    disposition = outcome.judged.disposition
    cause = event.because if isinstance(event, LotsJudgedAgain) else event.event_id
    decided = () if outcome.decided is None else (outcome.decided,)
    return _review_lapses(outcome) + Decision(
        records=(outcome.judged, *((outcome.assessed,) if outcome.assessed else ()), *decided),
        audit=(
            *(lapse_entry(item, scope=outcome.lot_facts.knowledge.context.scope)
              for item in decided if item.state is DecisionState.LAPSED),
            audit_entry("disposition", disposition.disposition_id,
                   scope=outcome.lot_facts.knowledge.context.scope, lot=disposition.material_lot_id,
                   recommendation=disposition.recommendation.value, previous=disposition.previous.value,
                   reasons=[reason.code for reason in disposition.reasons], cause=cause),
        ),
        messages=() if outcome.set_back else (
            message_of_disposition(disposition, outcome.lot_facts.part, line=facts.line, cause=cause,
                                   at_ns=event.at_ns, decision=outcome.decision),),
        follow_ups=follow_ups_of_certified_lot(outcome.lot_facts, facts.line),
    )  # fmt: skip


def lapse_entry(decision: LotDecided, *, scope: Scope) -> AuditEntry:
    """Return the line of the trail that a person's decision on a lot rests on the facts no longer."""
    return audit_entry("lot_decision_lapsed", decision.material_lot_id, scope=scope, decision=decision.verdict.value,
                       by=decision.printed_name, record_id=decision.record_id)  # fmt: skip


def assessment_alone(outcome: LotOutcome, facts: Facts) -> Decision:
    """Record what speaks for and against a lot, where nothing is published."""
    return _review_lapses(outcome) + Decision(
        records=(outcome.assessed,) if outcome.assessed else (),
        follow_ups=follow_ups_of_certified_lot(outcome.lot_facts, facts.line),
    )


def _review_lapses(outcome: LotOutcome) -> Decision:
    """Record that the signed review of a lot's record rests on the facts no longer."""
    review = outcome.lapsed_review
    if review is None:
        return Decision()
    scope = outcome.lot_facts.knowledge.context.scope
    entry = audit_entry("lot_review_lapsed", review.material_lot_id, scope=scope, by=review.printed_name,
                        record_id=review.record_id, review_sha256=review.sha256)  # fmt: skip
    return Decision(records=(review,), audit=(entry,))


def guidance_changes(guidance: tuple[Guidance, ...], event: Event, facts: Facts) -> Decision:
    """Return the records, audit entries and messages of guidance that is new or changed.

    What waits to be summarised has no message yet; it is on the board.
    """
    return _intents(guidance, event, facts) + Decision(
        records=guidance,
        audit=tuple(
            audit_entry("guidance", item.guidance_id, scope=item.scope, kind=item.kind.value,
                   state=item.state.value, title=item.title, lot=item.material_lot_id, cause=event.event_id)
            for item in guidance
        ),
        messages=tuple(
            guidance_message(item, line=facts.line, cause=event.event_id, at_ns=event.at_ns)
            for item in guidance
            if not (item.attention in KEPT_BACK and item.state is GuidanceState.PROPOSED)
        ),
    )  # fmt: skip


def _intents(guidance: tuple[Guidance, ...], event: Event, facts: Facts) -> Decision:
    """Return what approvals leave to be written, whoever approved, and by whichever door."""
    intents = (
        intent_of(item, approved_by=_approver(event), approval=event.event_id, at=event.at, line=facts.line,
                  latches=facts.latches)
        for item in guidance
    )  # fmt: skip
    made = tuple(intent for intent in intents if intent is not None)
    return Decision(
        records=made,
        audit=tuple(
            audit_entry("setpoint_intent", intent.intent_id, tag=intent.tag, guidance=intent.guidance_id,
                   current=intent.from_value, proposed=intent.to_value, approved_by=intent.approved_by,
                   approval=intent.approval)
            for intent in made
        ),
    )  # fmt: skip


def _approver(event: Event) -> str:
    """Return the printed name of who approves with an event; ``automatic`` where no person does."""
    match event:
        case ActRequested():
            return event.person
        case ResponseArrived():
            return event.response.person or ""
        case _:
            return AUTOMATIC


def audit_entry(kind: str, subject: str, /, scope: Scope = OF_THE_PLANT, **body: Any) -> AuditEntry:
    """Return an entry for the audit trail; ``scope``: the client and study that it concerns."""
    return AuditEntry(kind=kind, subject=subject, body=body, scope=scope)
