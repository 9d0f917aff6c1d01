"""Linear models on standardised inputs, each with a path of settings from stiff to free that one fit gives as a whole.

How stiff a linear model must be hangs on how many rows and inputs there are and on how much of the analyte they
explain: a fixed penalty is right for one plant in ten.
"""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import helper
from sklearn.cross_decomposition import PLSRegression
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import lasso_path

from gateway.training.candidates.graph_part import INPUT, GraphPart, constant
from gateway.training.candidates.scaled import center_and_scale

Numbers = NDArray[np.float64]
Paths = Callable[[Numbers, Numbers], Numbers]
_PENALTIES = np.logspace(0.5, -4, 10)  # of ridge, beside the number of rows
_COMPONENTS = (1, 2, 3, 4, 6, 8, 11, 15)  # of PLS
_SHRINKS = np.logspace(0, -3, 13)[1:]  # of the lasso's penalty at which nothing is left
_MOST_LASSO_ROWS = 3000  # with more, further rows change little and take long


class Linear:
    """A linear model; ``paths``: gives the weights of each setting, shape (inputs, settings), of standardised rows."""

    def __init__(self, paths: Paths, *, setting: int) -> None:
        self._paths, self.setting = paths, setting

    def fit(
        self,
        features: Numbers,
        values: Numbers,
        at_seconds: Numbers,  # noqa: ARG002 - errors of rows count alike, whenever they are
    ) -> None:
        """Fit all settings on rows of shape (n, inputs) and values of shape (n,)."""
        self._center, self._scale = center_and_scale(features)
        self._level, spread = float(values.mean()), float(values.std()) or 1.0
        scaled = (features - self._center) / self._scale
        self._weights = spread * self._paths(scaled, (values - self._level) / spread)

    def predict(self, features: Numbers) -> Numbers:
        """Return what the chosen setting says, shape (n,)."""
        said: Numbers = self._level + (features - self._center) / self._scale @ self._chosen
        return said

    def predict_settings(self, features: Numbers) -> Numbers:
        """Return what each setting says, shape (n, settings)."""
        said: Numbers = self._level + (features - self._center) / self._scale @ self._weights
        return said

    @property
    def _chosen(self) -> Numbers:
        return self._weights[:, min(self.setting, self._weights.shape[1] - 1)]

    def part(self, prefix: str) -> GraphPart:
        """Return the standardisation, a product with the weights, and the level."""
        constants: dict[str, ArrayLike] = {
            "center": self._center, "scale": self._scale, "weights": self._chosen[:, None], "level": self._level,
        }  # fmt: skip
        steps = [
            ("Sub", (INPUT, f"{prefix}center"), "centered"),
            ("Div", (f"{prefix}centered", f"{prefix}scale"), "scaled"),
            ("MatMul", (f"{prefix}scaled", f"{prefix}weights"), "deviation"),
            ("Add", (f"{prefix}deviation", f"{prefix}level"), "value"),
        ]
        return GraphPart(
            nodes=tuple(helper.make_node(kind, [*read], [prefix + to]) for kind, read, to in steps),
            constants=tuple(constant(prefix + name, value) for name, value in constants.items()),
            output=f"{prefix}value",
        )


def ridge_paths(scaled: Numbers, target: Numbers) -> Numbers:
    """Return the weights of a ridge regression for each penalty, by the singular values of the rows."""
    left, size, right = np.linalg.svd(scaled, full_matrices=False)
    toward = left.T @ target
    factors = size[:, None] / (size[:, None] ** 2 + len(target) * _PENALTIES[None, :])
    return np.asarray(right.T @ (factors * toward[:, None]))


def pls_paths(scaled: Numbers, target: Numbers) -> Numbers:
    """Return the weights of partial least squares for each number of components, which one fit contains."""
    most = min(_COMPONENTS[-1], *scaled.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a constant residual: all further components are nothing
        model = PLSRegression(n_components=most, scale=False).fit(scaled, target)
    rotations, loadings = model.x_rotations_, model.y_loadings_
    return np.column_stack(
        [rotations[:, :count] @ loadings[0, :count] for count in (min(c, most) for c in _COMPONENTS)]
    )


def lasso_paths(scaled: Numbers, target: Numbers) -> Numbers:
    """Return the weights of a lasso for each penalty: most inputs have none, those left are fitted once more.

    The mean of both is taken: the lasso alone draws what it keeps towards nothing.
    """
    chosen = np.unique(np.linspace(0, len(target) - 1, min(len(target), _MOST_LASSO_ROWS)).astype(int))
    rows, values = scaled[chosen], target[chosen]
    largest = float(np.max(np.abs(rows.T @ values))) / len(values) or 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        _penalties, weights, _gaps = lasso_path(rows, values, alphas=largest * _SHRINKS, precompute=True, max_iter=500)
    return np.column_stack([_fitted_once_more(scaled, target, path) for path in weights.T])


def _fitted_once_more(scaled: Numbers, target: Numbers, weights: Numbers) -> Numbers:
    kept = np.flatnonzero(weights)
    if not len(kept) or len(kept) > len(target) // 3:
        return weights
    gram = scaled[:, kept].T @ scaled[:, kept] + 1e-3 * len(target) * np.eye(len(kept))
    again = weights.copy()
    again[kept] = (weights[kept] + np.linalg.solve(gram, scaled[:, kept].T @ target)) / 2
    return again
