"""Choosing a model honestly: blocks of time are left out, never single rows, with a gap on either side. Pure."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gateway.training.candidates.regressor import Regressor, said_by_settings


def blocks(count: int, *, folds: int, gap: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield (rows to fit on, rows left out) for each block of time.

    ``gap`` rows on either side of what is left out are used by neither: their windows overlap it (Bergmeir and Benitez
    2012, "On the use of cross-validation for time series predictor evaluation", blocked with removal of dependence).
    """
    edges = np.linspace(0, count, folds + 1).astype(int)
    everything = np.arange(count)
    for begin, end in pairwise(edges):
        outside = (everything < begin - gap) | (everything >= end + gap)
        yield everything[outside], everything[begin:end]


def later_blocks(count: int, *, folds: int, gap: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield (the rows before a block, the block) for each block of time but the first.

    A model meets the future in service, not a hole in its past: where a plant moves on, the two differ (Tashman 2000,
    "Out-of-sample tests of forecasting accuracy", rolling origin).
    """
    for _outside, block in blocks(count, folds=folds, gap=0):
        if block[0] > gap:
            yield np.arange(int(block[0]) - gap), block


def left_out(
    make: Callable[[], Regressor],
    features: NDArray[np.float64],
    values: NDArray[np.float64],
    at_seconds: NDArray[np.float64],
    parts: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]],
    *,
    on_fold: Callable[[], None] = lambda: None,
) -> NDArray[np.float64]:
    """Return for each row what a model that has not seen it says with each of its settings, shape (n, settings).

    It is NaN for rows in no part. ``parts``: rows to fit on, and rows to leave out.
    """
    predicted = np.full((len(values), 1), np.nan)
    for fitting, leaving in parts:
        model = make()
        model.fit(features[fitting], values[fitting], at_seconds[fitting])
        said = said_by_settings(model, features[leaving])
        if said.shape[1] > predicted.shape[1]:
            predicted = np.repeat(predicted, said.shape[1], axis=1)
        predicted[leaving] = said
        on_fold()
    return predicted


def r_squared(values: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return the coefficient of determination: 1 minus squared errors over squared distances from the mean."""
    return float(1 - np.sum((values - predicted) ** 2) / np.sum((values - values.mean()) ** 2))


def root_mean_square(errors: NDArray[np.float64]) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(errors**2)))


def changing(values: NDArray[np.float64], *, within_rows: int, share: float) -> NDArray[np.bool_]:
    """Return around which rows, shape (n,), positive values move by more than a share within so many rows."""
    logarithms = np.log(values)
    changes = np.empty(len(values), np.bool_)
    for at in range(len(values)):
        around = logarithms[max(0, at - within_rows) : at + within_rows]
        changes[at] = np.ptp(around) > np.log1p(share)
    return changes
