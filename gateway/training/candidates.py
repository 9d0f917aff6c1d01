"""The kinds of models that a recipe may choose from. Each is made for one seed and has nothing random besides."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Regressor = Any  # scikit-learn says nothing of its types


class MeanOf:
    """The mean of several models: what one of them extrapolates wrongly, the others damp."""

    def __init__(self, parts: Sequence[Regressor]) -> None:
        self.parts = tuple(parts)

    def fit(self, features: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        """Fit every part on rows of shape (n, inputs) and values of shape (n,)."""
        for part in self.parts:
            part.fit(features, values)

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of what the parts say, shape (n,)."""
        return np.asarray(np.mean([np.ravel(part.predict(features)) for part in self.parts], axis=0))


class ExponentialOf:
    """A model of the logarithm: for values whose errors are a share of them, as over grades of very different size."""

    def __init__(self, part: Regressor) -> None:
        self.part = part

    def fit(self, features: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        """Fit on rows of shape (n, inputs) and positive values of shape (n,)."""
        self.part.fit(features, np.log(values))

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values, shape (n,)."""
        values: NDArray[np.float64] = np.exp(np.ravel(self.part.predict(features)))
        return values


_CANDIDATES: Mapping[str, Callable[[int, int], Regressor]] = {
    "ridge": lambda _seed, _inputs: make_pipeline(StandardScaler(), Ridge(alpha=10.0)),
    "pls": lambda _seed, inputs: make_pipeline(StandardScaler(), PLSRegression(n_components=min(8, inputs))),
    "gradient_boosting": lambda seed, _inputs: GradientBoostingRegressor(
        n_estimators=300, learning_rate=0.05, max_depth=3, min_samples_leaf=20, subsample=0.7, random_state=seed
    ),
    "extra_trees": lambda seed, _inputs: ExtraTreesRegressor(100, min_samples_leaf=5, random_state=seed),
    "neural_network": lambda seed, _inputs: make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(16,), alpha=10.0, max_iter=500, random_state=seed)
    ),
    "linear_and_trees": lambda seed, inputs: MeanOf(
        [candidate(kind, seed=seed, inputs=inputs) for kind in ("ridge", "extra_trees")]
    ),
}


def candidate(kind: str, *, seed: int, inputs: int, logarithmic: bool = False) -> Regressor:
    """Return a model of a kind, to be fitted on rows of so many inputs; or one of the values' logarithm."""
    model = _CANDIDATES[kind](seed, inputs)
    return ExponentialOf(model) if logarithmic else model
