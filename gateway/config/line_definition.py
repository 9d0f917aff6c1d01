"""From the configuration's tables and the bundles to the definition of the line."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.config.assigned_models import assigned_models, trusted_keys
from gateway.config.certificates import certificate_rules
from gateway.config.checks import contradictions
from gateway.config.laboratory_tables import ControlTable, SpecificationTable, TogetherTable, TrendTable
from gateway.config.load_tables import load_of
from gateway.config.review_table import review_rules
from gateway.config.setpoint_writes import write_problems, writes_of
from gateway.config.sights import sights_of
from gateway.config.signature_table import policies
from gateway.config.sinks import sinks_of
from gateway.config.suppressions import suppressions_of
from gateway.config.tables import Settings, TagTable
from gateway.contract.times import parse_rfc3339
from gateway.errors import ConfigurationError, Problem
from gateway.inference.versions import Promoted
from gateway.lab.procedures import read_procedure
from gateway.lab.units import converted
from gateway.line.alarm_rules import Rationing
from gateway.line.definition import UTC_ZONE, LineDefinition, ModelAssignment, TagDefinition
from gateway.line.procedures import Procedure
from gateway.line.spc_rules import ControlMaterial, Together, TrendRules
from gateway.records.laboratory import Bands, Specification
from gateway.time_units import seconds_to_ns


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
    tags, trusted = tags_of(settings), trusted_keys(settings, folder=path.parent)
    models, unusable = assigned_models(settings, path=path, tags=tags, trusted=trusted, in_service=in_service)
    problems += [*unusable, *_unit_problems(settings, path, models.values())]
    problems += write_problems(settings, path, models.values())
    procedures, zone = _procedures(settings, path, problems), _zone(settings, path, problems)
    certificates = certificate_rules(settings, path=path, problems=problems)
    if problems:
        raise ConfigurationError(tuple(problems))
    return LineDefinition(
        path=settings.line_path,
        topic_root=settings.topic_root,
        tags=tags,
        specifications=specifications_of(settings),
        trends=trends_of(settings),
        together=tuple(_together(table) for table in settings.together),
        controls=tuple(_control(table) for table in settings.control),
        procedures=procedures,
        time_zone=zone,
        language=settings.texts.language,
        units=settings.texts.units,
        sampling=settings.sampling.enabled,
        tests_per_hour=settings.sampling.tests_per_hour,
        lab_tests=settings.sampling.tests,
        laboratory_load=load_of(settings.laboratory, zone),
        models=tuple(models.values()),
        rationing=rationing_of(settings),
        suppressions=suppressions_of(settings),
        trusted_keys=None if trusted is None else frozenset(trusted),
        signed_stages_only=settings.approval.signed_stages,
        signatures=policies(settings.signatures),
        writes=writes_of(settings),
        sinks=sinks_of(settings),
        review=review_rules(settings.review),
        certificates=certificates,
        sights=sights_of(settings.knowledge.sight),
        umh_contract=None if settings.umh is None else settings.umh.contract,
        reports_to_sparkplug=settings.sparkplug is not None,
    )


def line_without_models(settings: Settings, *, trusted: Iterable[str] | None = None) -> LineDefinition:
    """Return the line as far as people's acts and reviews stand on it; no bundle is read.

    A bundle that does not hold any more must not keep a person away. ``trusted``: the keys whose signatures count.
    """
    return LineDefinition(
        path=settings.line_path,
        topic_root=settings.topic_root,
        tags=tags_of(settings),
        specifications=specifications_of(settings),
        models=(),
        trusted_keys=None if trusted is None else frozenset(trusted),
        signatures=policies(settings.signatures),
        language=settings.texts.language,
        units=settings.texts.units,
        rationing=rationing_of(settings),
        review=review_rules(settings.review),
        sights=sights_of(settings.knowledge.sight),
    )


def line_of_laboratory(settings: Settings, *, path: Path) -> LineDefinition:
    """Return the line as far as the load of its laboratory stands on it; no bundle is read.

    Raises ConfigurationError where there is no such time zone.
    """
    problems: list[Problem] = []
    zone = _zone(settings, path, problems)
    if problems:
        raise ConfigurationError(tuple(problems))
    return replace(line_without_models(settings), time_zone=zone, laboratory_load=load_of(settings.laboratory, zone))


def rationing_of(settings: Settings) -> Rationing:
    """Return how often operators are called."""
    return Rationing(
        most=settings.alarms.most_per_10_minutes,
        period_ns=seconds_to_ns(settings.alarms.period),
        longest_shelve_ns=seconds_to_ns(settings.alarms.longest_shelve),
    )


def _unit_problems(settings: Settings, path: Path, models: Iterable[ModelAssignment]) -> list[Problem]:
    """Return a problem for each specification whose unit does not convert to that of the model for its analyte."""
    problems = []
    for at, table in enumerate(settings.specification, start=1):
        outputs = [model.bundle.output_of(table.analyte) for model in models]
        units = {output.unit for output in outputs if output is not None}
        has_limits = table.lower is not None or table.upper is not None
        if has_limits and any(converted(1.0, table.unit, unit) is None for unit in units):
            message = f"is {table.unit}, but the model predicts {table.analyte} in {', '.join(sorted(units))}"
            hint = "state the specification in a unit that converts to the model's"
            problems.append(Problem(file=str(path), key=f"specification[{at}].unit", message=message, hint=hint))
    return problems


def specifications_of(settings: Settings) -> tuple[Specification, ...]:
    """Return the configured specifications."""
    return tuple(_specification(table) for table in settings.specification)


def trends_of(settings: Settings) -> tuple[TrendRules, ...]:
    """Return how series are charted, as configured."""
    return tuple(_trend(table) for table in settings.trend)


def tags_of(settings: Settings) -> dict[str, TagDefinition]:
    """Return the line's tags by name."""
    return {name: _tag(name, table) for name, table in settings.tags.items()}


