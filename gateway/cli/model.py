"""``labline model``: trains, inspects, checks and signs model bundles, and puts versions into service."""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from gateway.cli import corrections, model_pilot, model_stage, training, versions
from gateway.cli.acts import name_option, reason_option
from gateway.cli.keys import private_key
from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import err, out, show_json, show_table
from gateway.config.assigned_models import trusted_keys
from gateway.config.bundles import bundle_files
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.contract.times import rfc3339
from gateway.errors import BundleRefusedError, LablineError
from gateway.inference.bundle import MANIFEST, MODEL, check_golden, read_bundle, read_manifest
from gateway.inference.bundle_approval import SIGNATURE, sign_manifest
from gateway.inference.manifest import BundleManifest
from gateway.inference.signed_stages import SignedStages, with_signed_stages
from gateway.inference.versions import in_service, promoted_versions
from gateway.line.definition import Approval, LineDefinition, ModelBundle, Stage
from gateway.records.people import VersionChange
from gateway.store.database import STATE_FILE, read_state
from gateway.store.queries.outside import outside_since_ns
from gateway.store.queries.signed_stages import signed_stages_in
from gateway.store.queries.versions import changes
from gateway.store.statements import SQL
from gateway.transport.onnx import load_model, runtime_version

app = typer.Typer(help="Train, inspect, check and sign models, and put versions into service.", no_args_is_help=True)

app.command()(versions.promote)
app.command()(versions.rollback)
app.command()(versions.compare)
app.command()(model_stage.stage)
app.command()(model_pilot.pilot)
app.command()(corrections.correct)

_BUNDLE = typer.Argument(..., help="The bundle's folder: the one that holds bundle.toml.")


@app.callback()
def _group() -> None:
    """Train, inspect, check and sign models, and put versions into service."""


@app.command(name="list")
def list_models(config: Path = CONFIG, as_json: bool = JSON) -> None:
    """List the configured models: version in service, stage, who approved and promoted it, other versions on disk."""
    settings, _sha256 = read(config)
    acts = _acts(settings.store.directory)
    promoted, versions_by_model = in_service(acts), promoted_versions(acts)
    folders = {name: version.folder for name, version in versions_by_model.items()}
    line = define_line(settings, path=config.resolve(), in_service=versions_by_model)
    trusted = trusted_keys(settings, folder=config.resolve().parent)
    signed = _stages(settings.store.directory)
    line = with_signed_stages(line, signed)
    outside = _outside(settings.store.directory, line)
    models = [
        {
            "name": model.name,
            "version": model.bundle.identity.version,
            "equipment": model.equipment_id,
            "analytes": ", ".join(output.analyte for output in model.bundle.outputs),
            "ceiling": table.stage.name.lower(),
            "signed": _signed(signed, model.name),
            "approved_by": _approver(model.bundle, trusted),
            "stage": model.stage.name.lower(),
            "outside_since": outside.get(model.name),
            "promoted": _by_whom(promoted.get(model.name)),
            "other_versions": ", ".join(
                _versions(folders.get(model.name, (config.resolve().parent / table.bundle).resolve()))
            ),
            "sha256": model.bundle.identity.sha256,
        }
        for model, table in zip(line.configured_models, settings.model, strict=True)
    ]
    if as_json:
        show_json({"models": models})
    else:
        columns = tuple(models[0])[:-1] if models else ()
        show_table("models", columns, [tuple(model.values())[:-1] for model in models])


def _acts(directory: Path) -> list[VersionChange]:
    """Return the promotions and rollbacks on record; an empty list if the gateway has not run yet."""
    if not (directory / STATE_FILE).exists():
        return []
    with closing(read_state(directory)) as connection:
        acts, _unknown = changes(connection.execute(SQL["version_changes"]))
        return acts


def _stages(directory: Path) -> SignedStages:
    """Return the signed stages on record; none if the gateway has not run yet."""
    return signed_stages_in(directory) if (directory / STATE_FILE).exists() else SignedStages(by_model={})


