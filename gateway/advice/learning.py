"""What an arriving laboratory result teaches the models of its analyte. Pure.

Only approved, uncensored numbers count, in the model's unit, of samples at which the model's inputs passed every gate.
A newer version of a result takes the place of the one before, or withdraws it, and all that followed is folded again.
"""

from gateway.advice.judgement import Judgement
from gateway.definitions import ModelAssignment, ModelOutput
from gateway.events import Decision, Latched, Lessons, ModelLearned, ResultArrived, Situation
from gateway.inference.feedback import Feedback, Learned, learned
from gateway.records import AuditEntry, LabResult, Prediction, ResultStatus

DRIFT = "MODEL_DRIFT_"


def drift_latch(model: str) -> str:
    """Return the code of the alarm that keeps a drifting model in shadow until a person has looked."""
    return f"{DRIFT}{model.upper()}"


def learn(event: ResultArrived, judgement: Judgement, situation: Situation) -> Decision:
    """Return what is recorded, audited and latched because a result teaches something."""
    decided = Decision()
    for model in situation.line.models_of(judgement.result.analyte):
        lessons, output = situation.lessons.get(model.name), model.bundle.output_of(judgement.result.analyte)
        if lessons is not None and output is not None and output.value is not None and judgement.newest:
            decided += _taught(event, judgement, model, output, lessons, drift_stands=_stands(situation, model))
    return decided


def _stands(situation: Situation, model: ModelAssignment) -> bool:
    return drift_latch(model.name) in situation.latches


def _taught(
    event: ResultArrived,
    judgement: Judgement,
    model: ModelAssignment,
    output: ModelOutput,
    lessons: Lessons,
    *,
    drift_stands: bool,
) -> Decision:
    replaced = next((entry for entry in lessons.entries if entry.result_id == judgement.supersedes), None)
    entry = _entry(event, judgement, model, output, replaced)
    if output.value is None or (entry is None and replaced is None):
        return Decision()
    kept = [each for each in lessons.entries if each is not replaced]
    # a drift that is signalled but not latched any more has been looked at: its charts begin anew
    looked_at = lessons.state.drifts and not drift_stands
    charts_from_ns = event.at_ns if looked_at else lessons.charts_from_ns
    state = learned([*kept, *([entry] if entry else [])], output.value, charts_from_ns=charts_from_ns)
    recorded = ModelLearned(
        bundle_sha256=model.bundle.identity.sha256,
        analyte=output.analyte,
        charts_from_ns=charts_from_ns,
        state=state,
        entry=entry,
        withdrawn=replaced.result_id if replaced else None,
    )
    drifting = state.drifts and not drift_stands
    details = {"analyte": output.analyte, "ewma": state.ewma.value, "cusum_high": state.cusum.high,
               "cusum_low": state.cusum.low, "result": judgement.result.result_id}  # fmt: skip
    latch = Latched(code=drift_latch(model.name), details=details)
    return Decision(
        records=(recorded, *((latch,) if drifting else ())),
        audit=(
            *_bias_audit(model, output, lessons.state, state, judgement.result),
            *((AuditEntry(kind="model_drift", subject=model.name, body=details),) if drifting else ()),
        ),
    )


def _entry(
    event: ResultArrived,
    judgement: Judgement,
    model: ModelAssignment,
    output: ModelOutput,
    replaced: Feedback | None,
) -> Feedback | None:
    """Return the result beside what the model says of its sample, or None where it may teach nothing.

    A correction stands where the result that it corrects stood.
    """
    result = judgement.result
    prediction = _prediction_of(judgement.predictions, model)
    teaches = (
        result.status is ResultStatus.APPROVED
        and result.qualifier is None
        and result.unit in {None, output.unit}
        and result.sampled_ns is not None
    )
    if not teaches or prediction is None or prediction.uncorrected is None or result.value is None:
        return None
    return Feedback(
        result_id=result.result_id,
        sampled_ns=result.sampled_ns or 0,
        arrived_ns=replaced.arrived_ns if replaced else event.at_ns,
        measured=result.value,
        predicted=prediction.uncorrected,
    )


def _prediction_of(predictions: tuple[Prediction, ...], model: ModelAssignment) -> Prediction | None:
    return next((each for each in predictions if each.model == model.bundle.identity and each.verdict.accepted), None)


def _bias_audit(
    model: ModelAssignment, output: ModelOutput, before: Learned, after: Learned, result: LabResult
) -> tuple[AuditEntry, ...]:
    if before.bias == after.bias:
        return ()
    body = {"analyte": output.analyte, "before": before.bias, "after": after.bias, "version": after.version,
            "result": result.result_id, "bundle": model.bundle.identity.sha256}  # fmt: skip
    return (AuditEntry(kind="bias_changed", subject=model.name, body=body),)