def analytes_of(settings: Settings) -> dict[str, str]:
    """Return the analyte of each test name of the laboratory; a test named as a configured analyte is that one."""
    return {table.analyte: table.analyte for table in settings.specification} | settings.lims.analytes


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


def _control(table: ControlTable) -> ControlMaterial:
    return ControlMaterial(
        name=table.material,
        analyte=table.analyte,
        mean=table.mean,
        standard_deviation=table.standard_deviation,
        unit=table.unit,
    )


def _zone(settings: Settings, path: Path, problems: list[Problem]) -> ZoneInfo:
    try:
        return ZoneInfo(settings.site.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        message = f"there is no time zone {settings.site.time_zone}"
        hint = "write one such as Europe/Paris"
        problems.append(Problem(file=str(path), key="site.time_zone", message=message, hint=hint))
        return UTC_ZONE


def _procedures(settings: Settings, path: Path, problems: list[Problem]) -> tuple[Procedure, ...]:
    """Return the plant's procedures; adds a problem for each file that cannot be read."""
    if settings.procedures.folder is None:
        return ()
    folder, procedures = path.parent / settings.procedures.folder, []
    if not folder.is_dir():
        problems.append(
            Problem(
                file=str(path),
                key="procedures.folder",
                message=f"{folder} is no folder",
                hint="name a folder with .md files",
            )
        )
    for file in sorted(folder.glob("*.md")):
        try:
            procedures.append(read_procedure(file.stem, file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, ValueError) as error:
            problems.append(
                Problem(file=str(file), key="", message=str(error), hint="docs/laboratory.md has an example")
            )
    return tuple(procedures)


def procedures_of(settings: Settings, path: Path) -> tuple[Procedure, ...]:
    """Return the plant's procedures; raises ConfigurationError with a problem for each file that cannot be read."""
    problems: list[Problem] = []
    procedures = _procedures(settings, path, problems)
    if problems:
        raise ConfigurationError(tuple(problems))
    return procedures


def _trend(table: TrendTable) -> TrendRules:
    return TrendRules(
        product=table.product,
        analyte=table.analyte,
        rules=tuple(table.rules),
        ewma=table.ewma,
        cusum=table.cusum,
        baseline=table.baseline,
    )


def _together(table: TogetherTable) -> Together:
    return Together(product=table.product, analytes=tuple(table.analytes), baseline=table.baseline)
