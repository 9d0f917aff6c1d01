"""The event by which a question and its answer are put on record. Pure."""

import hashlib

from gateway.contract.identity import identity_of
from gateway.copilot.answers import Answer
from gateway.copilot.ground import Asker
from gateway.deadlines import ClockReading
from gateway.events import QuestionAnswered

_KEPT, _MOST_SOURCES = 500, 40


def question_answered(
    text: str, answer: Answer, asker: Asker, at: ClockReading, *, phrased_by: str = ""
) -> QuestionAnswered:
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
        phrased_by=phrased_by,
    )
