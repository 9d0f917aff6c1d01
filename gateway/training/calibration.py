"""The interval of a chosen model: from what was said of each block of time without having seen it, as served. Pure."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gateway.definitions import AdaptiveLimits, BiasLimits, ValueOutput, Widening
from gateway.errors import LablineError
from gateway.inference.interval import split_conformal_half_width
from gateway.records import seconds_to_ns
from gateway.training.recipe import Recipe
from gateway.training.service import Laboratory, Served, serve
from gateway.training.validation import blocks, root_mean_square

_AGE_ROWS = 5  # errors are taken together by ages of so many rows
_MIN_COVERAGE, _MAX_COVERAGE = 0.5, 0.98  # between which an adaptive interval stays


def laboratory_of(recipe: Recipe) -> Laboratory:
    """Return which rows are measured, and how late."""
    table = recipe.laboratory
    return Laboratory(
        every_rows=table.every_rows,
        delay_rows=table.delay_rows,
        period_ns=seconds_to_ns(recipe.data.period_seconds),
    )


def uncorrected(recipe: Recipe, *, bias: BiasLimits | None) -> ValueOutput:
    """Return an output whose interval is not known yet."""
    valid, coverage = recipe.output.valid, recipe.output.coverage
    return ValueOutput(column=0, valid=valid, coverage=coverage, half_width=0.0, bias=bias)


def calibrated(
    recipe: Recipe,
    at: NDArray[np.int64],
    said: NDArray[np.float64],
    values: NDArray[np.float64],
    *,
    bias: BiasLimits | None,
) -> ValueOutput:
    """Return the output with its interval; ``said`` of each row, shape (n,), without having seen it."""
    plain = uncorrected(recipe, bias=bias)
    plain = replace(plain, widening=_widening(recipe, at, said, values, plain))
    served = serve(at, said, values, output=plain, laboratory=laboratory_of(recipe))
    errors = values - served.values
    scores = errors / served.widenings
    output = replace(_with_interval(plain, scores), sigma=root_mean_square(errors))
    rates = recipe.output.adaptive_rates
    if not rates:
        return output
    misjudged = {rate: _misjudged(recipe, at, said, values, scores, rate=rate, plain=plain) for rate in rates}
    return replace(output, adaptive=_adaptive(min(rates, key=lambda rate: misjudged[rate])))


def _widening(
    recipe: Recipe, at: NDArray[np.int64], said: NDArray[np.float64], values: NDArray[np.float64], plain: ValueOutput
) -> Widening | None:
    """Return how errors grow with the age of the correction: as served by laboratories that are later and later.

    Results are drawn at an age of their own, the freshest there is: without this, an interval that covers them would
    not cover the time between them.
    """
    if plain.bias is None:
        return None
    laboratory = laboratory_of(recipe)
    ages, errors = list[NDArray[np.float64]](), list[NDArray[np.float64]]()
    last = plain.bias.max_age_ns // laboratory.period_ns - laboratory.every_rows
    for delay in range(laboratory.delay_rows, max(laboratory.delay_rows, last) + 1, laboratory.every_rows):
        served = serve(at, said, values, output=plain, laboratory=replace(laboratory, delay_rows=delay))
        ages.append(served.ages_ns)
        errors.append(values - served.values)
    age, error = np.concatenate(ages), np.concatenate(errors)
    edges = laboratory.period_ns * np.arange(
        laboratory.delay_rows, max(laboratory.delay_rows, last) + 1 + laboratory.every_rows, _AGE_ROWS
    )
    held = [error[(age >= low) & (age < high)] for low, high in pairwise(edges)]
    if not any(len(each) for each in held):  # no correction ever lives so long
        return None
    middles = [int(low + high) // 2 for (low, high), each in zip(pairwise(edges), held, strict=True) if len(each)]
    spread = np.array([*(root_mean_square(each) for each in held if len(each)), root_mean_square(values - said)])
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
    at: NDArray[np.int64],
    said: NDArray[np.float64],
    values: NDArray[np.float64],
    scores: NDArray[np.float64],
    *,
    rate: float,
    plain: ValueOutput,
) -> float:
    """Return how far the coverage of each block is from what is promised, calibrated on the other blocks: the mean.

    A block that the calibration has not seen is what a model meets in service: a stretch of time of its own kind.
    """
    found = []
    for others, block in blocks(len(at), folds=recipe.candidates.folds, gap=0):
        output = replace(_with_interval(plain, scores[others]), adaptive=_adaptive(rate))
        served = serve(at[block], said[block], values[block], output=output, laboratory=laboratory_of(recipe))
        found.append(abs(coverage(served, values[block]) - plain.coverage))
    return float(np.mean(found))


def coverage(served: Served, values: NDArray[np.float64]) -> float:
    """Return the share of rows inside their interval; one without an interval is not inside."""
    return float(np.mean(np.abs(values - served.values) <= served.half_widths))
