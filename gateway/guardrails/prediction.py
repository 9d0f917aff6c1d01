"""A guarded prediction: inputs through their gates, the model, the output through its gates. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from gateway.contract.identity import identity_of
from gateway.errors import InferenceError, InferenceStoppedError
from gateway.guardrails.gates import (
    PredictedValue,
    judge_domain,
    judge_inputs,
    judge_probability,
    judge_value,
)
from gateway.guardrails.outside import process_outside
from gateway.guardrails.reasons import Abstention, abstain
from gateway.history.windows import TagWindow, WindowRequest
from gateway.inference.applicability_domain import accepted_inputs
from gateway.inference.corrections import BiasState, Corrected, Instant, corrected
from gateway.inference.features import feature_vector, read_inputs
from gateway.inference.settling import settled
from gateway.line.definition import ModelAssignment, TagDefinition
from gateway.line.outputs import ModelOutput, ValueOutput
from gateway.line.sustained_outside import PastJudgement
from gateway.records.prediction import FeatureVector, Outlook, Prediction
from gateway.records.production import NOTHING_MADE, Context, ProductionThen
from gateway.records.verdicts import Reason, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Occasion:
    """For which instant, when, because of what, and of which sample and context a prediction is made."""

    end_ns: int
    at_ns: int
    cause: str
    context: Context
    production: ProductionThen = NOTHING_MADE  # as inputs look at it
    sample_result_id: str | None = None
    learned: Mapping[str, BiasState] = field(default_factory=dict)  # by analyte, as known at that instant
    judged: tuple[PastJudgement, ...] = ()  # the model's predictions before, the newest first
    earlier: tuple[tuple[float, ...], ...] = ()  # their inputs, as far as the domain averages over them


def guarded_predictions(
    model: ModelAssignment,
    tags: Mapping[str, TagDefinition],
    windows: Mapping[WindowRequest, TagWindow],
    occasion: Occasion,
) -> tuple[Prediction, ...]:
    """Return the prediction of each analyte of a model, accepted, or abstained with every reason.

    An abstained prediction carries no numbers that an eye could take for advice.
    """
    numbers, reasons, features = _outputs_of_inputs(
        model, tags, windows, occasion.end_ns, occasion.production, occasion.earlier
    )
    reasons += process_outside(model.bundle, reasons, occasion.judged)
    numbers = () if reasons else numbers
    arrival = max((window.arrival for window in windows.values()), default=0)
    heading = _heading(model, features) if numbers else None
    predictions = (
        (output, _prediction(model, output, numbers, reasons, features, occasion)) for output in model.bundle.outputs
    )
    return tuple(
        replace(prediction, arrival=arrival, outlook=_outlook(output, prediction, heading))
        for output, prediction in predictions
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Heading:
    """The model's inputs once its windows have settled, its numbers for them, and whether they pass the input gates."""

    inputs: tuple[float, ...]
    numbers: tuple[float, ...]
    accepted: bool


def _heading(model: ModelAssignment, features: FeatureVector | None) -> _Heading | None:
    """Return where a model is heading; None where its causes are steady, or it cannot be evaluated there."""
    inputs = None if features is None else settled(model.bundle.inputs, features.values)
    if inputs is None or features is None or inputs == features.values:
        return None
    numbers, reasons = _infer(model, inputs)
    if reasons or not all(math.isfinite(number) for number in numbers):
        return None
    known = accepted_inputs(model, np.array([inputs], np.float64))
    return _Heading(inputs=inputs, numbers=numbers, accepted=bool(known[0]))


def _outlook(output: ModelOutput, prediction: Prediction, heading: _Heading | None) -> Outlook | None:
    """Return the outlook of an accepted value: corrected as it is, and with the half width of its interval."""
    value, low, high = prediction.value, prediction.low, prediction.high
    if heading is None or output.value is None or value is None or low is None or high is None:
        return None
    settles_at = heading.numbers[output.value.column] + prediction.bias
    half_width = (prediction.half_width_elsewhere or (high - low) / 2) * (
        output.value.width_factor(settles_at) / output.value.width_factor(value)
    )
    within = output.value.valid[0] <= settles_at <= output.value.valid[1]
    return Outlook(
        value=settles_at, low=settles_at - half_width, high=settles_at + half_width, inputs=heading.inputs,
        accepted=heading.accepted and within,
    )  # fmt: skip


def uncorrected_values(
    model: ModelAssignment,
    tags: Mapping[str, TagDefinition],
    windows: Mapping[WindowRequest, TagWindow],
    end_ns: int,
    production: ProductionThen = NOTHING_MADE,
) -> tuple[dict[str, float], tuple[float, ...]]:
    """Return (by analyte the values of the model without correction at an instant, the features that they are of).

    There are none where an input is refused.

    These values are compared with the laboratory and never published: a model whose outputs are refused must
    still be seen to be wrong.
    """
    numbers, _reasons, features = _outputs_of_inputs(model, tags, windows, end_ns, production)
    values = {
        output.analyte: numbers[output.value.column]
        for output in model.bundle.outputs
        if numbers and output.value is not None and math.isfinite(numbers[output.value.column])
    }
    return values, features.values if values and features is not None else ()


