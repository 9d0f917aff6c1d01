"""Model bundles: what a folder promises is read, held against itself, and refused where it does not hold.

Pure: takes the files' bytes, not paths. ``bundle.toml`` names the SHA-256 of every other file, so the hash of
``bundle.toml`` identifies the whole bundle. Golden vectors (inputs and the exact outputs of the pinned runtime)
are checked with the function that will serve.
"""

import csv
import hashlib
import io
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.definitions import (
    AdaptiveLimits,
    Aggregate,
    BiasLimits,
    Domain,
    InputDefinition,
    Interlock,
    ManipulatedTag,
    ModelBundle,
    ModelOutput,
    Predict,
    ProbabilityOutput,
    ValueOutput,
)
from gateway.errors import BundleRefusedError, InferenceError
from gateway.inference.signature import approval_of
from gateway.records import ModelIdentity, seconds_to_ns

MANIFEST = "bundle.toml"
MODEL = "model.onnx"
GOLDEN = "golden.csv"
CARD = "card.md"
REFERENCE = "reference.json"
HASHED_FILES = (MODEL, GOLDEN, CARD, REFERENCE)
_OUTPUT_COLUMN = "output"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class InputTable(_Table):
    """``[[input]]``: a feature's name = tag, aggregate, window, lag, unit, validated range."""

    name: str
    tag: str
    aggregate: Aggregate
    window_seconds: float = Field(ge=0)
    lag_seconds: float = Field(ge=0)
    unit: str
    validated: tuple[float, float]
    minimum_coverage: float = Field(default=0.8, gt=0, le=1)
    frozen_after_seconds: float | None = Field(default=None, gt=0)


class IntervalTable(_Table):
    """``[interval]``: how the interval was made; ``half_width`` from calibration residuals."""

    method: str
    coverage: float = Field(gt=0, lt=1)
    half_width: float = Field(gt=0)
    calibration_rows: int = Field(gt=0)
    max_half_width: float | None = Field(default=None, gt=0)


class BiasTable(_Table):
    """``[output.bias]``: how far laboratory results may correct the value, where the configuration lets them."""

    trust: float = Field(gt=0, le=1)
    max_step: float = Field(gt=0)
    max_total: float = Field(gt=0)
    max_age_seconds: float = Field(gt=0)


class AdaptiveTable(_Table):
    """``[output.adaptive]``: how fast the interval follows its hits and misses, and between which coverages."""

    rate: float = Field(gt=0, lt=1)
    min_coverage: float = Field(gt=0, lt=1)
    max_coverage: float = Field(gt=0, lt=1)


class DriftTable(_Table):
    """``[output.drift]``: the standard deviation of errors in service, which the charts of residuals are scaled by."""

    sigma: float = Field(gt=0)


class Kind(StrEnum):
    """What a column of the model's output is."""

    VALUE = "value"
    PROBABILITY = "probability_out_of_specification"


class OutputTable(_Table):
    """``[[output]]``: a column of what the model says, in the model's order; one of each kind per analyte."""

    analyte: str
    unit: str
    kind: Kind = Kind.VALUE
    valid: tuple[float, float] = (0.0, 1.0)
    interval: IntervalTable | None = None
    bias: BiasTable | None = None
    adaptive: AdaptiveTable | None = None
    drift: DriftTable | None = None
    warn_at: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _complete(self) -> "OutputTable":
        if self.kind is Kind.VALUE and (self.interval is None or "valid" not in self.model_fields_set):
            raise ValueError(f"the value of {self.analyte} needs its valid range and its [output.interval]")
        if self.kind is Kind.PROBABILITY and self.warn_at is None:
            raise ValueError(f"the probability of {self.analyte} needs warn_at, from which on to warn")
        return self


class TrainingTable(_Table):
    """``[training]``: what the model learned from."""

    data_sha256: str
    period: str
    rows: int
    recipe: str
    seed: int


class AcceptanceTable(_Table):
    """``[[acceptance]]``: a criterion agreed beforehand, and what was reached."""

    figure: str
    criterion: str
    reached: float


