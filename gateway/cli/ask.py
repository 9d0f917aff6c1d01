"""``labline ask``: a question about this line, answered from its records."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from gateway.cli.options import CONFIG, JSON, takes
from gateway.cli.output import out, show_json, show_wrapped
from gateway.cli.search import searched
from gateway.config.knowledge import copilot_options, knowledge_options
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.contract.times import rfc3339
from gateway.copilot.answering import answered
from gateway.copilot.answers import Outcome
from gateway.copilot.ground import Asker, Ground
from gateway.knowledge.sight import EVERYTHING
from gateway.records.users import Role
from gateway.texts.catalogue import speak


@dataclass(frozen=True, kw_only=True, slots=True)
class AskOptions:
    """What is asked."""

    question: list[str] = typer.Argument(..., metavar="QUESTION...", help="The question, in English or German.")
    config: Path = CONFIG
    as_json: bool = JSON


@takes(AskOptions)
def ask(options: AskOptions) -> None:
    """Ask about a lot, a result, limits, suppliers, deviations, procedures: answered from the records, with sources.

    Exit 1 if it is not answered.
    """
    settings, _sha256 = read(options.config)
    speak(settings.texts.language, settings.texts.units)
    line = define_line(settings, path=options.config.resolve())
    with searched(settings, options.config) as where:
        ground = Ground(
            state=where.state, line=line, now_ns=time.time_ns(), language=settings.texts.language,
            asker=Asker(name="", known=True, sight=EVERYTHING, place="command"),
            synonyms=knowledge_options(settings).synonyms, searched=where, contacts=copilot_options(settings).contacts,
        )  # fmt: skip
        answer = answered(ground, " ".join(options.question), roles=frozenset(Role))
    if options.as_json:
        document = asdict(answer)
        document.pop("as_of_ns")
        show_json({**document, "as_of": rfc3339(answer.as_of_ns)})
    else:
        show_wrapped(answer.text, hanging=0)
        for source in answer.sources:
            out.print(f"  {source.record}", markup=False, soft_wrap=True, style="italic")
    raise typer.Exit(0 if answer.outcome is Outcome.ANSWERED else 1)
