"""The state of a series: too few values, does not vary, not in control or in control, and why. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.contract.times import rfc3339
from gateway.lab.capability import Capability, Withheld, capability, withheld
from gateway.lab.in_force import in_unit
from gateway.lab.phase_one import chart_limits, frozen_limits
from gateway.lab.samples import Point
from gateway.lab.series import STABLE_AFTER, Constant, Series, Signal
from gateway.lab.trend_reasons import rule_name
from gateway.lab.trends import charted_again
from gateway.line.spc_rules import TrendRules
from gateway.records.laboratory import Specification
from gateway.texts.catalogue import text


class SeriesState(StrEnum):
    """How a series stands; the value is how it is shown."""

    TOO_FEW = "too few values"
    DOES_NOT_VARY = "does not vary"
    NOT_IN_CONTROL = "not in control"
    IN_CONTROL = "in control"


class StateReason(StrEnum):
    """Why a series stands so: the codes of the group ``series_state``."""

    CONSTANT = "CONSTANT"
    CONSTANT_DEPARTED = "CONSTANT_DEPARTED"
    TOO_FEW = "TOO_FEW"
    TOO_FEW_NUMBERS = "TOO_FEW_NUMBERS"
    NONE_LEFT_IN_CONTROL = "NONE_LEFT_IN_CONTROL"
    OUTSIDE_OWN_LIMITS = "OUTSIDE_OWN_LIMITS"
    NEWEST_SIGNALLED = "NEWEST_SIGNALLED"
    SIGNALLED = "SIGNALLED"
    LIMITS = "LIMITS"


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
        return SeriesState.NOT_IN_CONTROL, _signalled(series.last_signal, series.since_signal)
    limits = series.limits
    return SeriesState.IN_CONTROL, _sentence(StateReason.LIMITS, lower=limits.lower, upper=limits.upper)


def _signalled(signal: Signal, samples_ago: int) -> str:
    return _sentence(
        StateReason.SIGNALLED if samples_ago else StateReason.NEWEST_SIGNALLED,
        rule=rule_name(signal.rule),
        value=signal.text,
        sample=signal.sample_id,
        time=_time(signal.at_ns),
        count=samples_ago,
    )


def _constant(series: Series, constant: Constant) -> str:
    departed = series.last_signal
    if departed is None:
        return _sentence(StateReason.CONSTANT, value=constant.text, count=constant.count)
    return _sentence(
        StateReason.CONSTANT_DEPARTED,
        value=constant.text,
        count=constant.count,
        departed=departed.text,
        sample=departed.sample_id,
        time=_time(departed.at_ns),
    )


def _without_limits(ordered: Sequence[Point], rules: TrendRules) -> tuple[SeriesState, str]:
    numbers = [point for point in ordered if point.qualifier is None]
    if len(numbers) < rules.baseline:
        beyond = len(ordered) - len(numbers)
        code = StateReason.TOO_FEW_NUMBERS if beyond else StateReason.TOO_FEW
        return SeriesState.TOO_FEW, _sentence(code, numbers=len(numbers), baseline=rules.baseline, beyond=beyond)
    newest = numbers[-rules.baseline :]
    _limits, outside = frozen_limits([point.value for point in newest])
    if not outside:
        return SeriesState.NOT_IN_CONTROL, _sentence(StateReason.NONE_LEFT_IN_CONTROL, baseline=rules.baseline)
    first = newest[outside[0]]
    return SeriesState.NOT_IN_CONTROL, _sentence(
        StateReason.OUTSIDE_OWN_LIMITS,
        outside=len(outside),
        baseline=rules.baseline,
        value=first.text,
        sample=first.sample_id,
        time=_time(first.at_ns),
    )


def _sentence(code: StateReason, **parameters: Any) -> str:
    return text("series_state", code.value, **parameters)


def _time(at_ns: int) -> str:
    """Return an instant to the second."""
    return f"{rfc3339(at_ns)[:19]}Z"


def capability_of(stands: Standing, points: Sequence[Point], specification: Specification | None) -> Capability:
    """Return the capability by the newest points where it may be said, else why it is withheld.

    ``specification``: what is in force of the series; None: nothing.
    """
    if specification is None:
        return Capability(withheld=withheld(Withheld.NO_SPECIFICATION))
    same = in_unit(specification, stands.series.unit)
    if same is None:
        why = withheld(Withheld.UNIT_DIFFERS, unit=specification.unit, of_series=stands.series.unit)
        return Capability(withheld=why)
    if stands.state is not SeriesState.IN_CONTROL:
        return Capability(withheld=withheld(Withheld(stands.state.name)))
    ordered = sorted(points, key=lambda point: (point.at_ns, point.sample_id))
    limits = chart_limits([point.value for point in ordered if point.qualifier is None])
    if limits is None:
        return Capability(withheld=withheld(Withheld.NEWEST_DO_NOT_VARY))
    return capability(limits, same, stable=True)
