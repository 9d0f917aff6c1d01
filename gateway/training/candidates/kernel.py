"""Averaged kernel models: Gaussian processes whose errors are correlated in time.

Rows that follow each other err alike, as a plant drifts and a sampling line lags. A model that takes their errors for
independent believes in a drift as it believes in a cause. Each process here has the covariance

    linear (x . x') + radial exp(-|x - x'|^2 / (2 length^2)) + drift exp(-|t - t'| / tau) + noise

(Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning", sections 2.2, 4.2 and 5.4.2), and predicts
with the first two terms: what the inputs explain. Drift is left to the correction by laboratory results. A choice of
one process by cross-validation is a weak one; the mean over a small grid of them is better than its best member in most
blocks of time, and costs nothing in service: processes of one length share their exponentials.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from onnx import helper
from scipy.linalg import cho_factor, cho_solve

from gateway.training.candidates.graph_part import INPUT, GraphPart, constant
from gateway.training.candidates.scaled import center_and_scale

_LINEAR = (2.0, 10.0)  # variances, of a target of variance 1
_RADIAL = (0.5, 2.0)
_LENGTHS = (1.0, 2.5)  # of inputs of variance 1, distances averaged over inputs
_DRIFTS = (0.03, 0.1, 0.3, 1.0)  # variances of errors that last, and of those that do not: the likeliest pair is taken
_NOISES = (0.01, 0.03, 0.1, 0.3, 1.0)
_TAUS = (1.0, 3.0)  # of the time after which the errors of a linear model have lost their memory
_MOST_SUPPORT = 1500  # rows: time grows with their cube
_MOST_JUDGED = 400  # rows by which errors are judged
_MOST_NUMBERS = 600_000  # of support: rows times inputs, which service multiplies out for each prediction
_PROCESSES = len(_LINEAR) * len(_RADIAL) * len(_LENGTHS) * len(_TAUS)


class Kernel:
    """The mean of Gaussian processes over a grid of their parameters."""

    def fit(self, features: NDArray[np.float64], values: NDArray[np.float64], at_seconds: NDArray[np.float64]) -> None:
        """Fit on rows of shape (n, inputs), thinned evenly where they are many; raises LinAlgError."""
        count, inputs = features.shape
        most = max(2, min(_MOST_SUPPORT, _MOST_NUMBERS // inputs))
        chosen = np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))
        self._center, self._scale = center_and_scale(features)
        self._level, self._spread = float(values.mean()), float(values.std()) or 1.0
        self._support = (features[chosen] - self._center) / self._scale
        target, at = (values[chosen] - self._level) / self._spread, at_seconds[chosen]
        products = self._support @ self._support.T / inputs
        distances = _distances(np.diag(products), np.diag(products), products)
        apart = np.abs(at[:, None] - at[None, :])
        memory = _memory(at, target - _ridge(products, target))
        drift, noise = _errors_of(products, distances, apart / memory, target)
        self._linear = np.zeros(len(target))
        self._radial = {length: np.zeros(len(target)) for length in _LENGTHS}
        for length, tau in product(_LENGTHS, _TAUS):
            radial = np.exp(-distances / (2 * length**2))
            errors = drift * np.exp(-apart / (tau * memory)) + noise * np.eye(len(target))
            for of_linear, of_radial in product(_LINEAR, _RADIAL):
                covariance = of_linear * products + of_radial * radial + errors
                weights = cho_solve(cho_factor(covariance, lower=True, overwrite_a=True), target)
                self._linear += of_linear * weights / _PROCESSES
                self._radial[length] += of_radial * weights / _PROCESSES

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of what the processes say, shape (n,)."""
        scaled = (features - self._center) / self._scale
        inputs = scaled.shape[1]
        products = scaled @ self._support.T / inputs
        own, supported = (scaled**2).mean(axis=1), (self._support**2).mean(axis=1)
        distances = _distances(own, supported, products)
        said = np.asarray(products @ self._linear)
        for length, weights in self._radial.items():
            said = said + np.exp(-distances / (2 * length**2)) @ weights
        return np.asarray(self._level + self._spread * said)

    def part(self, prefix: str) -> GraphPart:
        """Return the processes as one graph: a product with the support, an exponential for each length."""
        inputs = self._support.shape[1]
        constants = {
            "center": self._center,
            "scale": self._scale,
            "support": self._support.T * (-2.0 / inputs),
            "mean": np.full((inputs, 1), 1.0 / inputs),
            "squares": (self._support**2).mean(axis=1)[None, :],
            "linear": (self._spread / inputs * (self._support.T @ self._linear))[:, None],
            "level": self._level,
        }
        steps = [
            ("Sub", (INPUT, "center"), "centered"),
            ("Div", ("centered", "scale"), "scaled"),
            ("Mul", ("scaled", "scaled"), "squared"),
            ("MatMul", ("squared", "mean"), "own"),
            ("MatMul", ("scaled", "support"), "products"),
            ("Add", ("products", "own"), "half_way"),
            ("Add", ("half_way", "squares"), "raw_distances"),
            ("Relu", ("raw_distances",), "distances"),
            ("MatMul", ("scaled", "linear"), "explained_linearly"),
        ]
        explained = ["explained_linearly", "level"]
        for number, (length, weights) in enumerate(self._radial.items()):
            constants[f"rate{number}"] = -1.0 / (2 * length**2)
            constants[f"weights{number}"] = self._spread * weights[:, None]
            steps += [
                ("Mul", ("distances", f"rate{number}"), f"exponent{number}"),
                ("Exp", (f"exponent{number}",), f"radial{number}"),
                ("MatMul", (f"radial{number}", f"weights{number}"), f"explained{number}"),
            ]
            explained.append(f"explained{number}")
        steps.append(("Sum", tuple(explained), "value"))
        return GraphPart(
            nodes=tuple(
                helper.make_node(kind, [name if name == INPUT else prefix + name for name in read], [prefix + to])
                for kind, read, to in steps
            ),
            constants=tuple(constant(prefix + name, value) for name, value in constants.items()),
            output=f"{prefix}value",
        )


