"""Weights of several models, from their errors on rows that none of them has seen. Pure.

A choice of one model by cross-validation is a weak one: what wins in four blocks of time may lose in the fifth. A
weighted mean is safer (Wolpert 1992, "Stacked generalization"; Breiman 1996, "Stacked regressions", non-negative
weights), and weights drawn towards equal ones safer still where errors are few (Smith and Wallis 2009, "A simple
explanation of the forecast combination puzzle").
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

_SHRINKAGE = 0.1  # of the mean squared error, for a unit of distance from equal weights
_FIRM = 1e4  # how firmly weights sum to one, beside errors of size one
LEAST_WEIGHT = 0.02  # with less, a model is left out


def stacked_weights(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return non-negative weights that sum to one, shape (models,); ``errors``: of left-out rows, shape (n, models).

    They minimise the mean squared error of the weighted mean plus a penalty on their distance from equal weights.
    """
    count, models = errors.shape
    size = float(np.sqrt(np.mean(np.min(errors**2, axis=1)))) or 1.0
    scaled, equal = errors / size, np.full(models, 1 / models)
    pull = np.sqrt(_SHRINKAGE * count)
    system = np.vstack([scaled, _FIRM * np.ones((1, models)), pull * np.eye(models)])
    aim = np.concatenate([np.zeros(count), [_FIRM], pull * equal])
    weights = nnls(system, aim)[0]
    weights = np.where(weights < LEAST_WEIGHT, 0.0, weights)
    kept: NDArray[np.float64] = np.round(weights / weights.sum(), 4)
    kept[np.argmax(kept)] += 1.0 - kept.sum()
    return kept
