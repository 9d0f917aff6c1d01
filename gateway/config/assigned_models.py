"""The models in use on the line, their versions, and the stage that each may reach."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from gateway.config.alarm_tables import AlarmsTable
from gateway.config.bundles import bundle_files, on_this_line
from gateway.config.tables import ModelTable, Settings
from gateway.errors import BundleRefusedError, ConfigurationError, Problem
from gateway.inference.bundle import MODEL, check_golden, read_bundle, read_manifest
from gateway.inference.bundle_approval import public_key_hex
from gateway.inference.versions import Promoted
from gateway.line.alarm_rules import WarningRules
from gateway.line.definition import CANDIDATE, ModelAssignment, ModelBundle, Stage, TagDefinition
from gateway.line.outputs import ModelOutput
from gateway.time_units import seconds_to_ns

_ON_DELAY_PREDICTIONS, _OFF_DELAY_PREDICTIONS = 2, 4  # after the first, where no delay is configured


def assigned_models(
    settings: Settings,
    *,
    path: Path,
    tags: dict[str, TagDefinition],
    trusted: Mapping[str, str] | None,
    in_service: Mapping[str, Promoted],
) -> tuple[dict[str, ModelAssignment], list[Problem]]:
    """Return the models in use by name, each followed by its candidate, and the problems of those that cannot be used.

    Args:
        settings: the configuration.
        path: its file; bundles are relative to its folder.
        tags: the line's tags by name.
        trusted: the keys that may approve, None where signatures are not asked for.
        in_service: by model, the version that was promoted over the configured one.
    """
    models: dict[str, ModelAssignment] = {}
    problems = []
    for at, table in enumerate(settings.model, start=1):
        is_candidate = False
        try:
            promoted = _promoted(table, path.parent, in_service)
            where = (path.parent / table.bundle).resolve() if promoted is None else promoted.folder
            model = _model(table, where=where, tags=tags, taken=frozenset(models), trusted=trusted)
            _must_be(promoted, model)
            is_candidate = True
            assigned = [model, *_candidates(table, of_model=model, folder=path.parent, tags=tags)]
        except BundleRefusedError as error:
            key = f"model[{at}].{'candidate' if is_candidate else 'bundle'}"
            problems.append(Problem(file=str(path), key=key, message=str(error), hint=error.hint))
        else:
            warnings = _warning_rules(table, settings.alarms)
            models |= {assignment.name: replace(assignment, warnings=warnings) for assignment in assigned}
    return models, problems


def _warning_rules(table: ModelTable, alarms: AlarmsTable) -> WarningRules:
    """Return when a model's predictions become a warning: as its own table says, else as the line's does."""

    def delay_ns(own: float | None, of_line: float | None, predictions: int) -> int:
        seconds = of_line if own is None else own
        return seconds_to_ns(predictions * table.every if seconds is None else seconds)

    return WarningRules(
        on_delay_ns=delay_ns(table.on_delay, alarms.on_delay, _ON_DELAY_PREDICTIONS),
        off_delay_ns=delay_ns(table.off_delay, alarms.off_delay, _OFF_DELAY_PREDICTIONS),
        dead_band=alarms.dead_band if table.dead_band is None else table.dead_band,
        ask_again_after_ns=seconds_to_ns(alarms.ask_again_after),
        ask_again_grown=alarms.ask_again_grown,
    )


def _promoted(table: ModelTable, folder: Path, in_service: Mapping[str, Promoted]) -> Promoted | None:
    """Return the version that was promoted over the configured bundle of a table, or None."""
    if not in_service:
        return None
    configured = (folder / table.bundle).resolve()
    return in_service.get(read_manifest(bundle_files(configured), where=str(configured)).name)


def _must_be(promoted: Promoted | None, model: ModelAssignment) -> None:
    """Raise BundleRefusedError where a folder holds another bundle than the one that was promoted."""
    if promoted is not None and model.bundle.identity.sha256 != promoted.sha256:
        raise BundleRefusedError(
            f"{promoted.folder} is not the bundle that was promoted ({promoted.sha256})",
            hint="restore it from where it was approved, or labline model rollback",
        )


def _model(
    table: ModelTable,
    *,
    where: Path,
    tags: dict[str, TagDefinition],
    taken: frozenset[str],
    trusted: Mapping[str, str] | None,
) -> ModelAssignment:
    files = bundle_files(where)
    bundle = read_bundle(files, where=str(where))
    if bundle.identity.name.endswith(CANDIDATE):
        raise BundleRefusedError(
            f"{where}: a model may not be called {bundle.identity.name}", hint=f"{CANDIDATE} marks candidates"
        )
    if bundle.identity.name in taken:
        raise BundleRefusedError(
            f"model {bundle.identity.name} is already in use", hint="one assignment per model name"
        )
    from gateway.transport.onnx import load_model  # noqa: PLC0415 - a line without models needs no runtime for them

    predict = load_model(files[MODEL], inputs=len(bundle.inputs), columns=bundle.columns, where=str(where / MODEL))
    check_golden(files, bundle, predict, where=str(where))
    return ModelAssignment(
        bundle=on_this_line(corrected_on_this_line(bundle, table.bias, where), tags, where),
        predict=predict,
        equipment_id=table.equipment,
        every_ns=seconds_to_ns(table.every),
        stage=_stage(table.stage, bundle, trusted),
        expires_after_ns=seconds_to_ns(table.expires_after),
    )


def _candidates(
    table: ModelTable, *, of_model: ModelAssignment, folder: Path, tags: dict[str, TagDefinition]
) -> list[ModelAssignment]:
    """Return the other version of a model, where one is named: by a name of its own, always in shadow."""
    if table.candidate is None:
        return []
    where = (folder / table.candidate).resolve()
    candidate = _model(table, where=where, tags=tags, taken=frozenset(), trusted=None)
    if candidate.name != of_model.name:
        raise BundleRefusedError(
            f"{where} is of {candidate.name}, not of {of_model.name}",
            hint="a candidate is another version of its model",
        )
    identity = replace(candidate.bundle.identity, name=f"{candidate.name}{CANDIDATE}")
    return [replace(candidate, bundle=replace(candidate.bundle, identity=identity), stage=Stage.SHADOW)]


def corrected_on_this_line(bundle: ModelBundle, by: Literal["off", "signed", "auto"], where: Path) -> ModelBundle:
    """Return the bundle with the way in which its values are corrected on this line; raises BundleRefusedError."""
    return replace(bundle, outputs=tuple(_corrected_output(output, by, where) for output in bundle.outputs))


def _corrected_output(output: ModelOutput, by: Literal["off", "signed", "auto"], where: Path) -> ModelOutput:
    value = output.value
    if value is None or (value.bias is None and value.function_space is None):
        return output
    if by == "off":
        return replace(output, value=replace(value, bias=None, function_space=None))
    if by == "signed" and (value.bias is None or value.bias.per_product):
        kind = "function space" if value.bias is None else "each product by itself"
        raise BundleRefusedError(
            f"{where} corrects {output.analyte} in {kind}: that is no single number that a person could sign",
            hint='set bias = "auto" or "off" in its [[model]], or train it without [function_space] and per',
        )
    bias = None if value.bias is None else replace(value.bias, signed=by == "signed")
    return replace(output, value=replace(value, bias=bias))


def _stage(ceiling: Stage, bundle: ModelBundle, trusted: Mapping[str, str] | None) -> Stage:
    """Return how far a model may go: no further than the configuration says, nor than a trusted key has signed."""
    if trusted is None:
        return ceiling
    approval = bundle.approval
    if approval is None or approval.public_key not in trusted:
        return Stage.SHADOW
    return min(ceiling, approval.stage)


_KEY_FILES = frozenset({".pem", ".pub"})
_NOTES = frozenset({".md", ".txt"})


def trusted_keys(settings: Settings, *, folder: Path) -> dict[str, str] | None:
    """Return the keys that may approve (hex) with the names of their files, None where signatures are not asked for.

    Raises ConfigurationError where the folder or a key in it cannot be read.
    """
    table = settings.approval
    if table.trusted_keys is None:
        return None
    where = (folder / table.trusted_keys).resolve()
    try:
        if not where.is_dir():
            raise OSError("there is no such folder")  # noqa: TRY301 - told as any other reason
        files = sorted(path for path in where.iterdir() if path.is_file() and not path.name.startswith("."))
        odd = [path.name for path in files if path.suffix.lower() not in {*_KEY_FILES, *_NOTES}]
        if odd:
            raise ValueError(f"{', '.join(odd)}: is it a key? keys are files *.pem or *.pub")  # noqa: TRY301
        return {public_key_hex(path.read_bytes()): path.stem for path in files if path.suffix.lower() in _KEY_FILES}
    except (OSError, ValueError) as error:
        problem = Problem(
            file=str(where), key="approval.trusted_keys", message=f"cannot be read: {error}",
            hint="one Ed25519 public key per file: openssl pkey -in approver.pem -pubout",
        )  # fmt: skip
        raise ConfigurationError((problem,)) from error
