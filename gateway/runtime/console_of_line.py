"""The console of a line and the desk where questions are answered: built, and loaded, only where they are wanted."""

from typing import TYPE_CHECKING

from gateway.config.connections import certificates_of, console_options
from gateway.console.changes import Changes
from gateway.history.tag_history import History
from gateway.runtime.control_socket import Acts
from gateway.runtime.dependencies import Dependencies, Stores
from gateway.runtime.readers import i3x_ground
from gateway.runtime.sources import value_at_present

if TYPE_CHECKING:
    from gateway.runtime.console import ConsoleParts
    from gateway.runtime.question_desk import QuestionDesk


def desk_of(ground: Dependencies) -> "QuestionDesk | None":
    """Return where answers are finished, None where nobody can ask."""
    if ground.settings.console is None and not ground.settings.copilot.terminals:
        return None
    from gateway.runtime.question_desk import question_desk  # noqa: PLC0415 - only where somebody may ask

    return question_desk(ground)


def console_of(
    ground: Dependencies, stores: Stores, history: History, acts: Acts, changes: Changes, desk: "QuestionDesk | None"
) -> "ConsoleParts | None":
    """Return the console, None where the configuration has none."""
    options = console_options(ground.settings)
    if options is None or desk is None:
        return None
    from gateway.config.knowledge import copilot_options, knowledge_options  # noqa: PLC0415 - only the console searches
    from gateway.runtime.console import ConsoleGround, console  # noqa: PLC0415 - a line without it needs no web server

    return console(
        options,
        ConsoleGround(
            line=ground.line,
            directory=ground.settings.store.directory,
            clock=ground.clock,
            health=ground.health,
            writer=stores.writer,
            reader=stores.reader,
            changes=changes,
            present=lambda tag: value_at_present(tag, ground.health.line, history, ground.clock),
            certificates=certificates_of(ground.settings),
            i3x=i3x_ground(ground, history),
            knowledge=knowledge_options(ground.settings),
            copilot=copilot_options(ground.settings),
            desk=desk.desk,
            question_figures=desk.figures,
            terminal_tokens=desk.tokens,
        ),
        acts,
    )
