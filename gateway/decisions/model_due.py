"""A model is due: it predicts; the gateway warns, suggests a setpoint, or holds the lot until its result."""

from dataclasses import replace
from typing import Any

from gateway.advice.guidance import advise
from gateway.advice.lifecycle import OPEN
from gateway.advice.predicted_situation import PredictedSituation
from gateway.advice.provisional import provisional_hold
from gateway.advice.publication import (
    disposition_message,
    prediction_message,
)
from gateway.advice.rationing import RATIONED, Calls, rationed
from gateway.advice.windows_read import windows_of_present_tags, windows_of_tick
from gateway.contract.umh import umh_messages
from gateway.decision import Decision, Latched
from gateway.decisions.changes import audit_entry, guidance_changes, lapse_entry
from gateway.events import ModelDue
from gateway.facts.model_due import ModelDueFacts
from gateway.guardrails.gates import PresentSetpoint, present_setpoint
from gateway.guardrails.prediction import Occasion, guarded_predictions
from gateway.guardrails.reasons import Abstention
from gateway.guardrails.stages import effective_stage
from gateway.history.windows import WindowRequest
from gateway.inference.corrections import Instant
from gateway.lab.in_force import strictest
from gateway.lab.specifications import action_limits
from gateway.latches import too_slow_latch
from gateway.line.definition import LineDefinition, ModelAssignment, Stage
from gateway.people.signing import approval_is_signed
from gateway.records.guidance import Guidance, GuidanceKind, RejectionOver
from gateway.records.laboratory import Specification
from gateway.records.lot_decisions import DecisionState, LotDecided, Verdict
from gateway.records.outgoing import OutgoingMessage
from gateway.records.prediction import Prediction
from gateway.setpoints.intents import approved_by_itself
from gateway.setpoints.interactions import (
    CoupledOutput,
    coupled_models,
    coupled_outputs_of_model,
    coupled_outputs_of_neighbour,
    pending_moves,
)


def windows_of_model(event: ModelDue, line: LineDefinition) -> tuple[WindowRequest, ...]:
    """Return the windows of a model's inputs, setpoints and interlocks."""
    model = line.model_named(event.model)
    return () if model is None else windows_of_tick(model, line, event.at_ns)


def on_model_due(event: ModelDue, facts: ModelDueFacts) -> Decision:
    """Return a model's predictions, with the warnings and suggestions that follow from them."""
    model = facts.line.model_named(event.model)
    if model is None:
        return Decision()
    model = replace(model, stage=effective_stage(model, facts.latches))
    occasion = Occasion(
        end_ns=event.at_ns,
        at_ns=event.at_ns,
        cause=event.event_id,
        context=facts.context,
        production=facts.production,
        learned=facts.bias,
        judged=facts.judged,
        earlier=facts.earlier,
    )
    predictions = guarded_predictions(model, facts.line.tags, facts.windows, occasion)
    decided = _stopped_for_good(model, predictions, facts)
    if model.stage < Stage.ADVISE:  # in shadow predictions are recorded and compared, not published
        return decided + Decision(records=predictions)
    for prediction in predictions:
        following = _on_prediction(event, facts, model, prediction)
        facts = _with_moves(facts, following, event.at_ns)  # one suggestion at a time for coupled outputs
        decided += following
    return decided


def _stopped_for_good(model: ModelAssignment, predictions: tuple[Prediction, ...], facts: ModelDueFacts) -> Decision:
    """Put a model whose evaluation had to be stopped into shadow until a person has looked at it."""
    code = too_slow_latch(model.name)
    slow = next(
        (
            reason
            for prediction in predictions
            for reason in prediction.verdict.reasons
            if reason.code == Abstention.MODEL_TOO_SLOW.name
        ),
        None,
    )
    if slow is None or code in facts.latches:
        return Decision()
    details: dict[str, Any] = {"version": model.bundle.identity.version, "bundle_sha256": model.bundle.identity.sha256}
    return Decision(
        records=(Latched(code=code, details=details),),
        audit=(audit_entry("model_too_slow", model.name, reason=slow.text, **details),),
    )


