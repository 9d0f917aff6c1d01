"""Control samples of the laboratory itself: Westgard's rules. Pure, and for control samples only.

A control has a known mean and standard deviation; its results are standardised by them. One that breaks a rule says
that the measurement is not to be trusted, which is no statement about any lot.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.records.laboratory import LabResult

MOST_VALUES = 10  # as far back as any rule looks, within a material and across them
LONGEST_RUN_NS = 24 * 3600 * 10**9  # an analytical run is no longer than a day (42 CFR 493.1256(d))
_WARNING, _REJECTION = 2.0, 3.0  # standard deviations


class ControlRule(StrEnum):
    """A rule (Westgard et al. 1981, Clinical Chemistry 27(3), 493-501); its sentence is in the group ``control_rule``.

    Consecutive: of one material over runs, or of all materials in the order of measurement.
    """

    WARNING_1_2S = "WARNING_1_2S"
    REJECT_1_3S = "REJECT_1_3S"
    REJECT_2_2S = "REJECT_2_2S"
    REJECT_R_4S = "REJECT_R_4S"
    REJECT_4_1S = "REJECT_4_1S"
    REJECT_10_X = "REJECT_10_X"

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


def is_control(result: LabResult, before: LabResult | None, known: frozenset[str]) -> bool:
    """Return whether a result is a control's; what its first version was no correction changes.

    One that names a lot, too, is a control only where its material is ``known``: else nobody can say which of the two
    is meant, and it counts as the lot's until a person has looked.
    """
    if result.control_id is None or (before is not None and before.control_id is None):
        return False
    return not result.lots or result.control_id in known


def control_rules_broken(point: ControlPoint, before: Sequence[ControlPoint]) -> tuple[ControlRule, ...]:
    """Return which rules a control breaks; ``before``: those of its analyte measured before it, the oldest first.

    As Westgard et al. (1981) define them: 1_3s looks at the control alone. 2_2s, 4_1s and 10_x look at consecutive
    controls, within its material (over runs) and across materials. R_4s looks at the controls of one run only. Of
    three levels in a run, two beyond the same limit reject it as well (Westgard's 2of3_2s for three controls).
    """
    own_material = [earlier for earlier in before if earlier.material == point.material]
    sequences = _Sequences(
        own=point.deviations,
        within_material=[*(earlier.deviations for earlier in own_material), point.deviations],
        across_materials=[*(earlier.deviations for earlier in before), point.deviations],
        others_of_run=[earlier.deviations for earlier in before if _of_one_run(earlier, point)],
    )
    return tuple(rule for rule, holds in _RULES.items() if holds(sequences))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sequences:
    """The standardised values that the rules look at; the newest is the last."""

    own: float
    within_material: Sequence[float]
    across_materials: Sequence[float]
    others_of_run: Sequence[float]


def _of_one_run(earlier: ControlPoint, later: ControlPoint) -> bool:
    """Return whether two controls were measured together; laboratories use the names of runs again on another day."""
    same = later.run_id is not None and earlier.run_id == later.run_id
    return same and later.at_ns - earlier.at_ns <= LONGEST_RUN_NS


def _consecutive(sequences: _Sequences, count: int, deviations: float) -> bool:
    """Return whether the last of one material, or of all of them, lie beyond the same limit."""
    return _one_side(sequences.within_material, count, deviations) or _one_side(
        sequences.across_materials, count, deviations
    )


def _one_side(values: Sequence[float], count: int, deviations: float) -> bool:
    last = values[-count:]
    return len(last) == count and (
        all(value > deviations for value in last) or all(value < -deviations for value in last)
    )


def _two_beyond_one_limit(sequences: _Sequences) -> bool:
    in_run = any(_one_side([other, sequences.own], 2, _WARNING) for other in sequences.others_of_run)
    return in_run or _consecutive(sequences, 2, _WARNING)


def _opposite(sequences: _Sequences) -> bool:
    return any(
        min(other, sequences.own) < -_WARNING and max(other, sequences.own) > _WARNING
        for other in sequences.others_of_run
    )


_RULES: Mapping[ControlRule, Callable[[_Sequences], bool]] = {
    ControlRule.WARNING_1_2S: lambda values: abs(values.own) > _WARNING,
    ControlRule.REJECT_1_3S: lambda values: abs(values.own) > _REJECTION,
    ControlRule.REJECT_2_2S: _two_beyond_one_limit,
    ControlRule.REJECT_R_4S: _opposite,
    ControlRule.REJECT_4_1S: lambda values: _consecutive(values, 4, 1.0),
    ControlRule.REJECT_10_X: lambda values: _consecutive(values, 10, 0.0),
}
