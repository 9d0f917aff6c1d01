"""A hold before the laboratory's result, by what a model says of a lot; the result confirms or withdraws it. Pure.

It is raised when several predictions in a row lie wholly outside the limits from which on people act, once for each lot
and analyte: what the laboratory has said of it afterwards is not called into question by the model again.
"""

from dataclasses import dataclass, replace

from gateway.advice.new_guidance import GuidanceSubject, new_guidance
from gateway.advice.reasons import excursion_reason
from gateway.advice.titles import provisional_title
from gateway.contract.identity import identity_of
from gateway.decision import Decision, LotJudged
from gateway.events import ModelDue
from gateway.facts.model_due import LotPrediction, ModelDueFacts
from gateway.lab.disposition import LotState
from gateway.lab.specifications import action_limits
from gateway.records.guidance import Guidance, GuidanceKind
from gateway.records.laboratory import Disposition, ProvisionalHold, Recommendation, Specification
from gateway.records.outgoing import AuditEntry
from gateway.records.prediction import Prediction
from gateway.records.verdicts import Reason

IN_A_ROW = 3  # predictions of a lot wholly outside, the newest among them


@dataclass(frozen=True, kw_only=True, slots=True)
class Raised:
    """The disposition and the guidance of a provisional hold, with what is recorded and audited."""

    disposition: Disposition
    guidance: Guidance
    decision: Decision


def provisional_hold(
    event: ModelDue, facts: ModelDueFacts, prediction: Prediction, specification: Specification | None
) -> Raised | None:
    """Return the provisional hold that a prediction raises, or None."""
    lot = facts.context.material_lot_id
    if lot is None or specification is None or facts.lot.closed or facts.lot.state.latched:
        return None
    if any(hold.analyte == prediction.analyte for hold in facts.lot.provisional):
        return None
    limits = action_limits(specification)
    newest = LotPrediction(at_ns=prediction.at_ns, low=prediction.low, high=prediction.high)
    predictions = (newest, *facts.lot.predictions.get(prediction.analyte, ()))[:IN_A_ROW]
    if len(predictions) < IN_A_ROW or not all(_wholly_outside(limits, predicted) for predicted in predictions):
        return None
    reason = excursion_reason(prediction, limits, times=IN_A_ROW)
    disposition = _disposition(event, facts, prediction, reason)
    hold = ProvisionalHold(
        material_lot_id=lot,
        analyte=prediction.analyte,
        prediction_id=prediction.prediction_id,
        since_ns=predictions[-1].at_ns - _looks_back_ns(facts, event.model),
    )
    state = LotState(recommendation=Recommendation.HOLD, provisional=True)
    audit = AuditEntry(
        kind="provisional_hold",
        subject=lot,
        scope=facts.context.scope,
        body={"analyte": prediction.analyte, "prediction": prediction.prediction_id, "cause": event.event_id},
    )
    records = (hold, LotJudged(disposition=disposition, material_lot_id=lot, state=state, stands_already=False))
    guidance = _guidance(event, facts, prediction, specification, reason)
    return Raised(disposition=disposition, guidance=guidance, decision=Decision(records=records, audit=(audit,)))


def _disposition(event: ModelDue, facts: ModelDueFacts, prediction: Prediction, reason: Reason) -> Disposition:
    return Disposition(
        disposition_id=identity_of("provisional-hold", event.event_id, prediction.analyte),
        material_lot_id=facts.context.material_lot_id,
        job_order_id=facts.context.job_order_id,
        recommendation=Recommendation.HOLD,
        previous=facts.lot.state.recommendation,
        latched=False,
        reasons=(reason,),
        rests_on_results=(),
        rests_on_predictions=(prediction,),
        flags=(),
        provisional=True,
    )


def _wholly_outside(limits: Specification, prediction: LotPrediction) -> bool:
    if prediction.low is None or prediction.high is None:
        return False
    below = limits.lower is not None and prediction.high < limits.lower
    above = limits.upper is not None and prediction.low > limits.upper
    return below or above


def _looks_back_ns(facts: ModelDueFacts, model: str) -> int:
    """Return from how long ago what a model says comes: a sample drawn since then is of what it spoke of."""
    assigned = facts.line.model_named(model)
    inputs = () if assigned is None else assigned.bundle.inputs
    return max((item.reach_ns for item in inputs), default=0)


def _guidance(
    event: ModelDue, facts: ModelDueFacts, prediction: Prediction, specification: Specification, reason: Reason
) -> Guidance:
    subject = GuidanceSubject(
        name=("provisional-hold", prediction.analyte),
        context=facts.context,
        analyte=prediction.analyte,
        specification=specification,
    )
    title = provisional_title(prediction, action_limits(specification))
    new = new_guidance(
        GuidanceKind.HOLD, subject, title=title, reasons=(reason,), event_id=event.event_id, issued_ns=event.at_ns
    )
    return replace(new, predicted=prediction)