def _with_moves(facts: ModelDueFacts, decision: Decision, at_ns: int) -> ModelDueFacts:
    changed = {
        guidance.guidance_id: guidance
        for guidance in decision.records
        if isinstance(guidance, Guidance) and guidance.suggestion
    }
    tags = [guidance.suggestion.tag for guidance in changed.values() if guidance.suggestion]
    standing = {guidance.guidance_id: guidance for guidance in facts.open_suggestions} | changed
    return replace(
        facts,
        last_advised_ns={**facts.last_advised_ns, **dict.fromkeys(tags, at_ns)},
        open_suggestions=tuple(guidance for guidance in standing.values() if guidance.state in OPEN),
        announced_ns=(*facts.announced_ns, *_calls(decision, at_ns)),
        warnings=_warnings_after(facts.warnings, decision),
    )


def _warnings_after(before: tuple[Guidance, ...], decision: Decision) -> tuple[Guidance, ...]:
    """Return the open warnings of the equipment after a decision on one of a model's values."""
    changed = {item.guidance_id: item for item in decision.records if isinstance(item, Guidance)}
    known = {item.guidance_id: item for item in before} | changed
    return tuple(item for item in known.values() if item.kind is GuidanceKind.WARNING and item.state in OPEN)


def _calls(decision: Decision, at_ns: int) -> tuple[int, ...]:
    """Return this instant for each guidance to which a decision calls operators by a message of its own."""
    new = (record for record in decision.records if isinstance(record, Guidance) and record.kind in RATIONED)
    return tuple(at_ns for guidance in new if guidance.announced_ns == at_ns)


def _prediction_messages(
    event: ModelDue, facts: ModelDueFacts, model: ModelAssignment, prediction: Prediction
) -> tuple[OutgoingMessage, ...]:
    line, expires = facts.line, event.at.after(model.prediction_lives_ns)
    message = prediction_message(prediction, line=line, cause=event.event_id, expires=expires)
    if line.umh_contract is None or model.stage is Stage.SHADOW:
        return (message,)
    return (message, *umh_messages(prediction, path=line.path, contract=line.umh_contract, expires=expires))


def _on_prediction(event: ModelDue, facts: ModelDueFacts, model: ModelAssignment, prediction: Prediction) -> Decision:
    messages = _prediction_messages(event, facts, model, prediction)
    case = _predicted_situation(event, facts, model, prediction)
    advised = advise(case)
    recorded = replace(prediction, no_suggestion=advised.no_suggestion)
    guidance = rationed(
        approved_by_itself(advised.guidance, model, facts.line, facts.writes),
        standing=facts.open_guidance,
        calls=Calls(
            at_ns=event.at_ns,
            announced_ns=facts.announced_ns,
            rationing=facts.line.rationing,
            silenced=facts.silenced,
            suppressed=frozenset(facts.suppressed),
            others=facts.warnings,
        ),
    )
    over = Decision(
        records=tuple(RejectionOver(name=name) for name in advised.rejections_over),
        audit=tuple(audit_entry("rejection_over", name) for name in advised.rejections_over),
    )
    published = Decision(records=(recorded,), messages=messages) + over + guidance_changes(guidance, event, facts)
    return published + _held_provisionally(event, facts, prediction, case.specification)


def _held_provisionally(
    event: ModelDue, facts: ModelDueFacts, prediction: Prediction, specification: Specification | None
) -> Decision:
    raised = provisional_hold(event, facts, prediction, specification)
    if raised is None:
        return Decision()
    decision, lapsed = _decision_beside_a_hold(facts)
    message = disposition_message(raised.disposition, line=facts.line, cause=event.event_id, at_ns=event.at_ns,
                                  decision=decision)  # fmt: skip
    return raised.decision + lapsed + Decision(messages=(message,)) + guidance_changes((raised.guidance,), event, facts)


def _decision_beside_a_hold(facts: ModelDueFacts) -> tuple[LotDecided | None, Decision]:
    """Return a person's decision on a lot that a model now holds, and its end where it was a release."""
    decision = facts.lot.decision
    if decision is None or decision.verdict is not Verdict.RELEASE or decision.state is DecisionState.LAPSED:
        return decision, Decision()
    lapsed = replace(decision, state=DecisionState.LAPSED)
    return lapsed, Decision(records=(lapsed,), audit=(lapse_entry(lapsed, scope=facts.context.scope),))


