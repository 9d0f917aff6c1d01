"""How a model does as it will be served: corrected by late laboratory results, with its interval. Pure.

It is the gateway's own fold of feedback that is run, with each result at its time. Rows between two arrivals are served
at once, by the same formulas as a single prediction.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.inference.corrections import BiasState, half_width_of, state_of_product
from gateway.inference.feedback import Feedback, states_after
from gateway.inference.function_space import conditioned, in_use, standardised
from gateway.inference.interval import width_factors
from gateway.line.outputs import ValueOutput, Widening
from gateway.training.files.instants import NEVER

Indexes = NDArray[np.int64]
_NO_RESULT = -(2**62)  # a drawn time before all others


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
    """Of which instant rows are, shape (n,) and ascending, and when their results arrive: NEVER where none is made.

    ``features``, shape (n, inputs), and ``products``, shape (n,), of text or None: what corrections look at.
    """

    at_ns: NDArray[np.int64]
    arrives_ns: NDArray[np.int64]
    features: NDArray[np.float64] | None = None
    products: NDArray[Any] | None = None

    def of(self, rows: slice | NDArray[np.int64]) -> "Timing":
        """Return the timing of some of the rows."""
        return Timing(
            at_ns=self.at_ns[rows],
            arrives_ns=self.arrives_ns[rows],
            features=None if self.features is None else self.features[rows],
            products=None if self.products is None else self.products[rows],
        )

    def taught_by(self, rows: NDArray[np.bool_]) -> "Timing":
        """Return the timing with the results of these rows alone."""
        return replace(self, arrives_ns=np.where(rows, self.arrives_ns, NEVER))

    def later(self, by_ns: int) -> "Timing":
        """Return the timing of a laboratory that is slower."""
        measured = self.arrives_ns != NEVER
        return replace(self, arrives_ns=np.where(measured, self.arrives_ns + by_ns * measured, NEVER))

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Return which rows have a laboratory result, shape (n,)."""
        measured: NDArray[np.bool_] = self.arrives_ns != NEVER
        return measured

    @property
    def by_arrival(self) -> NDArray[np.int64]:
        """Return the rows that have a result, in the order of its arrival."""
        measured = np.flatnonzero(self.measured)
        return measured[np.argsort(self.arrives_ns[measured], kind="stable")]

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
    times, states = states_after(entries_of(timing, predicted, measured, output), output)
    state_of = np.searchsorted(np.array(times, np.int64), timing.at_ns, side="right")
    rows = by_likeness if output.function_space is not None else _by_bias
    return rows(timing, predicted, output, states, state_of)


def demoted_rows(
    timing: Timing, predicted: NDArray[np.float64], measured: NDArray[np.float64], *, output: ValueOutput
) -> NDArray[np.bool_]:
    """Return at which rows, shape (n,), a drift of the errors has put the model into shadow: from then on, for good.

    In service a person ends that; who that is, and when, no data say.
    """
    times, states = states_after(entries_of(timing, predicted, measured, output), output)
    first_ns = next((at_ns for at_ns, state in zip(times, states[1:], strict=True) if state.drifts), NEVER)
    return timing.at_ns >= first_ns


def entries_of(
    timing: Timing, predicted: NDArray[np.float64], measured: NDArray[np.float64], output: ValueOutput
) -> list[Feedback]:
    """Return the laboratory's results as the gateway would have recorded them."""
    by_likeness, known = output.function_space is not None, np.flatnonzero(timing.arrives_ns != NEVER)
    return [
        Feedback(
            result_id=f"{row:08d}",
            sampled_ns=int(timing.at_ns[row]),
            arrived_ns=int(timing.arrives_ns[row]),
            measured=float(measured[row]),
            predicted=float(predicted[row]),
            features=tuple(timing.features[row].tolist()) if by_likeness and timing.features is not None else (),
            product=None if timing.products is None else timing.products[row],
        )
        for row in known.tolist()
    ]


def _by_bias(
    timing: Timing, predicted: NDArray[np.float64], output: ValueOutput, states: list[BiasState], state_of: Indexes
) -> Served:
    """Return rows as served with a bias: what ``corrected`` says of each of them, for all rows at once."""
    limits, products = output.bias, timing.products
    if limits is not None and limits.per_product and products is not None:
        own = [
            state_of_product(states[at], output, product)
            for at, product in zip(state_of.tolist(), products, strict=True)
        ]
        state_of = np.arange(len(own))
    else:
        own = [state_of_product(state, output, None) for state in states]
    newest = np.array([_NO_RESULT if state.newest_ns is None else state.newest_ns for state in own], np.int64)[state_of]
    ages = np.maximum(timing.at_ns - newest, 0).astype(np.float64)
    known = newest != _NO_RESULT
    if limits is not None:
        known &= timing.at_ns - newest <= limits.max_age_ns
    ages = np.where(known & (limits is not None), ages, np.nan)
    biases = np.array([state.bias for state in own])[state_of]
    if limits is not None and limits.half_life_ns is not None:
        biases = biases * 0.5 ** (ages / limits.half_life_ns)
    widenings = _widenings(ages, output.widening)
    widths = _half_widths(own, output)[state_of]
    values = predicted + np.where(np.isnan(ages), 0.0, biases)
    return Served(
        values=values,
        half_widths=widths * widenings * width_factors(output.proportional, values),
        ages_ns=ages,
        widenings=widenings,
    )


def _half_widths(states: list[BiasState], output: ValueOutput) -> NDArray[np.float64]:
    """Return half the intervals of states but for the age of their corrections; NaN where none can be computed."""
    fresh = replace(output, widening=None)
    widths = [half_width_of(state, fresh, 0) for state in states]
    return np.array([np.nan if width is None else width for width in widths])


def _widenings(ages_ns: NDArray[np.float64], widening: Widening | None) -> NDArray[np.float64]:
    if widening is None:
        return np.ones(len(ages_ns))
    by_age = np.interp(ages_ns, widening.ages_ns, widening.factors)
    return np.where(np.isnan(ages_ns), widening.uncorrected, by_age)


def by_likeness(
    timing: Timing, predicted: NDArray[np.float64], output: ValueOutput, states: list[BiasState], state_of: Indexes
) -> Served:
    """Return rows as served with a correction in function space: those between two arrivals at once."""
    limits = output.function_space
    if limits is None or timing.features is None:
        raise ValueError("a correction in function space needs the features of rows")
    inputs = standardised(timing.features, limits)
    values, ages, spreads = predicted.copy(), np.full(len(predicted), np.nan), np.ones(len(predicted))
    for between in np.split(np.arange(len(state_of)), np.flatnonzero(np.diff(state_of)) + 1):
        left = between
        while len(left):
            errors = in_use(states[state_of[left[0]]].errors, limits, int(timing.at_ns[left[0]]))
            if not errors:
                break
            same = timing.at_ns[left] - errors[0].sampled_ns <= limits.max_age_ns  # the same errors are in use
            rows, left = left[same], left[~same]
            by_errors = conditioned(errors, limits, timing.at_ns[rows], inputs[rows])
            values[rows] += by_errors.corrections
            spreads[rows] = by_errors.spreads
            ages[rows] = np.maximum(timing.at_ns[rows] - errors[-1].sampled_ns, 0)
    widenings = _widenings(ages, output.widening) * spreads
    widths = _half_widths(states, output)[state_of]
    half_widths = widths * widenings * width_factors(output.proportional, values)
    return Served(values=values, half_widths=half_widths, ages_ns=ages, widenings=widenings)
