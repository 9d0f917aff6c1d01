"""``labline model``: what a bundle is, whether it holds, who approves it, which ones are at work."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from gateway.cli import corrections, training, versions
from gateway.cli.acts import name_option, reason_option
from gateway.cli.keys import private_key
from gateway.cli.output import err, out, show_json, show_table
from gateway.config.assigned_models import trusted_keys
from gateway.config.bundles import bundle_files
from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.contract.times import rfc3339
from gateway.errors import BundleRefusedError, LablineError
from gateway.inference.bundle import MANIFEST, MODEL, check_golden, read_bundle, read_manifest
from gateway.inference.manifest import BundleManifest
from gateway.inference.signature import SIGNATURE, sign_manifest
from gateway.inference.versions import in_service, promoted_versions
from gateway.line.definition import Approval, ModelBundle, Stage
from gateway.records.people import VersionChange
from gateway.store.database import STATE_FILE, read_state
from gateway.store.queries.versions import changes
from gateway.store.statements import SQL
from gateway.transport.onnx import load_model, runtime_version

app = typer.Typer(help="Model bundles.", no_args_is_help=True)

app.command()(versions.promote)
app.command()(versions.rollback)
app.command()(versions.compare)
app.command()(corrections.correct)

_CONFIG = typer.Option(..., "--config", "-c", help="The configuration file.")
_JSON = typer.Option(False, "--json", help="One JSON object instead of tables.")
_BUNDLE = typer.Argument(..., help="The bundle's folder.")


@app.callback()
def _group() -> None:
    """Model bundles."""


@app.command(name="list")
def list_models(config: Path = _CONFIG, as_json: bool = _JSON) -> None:
    """Show the models of a configuration: version, who approved it, the stage it may reach, other versions there."""
    settings, _sha256 = read(config)
    acts = _acts(settings.store.directory)
    promoted, versions_by_model = in_service(acts), promoted_versions(acts)
    folders = {name: each.folder for name, each in versions_by_model.items()}
    line = define_line(settings, path=config.resolve(), in_service=versions_by_model)
    trusted = trusted_keys(settings, folder=config.resolve().parent)
    found = [
        {
            "name": model.name,
            "version": model.bundle.identity.version,
            "equipment": model.equipment_id,
            "analytes": ", ".join(output.analyte for output in model.bundle.outputs),
            "ceiling": table.stage.name.lower(),
            "approved_by": _approver(model.bundle, trusted),
            "stage": model.stage.name.lower(),
            "promoted": _by_whom(promoted.get(model.name)),
            "other_versions": ", ".join(
                _versions(folders.get(model.name, (config.resolve().parent / table.bundle).resolve()))
            ),
            "sha256": model.bundle.identity.sha256,
        }
        for model, table in zip(line.configured_models, settings.model, strict=True)
    ]
    if as_json:
        show_json({"models": found})
    else:
        columns = tuple(found[0])[:-1] if found else ()
        show_table("models", columns, [tuple(each.values())[:-1] for each in found])


def _acts(directory: Path) -> list[VersionChange]:
    """Return the promotions and rollbacks; none where the gateway has not run yet."""
    if not (directory / STATE_FILE).exists():
        return []
    with closing(read_state(directory)) as connection:
        acts, _unknown = changes(connection.execute(SQL["version_changes"]))
        return acts


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
    """Return the other versions that lie beside a bundle's folder."""
    return sorted(each.name for each in folder.parent.iterdir() if each != folder and (each / MANIFEST).is_file())


@app.command()
def inspect(bundle: Path = _BUNDLE, as_json: bool = _JSON) -> None:
    """Show what a bundle says of itself: use, inputs, outputs, training, acceptance, approval."""
    files = bundle_files(bundle)
    manifest, read_back = read_manifest(files, where=str(bundle)), read_bundle(files, where=str(bundle))
    if as_json:
        show_json({**manifest.model_dump(mode="json"), "sha256": read_back.identity.sha256,
                   "approval": _document_of(read_back.approval)})  # fmt: skip
        return
    out.print(f"{manifest.name} {manifest.version}: {manifest.intended_use}", markup=False, soft_wrap=True)
    out.print(f"sha256 {read_back.identity.sha256}", markup=False, soft_wrap=True)
    _show_manifest(manifest)
    approval = read_back.approval
    signed = "nobody has signed it" if approval is None else (
        f"signed by {approval.approver} for {approval.stage.name.lower()}, {approval.signed_at}: {approval.meaning}"
    )  # fmt: skip
    out.print(signed, markup=False, soft_wrap=True)


