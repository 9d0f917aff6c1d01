"""What the laboratory teaches of a model in service: its bias, how wide its interval must be, whether it drifts. Pure.

The model itself stays frozen. All of this follows from the results that were matched to what the model says of their
sample's drawn time, folded in the order in which they arrived; so a corrected result replays it, and the same results
give the same numbers. Every part of it is bounded by the bundle.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gateway.lab.charts import Cusum, Ewma
from gateway.line.outputs import AdaptiveLimits, BiasLimits, ValueOutput
from gateway.records.people import SignedBias

MOST_ENTRIES = 200  # that many are folded: what lies before has no weight any more, and a result must not wait


@dataclass(frozen=True, kw_only=True, slots=True)
class Feedback:
    """A laboratory result and the model's uncorrected prediction for the time at which the sample was drawn."""

    result_id: str
    sampled_ns: int
    arrived_ns: int
    measured: float
    predicted: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BiasState:
    """What the laboratory has taught so far. ``bias`` is added to what the model says."""

    bias: float = 0.0
    version: int = 0  # of the bias: counts its changes
    newest_ns: int | None = None  # drawn time of the newest result in it
    miss_rate: float | None = None  # the share of results that the interval may miss, as adapted; None: as calibrated
    ewma: Ewma = field(default_factory=Ewma)
    cusum: Cusum = field(default_factory=Cusum)
    latched: bool = False  # whether an alarm was latched because of these charts
    results: int = 0
    covered: int = 0

    @property
    def drifts(self) -> bool:
        """Return whether either chart of the residuals signals."""
        return self.ewma.signals or self.cusum.signals

    @property
    def coverage(self) -> float | None:
        """Return the share of results inside the interval that stood when they were drawn, or None without any."""
        return self.covered / self.results if self.results else None


def bias_state_of(
    entries: Sequence[Feedback], output: ValueOutput, *, charts_from_ns: int = 0, acts: Sequence[SignedBias] = ()
) -> BiasState:
    """Return the state of the corrections after these entries, folded by arrival.

    Each result is compared with the correction in force when its sample was drawn: by what had arrived or been signed
    by then.
    ``charts_from_ns``: entries that arrived before are not charted, as a person has looked at them.
    """
    newest = sorted(entries, key=lambda entry: entry.arrived_ns)[-MOST_ENTRIES:]
    return states_after(newest, output, charts_from_ns=charts_from_ns, acts=acts)[1][-1]


def states_after(
    entries: Sequence[Feedback], output: ValueOutput, *, charts_from_ns: int = 0, acts: Sequence[SignedBias] = ()
) -> tuple[list[int], list[BiasState]]:
    """Return (when each entry arrived, the state before the first and after each): one state more than times."""
    arrived = sorted(entries, key=lambda entry: (entry.arrived_ns, entry.sampled_ns, entry.result_id))
    times, states = [entry.arrived_ns for entry in arrived], [BiasState()]
    for at, entry in enumerate(arrived):
        arrived_by_then = states[bisect_right(times, entry.sampled_ns, hi=at)]
        known = serving(arrived_by_then, output.bias, acts, entry.sampled_ns)
        states.append(_after(states[-1], entry, known, output, charted=entry.arrived_ns >= charts_from_ns))
    return times, states


def _after(before: BiasState, entry: Feedback, known: BiasState, output: ValueOutput, *, charted: bool) -> BiasState:
    error = entry.measured - entry.predicted - bias_at(known, output.bias, entry.sampled_ns)
    half_width = half_width_of(known, output, entry.sampled_ns)
    covered = half_width is not None and abs(error) <= half_width
    after = replace(
        before,
        results=before.results + 1,
        covered=before.covered + covered,
        miss_rate=_adapted(before, output, missed=not covered),
    )
    if charted and output.sigma is not None:
        standardised = error / output.sigma
        after = replace(after, ewma=before.ewma.after(standardised), cusum=before.cusum.after(standardised))
    return after if output.bias is None or output.bias.signed else _moved(after, entry, output.bias)


def _moved(state: BiasState, entry: Feedback, limits: BiasLimits) -> BiasState:
    """Return the state with its bias moved towards a residual: by the trust, at most a step, at most the total."""
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


def bias_at(state: BiasState, limits: BiasLimits | None, at_ns: int) -> float:
    """Return the bias that holds at an instant: it fades with the age of its newest result, and ends with the limit."""
    age_ns = correction_age_ns(state, limits, at_ns)
    if age_ns is None or limits is None:
        return 0.0
    return state.bias if limits.half_life_ns is None else float(state.bias * 0.5 ** (age_ns / limits.half_life_ns))


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


def half_width_of(state: BiasState, output: ValueOutput, at_ns: int) -> float | None:
    """Return the half width of the interval at an instant, or None where no honest one can be given.

    The ceil((n + 1)(1 - a))-th smallest of n calibration residuals, a the share of misses to allow; where that rank
    exceeds n, the calibration cannot vouch for so wide a coverage. Residuals and width are scaled by the age of the
    correction, as locally weighted conformal intervals are (Lei et al. 2018, "Distribution-free predictive inference
    for regression", section 5.2).
    """
    widened = widening_at(state, output, at_ns)
    if state.miss_rate is None or output.residuals is None:
        return output.half_width * widened
    count = len(output.residuals)
    rank = math.ceil((count + 1) * (1 - state.miss_rate) - 1e-9)
    return None if rank > count else output.residuals[rank - 1] * widened


def widening_at(state: BiasState, output: ValueOutput, at_ns: int) -> float:
    """Return by how much the interval is wider than calibrated at an instant, for the age of the correction then."""
    widening, age_ns = output.widening, correction_age_ns(state, output.bias, at_ns)
    if widening is None:
        return 1.0
    return widening.uncorrected if age_ns is None else float(np.interp(age_ns, widening.ages_ns, widening.factors))


def correction_age_ns(state: BiasState, limits: BiasLimits | None, at_ns: int) -> int | None:
    """Return how old the newest result in the bias is at an instant, None where no bias holds."""
    if limits is None or state.newest_ns is None or at_ns - state.newest_ns > limits.max_age_ns:
        return None
    return max(at_ns - state.newest_ns, 0)
