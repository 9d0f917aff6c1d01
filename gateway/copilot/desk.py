"""Where an answer is finished before it goes out: it is on record, or it does not go out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.copilot.answers import Answer, Outcome, sentence
from gateway.copilot.ground import Asker
from gateway.copilot.record import question_answered
from gateway.deadlines import ClockReading
from gateway.events import QuestionAnswered
from gateway.records.phrasing import Phrasing

OnRecord = Callable[[QuestionAnswered], Awaitable[bool]]
Phrase = Callable[[Answer], Awaitable[tuple[Answer, Phrasing | None]]]


async def on_no_record(_event: QuestionAnswered) -> bool:
    """Say of every question that it could not be put on record."""
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """An answer that may go out; ``event_id``: of the line of the audit trail, empty where there is none."""

    answer: Answer
    event_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Finishes answers; ``on_record``: returns whether a question is committed to the audit trail.

    ``phrase``: returns the answer with a model's wording beside it, and what was asked; None: there is no model.
    """

    on_record: OnRecord
    phrase: Phrase | None = None

    async def finished(self, text: str, answer: Answer, asker: Asker, at: ClockReading) -> Finished:
        """Return the answer to a question once it is on record; else the one that says that it could not be."""
        phrasing = None
        if self.phrase is not None:
            answer, phrasing = await self.phrase(answer)
        event = question_answered(text, answer, asker, at, phrasing=phrasing)
        if await self.on_record(event):
            return Finished(answer=answer, event_id=event.event_id)
        language = answer.language
        refused = Answer(
            outcome=Outcome.NOT_ANSWERED, intent=answer.intent, language=language,
            text=sentence(language, "NOT_ON_RECORD"), as_of_ns=answer.as_of_ns,
        )  # fmt: skip
        return Finished(answer=refused)
