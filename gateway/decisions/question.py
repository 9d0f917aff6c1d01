"""A question that was answered is put on record: who asked what, and from which records it was answered. Pure.

So is what a language model is sent to phrase, before it is sent, and what it has answered. It decides nothing and
changes nothing but the trail.
"""

from gateway.contract.identity import sha256_hex
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.events import PhrasingNoted, QuestionAnswered
from gateway.facts.base import Facts
from gateway.records.phrasing import PhrasingOutcome


def on_question_answered(event: QuestionAnswered, _facts: Facts) -> Decision:
    """Put a question on record."""
    entry = audit_entry(
        "question_answered", event.place, who=event.who, known=event.known, question=event.question,
        length=event.length, intent=event.intent, outcome=event.outcome, language=event.language,
        sources=list(event.sources), answer_sha256=event.answer_sha256,
    )  # fmt: skip
    return Decision(audit=(entry,))


def on_phrasing_noted(event: PhrasingNoted, _facts: Facts) -> Decision:
    """Put on record what a model is asked, or what came of it; the line has the hashes of what the record has whole."""
    phrasing = event.phrasing
    asked = phrasing.outcome is PhrasingOutcome.ASKED
    entry = audit_entry(
        "phrasing_asked" if asked else "phrasing_ended", event.place, question=phrasing.question_id,
        model=phrasing.model, prompt_version=phrasing.prompt_version, outcome=phrasing.outcome.value, why=phrasing.why,
        prompt_sha256=_hash(phrasing.prompt), reply_sha256=None if asked else _hash(phrasing.reply),
        sources=list(event.sources),
    )  # fmt: skip
    return Decision(records=(phrasing,), audit=(entry,))


def _hash(text: str) -> str:
    return sha256_hex(text.encode(errors="replace"))
