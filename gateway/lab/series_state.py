"""What may be said of a series: too few values, does not vary, not in control or in control, and why. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.contract.times import rfc3339
from gateway.lab.capability import Capability, capability
from gateway.lab.in_force import in_unit
from gateway.lab.phase_one import chart_limits, frozen_limits
from gateway.lab.samples import Point
from gateway.lab.series import STABLE_AFTER, Constant, Series, Signal
from gateway.lab.trend_reasons import rule_name
from gateway.lab.trends import charted_again
from gateway.line.spc_rules import TrendRules
from gateway.records.laboratory import Specification


class SeriesState(StrEnum):
    """How a series stands; the value is how it is shown."""

    TOO_FEW = "too few values"
    DOES_NOT_VARY = "does not vary"
    NOT_IN_CONTROL = "not in control"
    IN_CONTROL = "in control"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a series stands and why, in a sentence for people; ``series``: as charted by all that is on record."""

    state: SeriesState
    reason: str
    series: Series


def standing(series: Series, points: Sequence[Point], rules: TrendRules) -> Standing:
    """Return how a series with these points on record stands."""
    ordered = sorted(points, key=lambda point: (point.at_ns, point.sample_id))
    charted = charted_again(series, ordered, rules, name="").series
    state, reason = _state(charted, ordered, rules)
    return Standing(state=state, reason=reason, series=charted)


def _state(series: Series, ordered: Sequence[Point], rules: TrendRules) -> tuple[SeriesState, str]:
    if series.constant is not None:
        return SeriesState.DOES_NOT_VARY, _constant(series, series.constant)
    if series.limits is None:
        return _without_limits(ordered, rules)
    if series.signalled_within(STABLE_AFTER) and series.last_signal is not None:
        ago = f"{series.since_signal} sample{'' if series.since_signal == 1 else 's'} ago"
        return (
            SeriesState.NOT_IN_CONTROL,
            f"{_signal(series.last_signal)}, {ago if series.since_signal else 'the newest'}",
        )
    return SeriesState.IN_CONTROL, f"{series.limits.lower:.5g} to {series.limits.upper:.5g}"


def _constant(series: Series, constant: Constant) -> str:
    text = f"{constant.text} in {constant.count} samples"
    if series.last_signal is None:
        return text
    return f"{text}; {series.last_signal.text} in {series.last_signal.sample_id} at {_time(series.last_signal.at_ns)}"


def _without_limits(ordered: Sequence[Point], rules: TrendRules) -> tuple[SeriesState, str]:
    numbers = [point for point in ordered if point.qualifier is None]
    if len(numbers) < rules.baseline:
        beyond = len(ordered) - len(numbers)
        besides = f"; {beyond} more beyond what can be measured" if beyond else ""
        return SeriesState.TOO_FEW, f"{len(numbers)} of {rules.baseline}{besides}"
    newest = numbers[-rules.baseline :]
    _limits, outside = frozen_limits([point.value for point in newest])
    if not outside:
        return SeriesState.NOT_IN_CONTROL, f"others of the last {rules.baseline} leave the limits that strays left"
    first = newest[outside[0]]
    return SeriesState.NOT_IN_CONTROL, (
        f"{len(outside)} of the last {rules.baseline} lie outside their own limits (Nelson 1), first "
        f"{first.text} in {first.sample_id} at {_time(first.at_ns)}"
    )


def _signal(signal: Signal) -> str:
    return f"{rule_name(signal.rule)} by {signal.text} in {signal.sample_id} at {_time(signal.at_ns)}"


def _time(at_ns: int) -> str:
    """Return an instant to the second."""
    return f"{rfc3339(at_ns)[:19]}Z"


def capability_of(stands: Standing, points: Sequence[Point], specification: Specification | None) -> Capability:
    """Return the capability by the newest points where it may be said, else why it is withheld.

    ``specification``: what is in force of the series; None: nothing.
    """
    if specification is None:
        return Capability(withheld="no specification is in force")
    same = in_unit(specification, stands.series.unit)
    if same is None:
        return Capability(withheld=f"the specification's unit {specification.unit} does not fit {stands.series.unit}")
    if stands.state is not SeriesState.IN_CONTROL:
        return Capability(withheld=_WITHHELD[stands.state])
    ordered = sorted(points, key=lambda point: (point.at_ns, point.sample_id))
    limits = chart_limits([point.value for point in ordered if point.qualifier is None])
    if limits is None:
        return Capability(withheld="its newest values do not vary")
    return capability(limits, same, stable=True)


_WITHHELD = {
    SeriesState.TOO_FEW: "it has too few values",
    SeriesState.DOES_NOT_VARY: "it does not vary",
    SeriesState.NOT_IN_CONTROL: "it is not in control",
}
