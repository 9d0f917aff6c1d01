"""``labline model promote|rollback|compare``: a person changes the version in service, or compares it with another."""

import math
import time
from contextlib import closing
from pathlib import Path

import typer

from gateway.cli.acts import person_option, reason_option, sign_in_of
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import cell, out, show_json, show_table
from gateway.config.bundles import bundle_files
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.errors import LablineError
from gateway.inference.bundle import read_bundle
from gateway.inference.versions import Promoted
from gateway.line.definition import CANDIDATE
from gateway.records.acts import PromoteModel, RollBackModel
from gateway.replay.compare import figures, paired
from gateway.replay.recorded import Stretch, measured, output_on_record
from gateway.runtime.act_requests import perform
from gateway.store.database import read_state

_PERSON = person_option()
_REASON = reason_option("--reason", "Why, such as the report that validated the version; it goes into the audit trail.")


def promote(
    bundle: Path = typer.Argument(..., help="The folder of the version to put into service. It must stay there."),
    config: Path = CONFIG,
    person: str | None = _PERSON,
    reason: str = _REASON,
) -> None:
    """Put a version of a configured model into service; a running gateway uses it at once.

    The version is checked first, as at a start: form, hashes, signature, golden vectors, tags, units and limits.
    """
    settings, _sha256 = read(config)
    folder = bundle.resolve()
    identity = read_bundle(bundle_files(folder), where=str(folder)).identity
    line = define_line(
        settings, path=config.resolve(), in_service={identity.name: Promoted(folder=folder, sha256=identity.sha256)}
    )
    model = line.model_named(identity.name)
    if model is None or model.bundle.identity.sha256 != identity.sha256:
        names = ", ".join(assigned.name for assigned in line.models) or "none"
        raise LablineError(f"no [[model]] in {config} is called {identity.name}", hint=f"models are: {names}")
    act = PromoteModel(model=identity.name, version=identity.version, bundle_sha256=identity.sha256, folder=str(folder))
    perform(settings, act, path=config.resolve(), sign_in=sign_in_of(person), reason=reason)
    out.print(f"{identity.name} {identity.version} is in service, in stage {model.stage.name.lower()} at most",
              markup=False, soft_wrap=True)  # fmt: skip


def rollback(
    model: str = typer.Argument(..., help="The model's name."),
    config: Path = CONFIG,
    person: str | None = _PERSON,
    reason: str = _REASON,
) -> None:
    """Undo the newest promotion of a model: the version before it is in service again."""
    settings, _sha256 = read(config)
    answer = perform(
        settings, RollBackModel(model=model), path=config.resolve(), sign_in=sign_in_of(person), reason=reason
    )
    taken, holds = answer.details["taken"], answer.details["holds"]
    again = "the configured bundle" if holds is None else f"version {holds}"
    out.print(f"{model} {taken} is out of service; {again} takes its place", markup=False, soft_wrap=True)


def compare(
    model: str = typer.Argument(..., help="The model's name."),
    config: Path = CONFIG,
    days: float = typer.Option(30.0, "--days", min=0.0, help="Compare the last so many days."),
    as_json: bool = JSON,
) -> None:
    """Compare a model's candidate, which runs in shadow, with its version in service: same times, same samples."""
    settings, _sha256 = read(config)
    until_ns = time.time_ns()
    stretch = Stretch(from_ns=until_ns - math.ceil(days * 86_400e9), until_ns=until_ns)
    with closing(read_state(settings.store.directory)) as connection:
        names = {"in service": model, "candidate": f"{model}{CANDIDATE}"}
        predictions = paired(output_on_record(connection, stretch), *names.values())
        by_output = figures(predictions, measured(connection))
    analytes = sorted({analyte for name, analyte in by_output if name in names.values()})
    if not analytes:
        raise LablineError(
            f"no predictions of {model} and of its candidate are on record in that time",
            hint="set candidate in its [[model]], and let both run; labline model list shows the models",
        )
    both = {
        analyte: {
            role: by_output[name, analyte].document() for role, name in names.items() if (name, analyte) in by_output
        }
        for analyte in analytes
    }
    if as_json:
        show_json(both)
        return
    for analyte, columns in both.items():
        rows = [
            (figure, *(cell(column[figure]) for column in columns.values())) for figure in next(iter(columns.values()))
        ]
        show_table(f"{model}: {analyte}", ("figure", *columns), rows)
