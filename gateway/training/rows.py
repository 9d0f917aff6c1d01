"""Aligned rows, and those of a data file: played through the gateway's own rings, windows and feature code."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.errors import LablineError
from gateway.inference.features import InputReading, feature_vector, read_inputs, windows_of
from gateway.inference.manifest import LONGEST_LAG_SECONDS, LONGEST_WINDOW_SECONDS, MOST_INPUTS
from gateway.line.definition import Aggregate, InputDefinition, TagDefinition
from gateway.time_units import SECOND_NS, seconds_to_ns
from gateway.training.backtest import Timing
from gateway.training.categories import Learned, Texts, learned, taken_as_read
from gateway.training.file_recording import FileRecording, read_files
from gateway.training.files.cells import NumberColumn
from gateway.training.files.instants import NEVER
from gateway.training.recipe import Recipe
from gateway.training.ring_feed import SOURCE, RingFeed


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Aligned rows in the order of time. ``at``: which row of the data each is; ``about``: what a row is, in words.

    ``inputs``: what the columns of the features are. ``setpoints``: by manipulated tag, where it stood over the window
    of each input, NaN where that is not known. ``longest_batch_ns``: over how long windows of batches reach.
    """

    at: NDArray[np.int64]  # (n,)
    names: tuple[str, ...]
    timing: Timing
    inputs: tuple[InputDefinition, ...]
    features: NDArray[np.float64]  # (n, inputs)
    values: NDArray[np.float64]  # (n,)
    data_sha256: str
    about: str
    setpoints: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)  # (n, inputs) each
    longest_batch_ns: int = 0
    odd: Mapping[str, int] = field(default_factory=dict)  # how often something was odd about the data, by what it was
    products: tuple[str | None, ...] | None = None  # what each row is of, where products are corrected apart

    def __len__(self) -> int:
        return len(self.at)

    def timing_of(self, part: slice) -> Timing:
        """Return the timing of a part of the rows, with what corrections look at."""
        products = None if self.products is None else np.array(self.products, object)
        return replace(self.timing, features=self.features, products=products).of(part)

    @property
    def reach_ns(self) -> int:
        """Return over how long the longest window reaches."""
        return max(reach_of(item, self.longest_batch_ns) for item in self.inputs)


def reach_of(item: InputDefinition, longest_batch_ns: int) -> int:
    """Return how far an input looks back, where batches are no longer than that."""
    if item.stretch is None:
        return item.reach_ns
    return item.reach_ns - item.window_ns + min(item.window_ns, longest_batch_ns)


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
            "window_rows" if item.stretch is None else "longest_seconds": (item.window_ns, LONGEST_WINDOW_SECONDS),
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
        windows = [(item.lag_ns, item.window_ns if item.stretch is None else 0) for item in inputs]
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
    """Return the rows of a recipe's files whose features are all known; raises LablineError."""
    if recipe.data is None or recipe.laboratory is None:
        raise LablineError(f"{recipe.name} has no data file", hint="give its recipe [data] and [laboratory]")
    tables = (*recipe.manipulated, *recipe.inputs)  # an input may name the column of its setpoint
    column_of_tag = {table.over: table.over_column or table.over for table in recipe.inputs if table.over is not None}
    column_of_tag |= {table.tag: table.column or table.tag for table in tables if table.tag}
    product = next((table.columns[0] for table in recipe.inputs if table.is_product), None)
    recording = read_files(
        recipe.data, recipe.laboratory, columns=[*column_of_tag.values()], folder=folder, product_column=product
    )
    played = {tag: recording.columns[column] for tag, column in column_of_tag.items()}
    read = _read(recipe, recording, played, on_progress)
    samples = recording.samples.of(np.array(read.kept, np.int64))
    made = learned(
        recipe, inputs_of(recipe), read.matrix, read.texts, before_test=rows_before_test(recipe, samples.rows)
    )
    samples = samples.of(made.kept)
    begin_ns = int(recording.at_ns[0])
    arrives_ns = np.where(samples.arrives_ns == NEVER, NEVER, samples.arrives_ns - begin_ns)
    return Rows(
        at=samples.rows,
        names=samples.names,
        timing=Timing(at_ns=samples.at_ns - begin_ns, arrives_ns=arrives_ns),
        inputs=made.inputs,
        features=made.features,
        values=samples.values,
        data_sha256=recording.sha256,
        about=recording.about,
        setpoints=of_inputs(read.reader.by_tag(read.setpoints), made),
        longest_batch_ns=recording.production.longest_ns,
        products=samples.products,
        odd=dict(recording.odd) | {f"left out: {why}": count for why, count in (read.left_out + made.left_out).items()},
    )


