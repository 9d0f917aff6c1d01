"""Tags that move on: where the data do not need their levels, a model does without. Pure.

A counter, an ageing catalyst, a tank that fills: such a tag lies outside what was learned soon and for good, and then
nothing is predicted any more. So for each tag of open lags whose mean differs from block to block by about as much as
it moves at all, it is tried whether the error stays as small without the tag, or with its changes alone, which come
back to where they were.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from gateway.training.cross_validation import blocks, later_blocks
from gateway.training.lag_choice import Scheme
from gateway.training.spread import noise_of

Numbers = NDArray[np.float64]
_WALKS = 0.45  # share of a tag's variance that lies between blocks of time: one that returns has less
_MARGIN = 0.25  # of a range, that most inputs have on a side
_MOST_TAGS = 8  # that are looked at: those that move on most
_WORTH = 0.1  # of the error: what it may grow by for a tag that lies far outside always


def moving_on(levels: Mapping[str, Numbers], *, folds: int, gap: int) -> dict[str, float]:
    """Return the tags that move on, by their levels in the rows before the test, those that do so most first.

    With each, in which share of the rows it lies so far outside that hardly any margin reaches there.
    """
    shares = {tag: _share_between(values, folds=folds) for tag, values in levels.items()}
    moved_on = sorted((tag for tag, share in shares.items() if share > _WALKS), key=lambda tag: -shares[tag])
    return {tag: _share_outside(levels[tag], folds=folds, gap=gap) for tag in moved_on[:_MOST_TAGS]}


def _share_between(values: Numbers, *, folds: int) -> float:
    """Return which share of the variance the means of blocks have."""
    means = [values[block].mean() for _others, block in blocks(len(values), folds=folds, gap=0)]
    noise = noise_of(values[:, None])[0]
    return float(np.var(means) / np.var(values)) if np.std(values) > noise else 0.0


def _share_outside(values: Numbers, *, folds: int, gap: int) -> float:
    """Return the larger share of rows far outside: of what other blocks span, and of what the blocks before span."""
    shares = [0.0]
    for scheme in (blocks, later_blocks):
        outside = [
            _outside(values[leaving], values[fitting])
            for fitting, leaving in scheme(len(values), folds=folds, gap=gap) if len(fitting)
        ]  # fmt: skip
        shares.append(float(np.mean(np.concatenate(outside))) if outside else 0.0)
    return max(shares)


def _outside(values: Numbers, learned: Numbers) -> NDArray[np.bool_]:
    """Return which values lie outside what was learned by more than most margins."""
    room = _MARGIN * float(np.ptp(learned))
    outside: NDArray[np.bool_] = (values < learned.min() - room) | (values > learned.max() + room)
    return outside


def narrowed(
    scheme: Scheme, tags: Mapping[str, float], error_of: Callable[[Mapping[str, Scheme]], float]
) -> dict[str, Scheme]:
    """Return by tag the plainer scheme with which the error is no larger; tags that need theirs are left out.

    ``tags``: in which share of the rows each lies far outside; ``error_of``: of other schemes for some of the tags. It
    may be larger by a tenth for a tag that lies far outside always, by less for one that seldom does: a value with a
    slightly larger error is worth more than none.
    """
    taken, least = dict[str, Scheme](), error_of({}) if tags else 0.0
    for tag, far in tags.items():
        for plainer in plainer_than(scheme):
            error = error_of({**taken, tag: plainer})
            if error <= least * (1 + _WORTH * far):
                taken[tag] = plainer
                least = min(least, error)
                break
    return taken


def plainer_than(scheme: Scheme) -> list[Scheme]:
    """Return what is tried in the place of a scheme: nothing of the tag, then its changes alone."""
    changes = scheme.changes or scheme.lags[1:]
    nothing = Scheme(lags=(), changes=())
    return [nothing, Scheme(lags=(), changes=changes)] if changes and scheme.lags else [nothing]
