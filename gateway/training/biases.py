"""The corrections by laboratory results that a model may be served with. Pure."""

from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from gateway.line.outputs import BiasLimits
from gateway.time_units import seconds_to_ns
from gateway.training.backtest import Timing
from gateway.training.recipe import Recipe
from gateway.training.recipe_tables.correction import BiasTable

_HALF_LIVES, _MAX_AGE = (2, 5, 23, 1000), 4  # of laboratory intervals
_MAX_AGE_OF_PRODUCT = 40  # intervals, too: other products are made in between
_USUAL, _TOTAL_STEPS = 0.995, 2.0  # share of left-out errors that are no larger than a step; steps in the total


def bias_allowed(recipe: Recipe) -> bool:
    """Return whether laboratory results may correct a model at all."""
    return recipe.bias is not None and recipe.bias.enabled


def biases_of(recipe: Recipe, timing: Timing, errors: NDArray[np.float64]) -> tuple[BiasLimits | None, ...]:
    """Return the corrections to choose from: none, and each of the table's.

    ``timing``, ``errors``: of the rows before the test, shape (n,), the errors by models that have not seen them.
    """
    table, period = recipe.bias, recipe.period_seconds
    if table is None or not table.enabled:
        return (None,)
    max_step, max_total = _bounds(table, errors)
    half_lives_ns = (
        [times * timing.every_ns for times in _HALF_LIVES]
        if table.half_lives_rows is None
        else [seconds_to_ns(rows * period) for rows in table.half_lives_rows]
    )
    max_age_ns = (
        timing.delay_ns + _MAX_AGE * timing.every_ns
        if table.max_age_rows is None
        else seconds_to_ns(table.max_age_rows * period)
    )
    shared = tuple(
        BiasLimits(
            trust=trust, max_step=max_step, max_total=max_total, max_age_ns=max_age_ns, half_life_ns=half_life_ns
        )
        for trust, half_life_ns in product(table.trusts, half_lives_ns)
    )
    oldest_ns = _MAX_AGE_OF_PRODUCT * timing.every_ns if table.max_age_rows is None else max_age_ns
    by_product = (
        replace(limits, per_product=True, max_age_ns=oldest_ns) for limits in shared if table.per == "product"
    )
    return (None, *shared, *by_product)


def _bounds(table: BiasTable, errors: NDArray[np.float64]) -> tuple[float, float]:
    """Return (max_step, max_total): the table's, or such as the left-out errors need, in two digits."""
    usual = float(f"{max(float(np.quantile(np.abs(errors), _USUAL)), 1e-300):.2g}")
    max_step = table.max_step or min(usual, table.max_total or np.inf)
    return max_step, table.max_total or max(_TOTAL_STEPS * usual, max_step)