def _predicted_situation(
    event: ModelDue, facts: ModelDueFacts, model: ModelAssignment, prediction: Prediction
) -> PredictedSituation:
    present = _present_setpoints(event, facts, model)
    moved_ns = {tag: setpoint.moved_ns for tag, setpoint in present.items() if setpoint.moved_ns is not None}
    return PredictedSituation(
        event_id=event.event_id,
        at=event.at,
        model=model,
        prediction=prediction,
        specification=_limits(event, facts, model, facts.context.material_definition_id, prediction.analyte),
        context=facts.context,
        open_guidance=facts.open_guidance,
        setpoints={tag: setpoint.value for tag, setpoint in present.items()},
        moved_ns=moved_ns,
        advised_ns=facts.last_advised_ns,
        recent=facts.recent.get(prediction.analyte, ()),
        others=_others(event, facts, model, prediction),
        rejected=facts.rejected.get(prediction.analyte, ()),
        time_zone=facts.line.time_zone,
        approval_is_signed=approval_is_signed(facts.line.signatures),
        pending=pending_moves(_for_other_values(facts, model, prediction.analyte), facts.line),
    )


def _for_other_values(facts: ModelDueFacts, model: ModelAssignment, analyte: str) -> tuple[Guidance, ...]:
    return tuple(
        guidance
        for guidance in facts.open_suggestions
        if guidance.analyte != analyte or guidance.predicted is None or guidance.predicted.model.name != model.name
    )


def _others(
    event: ModelDue, facts: ModelDueFacts, model: ModelAssignment, prediction: Prediction
) -> tuple[CoupledOutput, ...]:
    """Return the other outputs that the setpoints move, of this model and of coupled ones, with their limits."""
    limits = _limits_by_analyte(event, facts, model, facts.context.material_definition_id)
    now = Instant(at_ns=event.at_ns, product=facts.context.material_definition_id)
    own = coupled_outputs_of_model(model, prediction.analyte, prediction.features, facts.bias, limits, now)
    coupled: list[CoupledOutput] = []
    for neighbour in coupled_models(model, facts.line):
        predictions = facts.coupled_predictions.get(neighbour.name, ())
        product = _product_of(neighbour, predictions, model, facts)
        coupled += coupled_outputs_of_neighbour(
            neighbour, predictions, _limits_by_analyte(event, facts, neighbour, product)
        )
    return (*own, *coupled)


def _product_of(
    neighbour: ModelAssignment, predictions: tuple[Prediction, ...], mover: ModelAssignment, facts: ModelDueFacts
) -> str | None:
    """Return the product on a coupled model's equipment: of its newest prediction, else ours on the same equipment."""
    if predictions:
        return predictions[-1].material_definition_id
    here = neighbour.equipment_id == mover.equipment_id
    return facts.context.material_definition_id if here else None


def _limits_by_analyte(
    event: ModelDue, facts: ModelDueFacts, model: ModelAssignment, product: str | None
) -> dict[str, Specification | None]:
    """Return by analyte the limits that a model's values must stay within: the action limits."""
    limits = dict[str, Specification | None]()
    for output in model.bundle.outputs:
        specification = _limits(event, facts, model, product, output.analyte)
        limits[output.analyte] = None if specification is None else action_limits(specification)
    return limits


def _limits(
    event: ModelDue, facts: ModelDueFacts, model: ModelAssignment, product: str | None, analyte: str
) -> Specification | None:
    """Return the limits of a model's value: the strictest of all specifications in force, in the model's unit."""
    output = model.bundle.output_of(analyte)
    clients = {facts.context.client_id}
    if model.equipment_id != facts.context.equipment_id:  # its client is unknown: any of them
        clients |= {
            specification.client_id for specification in (*facts.line.specifications, *facts.specifications.stated)
        }
    holding = [
        specification
        for client_id in sorted(clients, key=str)
        for specification in facts.specifications.in_force(analyte, event.at_ns, product=product, client_id=client_id)
    ]
    return strictest(dict.fromkeys(holding), None if output is None else output.unit)


def _present_setpoints(event: ModelDue, facts: ModelDueFacts, model: ModelAssignment) -> dict[str, PresentSetpoint]:
    """Return the setpoints and interlock tags whose present value passes the gates of quality and age."""
    present = {
        tag: present_setpoint(facts.line.tags[tag], facts.windows[request])
        for tag, request in windows_of_present_tags(model, facts.line, event.at_ns).items()
    }
    return {tag: setpoint for tag, setpoint in present.items() if setpoint is not None}
