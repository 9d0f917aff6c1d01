"""Aligned rows, and those of a data file: played through the gateway's own rings, windows and feature code."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.errors import LablineError
from gateway.inference.manifest import LONGEST_LAG_SECONDS, LONGEST_WINDOW_SECONDS, MOST_INPUTS
from gateway.line.definition import InputDefinition
from gateway.time_units import SECOND_NS, seconds_to_ns
from gateway.training.backtest import Timing
from gateway.training.categories import Learned, learned
from gateway.training.file_recording import FileRecording, read_files
from gateway.training.files.instants import NEVER
from gateway.training.reading_rows import Progress, read_samples
from gateway.training.recipe import Recipe
from gateway.training.row_inputs import inputs_of, reach_of


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


def file_rows(recipe: Recipe, *, folder: Path, on_progress: Progress = lambda *_: None) -> Rows:
    """Return the rows of a recipe's files whose features are all known; raises LablineError."""
    return rows_of_recording(recipe, recording_of(recipe, folder=folder), on_progress=on_progress)


def recording_of(recipe: Recipe, *, folder: Path) -> FileRecording:
    """Return what a recipe's files record; raises LablineError."""
    if recipe.data is None or recipe.laboratory is None:
        raise LablineError(f"{recipe.name} has no data file", hint="give its recipe [data] and [laboratory]")
    product = next((table.columns[0] for table in recipe.inputs if table.is_product), None)
    columns = [*_column_of_tag(recipe).values()]
    return read_files(recipe.data, recipe.laboratory, columns=columns, folder=folder, product_column=product)


def _column_of_tag(recipe: Recipe) -> dict[str, str]:
    tables = (*recipe.manipulated, *recipe.inputs)  # an input may name the column of its setpoint
    columns = {table.over: table.over_column or table.over for table in recipe.inputs if table.over is not None}
    return columns | {table.tag: table.column or table.tag for table in tables if table.tag}


def rows_of_recording(recipe: Recipe, recording: FileRecording, *, on_progress: Progress = lambda *_: None) -> Rows:
    """Return the rows of files that have been read."""
    played = {tag: recording.columns[column] for tag, column in _column_of_tag(recipe).items()}
    read = read_samples(recipe, recording, played, on_progress)
    samples = recording.samples.of(read.kept)
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
