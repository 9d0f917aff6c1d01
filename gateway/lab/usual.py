"""What is usual of a tag: where the lots in control lay. Pure.

How far a tag lies from what is usual has this one definition: for the rank of causes, its sentence, the table of tags.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MAD_TO_SIGMA = 1.4826  # of a normal distribution
_DECILES_TO_SIGMA = 2.5631  # between the tenth and the ninetieth percentile of a normal distribution
_FARTHEST_SIGMAS = 3.0  # at which the farthest lot in control may lie
_NOTHING = 1e-100  # a scatter that small is none: a distance in it would be no number


@dataclass(frozen=True, kw_only=True, slots=True)
class Usual:
    """Where the lots in control lay: their median, one sigma between them, the smallest and the largest."""

    center: float
    sigma: float
    low: float
    high: float
    lots: int

    def sigmas(self, value: float) -> float | None:
        """Return by how many sigmas a value lies from the median; None where nothing ever varied, this neither."""
        if self.sigma > 0:
            return (value - self.center) / self.sigma
        return 0.0 if value == self.center else None


def usual_of(values: Sequence[float], *, floor: float = 0.0) -> Usual:
    """Return what is usual by values of lots in control, at least one; robust against a tenth of odd ones.

    One sigma is the largest of 1.4826 times the median absolute deviation, of the width between the deciles over 2.5631
    (each right for a normal distribution, NIST 1.3.5.6), of a third of the farthest lot's distance (what a lot in
    control had is within three sigmas) and of ``floor``. The first alone is next to nothing where most lots had the
    very same value, and any other value would be hundreds of sigmas away.
    """
    known = np.sort(np.asarray(values, np.float64))
    center = _quantile(known, 0.5)
    by_median = _MAD_TO_SIGMA * _quantile(np.sort(np.abs(known - center)), 0.5)
    farthest = float(np.abs(known - center).max())
    deciles = _quantile(known, 0.9) - _quantile(known, 0.1)
    sigma = max(by_median, deciles / _DECILES_TO_SIGMA, farthest / _FARTHEST_SIGMAS, floor)
    return Usual(
        center=center,
        sigma=sigma if sigma > _NOTHING else 0.0,
        low=float(known[0]),
        high=float(known[-1]),
        lots=len(known),
    )


def _quantile(ordered: NDArray[np.float64], share: float) -> float:
    """Return a quantile of values in order, by a straight line between two of them; numpy takes 20 times as long."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))