def _distances(
    own: NDArray[np.float64], supported: NDArray[np.float64], products: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return squared distances, averaged over inputs, from mean squares and mean products; shape of the products."""
    distances: NDArray[np.float64] = np.maximum(own[:, None] + supported[None, :] - 2 * products, 0.0)
    return distances


def _ridge(products: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a linear model with a small penalty says of its own rows, shape (n,)."""
    linear = _LINEAR[0] * products
    fitted: NDArray[np.float64] = linear @ cho_solve(cho_factor(linear + 0.1 * np.eye(len(target)), lower=True), target)
    return fitted


def _errors_of(
    products: NDArray[np.float64],
    distances: NDArray[np.float64],
    apart: NDArray[np.float64],
    target: NDArray[np.float64],
) -> tuple[float, float]:
    """Return (the variance of errors that last, of those that do not) under which the rows are likeliest.

    ``apart``: in memories of the errors. The rest of the covariance is in the middle of the grid (Rasmussen and
    Williams 2006, section 5.4.1).
    """
    kept = np.unique(np.linspace(0, len(target) - 1, min(len(target), _MOST_JUDGED)).astype(int))
    square, values = np.ix_(kept, kept), target[kept]
    length = float(np.sqrt(_LENGTHS[0] * _LENGTHS[-1]))
    explained = np.mean(_LINEAR) * products[square] + np.mean(_RADIAL) * np.exp(-distances[square] / (2 * length**2))
    lasting = np.exp(-apart[square] / np.mean(_TAUS))

    def misfit(pair: tuple[float, float]) -> float:
        """Return the negative logarithm of the likelihood, but for a constant."""
        drift, noise = pair
        factor = cho_factor(explained + drift * lasting + noise * np.eye(len(values)), lower=True)
        return float(values @ cho_solve(factor, values) / 2 + np.log(np.diag(factor[0])).sum())

    return min(product(_DRIFTS, _NOISES), key=misfit)


def _memory(at_seconds: NDArray[np.float64], errors: NDArray[np.float64]) -> float:
    """Return after how many seconds errors have lost their memory: where their autocorrelation falls below 1/e.

    At least three rows and at most a tenth of them: a grid of multiples is laid around it anyway.
    """
    centered = errors - errors.mean()
    variance, most = float(np.mean(centered**2)) or 1.0, max(3, len(errors) // 10)
    lags = range(3, most)
    faded = (lag for lag in lags if np.mean(centered[lag:] * centered[:-lag]) < variance / np.e)
    return float(next(faded, most) * max(np.median(np.diff(at_seconds)), 1e-9))
