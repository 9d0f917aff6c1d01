"""Where an answer is finished before it goes out: it is on record, or it does not go out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from gateway.copilot.answers import Answer, Outcome, sentence
from gateway.copilot.ground import Asker
from gateway.copilot.record import phrasing_noted, question_answered
from gateway.deadlines import ClockReading
from gateway.events import PhrasingNoted, QuestionAnswered
from gateway.records.phrasing import Phrasing

OnRecord = Callable[[QuestionAnswered | PhrasingNoted], Awaitable[bool]]
NotesPhrasing = Callable[[Phrasing], Awaitable[bool]]
Phrase = Callable[[Answer, NotesPhrasing], Awaitable[tuple[Answer, Phrasing | None]]]


async def on_no_record(_event: QuestionAnswered | PhrasingNoted) -> bool:
    """Say of every question that it could not be put on record."""
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """An answer that may go out; ``event_id``: of the line of the audit trail, empty where there is none."""

    answer: Answer
    event_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Finishes answers; ``on_record``: returns whether a question, or a phrasing, is committed to the audit trail.

    ``phrase``: returns the answer with a model's wording beside it, and what came of asking; it has on record what it
    sends before it sends it. None: there is no model. ``now``: the clocks; None: as at the question.
    """

    on_record: OnRecord
    phrase: Phrase | None = None
    now: Callable[[], ClockReading] | None = None

    async def finished(
        self, text: str, answer: Answer, asker: Asker, at: ClockReading, *,
        on_computed: Callable[[Finished], None] | None = None,
    ) -> Finished:  # fmt: skip
        """Return the answer to a question once it is on record; else the one that says that it could not be.

        ``on_computed`` hears the computed answer as soon as it is on record, before any model is asked. What a model
        has written is shown once that is on record, too.
        """
        question = question_answered(text, answer, asker, at)
        if not await self.on_record(question):
            return Finished(answer=_not_on_record(answer))
        computed = Finished(answer=answer, event_id=question.event_id)
        if on_computed is not None:
            on_computed(computed)
        if self.phrase is None:
            return computed
        noted = partial(self._noted, question)
        phrased, phrasing = await self.phrase(answer, noted)
        if phrasing is None or not await noted(phrasing):
            return computed
        return Finished(answer=phrased, event_id=question.event_id)

    async def _noted(self, question: QuestionAnswered, phrasing: Phrasing) -> bool:
        at = question.at if self.now is None else self.now()
        return await self.on_record(phrasing_noted(question, phrasing, at))


def _not_on_record(answer: Answer) -> Answer:
    return Answer(
        outcome=Outcome.NOT_ANSWERED, intent=answer.intent, language=answer.language,
        text=sentence(answer.language, "NOT_ON_RECORD"), as_of_ns=answer.as_of_ns,
    )  # fmt: skip
