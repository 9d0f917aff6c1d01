"""A user answers a guidance by a command or at the console."""

from collections.abc import Mapping
from typing import Any

from gateway.advice.publication import moved_by_hand
from gateway.contract.payloads.outcome import OTHERS_WERE_FIRST, outcome_text, shown_person, shown_time
from gateway.decision import Decision
from gateway.decisions.answering import answered, put_on_record
from gateway.events import ActRequested
from gateway.facts.guidance import AnswerFacts
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, AnswerGuidance, done, refused
from gateway.records.people import EFFECTIVE, Act, Answerer, AnswerOnRecord, Outcome, Response, ResponseRecorded

_BEFORE: Mapping[Act, ActRefusal] = {
    Act.ACKNOWLEDGE: ActRefusal.ACKNOWLEDGED_BEFORE,
    Act.APPROVE: ActRefusal.APPROVED_BEFORE,
    Act.REJECT: ActRefusal.REJECTED_BEFORE,
}


def on_answer_guidance(event: ActRequested, facts: AnswerFacts) -> Decision:
    """Acknowledge, approve or reject a guidance; who comes second is told who was first."""
    act, actor = event.act, facts.actor
    assert isinstance(act, AnswerGuidance)  # noqa: S101 - its row in the table says so
    assert actor is not None  # noqa: S101 - by_right has let them
    by = Answerer(name=actor.full_name, user_id=actor.user_id, roles=actor.roles, credential=event.credential.kind)
    response = Response(
        response_id=event.event_id,
        guidance_id=act.guidance_id,
        act=act.answer,
        terminal=None,
        person=actor.full_name,
        reason=event.reason.strip() or None,
        at_ns=event.at_ns,
    )
    changed, outcome = answered(event, facts, response, by)
    recorded = ResponseRecorded(response=response, outcome=outcome, by=by)
    state = changed or facts.answered
    details = {"outcome": outcome.value, "state": None if state is None else state.state.value}
    if outcome in EFFECTIVE:
        text = outcome_text(outcome, facts.before, by_hand=moved_by_hand(facts.answered, facts.line))
        answer = done(**details, text=text)
    else:
        answer = _not_taken(outcome, facts.before, details)
    return put_on_record(event, facts, recorded, changed) + Decision(answer=answer)


def _not_taken(outcome: Outcome, before: AnswerOnRecord | None, details: Mapping[str, Any]) -> Answer:
    """Return why an answer changes nothing; where somebody else was first, it says who."""
    if before is None or outcome not in OTHERS_WERE_FIRST:
        return refused(ActRefusal.ANSWER_NOT_TAKEN, outcome=outcome.value, details=details)
    return refused(_BEFORE[before.act], outcome=outcome.value, person=shown_person(before), time=shown_time(before),
                   details=details)  # fmt: skip
