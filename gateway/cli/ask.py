"""``labline ask``: a question about this line, answered from its records."""

from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from gateway.cli.options import CONFIG, JSON, takes
from gateway.cli.output import err, out, show_json, show_wrapped
from gateway.cli.search import searched
from gateway.clock import SystemClock
from gateway.config.knowledge import copilot_options, knowledge_options
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.contract.asked_by_command import LONGEST_ANSWER_BYTES, asked_line, is_on_record
from gateway.contract.times import rfc3339
from gateway.copilot.answering import answered
from gateway.copilot.answers import Outcome
from gateway.copilot.ground import Asker, Ground
from gateway.copilot.record import COMMAND, asked_of, question_answered
from gateway.errors import LablineError
from gateway.events import QuestionAnswered
from gateway.records.sight import EVERYTHING
from gateway.records.users import Role
from gateway.texts.catalogue import speak
from gateway.transport.unix_line_client import ask_line

_TAKEN_SECONDS, _ANSWERED_SECONDS = 5.0, 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class AskOptions:
    """What is asked."""

    question: list[str] = typer.Argument(..., metavar="QUESTION...", help="The question, in English or German.")
    config: Path = CONFIG
    as_json: bool = JSON


@takes(AskOptions)
def ask(options: AskOptions) -> None:
    """Ask about a lot, a result, limits, suppliers, deviations, procedures: answered from the records, with sources.

    A running gateway puts the question on record; where none runs, the command says that it is not.

    Exit 1 if it is not answered.
    """
    settings, _sha256 = read(options.config)
    speak(settings.texts.language, settings.texts.units)
    line, at = define_line(settings, path=options.config.resolve()), SystemClock().now()
    with searched(settings, options.config) as where:
        ground = Ground(
            state=where.state, line=line, now_ns=at.wall_ns, language=settings.texts.language,
            asker=Asker(name="", known=True, sight=EVERYTHING, place=COMMAND),
            synonyms=knowledge_options(settings).synonyms, searched=where, contacts=copilot_options(settings).contacts,
            meaning=where.meaning,
        )  # fmt: skip
        text = " ".join(options.question)
        answer = answered(ground, text, roles=frozenset(Role))
    why_not = _why_not_on_record(settings.store.directory, question_answered(text, answer, ground.asker, at))
    if options.as_json:
        document = asdict(answer)
        document.pop("as_of_ns")
        show_json({**document, "as_of": rfc3339(answer.as_of_ns), "on_record": why_not is None})
    else:
        show_wrapped(answer.text, hanging=0)
        for source in answer.sources:
            out.print(f"  {source.record}", markup=False, soft_wrap=True, style="italic")
        if why_not is not None:
            err.print(f"this question is not put on record: {why_not}")
    raise typer.Exit(0 if answer.outcome is Outcome.ANSWERED else 1)


def _why_not_on_record(directory: Path, event: QuestionAnswered) -> str | None:
    """Have a question put on record by the running gateway; return why it is not, None where it is."""
    try:
        answer = ask_line(
            directory, asked_line(asked_of(event)), taken_within=_TAKEN_SECONDS, answered_within=_ANSWERED_SECONDS,
            longest_bytes=LONGEST_ANSWER_BYTES,
        )  # fmt: skip
        return None if is_on_record(answer) else "the gateway could not write it in time"
    except (FileNotFoundError, ConnectionRefusedError):
        return "no gateway runs"
    except PermissionError:
        return "this user may not ask the gateway: only the store's owner and root may"
    except LablineError as error:
        return str(error)
