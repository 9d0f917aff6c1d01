"""What plain means would reach on the same rows with the same late results: a model must be better than these. Pure.

Some need no model: the last laboratory value, the running mean of the laboratory's values, and that of the product's
own, where rows have products. Three are the usual models on the recipe's own inputs and lags, each by itself and with
the scalar correction that serves it best on left-out blocks.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.line.outputs import BiasLimits
from gateway.time_units import SECOND_NS
from gateway.training.backtest import Timing
from gateway.training.biases import biases_of
from gateway.training.calibration import uncorrected
from gateway.training.corrected_values import values_served
from gateway.training.cross_validation import blocks, left_out, r_squared, root_mean_square
from gateway.training.files.instants import NEVER
from gateway.training.model_selection import best_setting, gap_rows, model_of_kind
from gateway.training.recipe import Recipe
from gateway.training.rows import Rows
from gateway.training.trained_model import Baseline, Compared, Failed

LAST, MEAN, PRODUCT_MEAN = "last laboratory value", "running mean", "running mean of the product"
_KINDS = ("ridge", "pls", "gradient_boosting")


def baselines_of(
    recipe: Recipe, rows: Rows, made_from: slice, test: slice, compared: Sequence[Compared]
) -> tuple[tuple[Baseline, ...], tuple[Failed, ...]]:
    """Return the baselines, and the kinds that failed; ``compared``: whose left-out predictions are used again."""
    of_means = {LAST: last_values(rows.timing, rows.values), MEAN: running_means(rows.timing, rows.values)}
    if rows.products is not None:
        of_means[PRODUCT_MEAN] = running_means_of(rows.timing, rows.values, rows.products)
    parts = [block for _others, block in blocks(made_from.stop, folds=recipe.candidates.folds, gap=0)]
    baselines = [
        _baseline(rows, test, parts, name, said[made_from], said[test], model=False) for name, said in of_means.items()
    ]
    known, failed = {candidate.kind: candidate for candidate in compared}, list[Failed]()
    for kind in _KINDS:
        try:
            served = [*_served(recipe, rows, made_from, test, kind, known.get(kind))]
        except Exception as error:  # noqa: BLE001 - a kind's library may raise anything: it is named, the others go on
            failed.append(Failed(kind=f"baseline {kind}", problem=f"{type(error).__name__}: {error}".splitlines()[0]))
        else:
            baselines += [_baseline(rows, test, parts, *one, model=True) for one in served]
    return tuple(baselines), tuple(failed)


def last_values(timing: Timing, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each row, shape (n,), the newest sample's value whose result had arrived; NaN before the first."""
    newest, value, known = -1, np.nan, list[float]()
    for row in timing.by_arrival.tolist():
        if row > newest:
            newest, value = row, float(values[row])
        known.append(value)
    return _known_then(timing, known)


def running_means(timing: Timing, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each row, shape (n,), the mean of all results that had arrived; NaN before the first."""
    arrived = values[timing.by_arrival]
    return _known_then(timing, (np.cumsum(arrived) / np.arange(1, len(arrived) + 1)).tolist())


def running_means_of(
    timing: Timing, values: NDArray[np.float64], products: Sequence[str | None]
) -> NDArray[np.float64]:
    """Return for each row, shape (n,), the mean of its product's results that had arrived; NaN before the first."""
    means, made = np.full(len(values), np.nan), np.array(products, object)
    for product in sorted({product for product in products if product is not None}):
        own = np.flatnonzero(made == product)
        means[own] = running_means(timing.of(own), values[own])
    return means


def _known_then(timing: Timing, after: Sequence[float]) -> NDArray[np.float64]:
    """Return for each row what was known; ``after``: the arrival of each result."""
    arrivals = np.sort(timing.arrives_ns[timing.arrives_ns != NEVER]).tolist()
    known = [np.nan, *after]
    return np.array([known[bisect_right(arrivals, now_ns)] for now_ns in timing.at_ns.tolist()])


def _served(
    recipe: Recipe, rows: Rows, made_from: slice, test: slice, kind: str, compared: Compared | None
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Yield (name, what it says of left-out rows, of the test rows): of a kind by itself, then with its best bias."""
    features, values, timing = rows.features[made_from], rows.values[made_from], rows.timing_of(made_from)
    at_seconds = timing.at_ns / SECOND_NS
    if compared is None:
        parts = blocks(len(values), folds=recipe.candidates.folds, gap=gap_rows(rows))
        said = left_out(model_of_kind(recipe, kind, rows), features, values, at_seconds, parts)
        setting = best_setting(recipe, rows, made_from, said)
        known = said[:, setting]
    else:
        known, setting = compared.left_out, compared.settings[kind]
    model = model_of_kind(recipe, kind, rows, setting)()
    model.fit(features, values, at_seconds)
    tested = model.predict(rows.features[test])
    yield kind, known, tested
    options = [bias for bias in biases_of(recipe, timing, values - known) if bias and not bias.per_product]
    if options:
        of_blocks = [_corrected(recipe, timing, known, values, bias) for bias in options]
        at = int(np.argmin([root_mean_square(values - said) for said in of_blocks]))
        of_test = _corrected(recipe, rows.timing_of(test), tested, rows.values[test], options[at])
        yield f"{kind} with bias", of_blocks[at], of_test


def _corrected(
    recipe: Recipe, timing: Timing, predicted: NDArray[np.float64], values: NDArray[np.float64], bias: BiasLimits
) -> NDArray[np.float64]:
    return values_served(timing, predicted, values, output=uncorrected(recipe, correction=bias))


def _baseline(
    rows: Rows,
    test: slice,
    parts: Sequence[NDArray[np.int64]],
    name: str,
    of_blocks: NDArray[np.float64],
    of_test: NDArray[np.float64],
    *,
    model: bool,
) -> Baseline:
    values, measured = rows.values[test], rows.timing.of(test).measured
    known = np.isfinite(of_test)
    return Baseline(
        name=name,
        model=model,
        error=_error(values, of_test),
        r2=r_squared(values[known], of_test[known]) if known.any() else float("nan"),
        error_laboratory=_error(values[measured], of_test[measured]),
        error_of_blocks=tuple(_error(rows.values[block], of_blocks[block]) for block in parts),
    )


def _error(values: NDArray[np.float64], said: NDArray[np.float64]) -> float:
    """Return the root mean square error of the rows of which something is said; NaN where there are none."""
    known = np.isfinite(said)
    return root_mean_square(values[known] - said[known]) if known.any() else float("nan")
