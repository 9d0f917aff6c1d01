"""Aligned rows, and those of a data file: played through the gateway's own rings, windows and feature code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.errors import LablineError
from gateway.history.memory.rings import Rings
from gateway.inference.features import InputReading, feature_vector, read_inputs, windows_of
from gateway.inference.manifest import LONGEST_LAG_SECONDS, LONGEST_WINDOW_SECONDS, MOST_INPUTS
from gateway.line.definition import Aggregate, InputDefinition, TagDefinition
from gateway.records.process import TagSample
from gateway.time_units import SECOND_NS, seconds_to_ns
from gateway.training.backtest import NEVER, Timing
from gateway.training.data_file import read_columns
from gateway.training.recipe import Recipe
from gateway.training.recipe_tables.data import LaboratoryTable

BEGIN_NS = 1_767_225_600 * SECOND_NS  # the first row's instant, 2026-01-01: data files often have none
_SOURCE = "data"


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Aligned rows in the order of time. ``at``: which row of the data each is; ``about``: what a row is, in words.

    ``setpoints``: by manipulated tag, where it stood over the window of each input, NaN where that is not known.
    """

    at: NDArray[np.int64]  # (n,)
    names: tuple[str, ...]
    timing: Timing
    features: NDArray[np.float64]  # (n, inputs)
    values: NDArray[np.float64]  # (n,)
    data_sha256: str
    about: str
    setpoints: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)  # (n, inputs) each

    def __len__(self) -> int:
        return len(self.at)


def inputs_of(recipe: Recipe) -> tuple[InputDefinition, ...]:
    """Return the recipe's inputs; their validated ranges are open until rows have been seen."""
    return tuple(item.definition(recipe.period_seconds) for item in recipe.named_inputs)


def must_fit_a_bundle(recipe: Recipe) -> None:
    """Raise LablineError where no bundle may have such inputs: said before training, not after it."""
    inputs = inputs_of(recipe)
    if len(inputs) > MOST_INPUTS:
        raise LablineError(f"{recipe.name} has {len(inputs)} inputs", hint=f"a bundle has at most {MOST_INPUTS}")
    for item in inputs:
        reach = {
            "window_rows": (item.window_ns, LONGEST_WINDOW_SECONDS),
            "lags_rows": (item.lag_ns, LONGEST_LAG_SECONDS),
            "differences_rows": (item.difference_ns or 0, LONGEST_LAG_SECONDS),
        }
        for key, (reach_ns, longest_seconds) in reach.items():
            if reach_ns > seconds_to_ns(longest_seconds):
                raise LablineError(
                    f"inputs.{key}: {item.name} reaches over {reach_ns / SECOND_NS:g} s",
                    hint=f"at most {longest_seconds:g} s; is period_seconds right?",
                )


