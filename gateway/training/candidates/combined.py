"""Models made of other models: a weighted mean, and the exponential of a model of logarithms."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from gateway.training.candidates.graph_part import INPUT, GraphPart, constant, exponential, weighted_sum
from gateway.training.candidates.regressor import Regressor, Tunable, said_by_settings


class WeightedMean:
    """Several models with their weights: what one of them extrapolates wrongly, the others damp."""

    def __init__(self, parts: Sequence[Regressor], weights: Sequence[float] | None = None) -> None:
        """Without weights all count alike."""
        self.parts = tuple(parts)
        self.weights = tuple(weights or [1 / len(self.parts)] * len(self.parts))

    def fit(self, features: NDArray[np.float64], values: NDArray[np.float64], at_seconds: NDArray[np.float64]) -> None:
        """Fit every part on rows of shape (n, inputs) and values of shape (n,)."""
        for part in self.parts:
            part.fit(features, values, at_seconds)

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weighted mean of what the parts say, shape (n,)."""
        return np.asarray(sum(weight * part.predict(features)
                              for weight, part in zip(self.weights, self.parts, strict=True)))  # fmt: skip

    def part(self, prefix: str) -> GraphPart:
        """Return the parts side by side."""
        parts = [part.part(f"{prefix}part{number}_") for number, part in enumerate(self.parts)]
        return weighted_sum(parts, self.weights, prefix=prefix)


class ExponentialOf:
    """A model of the logarithm: for values whose errors are a share of them, as over grades of very different size."""

    def __init__(self, of: Regressor) -> None:
        self.of = of

    def fit(self, features: NDArray[np.float64], values: NDArray[np.float64], at_seconds: NDArray[np.float64]) -> None:
        """Fit on rows of shape (n, inputs) and positive values of shape (n,)."""
        self.of.fit(features, np.log(values), at_seconds)

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values, shape (n,)."""
        values: NDArray[np.float64] = np.exp(self.of.predict(features))
        return values

    def predict_settings(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values with each setting of the model, shape (n, settings)."""
        values: NDArray[np.float64] = np.exp(said_by_settings(self.of, features))
        return values

    @property
    def setting(self) -> int:
        """Return the setting of the model."""
        return self.of.setting if isinstance(self.of, Tunable) else 0

    @setting.setter
    def setting(self, number: int) -> None:
        if isinstance(self.of, Tunable):
            self.of.setting = number

    def part(self, prefix: str) -> GraphPart:
        """Return the exponential of the model's graph."""
        return exponential(self.of.part(f"{prefix}of_"), prefix=prefix)


class Constant:
    """The mean of the values, whatever the inputs say: on some plants nothing measured explains the analyte."""

    def fit(
        self,
        features: NDArray[np.float64],
        values: NDArray[np.float64],
        at_seconds: NDArray[np.float64],  # noqa: ARG002 - a mean has no order
    ) -> None:
        """Take the mean of values of shape (n,)."""
        self._level, self._inputs = float(values.mean()), features.shape[1]

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return it for each row, shape (n,)."""
        return np.full(len(features), self._level)

    def part(self, prefix: str) -> GraphPart:
        """Return the mean for as many rows as there are: the inputs times nothing, and the mean added."""
        nodes = (
            helper.make_node("MatMul", [INPUT, f"{prefix}nothing"], [f"{prefix}zero"]),
            helper.make_node("Add", [f"{prefix}zero", f"{prefix}level"], [f"{prefix}value"]),
        )
        constants = (
            constant(f"{prefix}nothing", np.zeros((self._inputs, 1))), constant(f"{prefix}level", self._level)
        )  # fmt: skip
        return GraphPart(nodes=nodes, constants=constants, output=f"{prefix}value")