def _document_of(approval: Approval | None) -> dict[str, Any] | None:
    return None if approval is None else {**asdict(approval), "stage": approval.stage.name.lower()}


def _show_manifest(manifest: BundleManifest) -> None:
    show_table(
        "inputs",
        ("name", "tag", "aggregate", "window s", "lag s", "unit", "validated"),
        [
            (each.name, each.tag, each.aggregate, each.window_seconds, each.lag_seconds, each.unit, each.validated)
            for each in manifest.input
        ],
    )
    show_table(
        "outputs",
        ("analyte", "unit", "what", "valid", "half width", "coverage"),
        [
            (each.analyte, each.unit, each.kind.value, each.valid, each.interval.half_width if each.interval else "-",
             each.interval.coverage if each.interval else "-")
            for each in manifest.output
        ],
    )  # fmt: skip
    show_table(
        "setpoints it may move",
        ("tag", "unit", "validated", "largest step", "at most every s", "interlocks", "suggests moves", "reaction"),
        [
            (each.tag, each.unit, each.validated, each.max_step, each.minimum_interval_seconds,
             ", ".join(f"{lock.tag} in {lock.within or lock.states}" for lock in each.interlocks) or "-",
             "yes" if each.suggest else "NO", "-" if each.reaction is None else each.reaction.verdict)
            for each in manifest.manipulated
        ],
    )  # fmt: skip
    training = manifest.training
    show_table(
        "training",
        ("rows", "period", "recipe", "seed", "data sha256"),
        [(training.rows, training.period, training.recipe, training.seed, training.data_sha256)],
    )
    accepted = [(each.figure, each.criterion, each.reached) for each in manifest.acceptance]
    show_table("acceptance", ("figure", "criterion", "reached"), accepted)


@app.command()
def verify(bundle: Path = _BUNDLE, as_json: bool = _JSON) -> None:
    """Check a bundle as the gateway does at start: schema, hashes, signature, model, golden vectors. Exit 1 if not."""
    try:
        found, vectors = _checked(bundle_files(bundle), bundle)
    except BundleRefusedError as error:
        if as_json:
            show_json({"ok": False, "why": str(error), "hint": error.hint})
        else:
            err.print(f"refused: {error}", style="red", markup=False, soft_wrap=True)
            err.print(f"  -> {error.hint}" if error.hint else "", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    approved = _document_of(found.approval)
    if as_json:
        show_json({"ok": True, "golden_vectors": vectors, "onnxruntime": runtime_version(), "approval": approved,
                   "sha256": found.identity.sha256})  # fmt: skip
        return
    signed = "not signed" if approved is None else f"signed by {approved['approver']} for {approved['stage']}"
    out.print(
        f"{found.identity.name} {found.identity.version} holds: {vectors} golden vectors exact with onnxruntime "
        f"{runtime_version()}, {signed}",
        markup=False,
        soft_wrap=True,
    )


@app.command()
def sign(
    bundle: Path = _BUNDLE,
    key: Path = typer.Option(..., "--key", help="The approver's Ed25519 private key as PEM."),
    approver: str = name_option("--approver", "The approver's printed name."),
    stage: str = typer.Option(..., "--stage", help="Up to which stage: shadow, advise, approve or automatic."),
    meaning: str = reason_option("--meaning", "What the signature says, such as 'validated, report VR-12'."),
) -> None:
    """Sign a bundle after checking it: its approver says up to which stage it may be used."""
    if stage.upper() not in Stage.__members__:
        raise LablineError(f"there is no stage {stage}", hint=", ".join(each.name.lower() for each in Stage))
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
    """Return (the bundle, how many golden vectors held); raises BundleRefusedError where anything does not hold."""
    found = read_bundle(files, where=str(where))
    predict = load_model(files[MODEL], inputs=len(found.inputs), columns=found.columns, where=str(where / MODEL))
    return found, check_golden(files, found, predict, where=str(where))


def _written(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        hint = "run it as who owns the bundle"
        raise LablineError(f"{path} cannot be written: {error.strerror}", hint=hint) from error


app.command()(training.train)
