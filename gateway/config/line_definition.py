"""From the configuration's tables and the bundles to the definition of the line."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.config.checks import contradictions, never_inside
from gateway.config.laboratory_tables import SpecificationTable, TrendTable
from gateway.config.tables import ModelTable, Settings, TagTable
from gateway.contract.times import parse_rfc3339
from gateway.errors import BundleRefusedError, ConfigurationError, Problem
from gateway.inference.bundle import MODEL, check_golden, read_bundle, read_manifest
from gateway.inference.signature import public_key_hex
from gateway.lab.procedures import read_procedure
from gateway.lab.units import converted
from gateway.line.definition import (
    CANDIDATE,
    UTC_ZONE,
    Aggregate,
    InputDefinition,
    LineDefinition,
    ManipulatedTag,
    ModelAssignment,
    ModelBundle,
    ModelOutput,
    Procedure,
    Promoted,
    Stage,
    TagDefinition,
    intersection,
)
from gateway.line.spc_rules import ControlMaterial, Together, TrendRules
from gateway.records.laboratory import Bands, Specification
from gateway.time_units import seconds_to_ns

_IN_THE_TAGS_SCALE = frozenset({Aggregate.MEAN, Aggregate.LAST, Aggregate.MIN, Aggregate.MAX})

_RANDOM_TEXT = "put a long random text (openssl rand -hex 32)"

_KEY_FILES, _NOTES = frozenset({".pem", ".pub"}), frozenset({".md", ".txt"})

_LARGEST_FILE_BYTES = 256 * 2**20


def define_line(
    settings: Settings, *, path: Path, in_service: Mapping[str, Promoted] = MappingProxyType({})
) -> LineDefinition:
    """Return the line with its bundles loaded and checked; raises ConfigurationError with every problem.

    Args:
        settings: the configuration.
        path: its file; bundles are relative to its folder.
        in_service: by model, the version that was promoted over the configured one.
    """
    problems = contradictions(path, settings)
    tags = tags_of(settings)
    models: dict[str, ModelAssignment] = {}
    trusted = trusted_keys(settings, folder=path.parent)
    for at, table in enumerate(settings.model, start=1):
        is_candidate = False
        try:
            promoted = _promoted(table, path.parent, in_service)
            where = (path.parent / table.bundle).resolve() if promoted is None else promoted.folder
            model = _model(table, where=where, tags=tags, taken=frozenset(models), trusted=trusted)
            _must_be(promoted, model)
            is_candidate = True
            found = [model, *_candidates(table, beside=model, folder=path.parent, tags=tags)]
        except BundleRefusedError as error:
            key = f"model[{at}].{'candidate' if is_candidate else 'bundle'}"
            problems.append(Problem(file=str(path), key=key, message=str(error), hint=error.hint))
        else:
            models |= {each.name: each for each in found}
    for at, wanted in enumerate(settings.specification, start=1):
        outputs = [model.bundle.output_of(wanted.analyte) for model in models.values()]
        units = {output.unit for output in outputs if output is not None}
        has_limits = wanted.lower is not None or wanted.upper is not None
        if has_limits and any(converted(1.0, wanted.unit, unit) is None for unit in units):
            message = f"is {wanted.unit}, but the model predicts {wanted.analyte} in {', '.join(sorted(units))}"
            hint = "give the specification in a unit that converts to the model's"
            problems.append(Problem(file=str(path), key=f"specification[{at}].unit", message=message, hint=hint))
    procedures, zone = _procedures(settings, path, problems), _zone(settings, path, problems)
    if problems:
        raise ConfigurationError(tuple(problems))
    return LineDefinition(
        path=settings.line_path,
        topic_root=settings.topic_root,
        tags=tags,
        specifications=specifications_of(settings),
        trends=trends_of(settings),
        together=tuple(
            Together(product=table.product, analytes=tuple(table.analytes), baseline=table.baseline)
            for table in settings.together
        ),
        controls=tuple(
            ControlMaterial(
                name=table.material,
                analyte=table.analyte,
                mean=table.mean,
                standard_deviation=table.standard_deviation,
                unit=table.unit,
            )
            for table in settings.control
        ),
        procedures=procedures,
        time_zone=zone,
        sampling=settings.sampling.enabled,
        tests_per_hour=settings.sampling.tests_per_hour,
        lab_tests=settings.sampling.tests,
        models=tuple(models.values()),
        trusted_keys=None if trusted is None else frozenset(trusted),
    )


def specifications_of(settings: Settings) -> tuple[Specification, ...]:
    """Return the configured specifications."""
    return tuple(_specification(table) for table in settings.specification)


def trends_of(settings: Settings) -> tuple[TrendRules, ...]:
    """Return how series are charted, as configured."""
    return tuple(_trend(table) for table in settings.trend)


def tags_of(settings: Settings) -> dict[str, TagDefinition]:
    """Return the line's tags by name."""
    return {name: _tag(name, table) for name, table in settings.tags.items()}


