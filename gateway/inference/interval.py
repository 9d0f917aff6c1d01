"""Intervals around a prediction. Pure."""

import math

import numpy as np
from numpy.typing import NDArray

from gateway.line.outputs import ProportionalWidth


def width_factors(proportional: ProportionalWidth | None, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much half widths are larger at values, shape (n,), than where they are stated."""
    if proportional is None:
        return np.ones(len(values))
    factors: NDArray[np.float64] = np.maximum(np.abs(values), proportional.least) / proportional.at
    return factors


def split_conformal_half_width(residuals: NDArray[np.float64], *, coverage: float) -> float | None:
    """Return the half width that covers a new residual with at least the probability ``coverage``.

    The ceil((n+1) * coverage)-th smallest absolute residual of n calibration residuals (Lei et al. 2018,
    "Distribution-free predictive inference for regression", section 2.2); None where that rank exceeds n.
    """
    rank = math.ceil((len(residuals) + 1) * coverage)
    if rank > len(residuals):
        return None
    return float(np.sort(np.abs(residuals))[rank - 1])
