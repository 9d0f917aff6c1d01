"""Where a model has learned, as its bundle states it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Domain:
    """Where a model has learned: k inputs, a principal components (see ``gateway.inference.applicability_domain``).

    ``alpha``: the share of rows of its own kind that each limit refuses. ``averaged_over``: so many predictions, the
    present one among them, are judged by their mean distances, so that one noisy row decides nothing.
    """

    center: NDArray[np.float64]  # (k,)
    scale: NDArray[np.float64]  # (k,), positive
    loadings: NDArray[np.float64]  # (k, a), orthonormal columns
    variances: NDArray[np.float64]  # (a,), of the scores, positive
    t2_limit: float
    spe_limit: float
    alpha: float
    averaged_over: int = 1
