"""Builds the desk where answers are finished: one for the console and all terminals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.copilot.desk import Desk
from gateway.copilot.tokens import TerminalTokens
from gateway.runtime.dependencies import Dependencies
from gateway.runtime.questions_on_record import QuestionsOnRecord


def _no_figures() -> Mapping[str, float]:
    return {}


@dataclass(frozen=True, kw_only=True)
class QuestionDesk:
    """The desk; ``figures``: what came of phrasings, by name, for the page of health.

    ``tokens``: by which people who are signed in at the console ask at terminals; None without a console or terminals.
    """

    desk: Desk
    tokens: TerminalTokens | None = None
    figures: Callable[[], Mapping[str, float]] = _no_figures


def question_desk(ground: Dependencies) -> QuestionDesk:
    """Return the desk, with a language model where one is configured; raises ConfigurationError."""
    on_record = QuestionsOnRecord(ground.inbox).put
    table, tokens = ground.settings.copilot.phrasing, _tokens(ground)
    if table is None:
        return QuestionDesk(desk=Desk(on_record=on_record), tokens=tokens)
    from gateway.config.phrasing import phrasing_options  # noqa: PLC0415 - only where it is wanted
    from gateway.copilot.phrasing.phraser import Phraser  # noqa: PLC0415

    phraser = Phraser(phrasing_options(table), clock=ground.clock, on_condition=ground.health.condition)
    desk = Desk(on_record=on_record, phrase=phraser.phrased, now=ground.clock.now)
    return QuestionDesk(desk=desk, tokens=tokens, figures=phraser.figures)


def _tokens(ground: Dependencies) -> TerminalTokens | None:
    copilot = ground.settings.copilot
    if not copilot.terminals or ground.settings.console is None:
        return None
    return TerminalTokens(ground.clock, life_seconds=copilot.token_lasts)
