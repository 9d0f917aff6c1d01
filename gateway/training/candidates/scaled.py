"""Models of scikit-learn, on standardised inputs and target: what they make of a plant must not depend on its units.

Trees see floats, in fitting as in service: their thresholds are floats in the runtime, and a double that lies between
a threshold and its rounded neighbour would take the other branch.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import compose, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.exceptions import ConvergenceWarning

from gateway.training.candidates.graph_part import INPUT, OPSETS, GraphPart, constant
from gateway.training.spread import scale_of

Estimator = Any  # scikit-learn says nothing of its types


class Scaled:
    """The mean of one or more estimators of the standardised target."""

    def __init__(self, make: Callable[[int], Sequence[Estimator]], *, floats: bool = False) -> None:
        """``make``: gives unfitted estimators for so many rows; ``floats``: whether they see floats, as trees must."""
        self._make, self._floats = make, floats
        self._estimators: Sequence[Estimator] = ()

    def fit(
        self,
        features: NDArray[np.float64],
        values: NDArray[np.float64],
        at_seconds: NDArray[np.float64],  # noqa: ARG002 - errors of rows count alike, whenever they are
    ) -> None:
        """Fit every estimator on rows of shape (n, inputs) and values of shape (n,)."""
        self._center, self._scale = center_and_scale(features)
        self._level, self._spread = float(values.mean()), float(values.std()) or 1.0
        self._estimators = self._make(len(values))
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # networks take as many steps as they are given, no more
            for estimator in self._estimators:
                estimator.fit(self._seen(features), (values - self._level) / self._spread)

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what they say in the mean, shape (n,)."""
        said = [np.ravel(estimator.predict(self._seen(features))) for estimator in self._estimators]
        return np.asarray(self._level + self._spread * np.mean(said, axis=0, dtype=np.float64))

    def part(self, prefix: str) -> GraphPart:
        """Return the estimators side by side, with the standardisation before and after them."""
        nodes, seen = self._scaling(prefix)
        constants = [constant(f"{prefix}center", self._center), constant(f"{prefix}scale", self._scale)]
        outputs = []
        for number, estimator in enumerate(self._estimators):
            made, initializers, said = self._converted(estimator, f"{prefix}{number}_", seen)
            constants += initializers
            outputs.append(f"{prefix}double{number}")
            nodes += [*made, helper.make_node("Cast", [said], [outputs[-1]], to=onnx.TensorProto.DOUBLE)]
        constants += [
            constant(f"{prefix}spread", self._spread / len(outputs)), constant(f"{prefix}level", self._level)
        ]  # fmt: skip
        nodes += [
            helper.make_node("Sum", outputs, [f"{prefix}total"]),
            helper.make_node("Mul", [f"{prefix}total", f"{prefix}spread"], [f"{prefix}deviation"]),
            helper.make_node("Add", [f"{prefix}deviation", f"{prefix}level"], [f"{prefix}value"]),
        ]
        return GraphPart(nodes=tuple(nodes), constants=tuple(constants), output=f"{prefix}value")

    def _seen(self, features: NDArray[np.float64]) -> NDArray[Any]:
        """Return what the estimators see of rows."""
        scaled = (features - self._center) / self._scale
        return scaled.astype(np.float32) if self._floats else scaled

    def _scaling(self, prefix: str) -> tuple[list[onnx.NodeProto], str]:
        """Return (the nodes that standardise the inputs, the name of their result)."""
        nodes = [
            helper.make_node("Sub", [INPUT, f"{prefix}center"], [f"{prefix}centered"]),
            helper.make_node("Div", [f"{prefix}centered", f"{prefix}scale"], [f"{prefix}scaled"]),
        ]
        if not self._floats:
            return nodes, f"{prefix}scaled"
        to_float = helper.make_node("Cast", [f"{prefix}scaled"], [f"{prefix}float"], to=onnx.TensorProto.FLOAT)
        return [*nodes, to_float], f"{prefix}float"

    def _converted(
        self, estimator: Estimator, prefix: str, seen: str
    ) -> tuple[Sequence[onnx.NodeProto], Sequence[onnx.TensorProto], str]:
        """Return an estimator's nodes, which read ``seen``, its constants, and the name of its result."""
        kind = FloatTensorType if self._floats else DoubleTensorType
        model = to_onnx(estimator, initial_types=[(INPUT, kind([None, len(self._center)]))], target_opset=OPSETS)
        graph = compose.add_prefix(model, prefix).graph
        for node in graph.node:
            node.input[:] = [seen if name == f"{prefix}{INPUT}" else name for name in node.input]
        return graph.node, graph.initializer, graph.output[0].name


def center_and_scale(features: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the inputs' means and standard deviations, shape (inputs,) each; that of a constant input is 1."""
    return features.mean(axis=0), scale_of(features)
