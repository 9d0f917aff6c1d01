"""The choice of a model: kinds compared by blocked cross-validation, each as it would be served."""

from collections.abc import Callable
from functools import partial
from itertools import count, product

import numpy as np
from numpy.typing import NDArray

from gateway.errors import LablineError
from gateway.line.outputs import BiasLimits
from gateway.time_units import seconds_to_ns
from gateway.training.backtest import Timing, serve
from gateway.training.calibration import uncorrected
from gateway.training.candidates import Regressor, candidate
from gateway.training.cross_validation import left_out, r_squared, root_mean_square
from gateway.training.recipe import Recipe
from gateway.training.rows import Rows, inputs_of
from gateway.training.trained_model import Compared, Progress


def gap_rows(recipe: Recipe, rows: Rows) -> int:
    """Return over how many rows the longest window reaches."""
    return max((item.lag_ns + item.window_ns) // rows.timing.row_ns for item in inputs_of(recipe)) + 1


def compare(recipe: Recipe, rows: Rows, made_from: slice, on_progress: Progress) -> tuple[Compared, ...]:
    """Return how each kind of the recipe does on the rows before the test, in blocks that it has not seen."""
    kinds, folds, gap = recipe.candidates.kinds, recipe.candidates.folds, gap_rows(recipe, rows)
    features, values = rows.features[made_from], rows.values[made_from]
    done = count(1)
    compared = []
    for kind in kinds:
        predicted = left_out(
            model_of_kind(recipe, kind, rows),
            features,
            values,
            folds=folds,
            gap=gap,
            on_fold=lambda: on_progress("models", next(done), len(kinds) * folds),
        )
        compared.append(_as_served(recipe, kind, rows.timing.of(made_from), predicted, values))
    return tuple(compared)


def model_of_kind(recipe: Recipe, kind: str, rows: Rows) -> Callable[[], Regressor]:
    """Return what makes a model of a kind; raises LablineError where the values have no logarithm and need one."""
    logarithmic = recipe.output.logarithmic
    if logarithmic and not (rows.values > 0).all():
        least = rows.names[int(np.argmin(rows.values))]
        raise LablineError(
            f"{least} has the value {rows.values.min():g}, which has no logarithm", hint="set logarithmic = false"
        )
    inputs = rows.features.shape[1]
    return partial(candidate, kind, seed=recipe.seed, inputs=inputs, logarithmic=logarithmic)


def _as_served(
    recipe: Recipe, kind: str, timing: Timing, predicted: NDArray[np.float64], values: NDArray[np.float64]
) -> Compared:
    """Return a candidate with the correction that serves it best."""
    options = [(uncorrected(recipe, bias=limits), limits) for limits in biases_of(recipe)]
    served = [(serve(timing, predicted, values, output=output).values, limits) for output, limits in options]
    best, limits = min(served, key=lambda option: root_mean_square(values - option[0]))
    return Compared(
        kind=kind,
        error=root_mean_square(values - predicted),
        r2=r_squared(values, predicted),
        error_as_served=root_mean_square(values - best),
        r2_as_served=r_squared(values, best),
        bias=limits,
        left_out=predicted,
    )


def biases_of(recipe: Recipe) -> tuple[BiasLimits | None, ...]:
    """Return the corrections to choose from; without a table only none."""
    table, period = recipe.bias, recipe.period_seconds
    if table is None:
        return (None,)
    return tuple(
        BiasLimits(
            trust=trust,
            max_step=table.max_step,
            max_total=table.max_total,
            max_age_ns=seconds_to_ns(table.max_age_rows * period),
            half_life_ns=seconds_to_ns(half_life * period),
        )
        for trust, half_life in product(table.trusts, table.half_lives_rows)
    )
