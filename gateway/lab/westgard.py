"""Control samples of the laboratory itself: Westgard's rules. Pure, and for control samples only.

A control has a known mean and standard deviation; its results are standardised by them. One that breaks a rule says
that the measurement is not to be trusted, which is no statement about any lot.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.records import LabResult

MOST_VALUES = 10
_WARNING, _REJECTION = 2.0, 3.0  # standard deviations


class ControlRule(StrEnum):
    """A rule and its sentence (Westgard et al. 1981, Clinical Chemistry 27(3), 493-501)."""

    WARNING_1_2S = "one control lies more than two standard deviations out"
    REJECT_1_3S = "one control lies more than three standard deviations out"
    REJECT_2_2S = "two controls in a row lie more than two standard deviations out on one side"
    REJECT_R_4S = "two controls of one run lie more than two standard deviations out on opposite sides"
    REJECT_4_1S = "four controls in a row lie more than one standard deviation out on one side"
    REJECT_10_X = "ten controls in a row lie on one side of the mean"

    @property
    def rejects(self) -> bool:
        """Return whether the run is rejected by it; 1_2s only warns."""
        return self is not ControlRule.WARNING_1_2S


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlPoint:
    """One result of a control material; ``at_ns``: when it was measured, ``arrived_ns``: when it came."""

    result_id: str
    material: str
    analyte: str
    instrument_id: str | None
    run_id: str | None
    at_ns: int
    arrived_ns: int
    deviations: float  # from its mean, in its standard deviations
    rejected: bool = False


def is_control(result: LabResult, before: LabResult | None) -> bool:
    """Return whether a result is a control's; what its first version was no correction changes."""
    return result.control_id is not None and (before is None or before.control_id is not None)


def control_rules_broken(values: Sequence[float], *, same_run: bool) -> tuple[ControlRule, ...]:
    """Return which rules the newest of standardised control values breaks, oldest first.

    ``same_run``: whether the newest two are of one run, which R_4s is about.
    """
    return tuple(rule for rule, holds in _RULES.items() if holds(values, same_run))


def _one_side(values: Sequence[float], count: int, deviations: float) -> bool:
    last = values[-count:]
    return len(last) == count and (
        all(value > deviations for value in last) or all(value < -deviations for value in last)
    )


def _opposite(values: Sequence[float], same_run: bool) -> bool:  # noqa: FBT001 - one signature for the table
    last = values[-2:]
    return same_run and min(last) < -_WARNING and max(last) > _WARNING


_RULES: Mapping[ControlRule, Callable[[Sequence[float], bool], bool]] = {
    ControlRule.WARNING_1_2S: lambda values, _: abs(values[-1]) > _WARNING,
    ControlRule.REJECT_1_3S: lambda values, _: abs(values[-1]) > _REJECTION,
    ControlRule.REJECT_2_2S: lambda values, _: _one_side(values, 2, _WARNING),
    ControlRule.REJECT_R_4S: _opposite,
    ControlRule.REJECT_4_1S: lambda values, _: _one_side(values, 4, 1.0),
    ControlRule.REJECT_10_X: lambda values, _: _one_side(values, 10, 0.0),
}
