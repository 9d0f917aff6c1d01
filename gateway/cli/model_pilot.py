"""``labline model pilot``: how the line did in each stage of a model, beside the time before."""

import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import typer

from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import cell, show_json, show_table
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.contract.times import parse_rfc3339, rfc3339
from gateway.errors import LablineError
from gateway.inference.versions import promoted_versions
from gateway.store.database import read_state
from gateway.store.queries.pilot import PilotPeriod, pilot_periods
from gateway.store.queries.versions import changes
from gateway.store.statements import SQL


def pilot(
    model: str = typer.Argument(..., help="The model's name."),
    since: str | None = typer.Option(
        None, "--since", metavar="TIME", help="Begin of the control period, as RFC 3339; else its first prediction."
    ),
    config: Path = CONFIG,
    as_json: bool = JSON,
) -> None:
    """Show how the line did in each stage of a model: off-specification results, decisions, suggestions.

    The time before the first signed stage is the control period. Off-specification results are of what the model
    predicts; the time to a decision is from a lot's newest result to a person's decision.
    """
    settings, _sha256 = read(config)
    try:
        from_ns = None if since is None else parse_rfc3339(since)
    except ValueError as error:
        raise LablineError(f"--since {since} is no time", hint="such as 2026-03-01T06:00:00Z") from error
    with closing(read_state(settings.store.directory)) as connection:
        acts, _unknown = changes(connection.execute(SQL["version_changes"]))
        line = define_line(settings, path=config.resolve(), in_service=promoted_versions(acts))
        assigned = line.model_named(model)
        if assigned is None:
            raise LablineError(f"no [[model]] is called {model}", hint="labline model list shows the models")
        analytes = tuple(output.analyte for output in assigned.bundle.outputs)
        periods = pilot_periods(connection, model=model, analytes=analytes, from_ns=from_ns, until_ns=time.time_ns())
    if as_json:
        show_json({"model": model, "periods": [_document(period) for period in periods]})
        return
    documents = [_document(period) for period in periods]
    columns = tuple(documents[0]) if documents else ()
    rows = [(name, *(cell(document[name]) for document in documents)) for name in columns]
    show_table(f"pilot of {model}", ("figure", *(str(number) for number in range(1, len(documents) + 1))), rows)


def _document(period: PilotPeriod) -> dict[str, object]:
    document = asdict(period)
    begun, ended = document.pop("from_ns"), document.pop("until_ns")
    rejected = dict(document.pop("rejected"))
    return {"stage": document.pop("stage"), "from": rfc3339(begun), "until": rfc3339(ended), **document,
            "rejected": sum(rejected.values()), "rejected_by_reason": rejected}  # fmt: skip
