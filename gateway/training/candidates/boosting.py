"""Boosted trees, of which one fit gives a model for each number of trees: few rows with much noise bear few trees."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper
from sklearn.ensemble import HistGradientBoostingRegressor

from gateway.training.candidates.boosted_trees import boosted_trees
from gateway.training.candidates.graph_part import INPUT, GraphPart, constant
from gateway.training.candidates.scaled import center_and_scale

_TREES = (15, 30, 60, 120, 250)
_MOST_IN_A_LEAF, _LEAVES = 20, 12  # least rows of a leaf; with few rows such that there may be so many leaves


class Boosting:
    """Boosted trees on the standardised target; trees see floats, in fitting as in the runtime."""

    def __init__(self, seed: int) -> None:
        self._seed, self.setting = seed, len(_TREES) - 1

    def fit(
        self,
        features: NDArray[np.float64],
        values: NDArray[np.float64],
        at_seconds: NDArray[np.float64],  # noqa: ARG002 - errors of rows count alike, whenever they are
    ) -> None:
        """Fit on rows of shape (n, inputs) and values of shape (n,)."""
        self._center, self._scale = center_and_scale(features)
        self._level, self._spread = float(values.mean()), float(values.std()) or 1.0
        leaf = max(3, min(_MOST_IN_A_LEAF, len(values) // _LEAVES))
        self._model = HistGradientBoostingRegressor(
            max_iter=_TREES[-1], learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=leaf, early_stopping=False,
            random_state=self._seed,
        )  # fmt: skip
        self._model.fit(self._seen(features), (values - self._level) / self._spread)

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what as many trees say as are chosen, shape (n,)."""
        return self._after(features, _TREES[: self.setting + 1])[:, -1]

    def predict_settings(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each number of trees says, shape (n, settings)."""
        return self._after(features, _TREES)

    def part(self, prefix: str) -> GraphPart:
        """Return the chosen trees, with the standardisation before and after them."""
        names = {name: f"{prefix}{name}" for name in ("centered", "scaled", "float", "trees", "double", "deviation")}
        trees = boosted_trees(self._model, read=names["float"], to=names["trees"], count=_TREES[self.setting])
        nodes = (
            helper.make_node("Sub", [INPUT, f"{prefix}center"], [names["centered"]]),
            helper.make_node("Div", [names["centered"], f"{prefix}scale"], [names["scaled"]]),
            helper.make_node("Cast", [names["scaled"]], [names["float"]], to=TensorProto.FLOAT),
            trees,
            helper.make_node("Cast", [names["trees"]], [names["double"]], to=TensorProto.DOUBLE),
            helper.make_node("Mul", [names["double"], f"{prefix}spread"], [names["deviation"]]),
            helper.make_node("Add", [names["deviation"], f"{prefix}level"], [f"{prefix}value"]),
        )
        constants: dict[str, ArrayLike] = {
            "center": self._center,
            "scale": self._scale,
            "spread": self._spread,
            "level": self._level,
        }
        return GraphPart(
            nodes=nodes,
            constants=tuple(constant(prefix + name, value) for name, value in constants.items()),
            output=f"{prefix}value",
        )

    def _seen(self, features: NDArray[np.float64]) -> NDArray[np.float32]:
        return ((features - self._center) / self._scale).astype(np.float32)

    def _after(self, features: NDArray[np.float64], counts: Sequence[int]) -> NDArray[np.float64]:
        """Return what the first so many trees say, shape (n, counts)."""
        seen = self._model._bin_mapper.transform(self._seen(features))  # noqa: SLF001 - binned once for all trees
        raw, said = np.full(len(features), float(np.ravel(self._model._baseline_prediction)[0])), []  # noqa: SLF001
        missing = np.uint8(self._model._bin_mapper.missing_values_bin_idx_)  # noqa: SLF001
        for begin, end in pairwise((0, *counts)):
            for stage in self._model._predictors[begin:end]:  # noqa: SLF001
                raw = raw + stage[0].predict_binned(seen, missing, 1)
            said.append(self._level + self._spread * raw)
        return np.column_stack(said)
