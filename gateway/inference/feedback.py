"""What the laboratory teaches of a model in service: its bias, how wide its interval must be, whether it drifts. Pure.

The model itself stays frozen. All of this follows from the results that were matched to what the model says of their
sample's drawn time, folded in the order in which they arrived; so a corrected result replays it, and the same results
give the same numbers. Every part of it is bounded by the bundle.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gateway.inference.corrections import (
    BiasState,
    Instant,
    ProductState,
    begun,
    bias_at,
    corrected,
    correction_age_ns,
    state_of_product,
)
from gateway.inference.function_space import conditioned, known_error, with_error
from gateway.line.outputs import AdaptiveLimits, BiasLimits, FunctionSpaceLimits, ValueOutput
from gateway.records.people import SignedBias

MOST_ENTRIES = 200  # that many are folded: what lies before has no weight any more, and a result must not wait
_LARGEST_ERROR = 10.0  # times training's mean: so much one result says at most of how large errors are


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """A laboratory result and the model's uncorrected prediction for the time at which the sample was drawn.

    ``features``: the model's inputs then, where its correction needs them; ``product``: what was made.
    """

    result_id: str
    sampled_ns: int
    arrived_ns: int
    measured: float
    predicted: float
    features: tuple[float, ...] = ()
    product: str | None = None


def bias_state_of(
    entries: Sequence[Feedback], output: ValueOutput, *, charts_from_ns: int = 0, acts: Sequence[SignedBias] = ()
) -> BiasState:
    """Return the state of the corrections after these entries, folded by arrival.

    Each result is compared with the correction in force when its sample was drawn: by what had arrived or been signed
    by then.
    ``charts_from_ns``: entries that arrived before are not charted, as a person has looked at them. In function space
    ``bias`` is the correction at the newest sample.
    """
    newest = sorted(entries, key=lambda entry: entry.arrived_ns)[-MOST_ENTRIES:]
    state = states_after(newest, output, charts_from_ns=charts_from_ns, acts=acts)[1][-1]
    if output.function_space is None or not state.errors:
        return state
    last = state.errors[-1]
    at_last = conditioned(
        state.errors, output.function_space, np.array([last.sampled_ns]), np.array([last.inputs], np.float64)
    )
    return replace(state, bias=float(at_last.corrections[0]))


def states_after(
    entries: Sequence[Feedback], output: ValueOutput, *, charts_from_ns: int = 0, acts: Sequence[SignedBias] = ()
) -> tuple[list[int], list[BiasState]]:
    """Return (when each entry arrived, the state before the first and after each): one state more than times."""
    arrived = sorted(entries, key=lambda entry: (entry.arrived_ns, entry.sampled_ns, entry.result_id))
    times, states = [entry.arrived_ns for entry in arrived], [begun(output)]
    for at, entry in enumerate(arrived):
        arrived_by_then = states[bisect_right(times, entry.sampled_ns, hi=at)]
        known = serving(arrived_by_then, output.bias, acts, entry.sampled_ns)
        states.append(_after(states[-1], entry, known, output, charted=entry.arrived_ns >= charts_from_ns))
    return times, states


def _after(before: BiasState, entry: Feedback, known: BiasState, output: ValueOutput, *, charted: bool) -> BiasState:
    then = corrected(known, output, Instant(at_ns=entry.sampled_ns, features=entry.features, product=entry.product))
    error = entry.measured - entry.predicted - then.correction
    error_there = error / output.width_factor(entry.predicted + then.correction)  # where widths and sigma are stated
    covered = then.half_width is not None and abs(error_there) <= then.half_width
    after = replace(
        state_of_product(before, output, entry.product),
        results=before.results + 1,
        covered=before.covered + covered,
        miss_rate=_adapted(before, output, missed=not covered),
        scale=_followed(before, output, known, error=error_there, half_width=then.half_width),
    )
    if charted and output.sigma is not None:
        standardised = _cut(error_there / output.sigma, output.charts.winsorise)
        after = replace(after, ewma=after.ewma.after(standardised), cusum=after.cusum.after(standardised))
    if output.function_space is not None:
        return with_known_error(after, entry, output.function_space)
    after = after if output.bias is None or output.bias.signed else _moved(after, entry, output.bias)
    return _with_product(after, output, entry.product)


def _cut(standardised: float, winsorise: float | None) -> float:
    return standardised if winsorise is None else min(max(standardised, -winsorise), winsorise)


def _followed(
    before: BiasState, output: ValueOutput, known: BiasState, *, error: float, half_width: float | None
) -> float:
    """Return the size of recent errors after one more, as a multiple of training's, within the bundle's bounds.

    An error counts over what made the interval wide when it was drawn but the scale itself: the age of the correction,
    or how unlike all results the sample was.
    """
    tracked = output.tracked
    if tracked is None or not half_width:
        return before.scale
    relative_width = half_width / (output.half_width * known.scale)
    size = min(abs(error) / (relative_width * tracked.mean_error), _LARGEST_ERROR)
    scale = before.scale + tracked.rate * (size - before.scale)
    return min(max(scale, tracked.least_scale), tracked.most_scale)


def with_known_error(state: BiasState, entry: Feedback, limits: FunctionSpaceLimits) -> BiasState:
    """Return the state with one more error to condition on; one without its inputs says nothing."""
    if len(entry.features) != len(limits.center):
        return state
    error = known_error(entry.result_id, entry.sampled_ns, entry.measured - entry.predicted, entry.features, limits)
    errors = with_error(state.errors, error, limits)
    return replace(state, errors=errors, newest_ns=errors[-1].sampled_ns, version=state.version + 1)


def _with_product(state: BiasState, output: ValueOutput, product: str | None) -> BiasState:
    """Return the state with its correction and charts kept as those of the product."""
    if output.bias is None or not output.bias.per_product or product is None:
        return state
    own = ProductState(
        bias=state.bias, version=state.version, newest_ns=state.newest_ns, ewma=state.ewma, cusum=state.cusum
    )
    return replace(state, products={**state.products, product: own})


def _moved(state: BiasState, entry: Feedback, limits: BiasLimits) -> BiasState:
    """Return the state with its bias moved towards a residual: by the trust, at most a step, at most the total."""
    if limits.per_product and entry.product is None:
        return state  # nobody knows which product it would correct
    if state.newest_ns is not None and entry.sampled_ns < state.newest_ns:
        return state  # an older sample that arrives late says nothing of now
    residual = entry.measured - entry.predicted
    served = bias_at(
        state, limits, entry.sampled_ns
    )  # a correction that has faded or expired does not come back by itself
    step = min(max(limits.trust * (residual - served), -limits.max_step), limits.max_step)
    bias = min(max(served + step, -limits.max_total), limits.max_total)
    return replace(state, bias=bias, version=state.version + 1, newest_ns=entry.sampled_ns)


def serving(state: BiasState, limits: BiasLimits | None, acts: Sequence[SignedBias], at_ns: int) -> BiasState:
    """Return the state with the correction that is in force at an instant: as learned, or the newest one signed."""
    if limits is None or not limits.signed:
        return state
    by_then = [act for act in acts if act.signed_ns <= at_ns]
    if not by_then:
        return replace(state, bias=0.0, version=0, newest_ns=None)
    bias = min(max(by_then[-1].bias, -limits.max_total), limits.max_total)
    return replace(state, bias=bias, version=len(by_then), newest_ns=by_then[-1].newest_ns)


def proposed(entries: Sequence[Feedback], output: ValueOutput, in_force: BiasState, *, at_ns: int) -> BiasState:
    """Return the correction that results propose: as they would correct by themselves, at most a step from now.

    Its ``newest_ns`` is None where they propose nothing: too old, or no newer than what is in force.
    """
    limits = output.bias
    if limits is None:
        return BiasState()
    by_themselves = bias_state_of(entries, replace(output, bias=replace(limits, signed=False)))
    served = bias_at(in_force, limits, at_ns)
    bias = min(max(by_themselves.bias, served - limits.max_step), served + limits.max_step)
    if correction_age_ns(by_themselves, limits, at_ns) is None or by_themselves.newest_ns == in_force.newest_ns:
        return BiasState()  # too old to correct anything, or in force already
    return replace(by_themselves, bias=bias)


def _adapted(state: BiasState, output: ValueOutput, *, missed: bool) -> float | None:
    """Return the share of misses to allow from here on.

    Gibbs and Candes 2021, "Adaptive conformal inference under distribution shift", eq. 2, bounded by the bundle.
    """
    adaptive = output.adaptive
    if adaptive is None:
        return None
    target = 1 - output.coverage
    present = target if state.miss_rate is None else state.miss_rate
    return _bounded(present + adaptive.rate * (target - missed), adaptive)


def _bounded(miss_rate: float, adaptive: AdaptiveLimits) -> float:
    return min(max(miss_rate, 1 - adaptive.max_coverage), 1 - adaptive.min_coverage)
