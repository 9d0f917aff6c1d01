"""A person answers a guidance: the same decision, whether they answer at a terminal, by a command or at the console."""

from gateway.advice.lifecycle import respond
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry, guidance_changes
from gateway.events import ActRequested, ResponseArrived
from gateway.facts.guidance import AnswerFacts, ResponseFacts
from gateway.guardrails.stages import effective_stage
from gateway.guardrails.standing_advice import no_longer_advised
from gateway.line.definition import Stage
from gateway.people.signing import approval_is_signed
from gateway.records.guidance import Guidance
from gateway.records.people import Answerer, Outcome, Response, ResponseRecorded
from gateway.records.scope import OF_THE_PLANT


def answered(
    event: ResponseArrived | ActRequested, facts: ResponseFacts | AnswerFacts, response: Response, by: Answerer
) -> tuple[Guidance | None, Outcome]:
    """Return (the guidance after a person's answer, or None where nothing changes; the outcome)."""
    guidance = facts.answered
    gone = None if guidance is None else no_longer_advised(guidance, facts.line, facts.latches)
    signed = approval_is_signed(facts.line.signatures)
    changed, outcome = respond(
        guidance, response, event.at, by=by, stage=_stage(facts), signed=signed, no_longer_advised=gone
    )
    if outcome is Outcome.APPROVED and facts.write_under_way:
        return None, Outcome.WRITE_UNDER_WAY  # it stays open: an approval that nothing follows would mislead
    return changed, outcome


def _stage(facts: ResponseFacts | AnswerFacts) -> Stage | None:
    """Return how far the model may go now that has given the advice, None where there is none such."""
    predicted = None if facts.answered is None else facts.answered.predicted
    model = None if predicted is None else facts.line.model_named(predicted.model.name)
    return None if model is None else effective_stage(model, facts.latches)


def put_on_record(
    event: ResponseArrived | ActRequested,
    facts: ResponseFacts | AnswerFacts,
    recorded: ResponseRecorded,
    changed: Guidance | None,
) -> Decision:
    """Return the records of an answer with its outcome, and of the guidance where it has changed."""
    response, by, guidance = recorded.response, recorded.by, facts.answered
    entry = audit_entry(
        "response",
        response.guidance_id,
        scope=OF_THE_PLANT if guidance is None else guidance.scope,
        act=response.act.value,
        outcome=recorded.outcome,
        terminal=response.terminal,
        person=by.name,
        identified=by.identified,
        user=by.user_id,
        credential=by.credential,
        key=recorded.key_id,
        reason=response.reason,
    )
    kept = Decision(records=(recorded,), audit=(entry,))
    return kept + guidance_changes((changed,) if changed else (), event, facts)
