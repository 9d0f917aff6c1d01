"""Builds the desk where answers are finished: one for the console and all terminals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.copilot.desk import Desk
from gateway.runtime.dependencies import Dependencies
from gateway.runtime.questions_on_record import QuestionsOnRecord


def _no_figures() -> Mapping[str, float]:
    return {}


@dataclass(frozen=True, kw_only=True)
class QuestionDesk:
    """The desk; ``figures``: what came of phrasings, by name, for the page of health."""

    desk: Desk
    figures: Callable[[], Mapping[str, float]] = _no_figures


def question_desk(ground: Dependencies) -> QuestionDesk:
    """Return the desk, with a language model where one is configured; raises ConfigurationError."""
    on_record = QuestionsOnRecord(ground.inbox).put
    table = ground.settings.copilot.phrasing
    if table is None:
        return QuestionDesk(desk=Desk(on_record=on_record))
    from gateway.config.phrasing import phrasing_options  # noqa: PLC0415 - only where it is wanted
    from gateway.copilot.phrasing.phraser import Phraser  # noqa: PLC0415

    phraser = Phraser(phrasing_options(table), clock=ground.clock, on_condition=ground.health.condition)
    return QuestionDesk(desk=Desk(on_record=on_record, phrase=phraser.phrased), figures=phraser.figures)
