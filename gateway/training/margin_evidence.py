"""What rows of blocks that were left out vouch for: how far outside what a model has learned its errors hold. Pure.

How far, is counted in ranges of what that block's model had learned: a model knows inputs by their spread in its own
rows. An input is judged by its own rows outside, where there are enough. Where there are few, all inputs are heard
together: the rows of a plant with sixty inputs lie a little outside in one or another of them half of the time, each in
another one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.training.cross_validation import root_mean_square
from gateway.training.spread import noise_of

MOST_GROWTH = 1.5  # of the errors outside, against those inside
_LEAST_ROWS = 10  # outside, from which something can be learned
_FARTHEST_ROWS = 2 * _LEAST_ROWS  # which are looked at alone
_FEW_ROWS = 3  # fewer may err by the laboratory's own mistake
_LEAST_SHARE = 0.25  # of the whole range: a model that had seen less of it had not learned what the input does
_USUAL = 0.95  # share of the stretches of so many rows inside whose errors are no reason to wonder
_LEAST_QUANTITIES = 3  # that must have been outside, for what holds of them to hold of others
_NEAREST = 0.25  # of the rows, to compare with, where hardly any lies inside in every input

Numbers = NDArray[np.float64]
Part = tuple[NDArray[np.int64], NDArray[np.int64]]  # rows that a model was fitted on, rows that were left out


@dataclass(frozen=True, kw_only=True)
class Seen:
    """How far rows lay below and above what their models had learned, shape (n, k) each, and their errors, (n,).

    A distance is NaN outside what a model had hardly seen the input move in. ``moved``: which inputs, shape (k,), every
    model had seen move. ``as_in_service``: whether the models were made of nearly all rows, as the one in service is.
    """

    below: Numbers
    above: Numbers
    errors: Numbers
    moved: NDArray[np.bool_]
    as_in_service: bool

    def distances(self, inputs: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
        """Return how far rows lay below and above, shape (n,) each, in the one of these inputs that lay farthest."""
        return self.below[:, inputs].max(axis=1), self.above[:, inputs].max(axis=1)

    def relative_errors(self, inside: NDArray[np.bool_]) -> Numbers | None:
        """Return errors over the usual one of rows inside; None where hardly any row is inside."""
        usual = root_mean_square(self.errors[inside]) if inside.sum() >= _LEAST_ROWS else 0.0
        return self.errors / usual if usual > 0 else None


def seen(features: Numbers, errors: Numbers, parts: Iterable[Part], *, as_in_service: bool) -> Seen:
    """Return how the left-out rows of parts lay to the rows that were learned from, in shares of the range of these."""
    below, above = np.full_like(features, np.nan), np.full_like(features, np.nan)
    rows, moved = np.zeros(len(features), np.bool_), np.ones(features.shape[1], np.bool_)
    noise = noise_of(features)
    least = _LEAST_SHARE * np.ptp(features, axis=0)
    for fitting, leaving in parts:
        low, high = features[fitting].min(axis=0), features[fitting].max(axis=0)
        spans = np.where((high - low >= least) & (high - low > noise), high - low, np.nan)
        below[leaving] = _shares(low - features[leaving] - noise, spans)
        above[leaving] = _shares(features[leaving] - high - noise, spans)
        rows[leaving] = True
        moved &= np.isfinite(spans)
    rows &= np.isfinite(errors)
    return Seen(
        below=below[rows], above=above[rows], errors=errors[rows], moved=moved, as_in_service=as_in_service
    )  # fmt: skip


def _shares(beyond: Numbers, spans: Numbers) -> Numbers:
    return np.where(beyond > 0, beyond / spans, 0.0)


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


def grows_beyond(distances: Numbers, errors: Numbers, *, inside: Numbers) -> float:
    """Return beyond which distance the few rows outside speak against a margin: their errors grow there; inf: nowhere.

    Those of the rows farthest out must not be larger than 1.5 times those inside, nor than in the worst twentieth of as
    many rows inside that follow each other; of one or two rows, not larger than any inside.
    """
    order = np.argsort(-distances, kind="stable")
    means = np.cumsum(errors[order] ** 2) / np.arange(1, len(distances) + 1)
    allowed = MOST_GROWTH**2 * float(np.mean(inside**2))
    grown = [rows for rows, mean in enumerate(means, start=1) if mean > max(allowed, _worst(inside, rows))]
    if not grown:
        return float("inf")
    nearer = distances[order][grown[-1] :]
    return float(nearer[0]) if len(nearer) else 0.0


def own_margins(schemes: Sequence[Seen], inputs: NDArray[np.int64], *, shared: float) -> tuple[float, float]:
    """Return how far below and above its range a quantity, the same at several lags, may lie.

    ``shared``: what all inputs together vouch for, which the quantity's own rows may deny: those of models as in
    service, however few they are, and enough of others, which have seen less and so err more.
    """
    below, above = _Side(), _Side()
    for scheme in schemes:
        under, over = scheme.distances(inputs)
        within = (under == 0) & (over == 0)
        errors = scheme.relative_errors(within)
        if errors is not None:
            for side, distance in ((below, under), (above, over)):
                side.add(distance, errors, within, may_deny=scheme.as_in_service)
    return below.margin(shared=shared), above.margin(shared=shared)


class _Side:
    """The rows that lay outside on a side, and what speaks for and against a margin there."""

    def __init__(self) -> None:
        self._distances, self._errors, self._inside = list[Numbers](), list[Numbers](), list[Numbers]()
        self._denied_beyond = float("inf")

    def add(self, distance: Numbers, errors: Numbers, within: NDArray[np.bool_], *, may_deny: bool) -> None:
        """Hear the rows of a scheme; errors are shares of the usual one."""
        outside = distance > 0
        self._distances.append(distance[outside])
        self._errors.append(errors[outside])
        self._inside.append(errors[within])
        if may_deny or outside.sum() >= _LEAST_ROWS:
            denied = grows_beyond(distance[outside], errors[outside], inside=errors[within])
            self._denied_beyond = min(self._denied_beyond, denied)

    def margin(self, *, shared: float) -> float:
        """Return how far outside errors hold."""
        if not self._inside:
            return 0.0
        distances, errors, inside = (np.concatenate(of) for of in (self._distances, self._errors, self._inside))
        return max(holds_up_to(distances, errors, inside=inside), min(shared, self._denied_beyond))


def shared_margin(schemes: Sequence[Seen], quantities: NDArray[np.int64]) -> float:
    """Return how far outside errors hold, whichever input it is; 0 where too few of them were ever outside.

    It must hold without the rows of any one of them: none vouches for the others alone.
    """
    distances, errors, farthest, inside = list[Numbers](), list[Numbers](), list[NDArray[np.int64]](), list[Numbers]()
    for scheme in schemes:
        of_input = np.maximum(scheme.below, scheme.above)
        known = np.isfinite(of_input).all(axis=1)
        distance = of_input.max(axis=1)
        nearest = float(np.quantile(distance[known], _NEAREST)) if known.any() else -1.0
        near: NDArray[np.bool_] = known & (distance <= nearest)
        relative = scheme.relative_errors(near)
        if relative is not None:
            rows = known & ~near
            inside.append(relative[near])
            errors.append(relative[rows])
            distances.append(distance[rows])
            farthest.append(quantities[of_input[rows].argmax(axis=1)])
    if not inside:
        return 0.0
    far, of_far, within = (np.concatenate(parts) for parts in (distances, errors, inside))
    who = np.concatenate(farthest)
    others = [who != quantity for quantity in np.unique(who)]
    if len(others) < _LEAST_QUANTITIES:
        return 0.0
    return min(holds_up_to(far[rows], of_far[rows], inside=within) for rows in others)


def _sums(errors: Numbers) -> Numbers:
    return np.concatenate([[0.0], np.cumsum(errors**2)])


def _worst(inside: Numbers, rows: int) -> float:
    """Return the mean square error that so many rows may have by bad luck."""
    return float(np.max(inside**2)) if rows < _FEW_ROWS else _usual_worst(inside, min(rows, _FARTHEST_ROWS))


def _usual_worst(inside: Numbers, rows: int) -> float:
    """Return the mean square error that one in twenty stretches of so many rows exceeds: errors come in stretches."""
    if len(inside) <= rows:
        return 0.0
    sums = _sums(inside)
    return float(np.quantile((sums[rows:] - sums[:-rows]) / rows, _USUAL))
