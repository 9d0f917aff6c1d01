"""Tags that move on: where the data do not need their levels, a model does without. Pure.

A counter, an ageing catalyst, a tank that fills: such a tag lies outside what was learned soon and for good, and then
nothing is predicted any more. So for each tag of open lags that left-out blocks often show outside, it is tried whether
the error stays as small without the tag, or with its changes alone, which come back to where they were.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from gateway.training.cross_validation import blocks, later_blocks
from gateway.training.lag_choice import Scheme

Numbers = NDArray[np.float64]
_OFTEN = 0.05  # share of rows outside the range of the rows that came before, or of all others
_MARGIN = 0.25  # of a range, that most inputs have on a side
_MOST_TAGS = 8  # that are looked at: those most often outside
_WORTH = 0.1  # of the error: what it may grow by for a tag that lies outside always


def often_outside(levels: Mapping[str, Numbers], *, folds: int, gap: int) -> dict[str, float]:
    """Return the tags that lie far outside often, by their levels in the rows before the test, the most often first.

    With each, in which share of the rows.
    """
    shares = {tag: _share_outside(values, folds=folds, gap=gap) for tag, values in levels.items()}
    moved_on = sorted((tag for tag, share in shares.items() if share > _OFTEN), key=lambda tag: -shares[tag])
    return {tag: shares[tag] for tag in moved_on[:_MOST_TAGS]}


def _share_outside(values: Numbers, *, folds: int, gap: int) -> float:
    """Return the larger share of rows far outside: of what other blocks span, and of what the blocks before span."""
    shares = [0.0]
    for scheme in (blocks, later_blocks):
        outside = [
            _far(values[leaving], float(values[fitting].min()), float(values[fitting].max()))
            for fitting, leaving in scheme(len(values), folds=folds, gap=gap) if len(fitting)
        ]  # fmt: skip
        shares.append(float(np.mean(np.concatenate(outside))) if outside else 0.0)
    return max(shares)


def _far(values: Numbers, low: float, high: float) -> NDArray[np.bool_]:
    """Return which values lie so far outside a range that hardly any margin reaches there."""
    margin = _MARGIN * (high - low)
    far: NDArray[np.bool_] = (values < low - margin) | (values > high + margin)
    return far


def narrowed(
    scheme: Scheme,
    tags: Mapping[str, float],
    error_of: Callable[[Mapping[str, Scheme]], float],
    *,
    enough: float,
) -> dict[str, Scheme]:
    """Return by tag the plainer scheme with which the error is still small enough; tags that need theirs are left out.

    ``tags``: in which share of the rows each lies outside; ``error_of``: of other schemes for some of the tags;
    ``enough``: an error that is as small. It may be larger by a tenth for a tag that lies outside always, by less for
    one that seldom does: a value with a slightly larger error is worth more than none.
    """
    taken = dict[str, Scheme]()
    for tag, share in tags.items():
        for plainer in plainer_than(scheme):
            if error_of({**taken, tag: plainer}) <= enough * (1 + _WORTH * share):
                taken[tag] = plainer
                break
    return taken


def plainer_than(scheme: Scheme) -> list[Scheme]:
    """Return what is tried in the place of a scheme: nothing of the tag, then its changes alone."""
    changes = scheme.changes or scheme.lags[1:]
    nothing = Scheme(lags=(), changes=())
    return [nothing, Scheme(lags=(), changes=changes)] if changes and scheme.lags else [nothing]
