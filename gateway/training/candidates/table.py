"""One row per kind of model. Each is made for one seed and has nothing random besides."""

from collections.abc import Callable, Mapping

from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor

from gateway.training.candidates.combined import Constant, ExponentialOf, WeightedMean
from gateway.training.candidates.kernel import Kernel
from gateway.training.candidates.on_linear import OnLinear
from gateway.training.candidates.regressor import Regressor
from gateway.training.candidates.scaled import Scaled

_NETWORKS, _STEPS_PER_EPOCH, _LARGEST_BATCH = 3, 25, 400
_DECAY = 1.0  # of a network's weights, for a target of variance 1: with 10 it says next to nothing but the mean
_Make = Callable[[int, int], Regressor]


def _ridge(_seed: int, _inputs: int) -> Regressor:
    return Scaled(lambda _rows: [Ridge(alpha=10.0)])


def _pls(_seed: int, inputs: int) -> Regressor:
    return Scaled(lambda _rows: [PLSRegression(n_components=min(8, inputs), scale=False)])


def _gradient_boosting(seed: int, _inputs: int) -> Regressor:
    return Scaled(
        lambda _rows: [
            HistGradientBoostingRegressor(
                max_iter=250, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=20, early_stopping=False,
                random_state=seed,
            )
        ],
        floats=True,
    )  # fmt: skip


def _extra_trees(seed: int, _inputs: int) -> Regressor:
    return Scaled(
        lambda _rows: [ExtraTreesRegressor(64, min_samples_leaf=5, max_features=0.5, random_state=seed)], floats=True
    )


def _neural_network(seed: int, _inputs: int) -> Regressor:
    """Return small networks from different starts: one alone hangs on where it began."""
    return Scaled(
        lambda rows: [
            MLPRegressor(
                hidden_layer_sizes=(16,), alpha=_DECAY, max_iter=80, tol=0.0, learning_rate_init=0.003,
                batch_size=min(rows, _LARGEST_BATCH, max(16, rows // _STEPS_PER_EPOCH)), random_state=seed + number,
            )
            for number in range(_NETWORKS)
        ]
    )  # fmt: skip


def _linear_and_trees(seed: int, inputs: int) -> Regressor:
    return WeightedMean([_ridge(seed, inputs), _extra_trees(seed, inputs)])


CANDIDATES: Mapping[str, _Make] = {
    "ridge": _ridge,
    "pls": _pls,
    "gradient_boosting": _gradient_boosting,
    "extra_trees": _extra_trees,
    "boosting_on_linear": lambda seed, inputs: OnLinear(_ridge(seed, inputs), _gradient_boosting(seed, inputs)),
    "neural_network": _neural_network,
    "kernel": lambda _seed, _inputs: Kernel(),
    "linear_and_trees": _linear_and_trees,
    "constant": lambda _seed, _inputs: Constant(),
}


def candidate(kind: str, *, seed: int, inputs: int, logarithmic: bool = False) -> Regressor:
    """Return a model of a kind, to be fitted on rows of so many inputs; or one of the values' logarithm."""
    model = CANDIDATES[kind](seed, inputs)
    return ExponentialOf(model) if logarithmic else model
