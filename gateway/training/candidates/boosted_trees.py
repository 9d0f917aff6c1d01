"""Boosted trees on histograms as a graph: the converter at hand refuses those of the present scikit-learn."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from sklearn.ensemble import HistGradientBoostingRegressor


def boosted_trees(model: HistGradientBoostingRegressor, *, read: str, to: str, count: int) -> onnx.NodeProto:
    """Return a node that computes what the first ``count`` trees of a fitted model say of floats, shape (n, 1).

    A threshold is rounded down to a float: a float is at most the threshold if and only if it is at most that.
    """
    trees = [stage[0].nodes for stage in model._predictors[:count]]  # noqa: SLF001 - the trees stand nowhere else
    sizes = [len(tree) for tree in trees]
    nodes = np.concatenate(trees)
    leaves = nodes["is_leaf"].astype(bool)
    tree_ids = np.repeat(np.arange(len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    return helper.make_node(
        "TreeEnsembleRegressor",
        [read],
        [to],
        domain="ai.onnx.ml",
        n_targets=1,
        base_values=[float(np.ravel(model._baseline_prediction)[0])],  # noqa: SLF001 - as above
        nodes_treeids=_whole(tree_ids),
        nodes_nodeids=_whole(node_ids),
        nodes_featureids=_whole(np.where(leaves, 0, nodes["feature_idx"])),
        nodes_values=np.where(leaves, 0.0, _rounded_down(nodes["num_threshold"])).tolist(),
        nodes_modes=["LEAF" if leaf else "BRANCH_LEQ" for leaf in leaves],
        nodes_truenodeids=_whole(np.where(leaves, 0, nodes["left"])),
        nodes_falsenodeids=_whole(np.where(leaves, 0, nodes["right"])),
        target_ids=[0] * int(leaves.sum()),
        target_nodeids=_whole(node_ids[leaves]),
        target_treeids=_whole(tree_ids[leaves]),
        target_weights=nodes["value"][leaves].tolist(),
    )


def _whole(numbers: NDArray[Any]) -> list[int]:
    return [int(number) for number in numbers]


def _rounded_down(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # the threshold of a branch on missing values alone is infinite
        nearest = thresholds.astype(np.float32)
    return np.where(nearest.astype(np.float64) > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
