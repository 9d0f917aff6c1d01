"""How a model does as it will be served: corrected by late laboratory results, with its interval. Pure.

It is the gateway's own fold of feedback that is run, over the rows in their order, with each result at its time.
"""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.inference.corrections import bias_at, correction_age_ns, half_width_of, widening_at
from gateway.inference.feedback import Feedback, states_after
from gateway.line.outputs import ValueOutput
from gateway.training.files.instants import NEVER


@dataclass(frozen=True, kw_only=True)
class Served:
    """The prediction for each row as served: the corrected value, and the half width (NaN where none can be computed).

    ``ages_ns``: of the newest result in the correction, NaN without one; ``widenings``: of the interval, for that age.
    """

    values: NDArray[np.float64]
    half_widths: NDArray[np.float64]
    ages_ns: NDArray[np.float64]
    widenings: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Of which instant rows are, shape (n,) and ascending, and when their results arrive: NEVER where none is made."""

    at_ns: NDArray[np.int64]
    arrives_ns: NDArray[np.int64]

    def of(self, rows: slice | NDArray[np.int64]) -> "Timing":
        """Return the timing of some of the rows."""
        return Timing(at_ns=self.at_ns[rows], arrives_ns=self.arrives_ns[rows])

    def later(self, by_ns: int) -> "Timing":
        """Return the timing of a laboratory that is slower."""
        measured = self.arrives_ns != NEVER
        return Timing(at_ns=self.at_ns, arrives_ns=np.where(measured, self.arrives_ns + by_ns * measured, NEVER))

    @property
    def row_ns(self) -> int:
        """Return how far apart rows are: the median."""
        return _median_ns(np.diff(self.at_ns))

    @property
    def every_ns(self) -> int:
        """Return how far apart measured rows are: the median."""
        return _median_ns(np.diff(self.at_ns[self.arrives_ns != NEVER]))

    @property
    def delay_ns(self) -> int:
        """Return how late results are: the median."""
        measured = self.arrives_ns != NEVER
        return _median_ns((self.arrives_ns - self.at_ns)[measured])

    @property
    def rows_to_a_result(self) -> int:
        """Return over how many rows there is one result."""
        return max(1, round(self.every_ns / self.row_ns))


def _median_ns(of: NDArray[np.int64]) -> int:
    return max(1, int(np.median(of))) if len(of) else 1


def serve(
    timing: Timing, predicted: NDArray[np.float64], measured: NDArray[np.float64], *, output: ValueOutput
) -> Served:
    """Return the predictions for rows of shape (n,) as served: with the results that had arrived by each of them."""
    instants, arrivals = timing.at_ns.tolist(), timing.arrives_ns.tolist()
    entries = [
        Feedback(
            result_id=str(number),
            sampled_ns=at_ns,
            arrived_ns=arrives_ns,
            measured=float(value),
            predicted=float(predicted_value),
        )
        for number, (at_ns, arrives_ns, value, predicted_value) in enumerate(
            zip(instants, arrivals, measured, predicted, strict=True)
        )
        if arrives_ns != NEVER
    ]
    times, states = states_after(entries, output)
    values, half_widths, ages, widenings = (np.empty(len(instants)) for _ in range(4))
    for number, (now_ns, predicted_value) in enumerate(zip(instants, predicted, strict=True)):
        state = states[bisect_right(times, now_ns)]
        width = half_width_of(state, output, now_ns)
        values[number] = predicted_value + bias_at(state, output.bias, now_ns)
        half_widths[number] = np.nan if width is None else width
        age = correction_age_ns(state, output.bias, now_ns)
        ages[number] = np.nan if age is None else age
        widenings[number] = widening_at(state, output, now_ns)
    return Served(values=values, half_widths=half_widths, ages_ns=ages, widenings=widenings)