class SetpointReader:
    """Reads where the recipe's setpoints stood over the windows of the inputs; equal windows are read once."""

    def __init__(self, recipe: Recipe, inputs: tuple[InputDefinition, ...]) -> None:
        windows = [(item.lag_ns, item.window_ns) for item in inputs]
        distinct = sorted(set(windows))
        self._tags = tuple(table.tag for table in recipe.manipulated)
        self._columns = [distinct.index(window) for window in windows]
        self._count = len(distinct)
        self.definitions = tuple(
            InputDefinition(
                name=f"{table.tag} over {window_ns} before {lag_ns}",
                tag=table.tag,
                aggregate=Aggregate.MEAN if window_ns else Aggregate.LAST,
                window_ns=window_ns,
                lag_ns=lag_ns,
                unit=table.unit,
                validated=(-np.inf, np.inf),
            )
            for table in recipe.manipulated
            for lag_ns, window_ns in distinct
        )

    def values(self, readings: tuple[InputReading, ...]) -> NDArray[np.float64]:
        """Return, for the readings of ``definitions``, shape (setpoints, inputs); NaN where too little is known."""
        known = [
            reading.value if reading.value is not None and reading.coverage >= item.minimum_coverage else np.nan
            for reading, item in zip(readings, self.definitions, strict=True)
        ]
        return np.array(known, np.float64).reshape(len(self._tags), self._count)[:, self._columns]

    def by_tag(self, rows: Sequence[NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        """Return what ``values`` gave for each row, by tag: shape (n, inputs) each."""
        return {tag: np.array([row[at] for row in rows]) for at, tag in enumerate(self._tags)}


def file_rows(recipe: Recipe, *, folder: Path, on_progress: Callable[[str, int, int], None] = lambda *_: None) -> Rows:
    """Return the rows of a recipe's data file whose features are all known; raises LablineError."""
    if recipe.data is None or recipe.laboratory is None:
        raise LablineError(f"{recipe.name} has no data file", hint="give its recipe [data] and [laboratory]")
    path = (folder / recipe.data.file).resolve()
    columns, digest = read_columns(recipe.data, path)
    tables = (*recipe.manipulated, *recipe.inputs)  # an input may name the column of its setpoint
    column_of_tag = {table.over: table.over_column or table.over for table in recipe.inputs if table.over is not None}
    column_of_tag |= {table.tag: table.column or table.tag for table in tables}
    missing = sorted({*column_of_tag.values(), recipe.laboratory.column} - columns.keys())
    if missing:
        raise LablineError(f"{path} has no column {', '.join(missing)}", hint=f"it has {', '.join(columns)}")
    at, features, setpoints = _features(
        recipe, {tag: columns[column] for tag, column in column_of_tag.items()}, on_progress
    )
    return Rows(
        at=at,
        names=tuple(f"row {number}" for number in at.tolist()),
        timing=_timing(at, recipe.laboratory, period_ns=seconds_to_ns(recipe.data.period_seconds)),
        features=features,
        values=np.asarray(columns[recipe.laboratory.column], np.float64)[at],
        data_sha256=digest,
        about=f"A row is {recipe.data.period_seconds:g} s. Every {recipe.laboratory.every_rows}th row has a laboratory "
        f"value, which arrives {recipe.laboratory.delay_rows} rows late",
        setpoints=setpoints,
    )


def _timing(at: NDArray[np.int64], laboratory: LaboratoryTable, *, period_ns: int) -> Timing:
    measured = at % laboratory.every_rows == 0
    arrives_ns = np.where(measured, (at + laboratory.delay_rows) * period_ns, NEVER)
    return Timing(at_ns=at * period_ns, arrives_ns=arrives_ns)


def _features(
    recipe: Recipe, columns: Mapping[str, NDArray[np.float64]], on_progress: Callable[[str, int, int], None]
) -> tuple[NDArray[np.int64], NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Return which rows have all their features, shape (n,); these, shape (n, inputs); the setpoints by tag.

    ``columns`` by tag.
    """
    tags, inputs = _tags_of(recipe), inputs_of(recipe)
    period_ns = seconds_to_ns(recipe.period_seconds)
    longest = max(item.reach_ns for item in inputs)
    rings = Rings(dict.fromkeys(tags, _SOURCE), capacity=longest // period_ns + 8)
    reader = SetpointReader(recipe, inputs)
    kept, features, setpoints = [], [], []
    count = len(next(iter(columns.values())))
    for at in range(count):
        now_ns = BEGIN_NS + at * period_ns
        samples = [
            TagSample(tag=tag, value=float(column[at]), status=0, source_ns=now_ns, server_ns=now_ns)
            for tag, column in columns.items()
        ]
        rings.add_notification(_SOURCE, samples, confirmed_ns=now_ns)
        readings = read_inputs(inputs, tags, rings.windows(windows_of(inputs, now_ns)), now_ns)
        known = all(reading.coverage >= item.minimum_coverage for reading, item in zip(readings, inputs, strict=True))
        vector = feature_vector(inputs, readings, now_ns) if known else None
        if vector is not None:
            kept.append(at)
            features.append(vector.values)
            windows = rings.windows(windows_of(reader.definitions, now_ns))
            setpoints.append(reader.values(read_inputs(reader.definitions, tags, windows, now_ns)))
        if at % 200 == 0 or at == count - 1:
            on_progress("rows", at + 1, count)
    return np.array(kept, np.int64), np.array(features, np.float64), reader.by_tag(setpoints)


def _tags_of(recipe: Recipe) -> dict[str, TagDefinition]:
    """Return the tags as the feature code sees them."""
    units = {table.over: "" for table in recipe.inputs if table.over is not None}
    units |= {table.tag: table.unit for table in (*recipe.inputs, *recipe.manipulated)}
    return {
        tag: TagDefinition(
            name=tag, source=_SOURCE, node="", equipment_id="", unit=unit, validated=None,
            max_age_ns=seconds_to_ns(2 * recipe.period_seconds),
        )
        for tag, unit in units.items()
    }  # fmt: skip
