"""The interval of a chosen model: from its predictions, as served, for blocks of time that it has not seen. Pure.

There are three kinds: fixed; adaptive, which learns from each result whether it was inside; and tracked, which follows
the size of errors. What covers best is taken, by blocks that are calibrated on the others, and the narrowest of those
that cover as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gateway.errors import LablineError
from gateway.inference.interval import split_conformal_half_width, width_factors
from gateway.line.outputs import (
    AdaptiveLimits,
    BiasLimits,
    FunctionSpaceLimits,
    ProportionalWidth,
    TrackedLimits,
    ValueOutput,
    Widening,
)
from gateway.training.backtest import Served, Timing, serve
from gateway.training.cross_validation import blocks, root_mean_square
from gateway.training.drift_limits import Charted, charted, robust_sigma
from gateway.training.files.instants import NEVER
from gateway.training.recipe import Recipe

Correction = BiasLimits | FunctionSpaceLimits | None
_AGE_ROWS = 5  # errors are taken together by ages of so many rows
_MOST_DELAYS = 20  # how many slower laboratories are tried
_MOST_DELAYS_OF_LIKENESS = 6  # which take longer
_MIN_COVERAGE, _MAX_COVERAGE = 0.5, 0.98  # between which an adaptive interval stays
_LEAST_SCALE, _MOST_SCALE = 0.25, 4.0  # of training's errors, between which a tracked interval stays
_AS_WELL = 0.01  # of coverage: so much nearer to what is promised is no better


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """An output with its interval, and the coverage of each block that was left out when the others calibrated it."""

    output: ValueOutput
    block_coverages: tuple[float, ...]
    charted: Charted  # how errors are charted, and after how many left-out results a false alarm comes


@dataclass(frozen=True, kw_only=True)
class _LeftOut:
    """Rows, each predicted by a model that has not seen it."""

    recipe: Recipe
    timing: Timing
    predicted: NDArray[np.float64]
    values: NDArray[np.float64]

    def served(self, output: ValueOutput) -> Served:
        return serve(self.timing, self.predicted, self.values, output=output)

    def blocks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        return blocks(len(self.values), folds=self.recipe.candidates.folds, gap=0)


@dataclass(frozen=True, kw_only=True)
class _Interval:
    """A kind of interval, how its blocks were covered, and how wide it was in the mean."""

    output: ValueOutput
    coverages: tuple[float, ...]
    width: float

    @property
    def misjudged(self) -> float:
        """Return how far the coverage of blocks is from what is promised: the mean."""
        return float(np.mean([abs(share - self.output.coverage) for share in self.coverages]))


def uncorrected(recipe: Recipe, *, correction: Correction) -> ValueOutput:
    """Return an output whose interval is not known yet: half its width is 1."""
    valid, coverage = recipe.output.valid, recipe.output.coverage
    bias = correction if isinstance(correction, BiasLimits) else None
    by_likeness = correction if isinstance(correction, FunctionSpaceLimits) else None
    return ValueOutput(column=0, valid=valid, coverage=coverage, half_width=1.0, bias=bias, function_space=by_likeness)


def calibrated(
    recipe: Recipe,
    timing: Timing,
    predicted: NDArray[np.float64],
    values: NDArray[np.float64],
    *,
    correction: Correction,
) -> Calibrated:
    """Return the output with its interval; ``predicted``: of each row, shape (n,), by a model that has not seen it."""
    rows = _LeftOut(recipe=recipe, timing=timing, predicted=predicted, values=values)
    plain = replace(uncorrected(recipe, correction=correction), proportional=_proportional(recipe, values))
    plain = replace(plain, widening=_widening(rows, plain))
    served = rows.served(plain)
    errors = (values - served.values) / width_factors(plain.proportional, served.values)
    in_service = charted(errors[timing.by_arrival])
    interval = _best([*_intervals(rows, plain, served)])
    output = replace(interval.output, sigma=in_service.sigma, charts=in_service.charts)
    return Calibrated(output=output, block_coverages=interval.coverages, charted=in_service)


def _proportional(recipe: Recipe, values: NDArray[np.float64]) -> ProportionalWidth | None:
    """Return that the interval is as wide as the value is large, where the model is of the values' logarithm."""
    if not recipe.output.logarithmic:
        return None
    return ProportionalWidth(at=float(np.median(values)), least=float(np.min(values)))


def _best(intervals: list[_Interval]) -> _Interval:
    least = min(interval.misjudged for interval in intervals)
    return min((item for item in intervals if item.misjudged <= least + _AS_WELL), key=lambda item: item.width)


def _intervals(rows: _LeftOut, plain: ValueOutput, served: Served) -> Iterator[_Interval]:
    """Yield the kinds of intervals that there are to choose from, each calibrated."""
    table = rows.recipe.output
    yield _scaled(rows, plain, served)
    relative = np.abs(rows.values - served.values) / served.half_widths
    measured = rows.timing.arrives_ns != NEVER
    mean_error = _usual_size(relative[measured]) if measured.any() else 0.0
    for rate in table.tracked_rates if mean_error > 0 else ():
        tracked = TrackedLimits(rate=rate, mean_error=mean_error, least_scale=_LEAST_SCALE, most_scale=_MOST_SCALE)
        following = replace(plain, tracked=tracked)
        yield _scaled(rows, following, rows.served(following))
    for rate in table.adaptive_rates:
        yield _adaptive(rows, plain, served, rate)