class InterlockTable(_Table):
    """``interlocks``: a tag that must lie within limits while a setpoint may be moved."""

    tag: str
    within: tuple[float, float]


class ManipulatedTable(_Table):
    """``[[manipulated]]``: a setpoint that may be moved, within which limits, and what follows it."""

    tag: str
    unit: str
    validated: tuple[float, float]
    max_step: float = Field(gt=0)
    resolution: float = Field(gt=0)
    minimum_interval_seconds: float = Field(ge=0)
    gains: dict[str, float]
    interlocks: list[InterlockTable] = []


class BundleManifest(_Table):
    """``bundle.toml`` as a whole."""

    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    intended_use: str
    input: list[InputTable] = Field(min_length=1)
    output: list[OutputTable] = Field(min_length=1)
    training: TrainingTable
    acceptance: list[AcceptanceTable] = []
    manipulated: list[ManipulatedTable] = []
    files: dict[str, str]

    @model_validator(mode="after")
    def _consistent(self) -> "BundleManifest":
        names = [item.name for item in self.input]
        if len(set(names)) != len(names):
            raise ValueError("two inputs have the same name")
        kinds = [(item.analyte, item.kind) for item in self.output]
        if len(set(kinds)) != len(kinds):
            raise ValueError("two outputs say the same of the same analyte")
        for limits in (
            *(item.valid for item in self.output),
            *(item.validated for item in self.input),
            *(item.validated for item in self.manipulated),
        ):
            if not limits[0] < limits[1]:
                raise ValueError(f"the range {list(limits)} has no room between lower and upper")
        for item in self.manipulated:
            unknown = set(item.gains) - set(names)
            if unknown:
                raise ValueError(f"manipulated {item.tag} names unknown inputs {sorted(unknown)}")
        return self


class DomainTable(_Table):
    """``domain`` in ``reference.json``: the principal component model of the training inputs, and its limits.

    ``loadings``: a row per input, a column per component.
    """

    inputs: list[str]
    center: list[float]
    scale: list[Annotated[float, Field(gt=0)]]
    loadings: list[list[float]]
    variances: list[Annotated[float, Field(gt=0)]] = Field(min_length=1)
    t2_limit: float = Field(gt=0)
    spe_limit: float = Field(gt=0)
    alpha: float = Field(gt=0, lt=1)
    rows: int = Field(gt=0)

    @model_validator(mode="after")
    def _shapes(self) -> "DomainTable":
        inputs, components = len(self.inputs), len(self.variances)
        if not len(self.center) == len(self.scale) == len(self.loadings) == inputs:
            raise ValueError("center, scale and loadings must have one entry per input")
        if any(len(row) != components for row in self.loadings):
            raise ValueError("loadings must have one column per variance")
        return self


class ReferenceTable(_Table):
    """``reference.json``: what the model's inputs and errors looked like when it was made.

    ``residuals``: per analyte the absolute calibration residuals, in ascending order.
    """

    domain: DomainTable
    residuals: dict[str, list[Annotated[float, Field(ge=0)]]] = {}


def reference_json(domain: Domain, inputs: Sequence[str], *, rows: int, residuals: Mapping[str, list[float]]) -> bytes:
    """Return ``reference.json``; ``rows``: of how many training rows the domain is made."""
    table = DomainTable(
        inputs=list(inputs),
        center=domain.center.tolist(),
        scale=domain.scale.tolist(),
        loadings=domain.loadings.tolist(),
        variances=domain.variances.tolist(),
        t2_limit=domain.t2_limit,
        spe_limit=domain.spe_limit,
        alpha=domain.alpha,
        rows=rows,
    )
    reference = ReferenceTable(domain=table, residuals={name: sorted(values) for name, values in residuals.items()})
    return (reference.model_dump_json(indent=1) + "\n").encode()


