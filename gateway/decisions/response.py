"""A person at a terminal has answered."""

from gateway.advice.lifecycle import respond
from gateway.advice.publication import (
    outcome_message,
)
from gateway.decision import Decision, ResponseRecorded
from gateway.decisions.changes import audit_entry, guidance_changes
from gateway.events import ResponseArrived
from gateway.facts.guidance import ResponseFacts
from gateway.guardrails.standing import no_longer_advised
from gateway.records.scope import OF_THE_PLANT


def on_response(event: ResponseArrived, facts: ResponseFacts) -> Decision:
    """Record a person's response with its outcome, and change the guidance where the response is valid."""
    response, guidance = event.response, facts.answered
    gone = None if guidance is None else no_longer_advised(guidance, facts.line, facts.latches)
    changed, outcome = respond(guidance, response, event.at, no_longer_advised=gone)
    recorded = Decision(
        records=(ResponseRecorded(response=response, outcome=outcome),),
        audit=(audit_entry("response", response.guidance_id,
                           scope=OF_THE_PLANT if guidance is None else guidance.scope,
                           act=response.act.value, outcome=outcome, terminal=response.terminal,
                           person=response.person, reason=response.reason),),
        messages=(outcome_message(response, outcome, changed or guidance, line=facts.line, cause=event.event_id,
                                  at_ns=event.at_ns),),
    )  # fmt: skip
    return recorded + guidance_changes((changed,) if changed else (), event, facts)