def _signed(signed: SignedStages, model: str) -> str:
    if model in signed.unknown:
        return "does not match its hash: shadow"
    change = signed.by_model.get(model)
    if change is None:
        return "-"
    return f"{change.stage} ({', '.join(change.signed_by)}, {rfc3339(change.at_ns)})"


def _outside(directory: Path, line: LineDefinition) -> dict[str, str]:
    """Return since when the process has been outside what models have learned, by the models' names."""
    if not (directory / STATE_FILE).exists():
        return {}
    with closing(read_state(directory)) as connection:
        since = {model.name: outside_since_ns(connection, model, time.time_ns()) for model in line.configured_models}
    return {name: rfc3339(at_ns) for name, at_ns in since.items() if at_ns is not None}


def _by_whom(promoted: list[VersionChange] | None) -> str:
    if not promoted:
        return "- (as configured)"
    return f"{promoted[-1].person}, {rfc3339(promoted[-1].at_ns)}: {promoted[-1].reason}"


def _approver(bundle: ModelBundle, trusted: dict[str, str] | None) -> str:
    if bundle.approval is None:
        return "-"
    known = (trusted or {}).get(bundle.approval.public_key)
    return f"{bundle.approval.approver} ({known or 'key not trusted here'})"


def _versions(folder: Path) -> list[str]:
    """Return the versions in the other bundle folders next to this one."""
    siblings = (sibling for sibling in folder.parent.iterdir() if sibling != folder)
    return sorted(sibling.name for sibling in siblings if (sibling / MANIFEST).is_file())


@app.command()
def inspect(bundle: Path = _BUNDLE, as_json: bool = JSON) -> None:
    """Show what a bundle contains: intended use, inputs, outputs, setpoints, training, acceptance, approval."""
    files = bundle_files(bundle)
    manifest, read_back = read_manifest(files, where=str(bundle)), read_bundle(files, where=str(bundle))
    if as_json:
        show_json({**manifest.model_dump(mode="json"), "sha256": read_back.identity.sha256,
                   "approval": _document_of(read_back.approval)})  # fmt: skip
        return
    out.print(f"{manifest.name} {manifest.version}: {manifest.intended_use}", markup=False, soft_wrap=True)
    out.print(f"sha256 {read_back.identity.sha256}", markup=False, soft_wrap=True)
    _show_manifest(manifest)
    if read_back.domain is not None and read_back.domain.averaged_over > 1:
        out.print(f"distances from the domain are averaged over {read_back.domain.averaged_over} predictions")
    approval = read_back.approval
    signed = "not signed" if approval is None else (
        f"signed by {approval.approver} for {approval.stage.name.lower()}, {approval.signed_at}: {approval.meaning}"
    )  # fmt: skip
    out.print(signed, markup=False, soft_wrap=True)


def _document_of(approval: Approval | None) -> dict[str, Any] | None:
    return None if approval is None else {**asdict(approval), "stage": approval.stage.name.lower()}


def _show_manifest(manifest: BundleManifest) -> None:
    show_table(
        "inputs",
        ("name", "tag", "aggregate", "window s", "lag s", "unit", "validated", "learned"),
        [
            (item.name, item.tag, item.aggregate, item.window_seconds, item.lag_seconds, item.unit, item.validated,
             item.learned or "-")
            for item in manifest.input
        ],
    )  # fmt: skip
    if manifest.outside is not None:
        enters, of, leaves = manifest.outside.enters_after, manifest.outside.of, manifest.outside.leaves_after
        out.print(f"outside after {enters} of {of} predictions, until {leaves} in a row are inside")
    show_table(
        "outputs",
        ("analyte", "unit", "what", "valid", "half width", "coverage", "follows", "corrected by"),
        [
            (item.analyte, item.unit, item.kind.value, item.valid, item.interval.half_width if item.interval else "-",
             item.interval.coverage if item.interval else "-", item.follows, item.corrected_by)
            for item in manifest.output
        ],
    )  # fmt: skip
    show_table(
        "setpoints it may move",
        ("tag", "unit", "validated", "largest step", "at most every s", "interlocks", "suggests moves", "reaction"),
        [
            (item.tag, item.unit, item.validated, item.max_step, item.minimum_interval_seconds,
             ", ".join(f"{lock.tag} in {lock.within or lock.states}" for lock in item.interlocks) or "-",
             "yes" if item.suggest else "NO", "-" if item.reaction is None else item.reaction.verdict)
            for item in manifest.manipulated
        ],
    )  # fmt: skip
    training = manifest.training
    show_table(
        "training",
        ("rows", "period", "recipe", "seed", "data sha256"),
        [(training.rows, training.period, training.recipe, training.seed, training.data_sha256)],
    )
    accepted = [(criterion.figure, criterion.criterion, criterion.reached) for criterion in manifest.acceptance]
    show_table("acceptance", ("figure", "criterion", "reached"), accepted)


