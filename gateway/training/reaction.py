"""How much a value answers to a setpoint, by the data: the slope of what the other inputs do not explain. Pure.

Both the value and the setpoint are predicted from the inputs that do not follow the setpoint, each block of time by
models that have not seen it; what is left of the one is held against what is left of the other (partially linear
model with cross-fitting: Chernozhukov et al. 2018, "Double/debiased machine learning for treatment and structural
parameters"). So a setpoint that only ever moves together with a disturbance shows nothing of its own.

The left-out blocks are cut into pieces of time. Only what moves around the mean of its piece counts, so that slow drift
is no reaction, nor two slow courses that resemble each other by chance. The interval comes from leaving out one piece
after the other, with as many degrees of freedom as pieces hold the setpoint's moves (MacKinnon, Nielsen and Webb 2023,
"Cluster-robust inference: a guide to empirical practice"): rows near in time are not independent, and a few moves prove
little however many rows there are.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gateway.training.cross_validation import blocks

COVERAGE = 0.99  # of the interval: advice that moves a plant the wrong way costs more than advice that is not given
FEWEST_PIECES = 4.0  # that carry the slope; with fewer nobody can say how sure it is
_ROWS_PER_LAG = 20  # with fewer, lags are taken together
_MOST_PIECES, _LEAST_PIECE_ROWS = 20, 12
_NOTHING = 1e-9  # of the setpoint's spread: below that is arithmetic


@dataclass(frozen=True, kw_only=True)
class Slope:
    """By how much a value moves for one unit of a setpoint, and the interval of that."""

    value: float
    low: float
    high: float

    @property
    def is_certain(self) -> bool:
        """Return whether its sign is certain: zero lies outside the interval."""
        return self.low > 0 or self.high < 0

    def times(self, factor: float) -> "Slope":
        """Return the slope in another unit of the value; ``factor`` is positive."""
        return Slope(value=self.value * factor, low=self.low * factor, high=self.high * factor)


def pieces(count: int, *, folds: int, gap: int) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each piece of time; none spans two left-out blocks.

    A piece is at least twice as long as the longest window, so that most of a move's effect falls into its own.
    """
    most = int(np.clip(count // max(2 * gap, _LEAST_PIECE_ROWS), folds, _MOST_PIECES))
    for begin, end in pairwise(np.linspace(0, count, folds + 1).astype(int)):
        for first, last in pairwise(np.linspace(begin, end, math.ceil(most / folds) + 1).astype(int)):
            yield np.arange(first, last)


def around_means(of: NDArray[np.float64], *, folds: int, gap: int) -> NDArray[np.float64]:
    """Return values, shape (n, k), less the mean of their piece of time."""
    moved = np.empty_like(of)
    for rows in pieces(len(of), folds=folds, gap=gap):
        moved[rows] = of[rows] - of[rows].mean(axis=0)
    return moved


def unexplained(
    of: NDArray[np.float64], others: NDArray[np.float64], *, folds: int, gap: int, seed: int
) -> NDArray[np.float64]:
    """Return what other inputs, shape (n, others), do not explain of values, shape (n, k), each block left out once.

    Both are taken around the means of their pieces first. Else two slow courses that resemble each other by chance in
    the rows that models are fitted on would leave errors that resemble each other in the block that is left out.
    """
    left = around_means(of, folds=folds, gap=gap)
    if not others.shape[1]:
        return left
    seen, moved = np.hstack([others, around_means(others, folds=folds, gap=gap)]), left.copy()
    for fitting, leaving in blocks(len(of), folds=folds, gap=gap):
        models = _linear_and_not(seed)
        for model in models:
            model.fit(seen[fitting], moved[fitting])
            left[leaving] -= np.reshape(model.predict(seen[leaving]), moved[leaving].shape) / len(models)
    return left


def _linear_and_not(seed: int) -> tuple[Any, ...]:
    """Return two models whose mean explains what is linear and what is not."""
    linear = make_pipeline(StandardScaler(), Ridge(alpha=10.0))
    return linear, ExtraTreesRegressor(100, min_samples_leaf=5, random_state=seed)


def slope(
    of: NDArray[np.float64], on: NDArray[np.float64], *, folds: int, gap: int, moves: NDArray[np.float64] | None = None
) -> Slope | None:
    """Return the settled slope of values on a setpoint; None where too few pieces of time have moves of it.

    Args:
        of: the values, shape (n,).
        on: the setpoint at several lags, shape (n, lags); what follows a move late is spread over them, and the settled
            slope is the sum of theirs.
        folds: how many blocks were left out.
        gap: over how many rows the longest window reaches.
        moves: the setpoint itself, shape (n, lags), where ``on`` is what others do not explain of it.
    """
    if len(on) < _ROWS_PER_LAG * on.shape[1]:
        on = on.mean(axis=1, keepdims=True)
    centred = around_means(on, folds=folds, gap=gap)
    carrying = min(_carrying(moved, folds=folds, gap=gap) for moved in (on, on if moves is None else moves))
    if carrying < FEWEST_PIECES:
        return None
    squares, products = [], []
    for rows in pieces(len(on), folds=folds, gap=gap):
        squares.append(centred[rows].T @ centred[rows])
        products.append(centred[rows].T @ of[rows])
    square, product = np.sum(squares, axis=0), np.sum(products, axis=0)
    value = _settled(square, product)
    without = [_settled(square - left, product - out) for left, out in zip(squares, products, strict=True)]
    error = float(np.sqrt(np.sum((np.array(without) - value) ** 2)))
    reach = error * float(stats.t.ppf((1 + COVERAGE) / 2, carrying - 1))
    return Slope(value=value, low=value - reach, high=value + reach)


def _carrying(setpoint: NDArray[np.float64], *, folds: int, gap: int) -> float:
    """Return over how many pieces of time the moves of a setpoint, shape (n, lags), are spread; 0 where it has none."""
    mean = setpoint.mean(axis=1, keepdims=True)
    moved = around_means(mean, folds=folds, gap=gap)
    weight = np.array([float(np.sum(moved[rows] ** 2)) for rows in pieces(len(mean), folds=folds, gap=gap)])
    if weight.sum() <= len(mean) * (_NOTHING * float(np.max(np.abs(mean), initial=0.0))) ** 2:
        return 0.0
    return float(weight.sum() ** 2 / np.sum(weight**2))


def _settled(square: NDArray[np.float64], product: NDArray[np.float64]) -> float:
    """Return the sum of the coefficients of least squares; lags that cannot be told apart share theirs."""
    return float(np.sum(np.linalg.pinv(square, rcond=_NOTHING, hermitian=True) @ product))


def tracking(of: NDArray[np.float64], on: NDArray[np.float64], *, folds: int, gap: int) -> float:
    """Return the share of what moves in values, shape (n,), within pieces of time that a setpoint explains (R2)."""
    values, setpoint = around_means(np.column_stack([of, on]), folds=folds, gap=gap).T
    total, explained = float(values @ values), float(setpoint @ setpoint)
    return float(values @ setpoint) ** 2 / (total * explained) if total * explained > 0 else 0.0
