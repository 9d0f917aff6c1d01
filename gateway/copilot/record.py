"""The events by which a question with its answer, and the phrasing of it, are put on record. Pure."""

import hashlib
from dataclasses import replace

from gateway.contract.asked_by_command import AskedByCommand
from gateway.contract.identity import identity_of
from gateway.copilot.answers import Answer
from gateway.copilot.ground import Asker
from gateway.deadlines import ClockReading
from gateway.events import PhrasingNoted, QuestionAnswered
from gateway.records.phrasing import Phrasing

COMMAND = "command"  # where a question is asked that no console and no terminal has
_KEPT, _MOST_SOURCES = 500, 40


def question_answered(text: str, answer: Answer, asker: Asker, at: ClockReading) -> QuestionAnswered:
    """Return the event; of a long question the beginning is kept, and its length."""
    digest = hashlib.sha256(answer.text.encode(errors="replace")).hexdigest()
    return QuestionAnswered(
        event_id=identity_of("question", asker.place, asker.name, at.wall_ns, text[:_KEPT], digest),
        at=at,
        place=asker.place,
        who=asker.name,
        known=asker.known,
        question=text[:_KEPT],
        length=len(text),
        intent=answer.intent,
        outcome=answer.outcome.value,
        language=answer.language,
        sources=tuple(source.record for source in answer.sources[:_MOST_SOURCES]),
        answer_sha256=digest,
    )


def phrasing_noted(question: QuestionAnswered, phrasing: Phrasing, at: ClockReading) -> PhrasingNoted:
    """Return the event by which it is on record what a model is asked about an answer, or what came of it."""
    return PhrasingNoted(
        event_id=identity_of("phrasing", question.event_id, phrasing.outcome.value),
        at=at, place=question.place, sources=question.sources,
        phrasing=replace(phrasing, question_id=question.event_id),
    )  # fmt: skip


def asked_of(event: QuestionAnswered) -> AskedByCommand:
    """Return what a command tells the gateway of a question that it has answered."""
    return AskedByCommand(
        question=event.question, length=event.length, intent=event.intent, outcome=event.outcome,
        language=event.language, sources=event.sources, answer_sha256=event.answer_sha256,
    )  # fmt: skip


def answered_by_command(asked: AskedByCommand, *, who: str, at: ClockReading) -> QuestionAnswered:
    """Return the event of a question that a command has answered; ``who``: the account that ran it."""
    return QuestionAnswered(
        event_id=identity_of("question", COMMAND, who, at.wall_ns, asked.question, asked.answer_sha256),
        at=at, place=COMMAND, who=who, known=True, question=asked.question, length=asked.length, intent=asked.intent,
        outcome=asked.outcome, language=asked.language, sources=asked.sources, answer_sha256=asked.answer_sha256,
    )  # fmt: skip
