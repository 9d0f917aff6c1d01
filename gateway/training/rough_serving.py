"""Errors as served, roughly and for many models at once: to compare settings and lags. Pure.

A model's error on a plant that drifts says little of the model: laboratory results will take the drift out. So errors
are judged less a running mean of those whose results had arrived, by the best of some shares.
"""

import numpy as np
from numpy.typing import NDArray

from gateway.training.backtest import Timing

_SHARES = (0.1, 0.3, 1.0)  # of an error that a result adds to the running mean


def least_errors(timing: Timing, errors: NDArray[np.float64], *, corrected: bool) -> NDArray[np.float64]:
    """Return for each model, shape (models,), its root mean square error with the best correction, or with none.

    ``errors``: of rows that no model has seen, in the order of time, shape (n, models); ``corrected``: whether results
    may correct it at all.
    """
    ways = [errors] + [errors - running_means(timing, errors, share) for share in _SHARES if corrected]
    least: NDArray[np.float64] = np.min([np.sqrt(np.mean(way**2, axis=0)) for way in ways], axis=0)
    return least


def running_means(timing: Timing, errors: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return for each row the running mean of the errors whose results had arrived, shape (n, models)."""
    by_arrival = timing.by_arrival
    means = np.zeros((len(by_arrival) + 1, errors.shape[1]))
    for at, row in enumerate(by_arrival.tolist()):
        means[at + 1] = means[at] + share * (errors[row] - means[at])
    known = np.searchsorted(timing.arrives_ns[by_arrival], timing.at_ns, side="right")
    of_rows: NDArray[np.float64] = means[known]
    return of_rows
