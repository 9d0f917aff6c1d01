"""Values as served, without their intervals: what a choice among many corrections looks at. Pure.

The gateway's own fold (``backtest.serve``) also follows intervals and charts, and is several times slower. A property
test holds the two to the same numbers.
"""

import numpy as np
from numpy.typing import NDArray

from gateway.inference.corrections import begun
from gateway.inference.feedback import with_known_error
from gateway.line.outputs import BiasLimits, FunctionSpaceLimits, ValueOutput
from gateway.training.backtest import Timing, by_likeness, entries_of

Numbers = NDArray[np.float64]
_NO_RESULT = -(2**62)  # a drawn time before all others


def values_served(timing: Timing, predicted: Numbers, measured: Numbers, *, output: ValueOutput) -> Numbers:
    """Return the predictions for rows of shape (n,) with the correction that had been learned by each of them."""
    limits = output.bias
    if output.function_space is not None:
        return _by_likeness(timing, predicted, measured, output, output.function_space)
    if limits is None or limits.signed:
        return predicted
    if not limits.per_product:
        return predicted + _corrections(timing, predicted, measured, limits)
    values, products = predicted.copy(), timing.products
    for product in [] if products is None else sorted({name for name in products if name is not None}):
        own = np.flatnonzero(products == product)
        values[own] += _corrections(timing.of(own), predicted[own], measured[own], limits)
    return values


def _by_likeness(
    timing: Timing, predicted: Numbers, measured: Numbers, output: ValueOutput, limits: FunctionSpaceLimits
) -> Numbers:
    """Return the values with a correction in function space."""
    entries = entries_of(timing, predicted, measured, output)
    entries.sort(key=lambda entry: (entry.arrived_ns, entry.sampled_ns, entry.result_id))
    states = [begun(output)]
    for entry in entries:
        states.append(with_known_error(states[-1], entry, limits))
    known = np.searchsorted(np.array([entry.arrived_ns for entry in entries], np.int64), timing.at_ns, side="right")
    return by_likeness(timing, predicted, output, states, known).values


def _corrections(timing: Timing, predicted: Numbers, measured: Numbers, limits: BiasLimits) -> Numbers:
    """Return what is added to each row: the bias after the results that had arrived, faded by the newest one's age."""
    times, biases, newest = _path(timing, predicted, measured, limits)
    known = np.searchsorted(np.array(times, np.int64), timing.at_ns, side="right")
    drawn, bias = np.array(newest, np.int64)[known], np.array(biases)[known]
    holds = (drawn != _NO_RESULT) & (timing.at_ns - drawn <= limits.max_age_ns)
    if limits.half_life_ns is not None:
        ages = np.where(holds, np.maximum(timing.at_ns - drawn, 0), 0).astype(np.float64)
        bias = bias * 0.5 ** (ages / limits.half_life_ns)
    return np.where(holds, bias, 0.0)


def _path(
    timing: Timing, predicted: Numbers, measured: Numbers, limits: BiasLimits
) -> tuple[list[int], list[float], list[int]]:
    """Return when each result arrived, and before the first and after each: the bias, the newest drawn time in it."""
    rows = np.flatnonzero(timing.measured)
    rows = rows[np.lexsort((timing.at_ns[rows], timing.arrives_ns[rows]))]
    residuals = (measured[rows] - predicted[rows]).tolist()
    biases, newest = [0.0], [_NO_RESULT]
    for sampled_ns, residual in zip(timing.at_ns[rows].tolist(), residuals, strict=True):
        bias, drawn_ns = biases[-1], newest[-1]
        if sampled_ns < drawn_ns:  # an older sample that arrives late says nothing of now
            biases.append(bias)
            newest.append(drawn_ns)
            continue
        age_ns = sampled_ns - drawn_ns
        served = 0.0
        if drawn_ns != _NO_RESULT and age_ns <= limits.max_age_ns:
            served = bias if limits.half_life_ns is None else float(bias * 0.5 ** (age_ns / limits.half_life_ns))
        step = min(max(limits.trust * (residual - served), -limits.max_step), limits.max_step)
        biases.append(min(max(served + step, -limits.max_total), limits.max_total))
        newest.append(sampled_ns)
    return timing.arrives_ns[rows].tolist(), biases, newest
