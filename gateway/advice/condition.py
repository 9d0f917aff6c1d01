"""Since when a model's predictions have been beyond the limits, or well inside: delays and dead band. Pure.

A prediction that was refused, and so has no interval, does not end a run beyond the limits, but it ends a run of calm:
what is not known must neither delay a warning nor end one.
"""

from collections.abc import Sequence
from enum import Enum, auto

from gateway.facts.model_due import PastPrediction
from gateway.records.laboratory import Specification
from gateway.setpoints.search import inside

CALM_SHARE = 0.5  # of the probability from which on to warn: below that share of it a warning is resolved


class Standing(Enum):
    """Where a prediction lies."""

    OUTSIDE = auto()  # its interval reaches beyond a limit
    NEAR = auto()  # inside, but within the dead band
    CALM = auto()
    UNKNOWN = auto()


def standing_by_value(prediction: PastPrediction, limits: Specification, *, dead_band: float) -> Standing:
    """Return where a predicted interval lies, or will lie; ``dead_band``: in half widths of the interval."""
    low, high = prediction.low, prediction.high
    if low is None or high is None:
        return Standing.UNKNOWN
    room = dead_band * (high - low) / 2
    if prediction.heading is not None:
        low, high = min(low, prediction.heading[0]), max(high, prediction.heading[1])
    if not inside(limits, low, high):
        return Standing.OUTSIDE
    return Standing.CALM if inside(limits, low - room, high + room) else Standing.NEAR


def standing_by_probability(prediction: PastPrediction, warn_at: float) -> Standing:
    """Return where the predicted probability of a failure lies; ``warn_at``: from which on to warn."""
    if prediction.probability is None:
        return Standing.UNKNOWN
    if prediction.probability >= warn_at:
        return Standing.OUTSIDE
    return Standing.CALM if prediction.probability < CALM_SHARE * warn_at else Standing.NEAR


def stands_since_ns(newest_first: Sequence[tuple[int, Standing]]) -> int | None:
    """Return since when predictions, the newest first, have been beyond the limits; None where the newest is not."""
    if not newest_first or newest_first[0][1] is not Standing.OUTSIDE:
        return None
    since_ns = newest_first[0][0]
    for at_ns, standing in newest_first:
        if standing is Standing.OUTSIDE:
            since_ns = at_ns
        elif standing is not Standing.UNKNOWN:
            break
    return since_ns


def calm_since_ns(newest_first: Sequence[tuple[int, Standing]]) -> int | None:
    """Return since when predictions, the newest first, have been well inside; None where the newest is not."""
    since_ns = None
    for at_ns, standing in newest_first:
        if standing is not Standing.CALM:
            break
        since_ns = at_ns
    return since_ns
