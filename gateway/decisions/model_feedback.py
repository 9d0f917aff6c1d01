"""What the models of an analyte learn from an arriving laboratory result. Pure.

Only approved, uncensored numbers count, in the model's unit, of samples at which the model's inputs passed every gate.
A newer version of a result takes the place of the one before, or withdraws it, and all that followed is folded again.
"""

from dataclasses import replace

from gateway.decision import Decision, Latched, ModelLearned
from gateway.decisions.result_assessment import ResultAssessment
from gateway.events import ResultArrived
from gateway.facts.lab_result import LabResultFacts
from gateway.guardrails.prediction import uncorrected_values
from gateway.inference.corrections import BiasState
from gateway.inference.feedback import Feedback, bias_state_of
from gateway.lab.units import has_bare_scale
from gateway.latches import drift_latch
from gateway.line.definition import ModelAssignment
from gateway.line.outputs import ModelOutput, ValueOutput
from gateway.records.laboratory import LabResult, ResultStatus
from gateway.records.outgoing import AuditEntry
from gateway.records.production import NOTHING_MADE


def learn(event: ResultArrived, assessment: ResultAssessment, facts: LabResultFacts) -> Decision:
    """Return what is recorded, audited and latched as models learn from a result."""
    decided, taught = Decision(), set[str]()
    for model in facts.line.models_of(assessment.result.analyte):
        if model.bundle.identity.sha256 in taught:  # a candidate that is in service, too, learns once
            continue
        taught.add(model.bundle.identity.sha256)
        lessons, output = facts.feedback.get(model.name), model.bundle.output_of(assessment.result.analyte)
        if lessons is not None and output is not None and output.value is not None and assessment.newest:
            decided += _taught(event, assessment, model, output, facts)
    return decided


def _taught(
    event: ResultArrived,
    assessment: ResultAssessment,
    model: ModelAssignment,
    output: ModelOutput,
    facts: LabResultFacts,
) -> Decision:
    lessons, code = facts.feedback[model.name], drift_latch(model.name, output.analyte)
    drift_stands = code in facts.latches
    replaced = lessons.superseded
    entry = _entry(event, assessment, model, output, facts)
    if output.value is None or (entry is None and replaced is None):
        return Decision()
    kept = [entry for entry in lessons.entries if replaced is None or entry.result_id != replaced.result_id]
    looked_at = lessons.state.latched and not drift_stands  # a person has taken it down: the charts begin again
    charts_from_ns = event.at_ns if looked_at else lessons.charts_from_ns
    entries = [*kept, *([entry] if entry else [])]
    state = bias_state_of(entries, output.value, charts_from_ns=charts_from_ns, acts=lessons.acts)
    drifting = state.drifts and not drift_stands
    changed = state.bias != lessons.state.bias
    state = replace(state, latched=drift_stands or drifting, version=lessons.state.version + changed)
    recorded = ModelLearned(
        bundle_sha256=model.bundle.identity.sha256,
        analyte=output.analyte,
        charts_from_ns=charts_from_ns,
        state=state,
        entry=entry,
        withdrawn=replaced.result_id if replaced else None,
    )
    details = {"analyte": output.analyte, "ewma": state.ewma.value, "cusum_high": state.cusum.high,
               "cusum_low": state.cusum.low, "result": assessment.result.result_id}  # fmt: skip
    latch = Latched(code=code, details=details)
    return Decision(
        records=(recorded, *((latch,) if drifting else ())),
        audit=(
            *_bias_audit(model, output, lessons.state, state, assessment.result, facts.context.material_definition_id),
            *((AuditEntry(kind="model_drift", subject=model.name, body=details),) if drifting else ()),
        ),
    )


def _entry(
    event: ResultArrived,
    assessment: ResultAssessment,
    model: ModelAssignment,
    output: ModelOutput,
    facts: LabResultFacts,
) -> Feedback | None:
    """Return the result with the model's prediction for its sample; None where the model may not learn from it.

    A correction stands where the result that it corrects stood.
    """
    result, replaced = assessment.result, facts.feedback[model.name].superseded
    teaches = (
        result.status is ResultStatus.APPROVED
        and result.qualifier is None
        and not result.unread
        and _is_in(output.unit, result)
        and _is_of(result, model, facts)
    )
    if not teaches or result.value is None or result.sampled_ns is None:
        return None
    production = facts.production.get(model.name, NOTHING_MADE)
    predicted_values, features = uncorrected_values(
        model, facts.line.tags, facts.windows, result.sampled_ns, production
    )
    if output.analyte not in predicted_values or output.value is None:
        return None
    return Feedback(
        result_id=result.result_id,
        sampled_ns=result.sampled_ns,
        arrived_ns=replaced.arrived_ns if replaced else event.at_ns,
        measured=result.value,
        predicted=predicted_values[output.analyte],
        features=features if output.value.function_space is not None else (),
        product=facts.context.material_definition_id if _is_per_product(output.value) else None,
    )


def _is_per_product(output: ValueOutput) -> bool:
    return output.bias is not None and output.bias.per_product


def _is_in(unit: str, result: LabResult) -> bool:
    """Return whether a result is surely in a unit: a bare number may be on another scale than a fraction."""
    return result.unit == unit or (result.unit is None and not has_bare_scale(unit))


def _is_of(result: LabResult, model: ModelAssignment, facts: LabResultFacts) -> bool:
    """Return whether a result is of a model's equipment: by its word or context, or as there is only one."""
    equipment = result.equipment_id or facts.context.equipment_id
    if equipment is not None:
        return equipment == model.equipment_id
    return len({model.equipment_id for model in facts.line.models_of(result.analyte)}) == 1


def _bias_audit(
    model: ModelAssignment,
    output: ModelOutput,
    before: BiasState,
    after: BiasState,
    result: LabResult,
    product: str | None,
) -> tuple[AuditEntry, ...]:
    if before.bias == after.bias:
        return ()
    body = {"analyte": output.analyte, "before": before.bias, "after": after.bias, "version": after.version,
            "result": result.result_id, "bundle": model.bundle.identity.sha256}  # fmt: skip
    if after.errors:
        body["results"] = len(after.errors)
    if output.value is not None and _is_per_product(output.value):
        body["product"] = product
    return (AuditEntry(kind="bias_changed", subject=model.name, body=body),)