def rows_before_test(recipe: Recipe, at: NDArray[np.int64]) -> int:
    """Return how many rows come before the test; ``at``: their numbers, shape (n,)."""
    total = int(at[-1]) + 1 if len(at) else 0  # a share of the data, not of what is left of it
    return int(np.searchsorted(at, round(total * recipe.split.train)))


def of_inputs(setpoints: Mapping[str, NDArray[np.float64]], made: Learned) -> dict[str, NDArray[np.float64]]:
    """Return by setpoint what was read for the inputs as read, shape (rows, inputs) of what was learned."""
    return {tag: stood[made.kept][:, made.source] if len(stood) else stood for tag, stood in setpoints.items()}


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What was read of the samples whose inputs are all known; ``left_out``: why others are not among them."""

    reader: SetpointReader
    width: int
    kept: list[int] = field(default_factory=list)
    features: list[tuple[float, ...]] = field(default_factory=list)
    texts: list[Texts] = field(default_factory=list)
    setpoints: list[NDArray[np.float64]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Return the features, shape (n, inputs as read)."""
        return np.array(self.features, np.float64).reshape(len(self.features), self.width)


def _read(
    recipe: Recipe,
    recording: FileRecording,
    played: Mapping[str, NumberColumn],
    on_progress: Callable[[str, int, int], None],
) -> _Read:
    """Return what the gateway's own rings and features say at each sample; ``played``: columns by tag."""
    tags, inputs = _tags_of(recipe), inputs_of(recipe)
    reach_ns = max(reach_of(item, recording.production.longest_ns) for item in inputs)
    feed = RingFeed(recording, played, reach_ns=reach_ns)
    read = _Read(reader=SetpointReader(recipe, inputs), width=len(inputs))
    definitions, count = read.reader.definitions, len(recording.samples)
    for at, now_ns in enumerate(recording.samples.at_ns.tolist()):
        feed.until(now_ns)
        windows = feed.rings.windows(windows_of(inputs, now_ns))
        then = recording.production.then(now_ns)
        readings = read_inputs(inputs, tags, windows, now_ns, then, values_only=True)
        _taken, readings, texts = taken_as_read(inputs, readings)
        unknown = [lack for pair in zip(readings, inputs, strict=True) if (lack := _lack(*pair)) is not None]
        vector = None if unknown else feature_vector(inputs, readings, now_ns)
        if vector is not None:
            read.kept.append(at)
            read.features.append(vector.values)
            read.texts.append(texts)
            windows = feed.rings.windows(windows_of(definitions, now_ns))
            read.setpoints.append(read.reader.values(read_inputs(definitions, tags, windows, now_ns, values_only=True)))
        elif now_ns - reach_ns < recording.at_ns[0]:
            read.left_out["rows at the beginning, whose windows reach back further than the file"] += 1
        else:
            read.left_out[f"rows without {unknown[0]}"] += 1
        if at % 200 == 0 or at == count - 1:
            on_progress("rows", at + 1, count)
    return read


def _lack(reading: InputReading, item: InputDefinition) -> str | None:
    """Return what an input lacks: the tag, where too little of it is known, else a value of the input itself."""
    if reading.missing is None and item.tag and reading.coverage < item.minimum_coverage:
        return item.tag
    return item.name if reading.value is None else None


def _tags_of(recipe: Recipe) -> dict[str, TagDefinition]:
    """Return the tags as the feature code sees them."""
    units = {table.over: "" for table in recipe.inputs if table.over is not None}
    units |= {table.tag: table.unit for table in (*recipe.inputs, *recipe.manipulated) if table.tag}
    return {
        tag: TagDefinition(
            name=tag, source=SOURCE, node="", equipment_id="", unit=unit, validated=None,
            max_age_ns=seconds_to_ns(2 * recipe.period_seconds),
        )
        for tag, unit in units.items()
    }  # fmt: skip
