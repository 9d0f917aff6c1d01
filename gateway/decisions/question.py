"""A question that was answered is put on record: who asked what, and from which records it was answered. Pure.

It decides nothing and changes nothing but the trail.
"""

from gateway.contract.identity import sha256_hex
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.events import QuestionAnswered
from gateway.facts.base import Facts
from gateway.records.phrasing import Phrasing


def on_question_answered(event: QuestionAnswered, _facts: Facts) -> Decision:
    """Put a question on record, and what a model was asked to phrase."""
    phrasing = event.phrasing
    entry = audit_entry(
        "question_answered", event.place, who=event.who, known=event.known, question=event.question,
        length=event.length, intent=event.intent, outcome=event.outcome, language=event.language,
        sources=list(event.sources), answer_sha256=event.answer_sha256, phrased_by=event.phrased_by,
        phrasing=None if phrasing is None else _shown(phrasing),
    )  # fmt: skip
    return Decision(records=() if phrasing is None else (phrasing,), audit=(entry,))


def _shown(phrasing: Phrasing) -> dict[str, str]:
    """Return what the line says of a phrasing: prompt and reply by their hashes; the record has them whole."""
    return {
        "model": phrasing.model, "prompt_version": phrasing.prompt_version, "outcome": phrasing.outcome.value,
        "why": phrasing.why, "prompt_sha256": _hash(phrasing.prompt), "reply_sha256": _hash(phrasing.reply),
    }  # fmt: skip


def _hash(text: str) -> str:
    return sha256_hex(text.encode(errors="replace"))
