"""What every kind of model can do: be fitted on rows, say what it thinks of others, and become a graph.

Some kinds have settings of how freely they follow the rows, such as a penalty or a number of trees. One fit gives the
models of all settings; which one is taken is chosen by blocks that were left out.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gateway.training.candidates.graph_part import GraphPart


class Regressor(Protocol):
    """A model of one analyte; the same rows and seed give the same model."""

    def fit(self, features: NDArray[np.float64], values: NDArray[np.float64], at_seconds: NDArray[np.float64]) -> None:
        """Fit on rows of shape (n, inputs), values of shape (n,), and the instants of these, shape (n,)."""

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what it says of rows, shape (n,)."""

    def part(self, prefix: str) -> GraphPart:
        """Return the fitted model as part of a graph, with names that begin with ``prefix``."""


@runtime_checkable
class Tunable(Regressor, Protocol):
    """A model with settings; ``setting``: the number of the one that predicts and becomes a graph."""

    setting: int

    def predict_settings(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what it would say of rows with each of its settings, shape (n, settings)."""


def said_by_settings(model: Regressor, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a fitted model says of rows with each of its settings, shape (n, settings)."""
    if isinstance(model, Tunable):
        return model.predict_settings(features)
    return model.predict(features)[:, None]