def read_bundle(files: Mapping[str, bytes], *, where: str) -> ModelBundle:
    """Return the bundle in these files after its schema and hashes held; raises BundleRefusedError.

    Args:
        files: file name to bytes, as found in the bundle's folder.
        where: the folder, for the error's sentence.
    """
    manifest = read_manifest(files, where=where)
    _check_hashes(files, manifest, where)
    reference = _reference(files[REFERENCE], where)
    return ModelBundle(
        identity=ModelIdentity(
            name=manifest.name, version=manifest.version, sha256=hashlib.sha256(files[MANIFEST]).hexdigest()
        ),
        intended_use=manifest.intended_use,
        inputs=tuple(_input(table) for table in manifest.input),
        outputs=_outputs(manifest.output, reference.residuals, where),
        manipulated=tuple(_manipulated(table) for table in manifest.manipulated),
        domain=_domain(reference.domain, manifest, where),
        approval=approval_of(files, files[MANIFEST], where=where),
    )


def _reference(content: bytes, where: str) -> ReferenceTable:
    try:
        return ReferenceTable.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BundleRefusedError(f"{where}/{REFERENCE}: {key or 'the file'}: {first['msg']}") from error


def _domain(table: DomainTable, manifest: BundleManifest, where: str) -> Domain:
    if table.inputs != [item.name for item in manifest.input]:
        raise BundleRefusedError(f"{where}/{REFERENCE}: its inputs are not those of {MANIFEST}, in their order")
    return Domain(
        center=np.array(table.center),
        scale=np.array(table.scale),
        loadings=np.array(table.loadings),
        variances=np.array(table.variances),
        t2_limit=table.t2_limit,
        spe_limit=table.spe_limit,
        alpha=table.alpha,
    )


def read_manifest(files: Mapping[str, bytes], *, where: str) -> BundleManifest:
    """Return what ``bundle.toml`` says, without holding it against the other files; raises BundleRefusedError."""
    if MANIFEST not in files:
        raise BundleRefusedError(
            f"{where}: there is no {MANIFEST}", hint="name the folder that holds the bundle's files"
        )
    try:
        return BundleManifest.model_validate(tomllib.loads(files[MANIFEST].decode()))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BundleRefusedError(f"{where}/{MANIFEST} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BundleRefusedError(
            f"{where}/{MANIFEST}: {key or 'the manifest'}: {first['msg']}",
            hint=f"{error.error_count()} thing(s) do not hold; make the bundle again with its recipe",
        ) from error


def _check_hashes(files: Mapping[str, bytes], manifest: BundleManifest, where: str) -> None:
    for name in HASHED_FILES:
        expected = manifest.files.get(name)
        if expected is None:
            raise BundleRefusedError(f"{where}/{MANIFEST} names no hash of {name}")
        if name not in files:
            raise BundleRefusedError(f"{where}: {name} is missing")
        if hashlib.sha256(files[name]).hexdigest() != expected:
            raise BundleRefusedError(
                f"{where}/{name} is not the file that was accepted: its hash differs from {MANIFEST}",
                hint="restore the bundle from where it was approved; never edit one in place",
            )


def _input(table: InputTable) -> InputDefinition:
    return InputDefinition(
        name=table.name,
        tag=table.tag,
        aggregate=table.aggregate,
        window_ns=seconds_to_ns(table.window_seconds),
        lag_ns=seconds_to_ns(table.lag_seconds),
        unit=table.unit,
        validated=table.validated,
        minimum_coverage=table.minimum_coverage,
        frozen_after_ns=None if table.frozen_after_seconds is None else seconds_to_ns(table.frozen_after_seconds),
    )