def _tag(name: str, table: TagTable) -> TagDefinition:
    return TagDefinition(
        name=name,
        source=table.source,
        node=table.node,
        equipment_id=table.equipment,
        unit=table.unit,
        validated=table.validated,
        max_age_ns=seconds_to_ns(table.max_age),
        accept_uncertain=table.accept_uncertain,
        max_rate_per_second=table.max_rate,
        frozen_after_ns=None if table.frozen_after is None else seconds_to_ns(table.frozen_after),
    )


def _specification(table: SpecificationTable) -> Specification:
    bands = table.bands
    return Specification(
        product=table.product,
        analyte=table.analyte,
        lower=table.lower,
        upper=table.upper,
        target=table.target,
        unit=table.unit,
        version=table.version,
        inclusive=table.inclusive,
        bands=None if bands is None else Bands(release=bands.release, review=bands.review),
        lower_inclusive=table.lower_inclusive,
        upper_inclusive=table.upper_inclusive,
        decimals=table.decimals,
        client_id=table.client,
        effective_from_ns=None if table.effective_from is None else parse_rfc3339(table.effective_from),
        effective_until_ns=None if table.effective_until is None else parse_rfc3339(table.effective_until),
        required=table.required,
        accepts=table.accepts,
        rejects=table.rejects,
        non_negative=table.non_negative,
        assume_unit=table.assume_unit,
    )