def _usual_size(errors: NDArray[np.float64]) -> float:
    """Return the mean size of errors, those beyond three robust sigmas cut to that: a bad stretch is not the usual."""
    return float(np.mean(np.minimum(errors, 3 * robust_sigma(errors))))


def _scaled(rows: _LeftOut, output: ValueOutput, served: Served) -> _Interval:
    """Return an interval whose half width is the one of ``served`` times a quantile of errors over that."""
    scores = np.abs(rows.values - served.values) / served.half_widths
    coverages, widths = list[float](), list[float]()
    for others, block in rows.blocks():
        quantile = _quantile(scores[others], output.coverage)
        coverages.append(float(np.mean(scores[block] <= quantile)))
        widths.append(quantile * float(np.mean(served.half_widths[block])))
    return _Interval(output=_with_interval(output, scores), coverages=tuple(coverages), width=float(np.mean(widths)))


def _adaptive(rows: _LeftOut, plain: ValueOutput, served: Served, rate: float) -> _Interval:
    """Return an interval that follows its hits and misses; each block begins as if it went into service."""
    scores = np.abs(rows.values - served.values) / served.half_widths
    limits = AdaptiveLimits(rate=rate, min_coverage=_MIN_COVERAGE, max_coverage=_MAX_COVERAGE)
    coverages, widths = list[float](), list[float]()
    for others, block in rows.blocks():
        output = replace(_with_interval(plain, scores[others]), adaptive=limits)
        of_block = serve(rows.timing.of(block), rows.predicted[block], rows.values[block], output=output)
        coverages.append(coverage(of_block, rows.values[block]))
        widths.append(float(np.nanmean(of_block.half_widths)))
    output = replace(_with_interval(plain, scores), adaptive=limits)
    return _Interval(output=output, coverages=tuple(coverages), width=float(np.mean(widths)))


def _widening(rows: _LeftOut, plain: ValueOutput) -> Widening | None:
    """Return how errors grow with the age of the correction: as served by laboratories that are later and later.

    Results are drawn at an age of their own, the freshest there is: without this, an interval that covers them would
    not cover the time between them. In function space that is beyond what the spread says already.
    """
    limits = plain.bias or plain.function_space
    if limits is None:
        return None
    timing, every_ns, first_ns = rows.timing, rows.timing.every_ns, rows.timing.delay_ns
    ages, errors = list[NDArray[np.float64]](), list[NDArray[np.float64]]()
    last_ns = max(first_ns, limits.max_age_ns - every_ns)
    most = _MOST_DELAYS if plain.function_space is None else _MOST_DELAYS_OF_LIKENESS
    step_ns = every_ns * max(1, -(-(last_ns - first_ns) // (every_ns * most)))
    for delay_ns in range(first_ns, last_ns + 1, step_ns):
        served = serve(timing.later(delay_ns - first_ns), rows.predicted, rows.values, output=plain)
        ages.append(served.ages_ns)
        errors.append((rows.values - served.values) / served.half_widths)
    age, error = np.concatenate(ages), np.concatenate(errors)
    edges = np.arange(first_ns, last_ns + 1 + every_ns, min(every_ns, _AGE_ROWS * timing.row_ns))
    held = [error[(age >= low) & (age < high)] for low, high in pairwise(edges)]
    if not any(len(group) for group in held):  # no correction ever lives so long
        return None
    middles = [int(low + high) // 2 for (low, high), group in zip(pairwise(edges), held, strict=True) if len(group)]
    by_age = (root_mean_square(group) for group in held if len(group))
    without = (rows.values - rows.predicted) / width_factors(plain.proportional, rows.predicted)
    spread = np.array([*by_age, root_mean_square(without)])
    factors = np.maximum.accumulate(spread / spread[0])
    return Widening(ages_ns=tuple(middles), factors=tuple(factors[:-1].tolist()), uncorrected=float(factors[-1]))


def _quantile(scores: NDArray[np.float64], coverage: float) -> float:
    quantile = split_conformal_half_width(scores, coverage=coverage)
    if quantile is None:
        raise LablineError(f"{len(scores)} rows are too few to calibrate an interval", hint="a larger share in [split]")
    return quantile


def _with_interval(plain: ValueOutput, scores: NDArray[np.float64]) -> ValueOutput:
    half_width = _quantile(scores, plain.coverage)
    return replace(plain, half_width=half_width, residuals=tuple(sorted(np.abs(scores).tolist())))


def coverage(served: Served, values: NDArray[np.float64]) -> float:
    """Return the share of rows inside their interval; one without an interval is not inside."""
    return float(np.mean(np.abs(values - served.values) <= served.half_widths))
