"""A guarded prediction: inputs through their gates, the model, the output through its gates. Pure."""

from collections.abc import Mapping

import numpy as np

from gateway.contract.identity import identity_of
from gateway.definitions import ModelAssignment, TagDefinition
from gateway.errors import InferenceError
from gateway.guardrails.gates import judge_domain, judge_inputs, judge_output
from gateway.guardrails.reasons import Abstention, abstain
from gateway.history.windows import TagWindow, WindowRequest
from gateway.inference.features import feature_vector, read_inputs
from gateway.records import Context, FeatureVector, Prediction, Reason, Verdict


def guarded_prediction(
    model: ModelAssignment,
    tags: Mapping[str, TagDefinition],
    windows: Mapping[WindowRequest, TagWindow],
    context: Context,
    *,
    end_ns: int,
    at_ns: int,
    cause: str,
    sample_result_id: str | None = None,
) -> Prediction:
    """Return the prediction for the instant ``end_ns``, accepted or abstained with every reason.

    An abstained prediction carries no numbers that an eye could take for advice.
    """
    bundle = model.bundle
    readings = read_inputs(bundle.inputs, tags, windows, end_ns)
    reasons = judge_inputs(bundle.inputs, readings, tags)
    features = feature_vector(bundle.inputs, readings, end_ns)
    if not reasons and features is not None:
        reasons = judge_domain(bundle, features)
    value = None
    if not reasons and features is not None:
        value, reasons = _infer(model, features)
    accepted = value is not None and not reasons
    return Prediction(
        prediction_id=identity_of("prediction", cause, model.name, sample_result_id),
        at_ns=at_ns,
        equipment_id=model.equipment_id,
        analyte=bundle.analyte,
        unit=bundle.unit,
        model=bundle.identity,
        stage=model.stage.name.lower(),
        value=value if accepted else None,
        low=value - bundle.half_width if accepted and value is not None else None,
        high=value + bundle.half_width if accepted and value is not None else None,
        coverage=bundle.coverage,
        features=features,
        verdict=Verdict(reasons=reasons),
        material_lot_id=context.material_lot_id,
        material_definition_id=context.material_definition_id,
        sample_result_id=sample_result_id,
    )


def _infer(model: ModelAssignment, features: FeatureVector) -> tuple[float | None, tuple[Reason, ...]]:
    try:
        value = float(model.predict(np.array([features.values], np.float64))[0])
    except InferenceError as error:
        return None, (abstain(Abstention.MODEL_FAILED, model=model.name, error=str(error)),)
    return value, judge_output(value, model.bundle)