def _zone(settings: Settings, path: Path, problems: list[Problem]) -> ZoneInfo:
    try:
        return ZoneInfo(settings.site.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        message = f"there is no time zone {settings.site.time_zone}"
        problems.append(Problem(file=str(path), key="site.time_zone", message=message, hint="such as Europe/Paris"))
        return UTC_ZONE


def _procedures(settings: Settings, path: Path, problems: list[Problem]) -> tuple[Procedure, ...]:
    """Return the plant's procedures; what cannot be read is noted."""
    if settings.procedures.folder is None:
        return ()
    folder, found = path.parent / settings.procedures.folder, []
    if not folder.is_dir():
        problems.append(
            Problem(
                file=str(path),
                key="procedures.folder",
                message=f"{folder} is no folder",
                hint="name one with .md files",
            )
        )
    for file in sorted(folder.glob("*.md")):
        try:
            found.append(read_procedure(file.stem, file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, ValueError) as error:
            problems.append(
                Problem(file=str(file), key="", message=str(error), hint="docs/procedures.md shows the form")
            )
    return tuple(found)


def _trend(table: TrendTable) -> TrendRules:
    return TrendRules(
        product=table.product,
        analyte=table.analyte,
        rules=tuple(table.rules),
        ewma=table.ewma,
        cusum=table.cusum,
        baseline=table.baseline,
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
        bundle=_on_this_line(_corrected(bundle, table.bias), tags, where),
        predict=predict,
        equipment_id=table.equipment,
        every_ns=seconds_to_ns(table.every),
        stage=_stage(table.stage, bundle, trusted),
        expires_after_ns=seconds_to_ns(table.expires_after),
    )


def _candidates(
    table: ModelTable, *, beside: ModelAssignment, folder: Path, tags: dict[str, TagDefinition]
) -> list[ModelAssignment]:
    """Return the other version of a model, where one is named: by a name of its own, always in shadow."""
    if table.candidate is None:
        return []
    where = (folder / table.candidate).resolve()
    found = _model(table, where=where, tags=tags, taken=frozenset(), trusted=None)
    if found.name != beside.name:
        raise BundleRefusedError(
            f"{where} is of {found.name}, not of {beside.name}", hint="a candidate is another version of its model"
        )
    identity = replace(found.bundle.identity, name=f"{found.name}{CANDIDATE}")
    return [replace(found, bundle=replace(found.bundle, identity=identity), stage=Stage.SHADOW)]


def _corrected(bundle: ModelBundle, by: Literal["off", "signed", "auto"]) -> ModelBundle:
    """Return the bundle with what may correct its values on this line."""
    return replace(bundle, outputs=tuple(_corrected_output(output, by) for output in bundle.outputs))


def _corrected_output(output: ModelOutput, by: Literal["off", "signed", "auto"]) -> ModelOutput:
    if output.value is None or output.value.bias is None:
        return output
    bias = None if by == "off" else replace(output.value.bias, signed=by == "signed")
    return replace(output, value=replace(output.value, bias=bias))


def _stage(ceiling: Stage, bundle: ModelBundle, trusted: Mapping[str, str] | None) -> Stage:
    """Return how far a model may go: no further than the configuration says, nor than a trusted key has signed."""
    if trusted is None:
        return ceiling
    approval = bundle.approval
    if approval is None or approval.public_key not in trusted:
        return Stage.SHADOW
    return min(ceiling, approval.stage)


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


def bundle_files(folder: Path) -> dict[str, bytes]:
    """Return the files of a bundle's folder; raises BundleRefusedError where it cannot be read."""
    try:
        paths = [path for path in folder.iterdir() if path.is_file()]
        too_large = [path.name for path in paths if path.stat().st_size > _LARGEST_FILE_BYTES]
        if too_large:
            raise BundleRefusedError(f"{folder}: {too_large[0]} is larger than {_LARGEST_FILE_BYTES} bytes")
        return {path.name: path.read_bytes() for path in paths}
    except OSError as error:
        raise BundleRefusedError(
            f"{folder} cannot be read: {error.strerror}",
            hint="name the folder of the bundle, with its version",
        ) from error


def _on_this_line(bundle: ModelBundle, tags: dict[str, TagDefinition], where: Path) -> ModelBundle:
    """Return the bundle with the limits that hold here: of tag, bundle input and manipulated tag, the intersection."""
    wanted = {item.tag for item in bundle.inputs} | {item.tag for item in bundle.manipulated}
    wanted |= {interlock.tag for item in bundle.manipulated for interlock in item.interlocks}
    unknown = sorted(wanted - set(tags))
    if unknown:
        raise BundleRefusedError(
            f"{where} needs tags that are not configured: {', '.join(unknown)}",
            hint="add [tags.<name>] for each",
        )
    expected = [(item.tag, item.unit) for item in bundle.inputs if item.aggregate in _IN_THE_TAGS_SCALE]
    for tag, unit in (*expected, *((item.tag, item.unit) for item in bundle.manipulated)):
        if unit != tags[tag].unit:
            raise BundleRefusedError(
                f"{where}: {tag} is in {tags[tag].unit} here, the bundle expects {unit}",
                hint="correct the unit of the tag, or use a bundle trained on it",
            )
    here = replace(
        bundle,
        inputs=tuple(_narrowed_input(item, tags[item.tag]) for item in bundle.inputs),
        manipulated=tuple(_narrowed_setpoint(item, tags[item.tag], bundle) for item in bundle.manipulated),
    )
    nowhere = never_inside(bundle, here, tags)
    if nowhere:
        raise BundleRefusedError(
            f"{where}: {'; '.join(nowhere)}",
            hint="correct validated of the tag, or use a bundle trained for that range",
        )
    return here


def _narrowed_input(item: InputDefinition, tag: TagDefinition) -> InputDefinition:
    frozen = [after_ns for after_ns in (item.frozen_after_ns, tag.frozen_after_ns) if after_ns is not None]
    watched = replace(item, frozen_after_ns=min(frozen, default=None))
    if item.aggregate not in _IN_THE_TAGS_SCALE:
        return watched
    return replace(watched, validated=intersection(item.validated, tag.validated))


def _narrowed_setpoint(item: ManipulatedTag, tag: TagDefinition, bundle: ModelBundle) -> ManipulatedTag:
    as_input = [
        each.validated for each in bundle.inputs if each.tag == item.tag and each.aggregate in _IN_THE_TAGS_SCALE
    ]
    return replace(item, validated=intersection(item.validated, tag.validated, *as_input))


def _unreadable(key: str, file: Path | None) -> ConfigurationError:
    hint = "name the certificate's file, which the service may read"
    return ConfigurationError((Problem(file=str(file), key=key, message="is no file that can be read", hint=hint),))


def analytes_of(settings: Settings) -> dict[str, str]:
    """Return the laboratory's test names to ours; a test that is called like a configured analyte is that one."""
    return {table.analyte: table.analyte for table in settings.specification} | settings.lims.analytes
