"""How far from what a model has learned it may be asked: the ranges of its inputs, the limits of its domain. Pure.

Rows that training sees say where the model has learned. Beyond that, a margin is earned by blocks of time that were
left out: how far outside the other blocks did they lie while errors as served stayed below 1.5 times those inside.
How far, is counted in ranges of what that block's model had learned: a model knows inputs by their spread in its own
rows. The lags of a tag are taken together: an excursion passes one after the other. Above and below a range are earned
apart, for what holds on one side says nothing of the other. Where nothing lay outside, or errors grew there, nothing is
earned.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gateway.inference.applicability_domain import scores
from gateway.line.definition import InputDefinition
from gateway.line.model_domain import Domain
from gateway.training.applicability_domain import fit_domain
from gateway.training.cross_validation import blocks, later_blocks, root_mean_square
from gateway.training.recipe_tables.output import OutputTable

MOST_GROWTH = 1.5  # of the errors outside, against those inside
_LEAST_ROWS = 10  # outside, from which something can be learned
_FARTHEST_ROWS = 2 * _LEAST_ROWS  # which are looked at alone
_LEAST_SHARE = 0.25  # of the whole range: a model that had seen less of it had not learned what the input does
_USUAL = 0.95  # share of the stretches of so many rows inside whose errors are no reason to wonder

Numbers = NDArray[np.float64]
Part = tuple[NDArray[np.int64], NDArray[np.int64]]  # rows that a model was fitted on, rows that were left out


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """What limits are earned by: rows as models serve them that have not seen them; ``folds``, ``gap``: the blocks.

    ``quantities``: of each input, shape (k,), which quantity it is; lags of one tag are one. None: each is its own.
    """

    features: Numbers  # (n, k)
    errors: Numbers  # (n,), as served
    folds: int
    gap: int
    domain_alpha: float = 0.001  # of each domain's limits
    later_errors: Numbers | None = None  # (n,), of models of earlier blocks only; NaN where there is none
    quantities: Sequence[int] | None = None

    def parts(self) -> Iterator[Part]:
        """Yield the rows that a block's model was fitted on, and the block."""
        return blocks(len(self.features), folds=self.folds, gap=self.gap)


@dataclass(frozen=True, kw_only=True)
class Margins:
    """By how much of its range an input may lie below and above what was learned, shape (k,) each; T2 and SPE limits.

    The limits of a domain that was fitted on fewer rows are no narrower than these. ``averaged_over``: of the domain.
    """

    below: Numbers
    above: Numbers
    t2_limit: float
    spe_limit: float
    averaged_over: int = 1


def margins_of(left_out: LeftOut, table: OutputTable) -> Margins:
    """Return the margins that the recipe gives, and those that were earned."""
    features = left_out.features
    below, above = (np.full(features.shape[1], table.range_margin) for _side in range(2))
    if table.earned_margin:
        below, above = (np.maximum(below, earned) for earned in _earned_ranges(left_out, most=table.most_margin))
    t2_limit, spe_limit = _domain_limits(left_out)
    return Margins(below=below, above=above, t2_limit=t2_limit, spe_limit=spe_limit)


def with_ranges(inputs: tuple[InputDefinition, ...], learned: Numbers, margins: Margins) -> tuple[InputDefinition, ...]:
    """Return the inputs with the ranges that rows of shape (n, k) span, and these with the margins: valid nowhere else.

    An input that never moved has no margin.
    """
    low, high = learned.min(axis=0), learned.max(axis=0)
    lower, upper = low - margins.below * (high - low), high + margins.above * (high - low)
    return tuple(
        replace(
            item,
            learned=(float(low[at]), float(high[at])),
            validated=(float(lower[at]), float(upper[at])),
        )
        for at, item in enumerate(inputs)
    )


def with_limits(learned: Numbers, margins: Margins, *, alpha: float) -> Domain:
    """Return the domain of rows of shape (n, k), its limits no narrower than what blocks left out have earned."""
    domain = fit_domain(learned, alpha=alpha)
    return replace(
        domain,
        t2_limit=max(domain.t2_limit, margins.t2_limit),
        spe_limit=max(domain.spe_limit, margins.spe_limit),
        averaged_over=margins.averaged_over,
    )


def holds_up_to(distances: Numbers, errors: Numbers, *, inside: Numbers) -> float:
    """Return how far outside, of rows that lie so far outside, errors stay below 1.5 times those inside; 0: nowhere.

    ``inside``: the errors of the rows inside, in the order of time. Of the farthest rows alone errors must not be
    larger than in the worst twentieth of as many rows inside that follow each other, and half of these rows lie beyond
    what is returned: many rows close by do not vouch for a few far off.
    """
    order = np.argsort(distances, kind="stable")
    distances, sums = distances[order], _sums(errors[order])
    counts = np.arange(_LEAST_ROWS, len(distances) + 1)
    before = np.maximum(counts - _FARTHEST_ROWS, 0)
    allowed = MOST_GROWTH**2 * float(np.mean(inside**2))
    holds = sums[counts] <= counts * allowed
    holds &= sums[counts] - sums[before] <= (counts - before) * max(allowed, _usual_worst(inside, _FARTHEST_ROWS))
    return float(distances[counts[holds][-1] - _LEAST_ROWS]) if holds.any() else 0.0


