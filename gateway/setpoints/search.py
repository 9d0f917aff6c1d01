"""The smallest move of one setpoint that brings the prediction back. Pure; batched evaluation of the model.

For each manipulated tag the reachable values form a grid of the tag's resolution, within the validated range
and the largest step around the current value. Every candidate is evaluated in one batch: the inputs that follow
the setpoint move by their gain. The winner is the smallest move in the first of these classes that has any:

1. the interval lies inside the specification and the value within half its half width of the target;
2. the interval lies inside the specification, nearer to the target than now;
3. nearer to the target by more than the interval's half width: there the closest wins, not the smallest.

Otherwise there is no suggestion, with the reason. ``interactions`` computes what a move does to other values.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.guardrails.reasons import Abstention, abstain
from gateway.guardrails.setpoint_gates import judge_interlocks, judge_move, judge_present
from gateway.inference.applicability_domain import accepted_inputs
from gateway.inference.interval import width_factors
from gateway.line.definition import ManipulatedTag, ModelAssignment
from gateway.line.limits import Limits
from gateway.line.outputs import ProportionalWidth
from gateway.records.guidance import SetpointSuggestion
from gateway.records.laboratory import Specification
from gateway.records.prediction import FeatureVector
from gateway.records.verdicts import Reason
from gateway.setpoints.interactions import (
    CoupledOutput,
    PendingMove,
    allowed_moves,
    gains_on,
    moves_interact,
    shows_last_move,
)

_MOST_CANDIDATES = 401  # per tag; a finer grid is thinned, never extended


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    suggestion: SetpointSuggestion
    manipulated: ManipulatedTag
    relative_move: float
    distance: float
    inside: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Objective:
    """Which of a model's columns is to come back: corrected by the bias, with the half width of its interval.

    ``half_width``: of the value where the bundle states it (``proportional``).
    """

    column: int
    valid: Limits
    bias: float
    half_width: float
    proportional: ProportionalWidth | None = None
    others: tuple[CoupledOutput, ...] = ()
    pending: tuple[PendingMove, ...] = ()


def search(
    model: ModelAssignment,
    output: Objective,
    features: FeatureVector,
    specification: Specification,
    *,
    current: Mapping[str, float],
    last_move_ns: Mapping[str, int],
    at_ns: int,
) -> tuple[SetpointSuggestion | None, tuple[Reason, ...]]:
    """Return (the suggestion, ()) or (None, why there is none).

    Args:
        model: the model with its manipulated tags.
        output: which of its outputs is to come back.
        features: the accepted inputs now.
        specification: what the prediction shall come back to.
        current: the values of the setpoints and interlock tags now, where they are known well enough.
        last_move_ns: when each setpoint was last moved or suggested to move.
        at_ns: now.

    Raises InferenceError where the model cannot be evaluated.
    """
    if not model.bundle.manipulated:
        return None, (abstain(Abstention.NO_MANIPULATED_TAG, model=model.name),)
    target, refusals, candidates = target_of(specification), list[Reason](), list[_Candidate]()
    for manipulated in model.bundle.manipulated:
        tag, moved_ns = manipulated.tag, last_move_ns.get(manipulated.tag)
        refusal = judge_present(manipulated, present=current, last_move_ns=moved_ns, at_ns=at_ns)
        refusal = refusal or _blocked(model, output, manipulated, moved_ns=moved_ns)
        if refusal is not None:
            refusals.append(refusal)
            continue
        present, reachable = current[tag], _grid(manipulated, current[tag])
        candidates += _candidates(model, output, manipulated, features, specification, present, reachable)
    now = _value_now(model, output, features)
    worth = output.half_width * float(width_factors(output.proportional, np.array([now]))[0])
    chosen = _choose(candidates, distance_before=abs(now - target), worth=worth)
    if chosen is not None:
        return chosen.suggestion, ()
    none_improves = (_no_improving_move(model, specification.analyte, target),) if candidates or not refusals else ()
    return None, (*none_improves, *refusals)


def _no_improving_move(model: ModelAssignment, analyte: str, target: float) -> Reason:
    tags = ", ".join(item.tag for item in model.bundle.manipulated)
    return abstain(Abstention.NO_IMPROVING_MOVE, tags=tags, analyte=analyte, target=target)


def is_still_valid(
    suggestion: SetpointSuggestion,
    model: ModelAssignment,
    output: Objective,
    features: FeatureVector,
    specification: Specification,
    *,
    current: Mapping[str, float],
    moved_ns: int | None,
) -> bool:
    """Return whether a suggestion that was not followed yet is still allowed, and still leads towards the target.

    Args as of ``search``; ``moved_ns``: when the setpoint was last seen to move. Raises InferenceError likewise.
    """
    manipulated = next((item for item in model.bundle.manipulated if item.tag == suggestion.tag), None)
    if manipulated is None or not manipulated.may_suggest or judge_interlocks(manipulated, current) is not None:
        return False
    if _blocked(model, output, manipulated, moved_ns=moved_ns) is not None:
        return False
    proposed = np.array([suggestion.proposed])
    candidates = _candidates(model, output, manipulated, features, specification, suggestion.current, proposed)
    before = abs(_value_now(model, output, features) - target_of(specification))
    return any(candidate.distance < before for candidate in candidates)


def _value_now(model: ModelAssignment, output: Objective, features: FeatureVector) -> float:
    return float(model.predict(np.array([features.values], np.float64))[0, output.column]) + output.bias


def target_of(specification: Specification) -> float:
    """Return the target, or where there is none the middle (or the one limit) of the specification."""
    if specification.target is not None:
        return specification.target
    limits = [limit for limit in (specification.lower, specification.upper) if limit is not None]
    return sum(limits) / len(limits) if limits else math.nan


def _blocked(
    model: ModelAssignment, output: Objective, manipulated: ManipulatedTag, *, moved_ns: int | None
) -> Reason | None:
    """Return why a setpoint is not moved, or None.

    Either the effect of a pending move would add to this one's, or an output that depends on it cannot be predicted.
    """
    pending = next((move for move in output.pending if moves_interact(move, manipulated, model, output.others)), None)
    if pending is not None:
        return abstain(
            Abstention.MOVE_UNDER_WAY, tag=manipulated.tag, other=pending.manipulated.tag, model=pending.mover.name
        )
    for other in output.others:
        follows = gains_on(other.model, manipulated, model).any()
        if (
            other.specification is not None
            and follows
            and not shows_last_move(other, manipulated, model, moved_ns=moved_ns)
        ):
            return abstain(
                Abstention.SIDE_EFFECT_UNKNOWN, tag=manipulated.tag, analyte=other.analyte, model=other.model.name
            )
    return None


def _grid(manipulated: ManipulatedTag, current: float) -> NDArray[np.float64]:
    """Return the reachable values other than the current one: multiples of the resolution, within the limits."""
    low = max(manipulated.validated[0], current - manipulated.max_step)
    high = min(manipulated.validated[1], current + manipulated.max_step)
    first, last = math.ceil(low / manipulated.resolution), math.floor(high / manipulated.resolution)
    if last < first:
        return np.empty(0)
    thinning = max(1, math.ceil((last - first + 1) / _MOST_CANDIDATES))
    decimals = max(0, 2 - math.floor(math.log10(manipulated.resolution)))
    values = np.round(np.arange(first, last + 1, thinning) * manipulated.resolution, decimals)
    return values[np.abs(values - current) > manipulated.resolution / 2]


def _candidates(
    model: ModelAssignment,
    output: Objective,
    manipulated: ManipulatedTag,
    features: FeatureVector,
    specification: Specification,
    current: float,
    proposals: NDArray[np.float64],
) -> list[_Candidate]:
    if not len(proposals):
        return []
    rows = np.array(features.values) + np.outer(proposals - current, gains_on(model, manipulated, model))
    predicted = model.predict(rows)[:, output.column] + output.bias
    target, half_widths = target_of(specification), output.half_width * width_factors(output.proportional, predicted)
    valid = np.isfinite(predicted) & (predicted >= output.valid[0]) & (predicted <= output.valid[1])
    valid &= accepted_inputs(model, rows)  # the inputs after the move must lie in the validated ranges and the domain
    valid &= _allowed_by_coupled_outputs(model, output, manipulated, proposals - current)
    return [
        _Candidate(
            suggestion=_suggestion(manipulated, current, float(proposed), float(value), half_width),
            manipulated=manipulated,
            relative_move=abs(float(proposed) - current) / manipulated.max_step,
            distance=abs(float(value) - target),
            inside=inside(specification, float(value - half_width), float(value + half_width)),
        )
        for proposed, value, half_width in zip(
            proposals[valid], predicted[valid], half_widths[valid].tolist(), strict=True
        )
    ]


def _suggestion(
    manipulated: ManipulatedTag, current: float, proposed: float, value: float, half_width: float
) -> SetpointSuggestion:
    return SetpointSuggestion(
        tag=manipulated.tag,
        current=current,
        proposed=proposed,
        unit=manipulated.unit,
        validated=manipulated.validated,
        max_step=manipulated.max_step,
        expected_value=value,
        expected_low=value - half_width,
        expected_high=value + half_width,
    )


def _allowed_by_coupled_outputs(
    model: ModelAssignment, output: Objective, manipulated: ManipulatedTag, moves: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which moves keep every other value that follows the setpoint inside its limits."""
    allowed = np.ones(len(moves), np.bool_)
    for other in output.others:
        follows = gains_on(other.model, manipulated, model)
        if other.basis is not None and follows.any():
            allowed &= allowed_moves(other, other.basis, moves, follows)
    return allowed


def inside(specification: Specification, low: float, high: float) -> bool:
    """Return whether a whole interval lies within the limits."""
    above = specification.lower is None or low >= specification.lower
    below = specification.upper is None or high <= specification.upper
    return above and below


def _choose(candidates: list[_Candidate], *, distance_before: float, worth: float) -> _Candidate | None:
    allowed = [
        candidate
        for candidate in candidates
        if judge_move(
            candidate.manipulated,
            current=candidate.suggestion.current,
            proposed=candidate.suggestion.proposed,
        )
        is None
    ]
    safe = [candidate for candidate in allowed if candidate.inside and candidate.distance < distance_before]
    on_target = [candidate for candidate in safe if candidate.distance <= worth / 2]
    if on_target or safe:
        return min(on_target or safe, key=lambda candidate: (candidate.relative_move, candidate.distance))
    improving = [candidate for candidate in allowed if distance_before - candidate.distance > worth]
    return min(improving, key=lambda candidate: (candidate.distance, candidate.relative_move), default=None)
