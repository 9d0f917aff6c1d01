"""The interval of a chosen model: from its predictions, as served, for blocks of time that it has not seen. Pure."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gateway.errors import LablineError
from gateway.inference.interval import split_conformal_half_width
from gateway.line.outputs import AdaptiveLimits, BiasLimits, ValueOutput, Widening
from gateway.training.backtest import Served, Timing, serve
from gateway.training.cross_validation import blocks, root_mean_square
from gateway.training.recipe import Recipe

_AGE_ROWS = 5  # errors are taken together by ages of so many rows
_MIN_COVERAGE, _MAX_COVERAGE = 0.5, 0.98  # between which an adaptive interval stays


def uncorrected(recipe: Recipe, *, bias: BiasLimits | None) -> ValueOutput:
    """Return an output whose interval is not known yet."""
    valid, coverage = recipe.output.valid, recipe.output.coverage
    return ValueOutput(column=0, valid=valid, coverage=coverage, half_width=0.0, bias=bias)


def calibrated(
    recipe: Recipe,
    timing: Timing,
    predicted: NDArray[np.float64],
    values: NDArray[np.float64],
    *,
    bias: BiasLimits | None,
) -> ValueOutput:
    """Return the output with its interval; ``predicted``: of each row, shape (n,), by a model that has not seen it."""
    plain = uncorrected(recipe, bias=bias)
    plain = replace(plain, widening=_widening(timing, predicted, values, plain))
    served = serve(timing, predicted, values, output=plain)
    errors = values - served.values
    scores = errors / served.widenings
    output = replace(_with_interval(plain, scores), sigma=root_mean_square(errors))
    rates = recipe.output.adaptive_rates
    if not rates:
        return output
    misjudged = {rate: _misjudged(recipe, timing, predicted, values, scores, rate=rate, plain=plain) for rate in rates}
    return replace(output, adaptive=_adaptive(min(rates, key=lambda rate: misjudged[rate])))


def _widening(
    timing: Timing, predicted: NDArray[np.float64], values: NDArray[np.float64], plain: ValueOutput
) -> Widening | None:
    """Return how errors grow with the age of the correction: as served by laboratories that are later and later.

    Results are drawn at an age of their own, the freshest there is: without this, an interval that covers them would
    not cover the time between them.
    """
    if plain.bias is None:
        return None
    ages, errors = list[NDArray[np.float64]](), list[NDArray[np.float64]]()
    every_ns, first_ns = timing.every_ns, timing.delay_ns
    last_ns = max(first_ns, plain.bias.max_age_ns - every_ns)
    for delay_ns in range(first_ns, last_ns + 1, every_ns):
        served = serve(timing.later(delay_ns - first_ns), predicted, values, output=plain)
        ages.append(served.ages_ns)
        errors.append(values - served.values)
    age, error = np.concatenate(ages), np.concatenate(errors)
    edges = np.arange(first_ns, last_ns + 1 + every_ns, min(every_ns, _AGE_ROWS * timing.row_ns))
    held = [error[(age >= low) & (age < high)] for low, high in pairwise(edges)]
    if not any(len(group) for group in held):  # no correction ever lives so long
        return None
    middles = [int(low + high) // 2 for (low, high), group in zip(pairwise(edges), held, strict=True) if len(group)]
    by_age = (root_mean_square(group) for group in held if len(group))
    spread = np.array([*by_age, root_mean_square(values - predicted)])
    factors = np.maximum.accumulate(spread / spread[0])
    return Widening(ages_ns=tuple(middles), factors=tuple(factors[:-1].tolist()), uncorrected=float(factors[-1]))


def _with_interval(plain: ValueOutput, scores: NDArray[np.float64]) -> ValueOutput:
    half_width = split_conformal_half_width(scores, coverage=plain.coverage)
    if half_width is None:
        raise LablineError(f"{len(scores)} rows are too few to calibrate an interval", hint="a larger share in [split]")
    return replace(plain, half_width=half_width, residuals=tuple(sorted(np.abs(scores).tolist())))


def _adaptive(rate: float) -> AdaptiveLimits:
    return AdaptiveLimits(rate=rate, min_coverage=_MIN_COVERAGE, max_coverage=_MAX_COVERAGE)


def _misjudged(
    recipe: Recipe,
    timing: Timing,
    predicted: NDArray[np.float64],
    values: NDArray[np.float64],
    scores: NDArray[np.float64],
    *,
    rate: float,
    plain: ValueOutput,
) -> float:
    """Return how far the coverage of each block is from what is promised, calibrated on the other blocks: the mean.

    A block that the calibration has not seen is what a model meets in service: a stretch of time of its own kind.
    """
    deviations = []
    for others, block in blocks(len(predicted), folds=recipe.candidates.folds, gap=0):
        output = replace(_with_interval(plain, scores[others]), adaptive=_adaptive(rate))
        served = serve(timing.of(block), predicted[block], values[block], output=output)
        deviations.append(abs(coverage(served, values[block]) - plain.coverage))
    return float(np.mean(deviations))


def coverage(served: Served, values: NDArray[np.float64]) -> float:
    """Return the share of rows inside their interval; one without an interval is not inside."""
    return float(np.mean(np.abs(values - served.values) <= served.half_widths))
