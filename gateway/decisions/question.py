"""A question that was answered is put on record: who asked what, and from which records it was answered. Pure.

It decides nothing and changes nothing but the trail.
"""

from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.events import QuestionAnswered
from gateway.facts.base import Facts


def on_question_answered(event: QuestionAnswered, _facts: Facts) -> Decision:
    """Put a question on record."""
    entry = audit_entry(
        "question_answered", event.place, who=event.who, known=event.known, question=event.question,
        length=event.length, intent=event.intent, outcome=event.outcome, language=event.language,
        sources=list(event.sources), answer_sha256=event.answer_sha256, phrased_by=event.phrased_by,
    )  # fmt: skip
    return Decision(audit=(entry,))
