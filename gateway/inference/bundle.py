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
from typing import Any

import numpy as np
from pydantic import ValidationError

from gateway.errors import BundleRefusedError, InferenceError, why_unread
from gateway.inference.bundle_approval import approval_of
from gateway.inference.bundle_outputs import outputs_of
from gateway.inference.graph_limits import MOST_ROWS
from gateway.inference.manifest import (
    BundleManifest,
    CategoryTable,
    DomainTable,
    InputTable,
    InterlockTable,
    ManipulatedTable,
    ReferenceTable,
    StandardisationTable,
)
from gateway.line.definition import InputDefinition, Interlock, ManipulatedTag, ModelBundle, Predict
from gateway.line.derived_inputs import Category, Stretch
from gateway.line.model_domain import Domain
from gateway.line.outputs import FunctionSpaceLimits
from gateway.line.sustained_outside import SustainedOutside
from gateway.records.prediction import ModelIdentity
from gateway.time_units import seconds_to_ns

MANIFEST = "bundle.toml"
MODEL = "model.onnx"
GOLDEN = "golden.csv"
CARD = "card.md"
REFERENCE = "reference.json"
HASHED_FILES = (MODEL, GOLDEN, CARD, REFERENCE)
_OUTPUT_COLUMN = "output"
_LARGEST_BYTES = {MANIFEST: 2**20, REFERENCE: 2**24, GOLDEN: 2**24}  # of files that are read as text, and whole


def reference_json(
    domain: Domain,
    inputs: Sequence[str],
    *,
    rows: int,
    residuals: Mapping[str, list[float]],
    standardised_by: FunctionSpaceLimits | None = None,
) -> bytes:
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
        averaged_over=domain.averaged_over,
    )
    reference = ReferenceTable(
        domain=table,
        residuals={name: sorted(values) for name, values in residuals.items()},
        inputs=None
        if standardised_by is None
        else StandardisationTable(center=list(standardised_by.center), scale=list(standardised_by.scale)),
    )
    return (reference.model_dump_json(indent=1, exclude_none=True) + "\n").encode()


def read_bundle(files: Mapping[str, bytes], *, where: str) -> ModelBundle:
    """Return the bundle in these files after its schema and hashes held; raises BundleRefusedError.

    Args:
        files: file name to bytes, as found in the bundle's folder.
        where: the folder, for the error's sentence.
    """
    too_large = [name for name, most in _LARGEST_BYTES.items() if len(files.get(name, b"")) > most]
    if too_large:
        raise BundleRefusedError(
            f"{where}/{too_large[0]} has more than {_LARGEST_BYTES[too_large[0]]} bytes",
            hint="make the bundle again with its recipe",
        )
    manifest = read_manifest(files, where=where)
    _check_hashes(files, manifest, where)
    reference = _reference(files[REFERENCE], where)
    return ModelBundle(
        identity=ModelIdentity(
            name=manifest.name, version=manifest.version, sha256=hashlib.sha256(files[MANIFEST]).hexdigest()
        ),
        intended_use=manifest.intended_use,
        inputs=tuple(_input(table) for table in manifest.input),
        outputs=outputs_of(manifest.output, reference, where),
        manipulated=tuple(_manipulated(table) for table in manifest.manipulated),
        domain=_domain(reference.domain, manifest, where),
        outside=None if manifest.outside is None else SustainedOutside(**manifest.outside.model_dump()),
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
        averaged_over=table.averaged_over,
    )


def read_manifest(files: Mapping[str, bytes], *, where: str) -> BundleManifest:
    """Return what ``bundle.toml`` says, without holding it against the other files; raises BundleRefusedError."""
    if MANIFEST not in files:
        raise BundleRefusedError(
            f"{where}: there is no {MANIFEST}", hint="name the folder that holds the bundle's files"
        )
    try:
        return BundleManifest.model_validate(tomllib.loads(files[MANIFEST].decode()))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BundleRefusedError(
            f"{where}/{MANIFEST}: {key or 'the manifest'}: {first['msg']}",
            hint=f"{error.error_count()} thing(s) do not hold; make the bundle again with its recipe",
        ) from error
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise BundleRefusedError(f"{where}/{MANIFEST} is not TOML: {why_unread(error)}") from error


def _check_hashes(files: Mapping[str, bytes], manifest: BundleManifest, where: str) -> None:
    for name in dict.fromkeys((*HASHED_FILES, *manifest.files)):
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
        time_unit_seconds=table.time_unit_seconds,
        frozen_after_ns=_optional_ns(table.frozen_after_seconds),
        over=table.over,
        smallest_divisor=table.smallest_divisor,
        transform=table.transform,
        difference_ns=_optional_ns(table.difference_seconds),
        level=table.level,
        stretch=None if table.since is None else Stretch(since=table.since, until=table.until),
        category=None if table.category is None else _category(table.category),
        learned=table.learned,
    )


def _category(table: CategoryTable) -> Category:
    return Category(name=table.name, value=table.value, levels=tuple(table.levels))


def _optional_ns(seconds: float | None) -> int | None:
    return None if seconds is None else seconds_to_ns(seconds)


def _manipulated(table: ManipulatedTable) -> ManipulatedTag:
    return ManipulatedTag(
        tag=table.tag,
        unit=table.unit,
        validated=table.validated,
        max_step=table.max_step,
        resolution=table.resolution,
        minimum_interval_ns=seconds_to_ns(table.minimum_interval_seconds),
        gains=dict(table.gains),
        interlocks=tuple(_interlock(item) for item in table.interlocks),
        may_suggest=table.suggest,
    )


def _interlock(table: InterlockTable) -> Interlock:
    if table.within is not None:
        return Interlock(tag=table.tag, within=table.within)
    states = tuple(float(state) for state in table.states or ())
    return Interlock(tag=table.tag, within=(min(states), max(states)), states=states)


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
        computed = predict(inputs)
        predict(np.resize(inputs, (MOST_ROWS, len(bundle.inputs))))  # as many as a decision asks for at once, in time
    except InferenceError as error:
        raise BundleRefusedError(f"{where}/{MODEL} does not take its golden vectors: {error}") from error
    different = np.flatnonzero((computed != expected).any(axis=1))
    if len(different):
        at = int(different[0])
        raise BundleRefusedError(
            f"{where}: golden vector {at + 1} gives {computed[at].tolist()}, not {expected[at].tolist()}",
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
