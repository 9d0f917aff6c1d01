"""What a move of a setpoint does to the other outputs that depend on it. Pure.

These are the model's other outputs, and those of every model in service whose inputs follow the same setpoint. How its
inputs follow is stated by that model's bundle, or else by the gains of the model that would make the move. After the
move each output must lie in its valid range and no farther outside its specification than now. If an output cannot be
predicted, the move is not suggested.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gateway.inference.applicability_domain import accepted_inputs
from gateway.inference.corrections import BiasState, Corrected, Instant, corrected
from gateway.inference.interval import width_factors
from gateway.line.definition import InputDefinition, LineDefinition, ManipulatedTag, ModelAssignment, Stage
from gateway.line.limits import Limits
from gateway.line.outputs import ProportionalWidth, ValueOutput
from gateway.records.guidance import Guidance
from gateway.records.laboratory import Specification
from gateway.records.prediction import FeatureVector, Prediction

_ROUNDING = 1e-6  # of the half width: what two evaluations of the same row may differ by


@dataclass(frozen=True, kw_only=True, slots=True)
class Basis:
    """What a prediction is based on at present: its model's inputs at an instant, its bias, half its interval.

    ``half_width``: of the value where the bundle states it (``CoupledOutput.proportional``).
    """

    inputs: tuple[float, ...]
    end_ns: int
    bias: float
    half_width: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CoupledOutput:
    """An output that a move may change; ``basis`` None: its model has no accepted prediction at present."""

    model: ModelAssignment
    analyte: str
    column: int
    valid: Limits
    specification: Specification | None
    basis: Basis | None
    proportional: ProportionalWidth | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingMove:
    """A move that was suggested and has not had its full effect yet, or was not made."""

    manipulated: ManipulatedTag
    mover: ModelAssignment


def pending_moves(open_suggestions: Iterable[Guidance], line: LineDefinition) -> tuple[PendingMove, ...]:
    """Return the moves under way of models and setpoints that the line has."""
    coupled = []
    for guidance in open_suggestions:
        mover = None if guidance.predicted is None else line.model_named(guidance.predicted.model.name)
        if mover is None or guidance.suggestion is None:
            continue
        coupled += [
            PendingMove(manipulated=item, mover=mover)
            for item in mover.bundle.manipulated
            if item.tag == guidance.suggestion.tag
        ]
    return tuple(coupled)


def moves_interact(
    pending: PendingMove, manipulated: ManipulatedTag, model: ModelAssignment, others: Iterable[CoupledOutput]
) -> bool:
    """Return whether an output depends on both setpoints: then each move is judged without the effect of the other."""
    if pending.manipulated.tag == manipulated.tag:  # for one setpoint the minimum interval between moves prevents that
        return False
    parties = (model, *(other.model for other in others if other.specification is not None))
    return any(
        gains_on(party, manipulated, model).any() and gains_on(party, pending.manipulated, pending.mover).any()
        for party in parties
    )


def coupled_models(model: ModelAssignment, line: LineDefinition) -> tuple[ModelAssignment, ...]:
    """Return the other models in service whose inputs follow a setpoint that this one may move."""
    return tuple(
        other
        for other in line.models
        if other.name != model.name
        and other.stage >= Stage.ADVISE
        and any(gains_on(other, manipulated, model).any() for manipulated in model.bundle.manipulated)
    )


def gains_on(other: ModelAssignment, manipulated: ManipulatedTag, mover: ModelAssignment) -> NDArray[np.float64]:
    """Return by how much each input of a model moves for one unit of another model's setpoint, shape (inputs,).

    NaN, which no move passes, where that is no fixed number and the bundle states none: a level follows its tag, a
    slope and a difference settle at 0, but how far a ratio or a transform moves hangs on how things stand.
    """
    stated = next((item.gains for item in other.bundle.manipulated if item.tag == manipulated.tag), None)
    follows = {manipulated.tag: 1.0}
    for item in mover.bundle.inputs:
        gain = manipulated.gains.get(item.name, 0.0)
        if item.is_level and abs(gain) > abs(follows.get(item.tag, 0.0)):
            follows[item.tag] = gain
    return np.array([_gain_of(item, stated, follows) for item in other.bundle.inputs])


def _gain_of(item: InputDefinition, stated: Mapping[str, float] | None, follows: Mapping[str, float]) -> float:
    if stated is not None and item.name in stated:
        return stated[item.name]
    if item.bends and any(tag in follows for tag in item.tags):
        return math.nan
    return follows.get(item.tag, 0.0) if stated is None and item.is_level else 0.0


def settling_ns(other: ModelAssignment, manipulated: ManipulatedTag, mover: ModelAssignment) -> int:
    """Return for how long after a move the windows of the inputs that follow it still begin before the move."""
    gains = gains_on(other, manipulated, mover)
    following = (item for item, gain in zip(other.bundle.inputs, gains, strict=True) if gain)
    return max((item.reach_ns for item in following), default=0)


def shows_last_move(
    other: CoupledOutput, manipulated: ManipulatedTag, mover: ModelAssignment, *, moved_ns: int | None
) -> bool:
    """Return whether an output's basis includes the setpoint's last move; if not, two moves would count as one."""
    if (
        other.basis is None or moved_ns is None or other.model.name == mover.name
    ):  # for its own outputs the minimum interval prevents that
        return other.basis is not None
    return other.basis.end_ns - settling_ns(other.model, manipulated, mover) >= moved_ns


def coupled_outputs_of_model(
    model: ModelAssignment,
    analyte: str,
    features: FeatureVector | None,
    bias_states: Mapping[str, BiasState],
    specifications: Mapping[str, Specification | None],
    instant: Instant,
) -> tuple[CoupledOutput, ...]:
    """Return the other outputs of the model; ``bias_states`` and ``specifications`` by analyte.

    A correction in function space is that of the present inputs, wherever a move would lead.
    """
    coupled = []
    for output in model.bundle.outputs:
        if output.value is None or output.analyte == analyte:
            continue
        known = bias_states.get(output.analyte, BiasState())
        basis = None
        if features is not None:
            basis = _basis(features, corrected(known, output.value, replace(instant, features=features.values)))
        coupled.append(
            CoupledOutput(
                model=model,
                analyte=output.analyte,
                column=output.value.column,
                valid=output.value.valid,
                specification=specifications.get(output.analyte),
                basis=basis,
                proportional=output.value.proportional,
            )
        )
    return tuple(coupled)


def _basis(features: FeatureVector, known: Corrected) -> Basis | None:
    if known.half_width is None:
        return None
    width = known.half_width_elsewhere or known.half_width
    return Basis(inputs=features.values, end_ns=features.end_ns, bias=known.correction, half_width=width)


def coupled_outputs_of_neighbour(
    neighbour: ModelAssignment,
    last_predictions: Iterable[Prediction],
    specifications: Mapping[str, Specification | None],
) -> tuple[CoupledOutput, ...]:
    """Return the outputs of a neighbouring model for the analytes in ``specifications``, from its last predictions."""
    by_analyte = {prediction.analyte: prediction for prediction in last_predictions}
    return tuple(
        CoupledOutput(
            model=neighbour,
            analyte=output.analyte,
            column=output.value.column,
            valid=output.value.valid,
            specification=specifications[output.analyte],
            basis=_basis_of(by_analyte.get(output.analyte), neighbour, output.value),
            proportional=output.value.proportional,
        )
        for output in neighbour.bundle.outputs
        if output.value is not None and specifications.get(output.analyte) is not None
    )


def _basis_of(prediction: Prediction | None, neighbour: ModelAssignment, output: ValueOutput) -> Basis | None:
    """Return the basis of an accepted prediction of the version in service; None in shadow."""
    if (
        prediction is None
        or prediction.model != neighbour.bundle.identity
        or prediction.stage == Stage.SHADOW.name.lower()
    ):
        return None
    if prediction.features is None or prediction.low is None or prediction.high is None:
        return None
    here = prediction.half_width_elsewhere or (prediction.high - prediction.low) / 2
    return Basis(
        inputs=prediction.features.values,
        end_ns=prediction.features.end_ns,
        bias=prediction.bias,
        half_width=here / output.width_factor((prediction.low + prediction.high) / 2),
    )


def allowed_moves(
    other: CoupledOutput, basis: Basis, moves: NDArray[np.float64], gains: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which moves another output allows.

    Args:
        other: the output.
        basis: what its prediction is based on at present.
        moves: by how much the setpoint moves, shape (n,).
        gains: by how much the inputs of its model follow it, shape (inputs,).
    """
    rows = np.array(basis.inputs) + np.outer(np.append(moves, 0.0), gains)
    values = other.model.predict(rows)[:, other.column] + basis.bias
    valid = (values >= other.valid[0]) & (values <= other.valid[1]) & accepted_inputs(other.model, rows)
    half_widths = basis.half_width * width_factors(other.proportional, values)
    outside = _outside_by(other.specification, values, half_widths)
    allowed: NDArray[np.bool_] = valid & (outside <= outside[-1] + _ROUNDING * half_widths[-1])
    return allowed[:-1]


def _outside_by(
    specification: Specification | None, values: NDArray[np.float64], half_width: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far each interval reaches out of a specification, 0 where it lies inside."""
    outside = np.zeros(len(values))
    if specification is not None and specification.lower is not None:
        outside = np.maximum(outside, specification.lower - (values - half_width))
    if specification is not None and specification.upper is not None:
        outside = np.maximum(outside, values + half_width - specification.upper)
    return outside
