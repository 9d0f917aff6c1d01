"""What an engineer reaches in an afternoon: ridge, PLS and boosting on lagged tags, each with and without a bias.

Fitted with scikit-learn on the rows before the test. Lags, settings and the rate of the bias (exponentially weighted,
from the laboratory results that had arrived) are chosen by cross-validation over five blocks of time.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.bench.trained.plant import Numbers, Plant

LAGS, FEW_LAGS = (0, 2, 4, 8, 16, 32), (0, 8)  # rows, up to which lags reach
KINDS = ("ridge", "PLS", "boosting")
_POINTS = 8  # lags beside the instant
_RATES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
_PENALTIES = np.logspace(-2, 4, 13)
_FOLDS = 5
_BETTER = 0.999  # of the error of what is plainer
Make = Callable[[], Any]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Rows of the plant that have a value: those before the test, and those of the test."""

    fitted: NDArray[np.int64]
    test: NDArray[np.int64]


def errors_of(
    plant: Plant, parts: Parts, *, lags: Sequence[int] = LAGS, kinds: Sequence[str] = KINDS
) -> dict[str, float]:
    """Return the root mean square error on the test rows by model: ``ridge``, ``ridge with bias`` ..."""
    errors, models = dict[str, float](), _models()
    inputs = {reach: _lagged(plant, reach) for reach in lags}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in kinds:
            blocks, tested = _said(plant, parts, inputs, models[name])
            errors[name] = _size(plant.y[parts.test] - tested)
            rate = min(_RATES, key=lambda rate: _size(_errors(plant, parts.fitted, blocks, rate)))
            errors[f"{name} with bias"] = _size(_errors(plant, parts.test, tested, rate))
    return errors


def _said(plant: Plant, parts: Parts, inputs: dict[int, Numbers], makes: Sequence[Make]) -> tuple[Numbers, Numbers]:
    """Return what the best of a kind's models says of left-out blocks, and of the test rows."""
    best: tuple[float, int, Make, Numbers] | None = None
    for reach, features in inputs.items():
        for make in makes:
            said = np.full(len(parts.fitted), np.nan)
            for fitting, leaving in _blocks(len(parts.fitted)):
                model = make().fit(features[parts.fitted[fitting]], plant.y[parts.fitted[fitting]])
                said[leaving] = np.ravel(model.predict(features[parts.fitted[leaving]]))
            error = _size(plant.y[parts.fitted] - said)
            if best is None or error < best[0] * _BETTER:
                best = error, reach, make, said
    assert best is not None  # noqa: S101 - there are lags and models
    _error, reach, make, said = best
    model = make().fit(inputs[reach][parts.fitted], plant.y[parts.fitted])
    return said, np.ravel(model.predict(inputs[reach][parts.test]))


def _lagged(plant: Plant, reach: int) -> Numbers:
    """Return every tag at lags up to so many rows, and a column for each text, shape (n, inputs)."""
    lags = range(0, reach + 1, max(1, -(-reach // _POINTS)))
    columns = [
        np.concatenate([np.full(lag, values[0]), values[: len(values) - lag]])
        for values in plant.tags.values() for lag in lags
    ]  # fmt: skip
    for texts in plant.texts.values():
        columns += [np.array([text == level for text in texts], np.float64) for level in sorted(set(texts))]
    return np.column_stack(columns)


def _models() -> dict[str, Sequence[Make]]:
    from sklearn.cross_decomposition import PLSRegression  # noqa: PLC0415 - seconds, and only this bench needs it
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415
    from sklearn.linear_model import RidgeCV  # noqa: PLC0415

    def boosting(trees: int, leaves: int) -> Make:
        return lambda: HistGradientBoostingRegressor(
            max_iter=trees, learning_rate=0.06, max_leaf_nodes=leaves, random_state=0
        )

    def pls(components: int) -> Make:
        return lambda: _Scaled(lambda inputs: PLSRegression(min(components, inputs), scale=False))

    return {
        "ridge": [lambda: _Scaled(lambda _inputs: RidgeCV(_PENALTIES))],
        "PLS": [pls(components) for components in (1, 2, 3, 5, 8, 12)],
        "boosting": [boosting(200, 8), boosting(60, 6)],
    }


class _Scaled:
    """A model of inputs with unit variance; ``kind``: makes one for so many inputs."""

    def __init__(self, kind: Callable[[int], Any]) -> None:
        self._kind = kind
        self._model: Any = None

    def fit(self, features: Numbers, values: Numbers) -> "_Scaled":
        """Fit it to rows."""
        self._center, spread = features.mean(axis=0), features.std(axis=0)
        self._scale = np.where(spread > 0, spread, 1.0)
        self._model = self._kind(features.shape[1]).fit((features - self._center) / self._scale, values)
        return self

    def predict(self, features: Numbers) -> Numbers:
        """Return what it says of rows."""
        return np.ravel(self._model.predict((features - self._center) / self._scale))


def _blocks(rows: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    edges = np.linspace(0, rows, _FOLDS + 1).astype(int)
    everything = np.arange(rows)
    for begin, end in pairwise(edges):
        yield np.concatenate([everything[:begin], everything[end:]]), everything[begin:end]


def _errors(plant: Plant, rows: NDArray[np.int64], said: Numbers, rate: float) -> Numbers:
    """Return the errors of rows with a bias that each result moves once it has arrived."""
    measured = np.flatnonzero(plant.measured[rows]).tolist()
    bias, arrived, errors = 0.0, 0, np.empty(len(rows))
    for at, row in enumerate(rows.tolist()):
        while arrived < len(measured) and rows[measured[arrived]] + plant.delay_rows <= row:
            known = measured[arrived]
            bias += rate * (float(plant.y[rows[known]]) - float(said[known]) - bias)
            arrived += 1
        errors[at] = plant.y[row] - said[at] - bias
    return errors


def _size(errors: Numbers) -> float:
    return float(np.sqrt(np.mean(errors**2)))
