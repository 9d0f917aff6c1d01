"""By how much inputs move; what arithmetic leaves of an input that stands still is no movement. Pure."""

import numpy as np
from numpy.typing import NDArray

_ARITHMETIC = 1e-9  # of an input's largest value: a difference of two numbers is known no better


def noise_of(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return up to which size a move of an input, shape (k,), may be arithmetic alone, by rows of shape (n, k)."""
    noise: NDArray[np.float64] = _ARITHMETIC * np.abs(features).max(axis=0)
    return noise


def scale_of(features: NDArray[np.float64], *, ddof: int = 0) -> NDArray[np.float64]:
    """Return the standard deviation of each input, shape (k,); 1 of one that stands still."""
    deviation = features.std(axis=0, ddof=ddof)
    return np.where(deviation > noise_of(features), deviation, 1.0)