def _sums(errors: Numbers) -> Numbers:
    return np.concatenate([[0.0], np.cumsum(errors**2)])


def _usual_worst(inside: Numbers, rows: int) -> float:
    """Return the mean square error that one in twenty stretches of so many rows exceeds: errors come in stretches."""
    if len(inside) <= rows:
        return 0.0
    sums = _sums(inside)
    return float(np.quantile((sums[rows:] - sums[:-rows]) / rows, _USUAL))


def quantities_of(inputs: Sequence[InputDefinition]) -> tuple[int, ...]:
    """Return for each input a number that it shares with those that are the same at another lag."""
    names = [replace(item, name="", lag_ns=0, validated=(0.0, 0.0), learned=None) for item in inputs]
    return tuple(names.index(name) for name in names)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """How far rows lay below and above what their models had learned, shape (n, k) each, and their errors, (n,).

    A distance is NaN where the model had hardly seen the input move.
    """

    below: Numbers
    above: Numbers
    errors: Numbers


def _seen(features: Numbers, errors: Numbers, parts: Iterable[Part]) -> _Seen:
    """Return how the left-out rows of parts lay to the rows that were learned from, in shares of the range of these."""
    below, above = np.full_like(features, np.nan), np.full_like(features, np.nan)
    rows = np.zeros(len(features), np.bool_)
    least = _LEAST_SHARE * np.ptp(features, axis=0)
    for fitting, leaving in parts:
        low, high = features[fitting].min(axis=0), features[fitting].max(axis=0)
        spans = np.where((high > low) & (high - low >= least), high - low, np.nan)
        below[leaving] = np.maximum(low - features[leaving], 0) / spans
        above[leaving] = np.maximum(features[leaving] - high, 0) / spans
        rows[leaving] = True
    rows &= np.isfinite(errors)
    return _Seen(below=below[rows], above=above[rows], errors=errors[rows])


def _earned_ranges(left_out: LeftOut, *, most: float) -> tuple[Numbers, Numbers]:
    """Return by which shares of its range, shape (k,), an input may lie below it, and above it.

    Models of the other blocks and models of earlier blocks are heard together, the errors of either against those of
    its own inside: in service what is new lies to what is past.
    """
    features = left_out.features
    schemes = [_seen(features, left_out.errors, left_out.parts())]
    if left_out.later_errors is not None:
        later = later_blocks(len(features), folds=left_out.folds, gap=left_out.gap)
        schemes.append(_seen(features, left_out.later_errors, later))
    below, above = (np.zeros(features.shape[1]) for _side in range(2))
    quantities = np.arange(features.shape[1]) if left_out.quantities is None else np.array(left_out.quantities)
    for quantity in np.unique(quantities):
        lags = np.flatnonzero(quantities == quantity)
        sides = [(seen.below[:, lags].max(axis=1), seen.above[:, lags].max(axis=1), seen.errors) for seen in schemes]
        below[lags] = _earned(sides)
        above[lags] = _earned([(other, distance, errors) for distance, other, errors in sides])
    return np.minimum(below, most), np.minimum(above, most)


def _earned(schemes: Sequence[tuple[Numbers, Numbers, Numbers]]) -> float:
    """Return up to which distance errors hold: of each scheme the distances on this and the other side, the errors.

    A scheme counts where enough of its rows were inside to compare with.
    """
    outside, inside, distances = list[Numbers](), list[Numbers](), list[Numbers]()
    for distance, other_side, errors in schemes:
        within = (distance == 0) & (other_side == 0)
        usual = root_mean_square(errors[within]) if within.sum() >= _LEAST_ROWS else 0.0
        if usual > 0:
            inside.append(errors[within] / usual)
            outside.append(errors[distance > 0] / usual)
            distances.append(distance[distance > 0])
    if not inside:
        return 0.0
    return holds_up_to(np.concatenate(distances), np.concatenate(outside), inside=np.concatenate(inside))


def _domain_limits(left_out: LeftOut) -> tuple[float, float]:
    """Return the T2 and SPE that all but a share of alpha of the rows left out stay below.

    They are not drawn nearer where errors grow: the interval is calibrated on these very rows, and so it holds there.
    """
    alpha = left_out.domain_alpha
    measured = [
        scores(fit_domain(left_out.features[fitting], alpha=alpha), left_out.features[leaving])
        for fitting, leaving in left_out.parts()
    ]
    t2, spe = (float(np.quantile(np.concatenate(parts), 1 - alpha)) for parts in zip(*measured, strict=True))
    return t2, spe
