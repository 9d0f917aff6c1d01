"""``labline model stage``: a person lets a model go further, or less far, by a signed act with evidence."""

from contextlib import closing
from pathlib import Path

import typer

from gateway.cli.acts import person_option, reason_option, show_waiting, sign_in_of
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import out, show_json, show_wrapped
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.facts.model_stage import StageEvidence
from gateway.inference.versions import promoted_versions
from gateway.line.definition import Stage
from gateway.records.acts import ActOutcome, ChangeStage
from gateway.runtime.act_requests import perform
from gateway.store.database import read_state
from gateway.store.queries.signed_stages import stage_evidence
from gateway.store.queries.versions import changes
from gateway.store.statements import SQL


def stage(
    model: str = typer.Argument(..., help="The model's name."),
    to: str = typer.Argument(..., metavar="STAGE", help="shadow, advise, approve or automatic."),
    config: Path = CONFIG,
    person: str | None = person_option(),
    reason: str = reason_option("--reason", "Why; it is signed, and goes into the audit trail."),
    as_json: bool = JSON,
) -> None:
    """Let a model go further, or less far. It never goes further than stage in its [[model]] says.

    It is signed with your user and password: give --person USER. The evidence is shown, and signed with it.
    """
    settings, _sha256 = read(config)
    path = config.resolve()
    with closing(read_state(settings.store.directory)) as connection:
        acts, _unknown = changes(connection.execute(SQL["version_changes"]))
        assigned = define_line(settings, path=path, in_service=promoted_versions(acts)).model_named(model)
        if assigned is None:
            raise LablineError(f"no [[model]] is called {model}", hint="labline model list shows the models")
        sha256 = assigned.bundle.identity.sha256
        evidence = stage_evidence(connection, model=model, bundle_sha256=sha256)
    if to.upper() not in Stage.__members__:
        raise LablineError(f"{to} is no stage", hint="shadow, advise, approve or automatic")
    if Stage[to.upper()] > assigned.stage:
        raise LablineError(
            f"{model} goes no further than {assigned.stage.name.lower()} by the configuration and its approval",
            hint="raise stage in its [[model]] first; that alone lets nothing rise",
        )
    if not as_json:
        show_evidence(evidence)
    act = ChangeStage(model=model, bundle_sha256=sha256, stage=to.lower())
    answer = perform(settings, act, path=path, sign_in=sign_in_of(person), reason=reason)
    if answer.outcome is ActOutcome.PENDING:
        show_waiting(answer, as_json=as_json)
    elif as_json:
        show_json({"model": model, **answer.details})
    else:
        out.print(f"{model} goes to stage {to.lower()}, signed by {answer.details['person']}", soft_wrap=True)


def show_evidence(evidence: StageEvidence) -> None:
    """Show how a version did beside the laboratory."""
    if not evidence.samples and not evidence.results:
        show_wrapped("evidence: no laboratory result stands beside a prediction of this version yet", hanging=2)
        return
    coverage = "" if evidence.coverage is None else f", {evidence.coverage:.0%} inside the interval"
    show_wrapped(
        f"evidence: {evidence.results} results beside predictions{coverage}; {evidence.inside} hits, "
        f"{evidence.outside} misses; {evidence.samples} samples, of which {sum(evidence.abstained.values())} without a "
        "prediction",
        hanging=2,
    )
    if evidence.from_ns is not None:
        show_wrapped(f"  all of this version, since {rfc3339(evidence.from_ns)}", hanging=4)
    for code, count in evidence.abstained.items():
        show_wrapped(f"  {count} x {code}", hanging=4)