def _outputs(tables: list[OutputTable], residuals: Mapping[str, list[float]], where: str) -> tuple[ModelOutput, ...]:
    """Return the outputs by analyte; columns are numbered as the tables stand."""
    found: dict[str, ModelOutput] = {}
    for column, table in enumerate(tables):
        known = found.setdefault(table.analyte, ModelOutput(analyte=table.analyte, unit=table.unit))
        if known.unit != table.unit:
            raise BundleRefusedError(
                f"{where}/{MANIFEST}: {table.analyte} is given in {known.unit} and in {table.unit}"
            )
        if table.interval is not None and table.kind is Kind.VALUE:
            value = ValueOutput(
                column=column,
                valid=table.valid,
                coverage=table.interval.coverage,
                half_width=table.interval.half_width,
                max_half_width=table.interval.max_half_width,
                residuals=tuple(sorted(residuals[table.analyte])) if table.analyte in residuals else None,
                sigma=None if table.drift is None else table.drift.sigma,
                bias=_bias(table.bias),
                adaptive=None if table.adaptive is None else AdaptiveLimits(**table.adaptive.model_dump()),
            )
            if table.adaptive is not None and not residuals.get(table.analyte):
                raise BundleRefusedError(f"{where}/{REFERENCE} has no residuals of {table.analyte} to adapt by")
            found[table.analyte] = replace(known, value=value)
        elif table.warn_at is not None:
            probability = ProbabilityOutput(column=column, warn_at=table.warn_at)
            found[table.analyte] = replace(known, probability=probability)
    return tuple(found.values())


def _bias(table: BiasTable | None) -> BiasLimits | None:
    if table is None:
        return None
    return BiasLimits(
        trust=table.trust,
        max_step=table.max_step,
        max_total=table.max_total,
        max_age_ns=seconds_to_ns(table.max_age_seconds),
    )


def _manipulated(table: ManipulatedTable) -> ManipulatedTag:
    return ManipulatedTag(
        tag=table.tag,
        unit=table.unit,
        validated=table.validated,
        max_step=table.max_step,
        resolution=table.resolution,
        minimum_interval_ns=seconds_to_ns(table.minimum_interval_seconds),
        gains=dict(table.gains),
        interlocks=tuple(Interlock(tag=item.tag, within=item.within) for item in table.interlocks),
    )


def check_golden(files: Mapping[str, bytes], bundle: ModelBundle, predict: Predict, *, where: str) -> int:
    """Return how many golden vectors held, to the last bit; raises BundleRefusedError on the first that did not."""
    try:
        rows = list(csv.DictReader(io.StringIO(files[GOLDEN].decode())))
        inputs = np.array([[float(row[item.name]) for item in bundle.inputs] for row in rows], np.float64)
        names = output_columns(bundle.columns)
        expected = np.array([[float(row[name]) for name in names] for row in rows], np.float64)
    except (UnicodeDecodeError, KeyError, ValueError, TypeError) as error:
        raise BundleRefusedError(f"{where}/{GOLDEN} cannot be read: {error!r}") from error
    if not rows:
        raise BundleRefusedError(f"{where}/{GOLDEN} holds no vectors")
    try:
        found = predict(inputs)
    except InferenceError as error:
        raise BundleRefusedError(f"{where}/{MODEL} does not take its golden vectors: {error}") from error
    different = np.flatnonzero((found != expected).any(axis=1))
    if len(different):
        at = int(different[0])
        raise BundleRefusedError(
            f"{where}: golden vector {at + 1} gives {found[at].tolist()}, not {expected[at].tolist()}",
            hint="the model or its runtime differs from what was accepted; install the pinned runtime",
        )
    return len(rows)


def output_columns(columns: int) -> tuple[str, ...]:
    """Return the names of a golden file's output columns."""
    return (_OUTPUT_COLUMN,) if columns == 1 else tuple(f"{_OUTPUT_COLUMN}_{at}" for at in range(1, columns + 1))


def golden_csv(bundle_inputs: tuple[str, ...], rows: np.ndarray[Any, Any], outputs: np.ndarray[Any, Any]) -> bytes:
    """Return ``golden.csv``: inputs of shape (n, inputs) and outputs of shape (n, columns), to round-trip exactly."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*bundle_inputs, *output_columns(outputs.shape[1])])
    for row, output in zip(rows, outputs, strict=True):
        writer.writerow([repr(float(value)) for value in (*row, *output)])
    return text.getvalue().encode()
