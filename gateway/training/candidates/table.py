"""One row per kind of model. Each is made for one seed and has nothing random besides."""

from collections.abc import Callable, Mapping

from sklearn.ensemble import ExtraTreesRegressor
from sklearn.neural_network import MLPRegressor

from gateway.training.candidates.boosting import Boosting
from gateway.training.candidates.combined import Constant, ExponentialOf, WeightedMean
from gateway.training.candidates.kernel import Kernel
from gateway.training.candidates.linear import Linear, lasso_paths, pls_paths, ridge_paths
from gateway.training.candidates.on_linear import OnLinear
from gateway.training.candidates.regressor import Regressor, Tunable
from gateway.training.candidates.scaled import Scaled

_NETWORKS, _STEPS_PER_EPOCH, _LARGEST_BATCH = 3, 25, 400
_DECAY = 1.0  # of a network's weights, for a target of variance 1: with 10 it says next to nothing but the mean
_MOST_ROWS_OF_A_TREE = 4000  # each tree sees as many by chance: rows in between say nearly the same, and take long
_Make = Callable[[int, int], Regressor]


def _ridge(_seed: int, _inputs: int) -> Regressor:
    return Linear(ridge_paths, setting=4)


def _lasso(_seed: int, _inputs: int) -> Regressor:
    return Linear(lasso_paths, setting=6)


def _pls(_seed: int, _inputs: int) -> Regressor:
    return Linear(pls_paths, setting=5)


def _gradient_boosting(seed: int, _inputs: int) -> Regressor:
    return Boosting(seed)


def _extra_trees(seed: int, _inputs: int) -> Regressor:
    def made(rows: int) -> list[ExtraTreesRegressor]:
        some = _MOST_ROWS_OF_A_TREE if rows > _MOST_ROWS_OF_A_TREE else None
        return [
            ExtraTreesRegressor(
                64, min_samples_leaf=5, max_features=0.5, bootstrap=some is not None, max_samples=some,
                random_state=seed,
            )
        ]  # fmt: skip

    return Scaled(made, floats=True)


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
    "lasso": _lasso,
    "gradient_boosting": _gradient_boosting,
    "extra_trees": _extra_trees,
    "boosting_on_linear": lambda seed, inputs: OnLinear(_ridge(seed, inputs), _gradient_boosting(seed, inputs)),
    "neural_network": _neural_network,
    "kernel": lambda _seed, _inputs: Kernel(),
    "linear_and_trees": _linear_and_trees,
    "constant": lambda _seed, _inputs: Constant(),
}


def candidate(kind: str, *, seed: int, inputs: int, logarithmic: bool = False, setting: int | None = None) -> Regressor:
    """Return a model of a kind, to be fitted on rows of so many inputs; or one of the values' logarithm.

    ``setting``: which of its settings it has, where it has several; None: a middling one.
    """
    model = CANDIDATES[kind](seed, inputs)
    if setting is not None and isinstance(model, Tunable):
        model.setting = setting
    return ExponentialOf(model) if logarithmic else model
