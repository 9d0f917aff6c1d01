"""How a model does as it will be served: corrected by late laboratory results, with its interval. Pure.

It is the gateway's own fold of feedback that is run, over the rows in their order, with each result at its time.
"""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.definitions import ValueOutput
from gateway.inference.feedback import Feedback, bias_at, correction_age_ns, half_width_of, states_after, widening_at


@dataclass(frozen=True, kw_only=True)
class Served:
    """What was said of each row: the corrected value, and the half width (NaN where no honest one could be given).

    ``ages_ns``: of the newest result in the correction, NaN without one; ``widenings``: of the interval, for that age.
    """

    values: NDArray[np.float64]
    half_widths: NDArray[np.float64]
    ages_ns: NDArray[np.float64]
    widenings: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Laboratory:
    """Which rows are measured, and how late their results arrive."""

    every_rows: int
    delay_rows: int
    period_ns: int


def serve(
    at: NDArray[np.int64],
    predicted: NDArray[np.float64],
    measured: NDArray[np.float64],
    *,
    output: ValueOutput,
    laboratory: Laboratory,
) -> Served:
    """Return what would have been said of rows of shape (n,), with the results that had arrived by each of them.

    ``at``: which line of the data each row is of; those that are multiples of ``every_rows`` are measured.
    """
    entries = [
        Feedback(
            result_id=str(line),
            sampled_ns=int(line) * laboratory.period_ns,
            arrived_ns=int(line + laboratory.delay_rows) * laboratory.period_ns,
            measured=float(value),
            predicted=float(said),
        )
        for line, value, said in zip(at, measured, predicted, strict=True)
        if line % laboratory.every_rows == 0
    ]
    times, states = states_after(entries, output)
    values, half_widths, ages, widenings = (np.empty(len(at)) for _ in range(4))
    for number, (line, said) in enumerate(zip(at, predicted, strict=True)):
        now_ns = int(line) * laboratory.period_ns
        state = states[bisect_right(times, now_ns)]
        width = half_width_of(state, output, now_ns)
        values[number] = said + bias_at(state, output.bias, now_ns)
        half_widths[number] = np.nan if width is None else width
        age = correction_age_ns(state, output.bias, now_ns)
        ages[number] = np.nan if age is None else age
        widenings[number] = widening_at(state, output, now_ns)
    return Served(values=values, half_widths=half_widths, ages_ns=ages, widenings=widenings)
