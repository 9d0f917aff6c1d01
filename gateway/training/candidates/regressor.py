"""What every kind of model can do: be fitted on rows, say what it thinks of others, and become a graph."""

from typing import Protocol

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
