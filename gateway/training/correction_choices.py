"""The corrections to choose from: none, a bias, a bias for each product, one in function space. Pure."""

import numpy as np
from numpy.typing import NDArray

from gateway.line.outputs import FunctionSpaceLimits
from gateway.time_units import seconds_to_ns
from gateway.training.backtest import Timing
from gateway.training.biases import biases_of
from gateway.training.calibration import Correction
from gateway.training.files.instants import NEVER
from gateway.training.recipe import Recipe
from gateway.training.spread import scale_of

_USUAL_ERROR, _ROOM = 0.995, 1.5  # the quantile of left-out errors, and how much larger a correction may be
_MOST_RESULTS = 2000  # with more, trying it takes minutes, and so dense a laboratory is served as well by a bias
_TAU, _MEMORY, _OLDEST = 4, 40, 60  # laboratory intervals


def corrections_of(recipe: Recipe, timing: Timing, errors: NDArray[np.float64]) -> tuple[Correction, ...]:
    """Return the corrections to choose from for a model with these errors of left-out rows, shape (n,)."""
    return (*biases_of(recipe, timing, errors), *_by_likeness(recipe, timing, errors))


def _by_likeness(recipe: Recipe, timing: Timing, errors: NDArray[np.float64]) -> tuple[FunctionSpaceLimits, ...]:
    table, period_ns = recipe.function_space, seconds_to_ns(recipe.period_seconds)
    largest = _ROOM * float(np.quantile(np.abs(errors), _USUAL_ERROR))
    if recipe.bias is None or not recipe.bias.enabled:  # results may not correct it at all
        return ()
    results = int(np.sum(timing.arrives_ns != NEVER))
    if not table.enabled or timing.features is None or largest == 0 or results > _MOST_RESULTS:
        return ()
    scale = scale_of(timing.features, ddof=1)

    def span_ns(rows: float | None, intervals: int) -> int:
        return intervals * timing.every_ns if rows is None else round(rows * period_ns)

    return tuple(
        FunctionSpaceLimits(
            tau_ns=span_ns(table.tau_rows, _TAU),
            memory_ns=span_ns(table.memory_rows, _MEMORY),
            length=table.length,
            weight=weight,
            noise=table.noise,
            max_residual=table.max_residual or largest,
            max_total=table.max_total or largest,
            max_age_ns=span_ns(table.max_age_rows, _OLDEST),
            most_results=table.most_results,
            center=tuple(timing.features.mean(axis=0).tolist()),
            scale=tuple(scale.tolist()),
        )
        for weight in table.weights
    )
