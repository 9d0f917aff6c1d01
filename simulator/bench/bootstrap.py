"""Intervals of means and of ratios of paired means, by the percentile bootstrap (Efron, 1979). Deterministic."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES, COVERAGE = 10_000, 0.95
_SEED = 18


def interval_of_mean(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of a mean."""
    sample = np.array(values, np.float64)
    return _between(sample[_chosen(len(sample))].mean(axis=1))


def interval_of_ratio(values: Sequence[float], of: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the ratio of two means; the values of both belong together in pairs."""
    above, below = np.array(values, np.float64), np.array(of, np.float64)
    chosen = _chosen(len(above))
    means = below[chosen].mean(axis=1)
    return _between(above[chosen].mean(axis=1)[means > 0] / means[means > 0])


def _chosen(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(_SEED).integers(0, count, (RESAMPLES, count))


def _between(means: NDArray[np.float64]) -> tuple[float, float]:
    if not len(means):
        return 1.0, 1.0
    low, high = np.quantile(means, ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2))
    return float(low), float(high)
