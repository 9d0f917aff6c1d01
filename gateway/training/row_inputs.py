"""What is looked at for each row: the recipe's inputs, and where its setpoints stood over their windows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.inference.features import InputReading
from gateway.line.definition import Aggregate, InputDefinition
from gateway.training.recipe import Recipe


def reach_of(item: InputDefinition, longest_batch_ns: int) -> int:
    """Return how far an input looks back, where batches are no longer than that."""
    if item.stretch is None:
        return item.reach_ns
    return item.reach_ns - item.window_ns + min(item.window_ns, longest_batch_ns)


def inputs_of(recipe: Recipe) -> tuple[InputDefinition, ...]:
    """Return the recipe's inputs; their validated ranges are open until rows have been seen."""
    return tuple(item.definition(recipe.period_seconds) for item in recipe.named_inputs)


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