@app.command()
def verify(bundle: Path = _BUNDLE, as_json: bool = JSON) -> None:
    """Check a bundle as the gateway does at start: form, hashes, signature, model file, golden vectors.

    Exit 1 if the gateway would refuse it. Golden vectors are inputs with the outputs that the model must give.
    """
    try:
        checked, vectors = _checked(bundle_files(bundle), bundle)
    except BundleRefusedError as error:
        if as_json:
            show_json({"ok": False, "why": str(error), "hint": error.hint})
        else:
            err.print(f"refused: {error}", style="red", markup=False, soft_wrap=True)
            err.print(f"  -> {error.hint}" if error.hint else "", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    approved = _document_of(checked.approval)
    if as_json:
        show_json({"ok": True, "golden_vectors": vectors, "onnxruntime": runtime_version(), "approval": approved,
                   "sha256": checked.identity.sha256})  # fmt: skip
        return
    signed = "not signed" if approved is None else f"signed by {approved['approver']} for {approved['stage']}"
    out.print(
        f"{checked.identity.name} {checked.identity.version} holds: {vectors} golden vectors exact with onnxruntime "
        f"{runtime_version()}, {signed}",
        markup=False,
        soft_wrap=True,
    )


@app.command()
def sign(
    bundle: Path = _BUNDLE,
    key: Path = typer.Option(..., "--key", metavar="<file>", help="The approver's Ed25519 private key (PEM)."),
    approver: str = name_option("--approver", "The approver's printed name."),
    stage: str = typer.Option(
        ..., "--stage", help="The highest stage it may be used in: shadow, advise, approve or automatic."
    ),
    meaning: str = reason_option("--meaning", "What the signature says, such as 'validated, report VR-12'."),
) -> None:
    """Check and sign a bundle: the approver says up to which stage it may be used."""
    if stage.upper() not in Stage.__members__:
        raise LablineError(
            f"there is no stage {stage}", hint=f"stages are: {', '.join(known.name.lower() for known in Stage)}"
        )
    files = {name: content for name, content in bundle_files(bundle).items() if name != SIGNATURE}
    _checked(files, bundle)
    signature = sign_manifest(
        files[MANIFEST],
        private_key(key),
        approver=approver,
        stage=Stage[stage.upper()],
        meaning=meaning,
        signed_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    )
    _written(bundle / SIGNATURE, signature)
    out.print(f"{bundle / SIGNATURE}: signed by {approver} for {stage.lower()}", markup=False, soft_wrap=True)


def _checked(files: Mapping[str, bytes], where: Path) -> tuple[ModelBundle, int]:
    """Return (the bundle, how many golden vectors were right); raises BundleRefusedError if any check fails."""
    read_back = read_bundle(files, where=str(where))
    predict = load_model(
        files[MODEL], inputs=len(read_back.inputs), columns=read_back.columns, where=str(where / MODEL)
    )
    return read_back, check_golden(files, read_back, predict, where=str(where))


def _written(path: Path, content: bytes) -> None:
    new_file = path.with_name(f"{path.name}.new")
    try:
        new_file.write_bytes(content)
        new_file.replace(path)
    except OSError as error:
        hint = "run the command as the user that owns the bundle"
        raise LablineError(f"{path} cannot be written: {error.strerror}", hint=hint) from error


app.command()(training.train)
