"""Limits of a chart of individual values, frozen from a stretch in which the process ran as it should. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

D2 = 1.128  # of moving ranges of two (NIST/SEMATECH e-Handbook, 6.3.2.2)
_WIDTH = 3.0
MOST_LEFT_OUT = 0.1  # of the values: more outside the limits than that are no stretch to freeze limits from


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartLimits:
    """Center line and sigma of a chart of individual values, and what they rest on."""

    center: float
    sigma: float
    count: int  # values they rest on
    mean_moving_range: float
    overall_sigma: float  # the values' own standard deviation, for Pp and Ppk

    @property
    def lower(self) -> float:
        """Return the lower control limit."""
        return self.center - _WIDTH * self.sigma

    @property
    def upper(self) -> float:
        """Return the upper control limit."""
        return self.center + _WIDTH * self.sigma

    def standardised(self, value: float) -> float:
        """Return by how many sigmas a value lies above the center line."""
        return (value - self.center) / self.sigma


def chart_limits(values: Sequence[float]) -> ChartLimits | None:
    """Return the limits of an I-MR chart of values in their order, or None where too few or all alike.

    NIST/SEMATECH e-Handbook, 6.3.2.2: sigma is the mean moving range over 1.128. It is at least half the step in which
    the values are written: what varies less than that is rounded away, and a last digit that changes would be a signal
    (Wheeler, Understanding Statistical Process Control, 1992: inadequate measurement units).
    """
    if len(values) <= 1:
        return None
    mean_moving_range = statistics.fmean(abs(later - earlier) for earlier, later in pairwise(values))
    if mean_moving_range <= 0.0:
        return None
    return ChartLimits(
        center=statistics.fmean(values),
        sigma=max(mean_moving_range / D2, _step(values) / 2),
        count=len(values),
        mean_moving_range=mean_moving_range,
        overall_sigma=statistics.stdev(values),
    )


def _step(values: Sequence[float]) -> float:
    """Return the step in which values are written: one of the last decimal place that any of them uses."""
    places = max(-int(Decimal(repr(value)).normalize().as_tuple().exponent) for value in values)
    return float(Decimal(1).scaleb(-max(places, 0)))


def frozen_limits(values: Sequence[float]) -> tuple[ChartLimits | None, tuple[int, ...]]:
    """Return (the limits to freeze from a first stretch, or None; which of its values were left out).

    Values outside the limits of all are left out once, and the limits made again. Where that is more than a tenth of
    them, or others lie outside even then, the stretch was not in control and there is nothing to freeze.
    """
    first = chart_limits(values)
    if first is None:
        return None, ()
    outside = tuple(at for at, value in enumerate(values) if not first.lower <= value <= first.upper)
    if len(outside) > MOST_LEFT_OUT * len(values):
        return None, outside
    kept = [value for at, value in enumerate(values) if at not in outside]
    again = chart_limits(kept)
    if again is None or any(not again.lower <= value <= again.upper for value in kept):
        return None, outside
    return again, outside
