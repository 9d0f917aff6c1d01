"""A prediction with what it is compared with, and the guidance that follows. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from gateway.advice.lifecycle import OPEN
from gateway.deadlines import ClockReading
from gateway.facts.model_due import PastPrediction
from gateway.inference.sensitivity import sensitivities
from gateway.line.definition import UTC_ZONE, ModelAssignment
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState, RejectedAdvice
from gateway.records.laboratory import Specification
from gateway.records.prediction import FeatureVector, Prediction, Sensitivity
from gateway.records.production import Context
from gateway.records.verdicts import Reason
from gateway.setpoints.interactions import CoupledOutput, PendingMove
from gateway.setpoints.search import Objective, inside

UNANSWERED = (GuidanceState.PROPOSED, GuidanceState.ACKNOWLEDGED, GuidanceState.APPROVED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Advised:
    """Guidance that is new or changed, why no move could be suggested, and rejections that no longer count."""

    guidance: tuple[Guidance, ...] = ()
    no_suggestion: tuple[Reason, ...] = ()
    rejections_over: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictedSituation:
    """A prediction with what it is compared with."""

    event_id: str
    at: ClockReading
    model: ModelAssignment
    prediction: Prediction
    specification: Specification | None
    context: Context
    open_guidance: tuple[Guidance, ...]
    setpoints: Mapping[str, float]
    moved_ns: Mapping[str, int]  # when each setpoint was last seen to move
    advised_ns: Mapping[str, int]  # when a move of it was last suggested
    others: tuple[CoupledOutput, ...] = ()  # other values that depend on the setpoints
    recent: tuple[PastPrediction, ...] = ()  # of this analyte before this prediction, the newest first
    approval_is_signed: bool = False  # whether a move is approved only with an electronic signature
    pending: tuple[PendingMove, ...] = ()  # moves under way that were suggested for other values
    rejected: tuple[RejectedAdvice, ...] = ()  # of this model and analyte, by a person, and still counting
    time_zone: ZoneInfo = UTC_ZONE  # of the plant

    def open_of(self, kind: GuidanceKind) -> tuple[Guidance, ...]:
        """Return the open guidance of a kind that this model gave."""
        return tuple(
            guidance
            for guidance in self.open_guidance
            if guidance.kind is kind
            and guidance.equipment_id == self.model.equipment_id
            and guidance.predicted is not None
            and guidance.predicted.model.name == self.model.name
            and guidance.analyte == self.prediction.analyte
        )


def standing_of(case: PredictedSituation, kind: GuidanceKind, seen: Mapping[str, Guidance]) -> tuple[Guidance, ...]:
    """Return the open guidance of a kind as it stands after what was just seen."""
    now = (seen.get(guidance.guidance_id, guidance) for guidance in case.open_of(kind))
    return tuple(guidance for guidance in now if guidance.state in OPEN)


def followed_by_prediction(case: PredictedSituation) -> tuple[PastPrediction, ...]:
    """Return the predictions before and this one, the newest first."""
    outlook = case.prediction.outlook
    newest = PastPrediction(
        at_ns=case.at.wall_ns,
        low=case.prediction.low,
        high=case.prediction.high,
        probability=case.prediction.probability,
        heading=None if outlook is None else (outlook.low, outlook.high),
    )
    return (newest, *case.recent)


def is_outside(case: PredictedSituation, limits: Specification) -> bool:
    """Return whether the value itself lies outside, and not only a part of its interval."""
    value = case.prediction.value
    return value is not None and not inside(limits, value, value)


def is_heading_out(case: PredictedSituation, limits: Specification) -> bool:
    """Return whether the interval reaches beyond the limits once the causes of now have had their effect.

    Without an outlook that is where it lies now.
    """
    ahead = case.prediction.outlook or case.prediction
    return ahead.low is not None and ahead.high is not None and not inside(limits, ahead.low, ahead.high)


def inputs_ahead(case: PredictedSituation) -> FeatureVector | None:
    """Return the model's inputs once the causes of now have had their effect: what a move adds to."""
    features, outlook = case.prediction.features, case.prediction.outlook
    return features if features is None or outlook is None else replace(features, values=outlook.inputs)


def objective_of(case: PredictedSituation) -> Objective | None:
    """Return what a move is to correct: the predicted value with its bias and its interval."""
    output, prediction = case.model.bundle.output_of(case.prediction.analyte), case.prediction
    if output is None or output.value is None or prediction.low is None or prediction.high is None:
        return None
    width = prediction.half_width_elsewhere or (prediction.high - prediction.low) / 2
    return Objective(
        column=output.value.column,
        valid=output.value.valid,
        bias=prediction.bias,
        half_width=width / output.value.width_factor((prediction.low + prediction.high) / 2),
        proportional=output.value.proportional,
        others=case.others,
        pending=case.pending,
    )


def sides_beyond(prediction: Prediction | None, limits: Specification) -> frozenset[str]:
    """Return beyond which limits a prediction reaches, now or ahead: lower, upper, both or none."""
    reach = None if prediction is None else reach_of(prediction, limits)
    if reach is None:
        return frozenset()
    sides = {
        "lower": limits.lower is not None and reach[0] < limits.lower,
        "upper": limits.upper is not None and reach[1] > limits.upper,
    }
    return frozenset(side for side, beyond in sides.items() if beyond)


def reach_of(prediction: Prediction, limits: Specification) -> tuple[float, float] | None:
    """Return the interval that a warning is about: the present one, or where that is inside, that of the outlook."""
    low, high, outlook = prediction.low, prediction.high, prediction.outlook
    if low is None or high is None:
        return None
    return (outlook.low, outlook.high) if outlook is not None and inside(limits, low, high) else (low, high)


def explained(case: PredictedSituation) -> tuple[Sensitivity, ...]:
    """Return the inputs on which the prediction depends most."""
    output, features = case.model.bundle.output_of(case.prediction.analyte), case.prediction.features
    answer = None if output is None else output.value or output.probability
    if answer is None or features is None:
        return ()
    return sensitivities(case.model.bundle, case.model.predict, features, column=answer.column)