def _outputs_of_inputs(
    model: ModelAssignment,
    tags: Mapping[str, TagDefinition],
    windows: Mapping[WindowRequest, TagWindow],
    end_ns: int,
    production: ProductionThen,
    earlier: tuple[tuple[float, ...], ...] = (),
) -> tuple[tuple[float, ...], tuple[Reason, ...], FeatureVector | None]:
    """Return (the model's numbers, empty where anything was refused; why; the features)."""
    bundle = model.bundle
    readings = read_inputs(bundle.inputs, tags, windows, end_ns, production)
    reasons = judge_inputs(bundle.inputs, readings, tags)
    features = feature_vector(bundle.inputs, readings, end_ns)
    if not reasons and features is not None:
        reasons = judge_domain(bundle, features, earlier)
    if reasons or features is None:
        return (), reasons, features
    numbers, reasons = _infer(model, features.values)
    return numbers, reasons, features


def _prediction(
    model: ModelAssignment,
    output: ModelOutput,
    numbers: tuple[float, ...],
    reasons: tuple[Reason, ...],
    features: FeatureVector | None,
    occasion: Occasion,
) -> Prediction:
    """Return one prediction; ``numbers`` is empty where anything abstained before."""
    predicted, by_laboratory = _predicted_value(
        output.value, numbers, features, occasion.learned.get(output.analyte, BiasState()), occasion
    )
    probability = numbers[output.probability.column] if numbers and output.probability else None
    reasons += _output_reasons(output, predicted, probability, model.name)
    accepted = bool(numbers) and not reasons
    published = predicted if accepted else None
    low, high = _interval(published)
    return Prediction(
        prediction_id=identity_of("prediction", occasion.cause, model.name, output.analyte, occasion.sample_result_id),
        at_ns=occasion.at_ns,
        equipment_id=model.equipment_id,
        analyte=output.analyte,
        unit=output.unit,
        model=model.bundle.identity,
        stage=model.stage.name.lower(),
        value=None if published is None else published.value,
        low=low,
        high=high,
        uncorrected=None if published is None else published.value - by_laboratory.correction,
        bias=by_laboratory.correction,
        bias_version=by_laboratory.version,
        half_width_elsewhere=None if published is None else by_laboratory.half_width_elsewhere,
        coverage=output.value.coverage if output.value is not None else 0.0,
        probability=probability if accepted else None,
        features=features,
        verdict=Verdict(reasons=reasons),
        material_lot_id=occasion.context.material_lot_id,
        material_definition_id=occasion.context.material_definition_id,
        sample_result_id=occasion.sample_result_id,
        cause=occasion.cause,
    )


def _output_reasons(
    output: ModelOutput, predicted: PredictedValue | None, probability: float | None, model: str
) -> tuple[Reason, ...]:
    """Return why an output's value or probability is refused."""
    reasons: tuple[Reason, ...] = ()
    if predicted is not None and output.value is not None:
        reasons = judge_value(predicted, output.value, model)
    return reasons if probability is None else reasons + judge_probability(probability, model)


def _interval(predicted: PredictedValue | None) -> tuple[float | None, float | None]:
    """Return (low, high) of a value; None where it has no interval."""
    if predicted is None or predicted.half_width is None:
        return None, None
    return predicted.value - predicted.half_width, predicted.value + predicted.half_width


def _predicted_value(
    output: ValueOutput | None,
    numbers: tuple[float, ...],
    features: FeatureVector | None,
    learned: BiasState,
    occasion: Occasion,
) -> tuple[PredictedValue | None, Corrected]:
    """Return (the corrected value with its half width, what the laboratory adds to it)."""
    if output is None or not numbers or features is None:
        return None, Corrected(correction=0.0, version=0, half_width=None)
    product = occasion.context.material_definition_id
    by_laboratory = corrected(
        learned, output, Instant(at_ns=occasion.end_ns, features=features.values, product=product)
    )
    value = numbers[output.column] + by_laboratory.correction
    here = _at(by_laboratory, output.width_factor(value))
    return PredictedValue(value=value, half_width=here.half_width), here


def _at(by_laboratory: Corrected, factor: float) -> Corrected:
    """Return what the laboratory adds with the half widths of a value."""
    width, elsewhere = by_laboratory.half_width, by_laboratory.half_width_elsewhere
    return replace(
        by_laboratory,
        half_width=None if width is None else width * factor,
        half_width_elsewhere=None if elsewhere is None else elsewhere * factor,
    )


def _infer(model: ModelAssignment, values: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[Reason, ...]]:
    try:
        row = model.predict(np.array([values], np.float64))[0]
    except InferenceStoppedError as error:
        return (), (abstain(Abstention.MODEL_TOO_SLOW, model=model.name, error=str(error)),)
    except InferenceError as error:
        return (), (abstain(Abstention.MODEL_FAILED, model=model.name, error=str(error)),)
    return tuple(float(number) for number in row), ()
