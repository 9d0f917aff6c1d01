"""The story: what follows from each event. Pure and synchronous; read it from top to bottom.

An event and the situation it meets go in; records, audit entries and messages come out. No clock, no I/O, no
randomness: the time is in the event, the model is a function in the situation, so a replay of the same inputs
gives the same bytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from gateway.advice.controlling import no_control_any_more, on_control
from gateway.advice.guidance import PredictedSituation, advise
from gateway.advice.investigation import (
    follow_up_of_lot,
    follow_up_of_result,
    follow_up_of_running_lot,
    follow_ups_of_lot_judged_again,
    had_failed,
    on_deviation,
    on_fingerprint,
    windows_of_follow_up,
)
from gateway.advice.judgement import FINAL, RESTATED, Judgement, LotOutcome, judge_arrival, lot_outcome
from gateway.advice.learning import learn
from gateway.advice.lifecycle import OPEN, expired, moved, respond, withdrawn
from gateway.advice.lot_guidance import Occasion as LotOccasion
from gateway.advice.lot_guidance import advise_on_lot
from gateway.advice.provisional import provisional_hold
from gateway.advice.publication import (
    audit_head_message,
    board_message,
    cleared_disposition,
    dead_letter_message,
    disposition_message,
    guidance_message,
    outcome_message,
    prediction_message,
)
from gateway.advice.sampling import on_sample_request
from gateway.advice.side_effects import Other, neighbouring_others, neighbours, own_others, pending_moves
from gateway.advice.windows_read import windows_of_inputs, windows_of_present_tags, windows_of_tick
from gateway.contract.identity import identity_of
from gateway.definitions import LineDefinition, ModelAssignment, Stage
from gateway.events import (
    AdviceWithheld,
    Arrived,
    ContextChanged,
    Decision,
    EpochBegun,
    Event,
    FollowUpDue,
    FollowUpKind,
    GapNoticed,
    GatewayStarted,
    GatewayStopped,
    HeadWitnessed,
    IncomingTested,
    Latched,
    LotFacts,
    LotsJudgedAgain,
    MessageRefused,
    ModelDue,
    OpenLotsQuestioned,
    ResponseArrived,
    ResponseRecorded,
    ResultAccepted,
    ResultArrived,
    ResultRefused,
    ResultRestated,
    Situation,
    SpecificationRecorded,
    SpecificationStated,
    StoreChecked,
    Timer,
    TimerDue,
    Unlatched,
    VersionTaken,
    too_slow_latch,
)
from gateway.guardrails.gates import PresentSetpoint, present_setpoint
from gateway.guardrails.prediction import Occasion, guarded_predictions
from gateway.guardrails.reasons import Abstention
from gateway.guardrails.stages import effective_stage
from gateway.guardrails.standing import no_longer_advised
from gateway.history.windows import WindowRequest
from gateway.lab.disposition import TREND_FLAGS
from gateway.lab.in_force import strictest
from gateway.lab.specifications import action_limits
from gateway.lab.westgard import is_control
from gateway.records import (
    AuditEntry,
    Context,
    ContextKind,
    DeadLetter,
    Guidance,
    GuidanceState,
    LabResult,
    OutgoingMessage,
    Prediction,
    Reason,
    Recommendation,
    ResultStatus,
    Specification,
)

AUDIT_BEHIND_WITNESS = "AUDIT_BEHIND_WITNESS"
STORE_DAMAGED = "STORE_DAMAGED"
STORE_UNCHECKED = "STORE_UNCHECKED"
MOST_OPEN_LOTS = 2000  # that another configuration has judged again


def decide(event: Event, situation: Situation) -> Decision:
    """Return everything that follows from an event in a situation."""
    return _DECISIONS[type(event)](event, situation)


def windows_needed(event: Event, line: LineDefinition) -> tuple[WindowRequest, ...]:
    """Return the history windows that deciding an event will look at."""
    match event:
        case ModelDue():
            model = line.model_named(event.model)
            if model is None:
                return ()
            return windows_of_tick(model, line, event.at_ns)
        case ResultArrived() if event.result.sampled_ns is not None:
            models = line.models_of(event.result.analyte)
            return tuple(request for model in models for request in windows_of_inputs(model, event.result.sampled_ns))
        case FollowUpDue():
            return windows_of_follow_up(event.follow_up, line)
        case _:
            return ()


# --- a model is due: predict, tell, warn, suggest ------------------------------------------------------


def _on_model_due(event: ModelDue, situation: Situation) -> Decision:
    model = situation.line.model_named(event.model)
    if model is None:
        return Decision()
    model = replace(model, stage=effective_stage(model, situation.latches))
    occasion = Occasion(
        end_ns=event.at_ns,
        at_ns=event.at_ns,
        cause=event.event_id,
        context=situation.context,
        learned=situation.learned,
    )
    predictions = guarded_predictions(model, situation.line.tags, situation.windows, occasion)
    decided = _stopped_for_good(model, predictions, situation)
    if model.stage < Stage.ADVISE:  # in shadow the gateway records and compares, and says nothing
        return decided + Decision(records=predictions)
    for prediction in predictions:
        following = _on_prediction(event, situation, model, prediction)
        situation = _with_moves(situation, following, event.at_ns)  # what hangs together: one suggestion at a time
        decided += following
    return decided


def _stopped_for_good(model: ModelAssignment, predictions: tuple[Prediction, ...], situation: Situation) -> Decision:
    """Put a model whose evaluation had to be stopped into shadow until a person has looked at it."""
    code = too_slow_latch(model.name)
    slow = next(
        (why for each in predictions for why in each.verdict.reasons if why.code == Abstention.MODEL_TOO_SLOW.name),
        None,
    )
    if slow is None or code in situation.latches:
        return Decision()
    details = {"version": model.bundle.identity.version, "bundle_sha256": model.bundle.identity.sha256}
    return Decision(
        records=(Latched(code=code, details=details),),
        audit=(_audit("model_too_slow", model.name, reason=slow.text, **details),),
    )


def _with_moves(situation: Situation, decision: Decision, at_ns: int) -> Situation:
    changed = {each.guidance_id: each for each in decision.records if isinstance(each, Guidance) and each.suggestion}
    tags = [each.suggestion.tag for each in changed.values() if each.suggestion]
    standing = {each.guidance_id: each for each in situation.open_suggestions} | changed
    return replace(
        situation,
        last_advised_ns={**situation.last_advised_ns, **dict.fromkeys(tags, at_ns)},
        open_suggestions=tuple(each for each in standing.values() if each.state in OPEN),
    )


def _on_prediction(event: ModelDue, situation: Situation, model: ModelAssignment, prediction: Prediction) -> Decision:
    message = prediction_message(
        prediction,
        line=situation.line,
        cause=event.event_id,
        expires=event.at.after(model.prediction_lives_ns),
    )
    case = _predicted_situation(event, situation, model, prediction)
    advised = advise(case)
    recorded = replace(prediction, no_suggestion=advised.no_suggestion)
    told = Decision(records=(recorded,), messages=(message,)) + _told(advised.guidance, event, situation)
    return told + _held_provisionally(event, situation, prediction, case.specification)


def _held_provisionally(
    event: ModelDue, situation: Situation, prediction: Prediction, specification: Specification | None
) -> Decision:
    raised = provisional_hold(event, situation, prediction, specification)
    if raised is None:
        return Decision()
    message = disposition_message(raised.disposition, line=situation.line, cause=event.event_id, at_ns=event.at_ns)
    return raised.decision + Decision(messages=(message,)) + _told((raised.guidance,), event, situation)


def _predicted_situation(
    event: ModelDue, situation: Situation, model: ModelAssignment, prediction: Prediction
) -> PredictedSituation:
    present = _present_setpoints(event, situation, model)
    moved_ns = {tag: setpoint.moved_ns for tag, setpoint in present.items() if setpoint.moved_ns is not None}
    return PredictedSituation(
        event_id=event.event_id,
        at=event.at,
        model=model,
        prediction=prediction,
        specification=_limits(event, situation, model, situation.context.material_definition_id, prediction.analyte),
        context=situation.context,
        open_guidance=situation.open_guidance,
        setpoints={tag: setpoint.value for tag, setpoint in present.items()},
        moved_ns=moved_ns,
        advised_ns=situation.last_advised_ns,
        others=_others(event, situation, model, prediction),
        pending=pending_moves(_for_other_values(situation, model, prediction.analyte), situation.line),
    )


def _for_other_values(situation: Situation, model: ModelAssignment, analyte: str) -> tuple[Guidance, ...]:
    return tuple(
        each
        for each in situation.open_suggestions
        if each.analyte != analyte or each.predicted is None or each.predicted.model.name != model.name
    )


def _others(event: ModelDue, situation: Situation, model: ModelAssignment, prediction: Prediction) -> tuple[Other, ...]:
    """Return what else hangs on the setpoints, of this model and its neighbours, and what it is to stay inside of."""
    wanted = _wanted(event, situation, model, situation.context.material_definition_id)
    own = own_others(model, prediction.analyte, prediction.features, situation.learned, wanted, event.at_ns)
    found: list[Other] = []
    for each in neighbours(model, situation.line):
        said = situation.said_last.get(each.name, ())
        product = _product_of(each, said, model, situation)
        found += neighbouring_others(each, said, _wanted(event, situation, each, product))
    return (*own, *found)


def _product_of(
    neighbour: ModelAssignment, said: tuple[Prediction, ...], mover: ModelAssignment, situation: Situation
) -> str | None:
    """Return what runs on a neighbour's equipment: by its last word, else what runs here, where that is the same."""
    if said:
        return said[-1].material_definition_id
    here = neighbour.equipment_id == mover.equipment_id
    return situation.context.material_definition_id if here else None


def _wanted(
    event: ModelDue, situation: Situation, model: ModelAssignment, product: str | None
) -> dict[str, Specification | None]:
    """Return by analyte within which limits a model's values are to stay: those from which on people act."""
    found = dict[str, Specification | None]()
    for output in model.bundle.outputs:
        specification = _limits(event, situation, model, product, output.analyte)
        found[output.analyte] = None if specification is None else action_limits(specification)
    return found


def _limits(
    event: ModelDue, situation: Situation, model: ModelAssignment, product: str | None, analyte: str
) -> Specification | None:
    """Return what a model's value is held against: all that is in force at once, in the model's unit."""
    output = model.bundle.output_of(analyte)
    clients = {situation.context.client_id}
    if model.equipment_id != situation.context.equipment_id:  # for whom that runs is not known here: for any of them
        clients |= {each.client_id for each in (*situation.line.specifications, *situation.master_data)}
    holding = [
        each
        for client_id in sorted(clients, key=str)
        for each in situation.in_force(analyte, event.at_ns, product=product, client_id=client_id)
    ]
    return strictest(dict.fromkeys(holding), None if output is None else output.unit)


def _present_setpoints(event: ModelDue, situation: Situation, model: ModelAssignment) -> dict[str, PresentSetpoint]:
    """Return the setpoints and interlock tags whose present value passes the gates of quality and age."""
    present = {
        tag: present_setpoint(situation.line.tags[tag], situation.windows[request])
        for tag, request in windows_of_present_tags(model, situation.line, event.at_ns).items()
    }
    return {tag: setpoint for tag, setpoint in present.items() if setpoint is not None}


# --- a laboratory result: number it, judge it, recommend for its lot -----------------------------------


def _on_result(event: ResultArrived, situation: Situation) -> Decision:
    history = situation.history
    if history.repeats_current and history.current is not None:
        return _repeated("result_repeated", event, history.current)
    if history.says_nothing_new and history.current is not None:
        return _repeated("result_says_nothing_new", event, history.current)
    if history.repeats_superseded is not None and event.origin.session != RESTATED:
        return _restated(event, history.repeats_superseded)
    if is_control(event.result, history.current, situation.line.control_names):
        return on_control(event, situation)
    judgement = judge_arrival(event, situation)
    result = judgement.result
    decided = Decision(
        records=(
            ResultAccepted(result=result, supersedes=judgement.supersedes),
            *judgement.predictions,
            *judgement.settled,
            *_no_longer_restated(event, situation),
        ),
        audit=(
            _audit("result_accepted", result.result_id, sample_id=result.sample_id, test_id=result.test_id,
                   result_version=result.result_version, value=result.value_text, status=result.status.value,
                   supersedes=judgement.supersedes, **_rejected_control(situation)),
        ),
    )  # fmt: skip
    for outcome in judgement.lots:
        if outcome.own or outcome.changed:
            decided += _lot_told(outcome, event, situation) + _advised_on_lot(outcome, event, judgement, situation)
        else:  # a lot of an earlier version, for which nothing has changed
            decided += _assessed(outcome)
    return (
        decided
        + _unread(event, situation)
        + _incoming(judgement, situation)
        + judgement.trended
        + no_control_any_more(situation)
        + _investigated(event, judgement, situation)
        + learn(event, judgement, situation)
    )


def _repeated(kind: str, event: ResultArrived, current: LabResult) -> Decision:
    """Note that a message says what stands already; what was thought to be said again before it was a resend."""
    return Decision(
        records=(ResultRestated(of=event.result, result_id=None),),
        audit=(_audit(kind, current.result_id, event_id=event.event_id),),
    )


def _restated(event: ResultArrived, result_id: str) -> Decision:
    """Wait for what follows: a laboratory that sends its whole history again ends where it stood."""
    return Decision(
        records=(ResultRestated(of=event.result, result_id=result_id),),
        audit=(_audit("result_restated", result_id, event_id=event.event_id),),
    )


def _no_longer_restated(event: ResultArrived, situation: Situation) -> tuple[ResultRestated, ...]:
    return (ResultRestated(of=event.result, result_id=None),) if situation.history.current is not None else ()


def _unread(event: ResultArrived, situation: Situation) -> Decision:
    """Tell the laboratory what of its message could not be read; the result counts against its lots all the same."""
    return _dead_letter(event, event.result.unread, situation) if event.result.unread else Decision()


def _lot_told(outcome: LotOutcome, event: Event, situation: Situation) -> Decision:
    """Record and tell a lot's disposition, with what speaks for and against it."""
    disposition = outcome.judged.disposition
    cause = event.because if isinstance(event, LotsJudgedAgain) else event.event_id
    return Decision(
        records=(outcome.judged, *((outcome.assessed,) if outcome.assessed else ())),
        audit=(
            _audit("disposition", disposition.disposition_id, lot=disposition.material_lot_id,
                   recommendation=disposition.recommendation.value, previous=disposition.previous.value,
                   reasons=[reason.code for reason in disposition.reasons], cause=cause),
        ),
        messages=(disposition_message(disposition, line=situation.line, cause=cause, at_ns=event.at_ns),),
    )  # fmt: skip


def _assessed(outcome: LotOutcome) -> Decision:
    return Decision(records=(outcome.assessed,) if outcome.assessed else ())


def _advised_on_lot(outcome: LotOutcome, event: ResultArrived, judgement: Judgement, situation: Situation) -> Decision:
    lot = outcome.judged.material_lot_id
    guidance = advise_on_lot(
        outcome,
        LotOccasion(
            event_id=event.event_id,
            at_ns=event.at_ns,
            context=situation.context,
            procedures=situation.line.procedures,
        ),
        open_guidance=outcome.facts.open_guidance if lot else situation.open_guidance,
        result=judgement.result if judgement.newest else None,
        specification=judgement.own.specification,
        settled={hold.analyte for hold in judgement.settled if hold.material_lot_id == lot},
    )
    return _told(guidance, event, situation)


def _on_lots_judged_again(event: LotsJudgedAgain, situation: Situation) -> Decision:
    """What lots are judged by has changed: tell what is recommended where that is another thing now."""
    decided = Decision()
    for facts in situation.lots:
        decided += _judged_again(event, facts, situation)
    return decided


def _judged_again(event: LotsJudgedAgain, facts: LotFacts, situation: Situation) -> Decision:
    context = facts.knowledge.context
    outcome = lot_outcome(
        event,
        facts,
        situation,
        disposition_id=identity_of("disposition", event.event_id, context.material_lot_id),
        flags=("JUDGED_AGAIN",),
    )
    if not outcome.changed:
        return _assessed(outcome)
    occasion = LotOccasion(
        event_id=event.event_id,
        at_ns=event.at_ns,
        context=Context(
            equipment_id=context.equipment_id, job_order_id=context.job_order_id, client_id=context.client_id
        ),
        procedures=situation.line.procedures,
    )
    guidance = advise_on_lot(outcome, occasion, open_guidance=facts.open_guidance)
    investigated = follow_ups_of_lot_judged_again(facts, outcome.assessed, at_ns=event.at_ns)
    told = _lot_told(outcome, event, situation) + _told(guidance, event, situation)
    return told + Decision(follow_ups=investigated)


def _rejected_control(situation: Situation) -> dict[str, str]:
    rejected = situation.rejected_control
    return {} if rejected is None else {"rejected_control": rejected.result_id}


def _investigated(event: ResultArrived, judgement: Judgement, situation: Situation) -> Decision:
    """Leave the draft of a deviation for later: of a result out of specification, or confirmed to be out of trend.

    A correction that is inside is told to the deviation that it was in. Of other results of a lot that has no end on
    record, leave for later what it was made by so far.
    """
    result = judgement.result
    failed = judgement.own.recommendation is Recommendation.HOLD
    confirmed = result.status is ResultStatus.APPROVED and not TREND_FLAGS.isdisjoint(result.flags)
    equipment = result.equipment_id or situation.context.equipment_id
    made_until_ns = event.at_ns if situation.lot_ended_ns is None else min(event.at_ns, situation.lot_ended_ns)
    until_ns = made_until_ns if result.sampled_ns is None else result.sampled_ns
    started_ns = situation.lot_started_ns
    if judgement.newest and (failed or confirmed or had_failed(situation, until_ns)):
        own = follow_up_of_result(result, equipment, started_ns=started_ns, until_ns=until_ns)
        others = (replace(own, material_lot_id=lot) for lot in result.other_lots if failed)
        return Decision(follow_ups=(own, *others))
    if situation.lot_ended_ns is not None or judgement.own.recommendation is not Recommendation.RELEASE:
        return Decision()
    known_until_ns = situation.lot_known_until_ns
    so_far = follow_up_of_running_lot(
        result, equipment, started_ns=started_ns, until_ns=until_ns, known_until_ns=known_until_ns
    )
    return Decision(follow_ups=() if so_far is None else (so_far,))


def _incoming(judgement: Judgement, situation: Situation) -> Decision:
    """Count a validated result of a supplier's material, in the place of the version before it."""
    result, current = judgement.result, situation.history.current
    withdrawn = current.result_id if current is not None and current.supplier is not None else None
    says = result.status in FINAL and result.supplier is not None and result.material_definition_id is not None
    failed = _FAILED.get(judgement.own.recommendation) if says else None
    if not judgement.newest or (failed is None and withdrawn is None):
        return Decision()
    tested = IncomingTested(
        result_id=result.result_id,
        supplier=result.supplier or "",
        material=result.material_definition_id or "",
        analyte=result.analyte,
        failed=failed,
        withdrawn=withdrawn,
    )
    return Decision(records=(tested,))


_FAILED = {Recommendation.RELEASE: False, Recommendation.HOLD: True}  # of a review nobody knows yet


def _on_follow_up(event: FollowUpDue, situation: Situation) -> Decision:
    return _FOLLOW_UPS[event.follow_up.kind](event, situation)


# --- production context, people, timers, the gateway itself --------------------------------------------


def _on_context(event: ContextChanged, situation: Situation) -> Decision:
    change = event.change
    recorded = Decision(
        records=(change,),
        audit=(_audit("context_changed", change.material_lot_id or change.job_order_id or change.equipment_id or "",
                      event=change.kind.value, at_ns=change.at_ns, equipment_id=change.equipment_id,
                      order=change.job_order_id, product=change.material_definition_id, state=change.state),),
    )  # fmt: skip
    if change.kind is ContextKind.LOT_ENDED and change.material_lot_id is not None:
        equipment = change.equipment_id or situation.context.equipment_id
        made = follow_up_of_lot(
            change.material_lot_id, equipment, started_ns=situation.lot_started_ns, ended_ns=change.at_ns
        )
        asked = (replace(made, kind=FollowUpKind.SAMPLE_REQUEST),) if situation.line.sampling else ()
        return recorded + Decision(follow_ups=(made, *asked))
    if change.kind is not ContextKind.LOT_CLOSED or change.material_lot_id is None:
        return recorded
    closed = tuple(
        moved(guidance, GuidanceState.RESOLVED)
        for guidance in situation.open_guidance
        if guidance.material_lot_id == change.material_lot_id
    )
    cleared = cleared_disposition(change.material_lot_id, line=situation.line, cause=event.event_id)
    settled = tuple(guidance for guidance in closed if guidance is not None)
    return recorded + Decision(messages=(cleared,)) + _told(settled, event, situation)


def _on_specification(event: SpecificationStated, _situation: Situation) -> Decision:
    stated = event.specification
    return Decision(
        records=(SpecificationRecorded(specification=stated, withdrawn=event.withdrawn),),
        audit=(_audit("specification_withdrawn" if event.withdrawn else "specification_stated", stated.analyte,
                      product=stated.product, client=stated.client_id, version=stated.version,
                      **_what_it_says(stated)),),
    )  # fmt: skip


def _what_it_says(stated: Specification) -> dict[str, Any]:
    """Return by what a specification judges, as the audit trail has it: limits and words, and what else decides."""
    always = {"lower": stated.lower, "upper": stated.upper, "unit": stated.unit}
    named = {"analyte", "product", "client_id", "version"}
    stated_fields = {name: value for name, value in asdict(stated).items() if value is not None and name not in named}
    return always | stated_fields


def _on_response(event: ResponseArrived, situation: Situation) -> Decision:
    response, guidance = event.response, situation.answered
    gone = None if guidance is None else no_longer_advised(guidance, situation.line, situation.latches)
    changed, outcome = respond(guidance, response, event.at, no_longer_advised=gone)
    recorded = Decision(
        records=(ResponseRecorded(response=response, outcome=outcome),),
        audit=(_audit("response", response.guidance_id, act=response.act.value, outcome=outcome,
                      terminal=response.terminal, person=response.person, reason=response.reason),),
        messages=(outcome_message(response, outcome, changed or guidance, line=situation.line, cause=event.event_id,
                                  at_ns=event.at_ns),),
    )  # fmt: skip
    return recorded + _told((changed,) if changed else (), event, situation)


def _on_message_refused(event: MessageRefused, situation: Situation) -> Decision:
    """Keep and tell what was not understood; the lots that it speaks of are for a person."""
    told = _dead_letter(event, event.reasons, situation)
    about = event.about
    if about is None or not about.says_something:
        return told
    refused = ResultRefused(
        dead_letter_id=_dead_letter_id(event),
        about=about,
        reasons=event.reasons,
        contradicts=event.contradicts,
    )
    return told + Decision(records=(refused,))


def _dead_letter_id(event: Arrived) -> str:
    return identity_of("dead-letter", event.event_id)


def _dead_letter(event: Arrived, reasons: tuple[Reason, ...], situation: Situation) -> Decision:
    letter = DeadLetter(
        dead_letter_id=_dead_letter_id(event),
        topic=event.origin.topic,
        payload=event.payload,
        reasons=reasons,
    )
    return Decision(
        records=(letter,),
        audit=(_audit("dead_letter", letter.dead_letter_id, topic=letter.topic,
                      sha256=event.origin.payload_sha256, reasons=[reason.code for reason in letter.reasons]),),
        messages=(dead_letter_message(letter, line=situation.line, cause=event.event_id, at_ns=event.at_ns),),
    )  # fmt: skip


def _on_head_witnessed(event: HeadWitnessed, situation: Situation) -> Decision:
    if situation.head_holds or AUDIT_BEHIND_WITNESS in situation.latches:
        return Decision()
    details = {"witnessed_seq": event.head.seq, "witnessed_hash": event.head.hash}
    epoch = identity_of("epoch", event.head.hash, event.at_ns)
    return Decision(
        records=(Latched(code=AUDIT_BEHIND_WITNESS, details=details), EpochBegun(epoch=epoch)),
        audit=(_audit("audit_behind_witness", event.head.hash, witnessed_seq=event.head.seq),),
    )


def _on_store_checked(event: StoreChecked, situation: Situation) -> Decision:
    found = _audit("store_checked", "ok" if not event.damaged else "damaged", rows=event.rows,
                   audit_lines=event.audit_lines, damaged=event.damaged, wrong=list(event.wrong))  # fmt: skip
    if event.damaged:
        details = {"damaged": event.damaged, "wrong": list(event.wrong)}
        return Decision(records=(Latched(code=STORE_DAMAGED, details=details),), audit=(found,))
    passed = (Unlatched(code=STORE_UNCHECKED),) if STORE_UNCHECKED in situation.latches else ()
    return Decision(records=passed, audit=(found,))


def _on_timer(event: TimerDue, situation: Situation) -> Decision:
    if event.timer is Timer.SIGN_HEAD:
        signed = situation.signed_head
        if signed is None:
            return Decision()
        return Decision(records=(signed,), messages=(audit_head_message(signed, line=situation.line),))
    if event.timer is Timer.REFRESH_BOARD:
        return Decision(messages=(_board(event, situation),))
    return _told(_over(event, situation), event, situation)


def _on_gap(event: GapNoticed, _situation: Situation) -> Decision:
    gap = event.gap
    return Decision(
        records=(gap,),
        audit=(_audit("gap", gap.gap_id, kind=gap.kind.value, subject=gap.subject, from_ns=gap.from_ns,
                      until_ns=gap.until_ns, **gap.details),),
    )  # fmt: skip


def _on_started(event: GatewayStarted, situation: Situation) -> Decision:
    previous = situation.previous_configuration_sha256
    changed = previous is not None and previous != event.configuration_sha256  # lots may be judged by other limits now
    over = _told(_over(event, situation), event, situation)
    started = Decision(
        audit=(_audit("gateway_started", event.configuration_sha256, version=event.version,
                      previous_configuration=previous, changed=previous != event.configuration_sha256,
                      bundles=dict(event.bundles), stages=dict(event.stages)),),
        records=(OpenLotsQuestioned(most=MOST_OPEN_LOTS),) if changed else (),
        messages=(_board(event, situation),),
    )  # fmt: skip
    return started + over


def _on_version_taken(event: VersionTaken, situation: Situation) -> Decision:
    """What another version has advised is not advised any more."""
    return Decision(
        audit=(_audit("version_taken", event.model, version=event.version, bundle_sha256=event.bundle_sha256,
                      stage=event.stage),),
    ) + _told(_over(event, situation), event, situation)  # fmt: skip


def _on_withheld(event: AdviceWithheld, situation: Situation) -> Decision:
    """What the second check does not let out is not left standing either."""
    taken_back = (withdrawn(each, event.refused.get(each.guidance_id)) for each in situation.open_guidance)
    refused = {guidance_id: reason.text for guidance_id, reason in event.refused.items()}
    return Decision(
        audit=(_audit("advice_withheld", event.event_id, refused=refused),),
    ) + _told(tuple(each for each in taken_back if each is not None), event, situation)


def _over(event: Event, situation: Situation) -> tuple[Guidance, ...]:
    """Return what of the open guidance ends here: its time is over, or it is not advised any more."""
    changed = []
    for guidance in situation.open_guidance:
        gone = no_longer_advised(guidance, situation.line, situation.latches)
        if expired(guidance, event.at):
            changed.append(moved(guidance, GuidanceState.EXPIRED))
        elif gone is not None:
            changed.append(withdrawn(guidance, gone))
    return tuple(guidance for guidance in changed if guidance is not None)


def _on_stopped(event: GatewayStopped, _situation: Situation) -> Decision:
    return Decision(audit=(_audit("gateway_stopped", event.event_id),))


# --- telling: records, audit and messages of guidance that is new or changed ---------------------------


def _told(guidance: tuple[Guidance, ...], event: Event, situation: Situation) -> Decision:
    return Decision(
        records=guidance,
        audit=tuple(
            _audit("guidance", item.guidance_id, kind=item.kind.value, state=item.state.value, title=item.title,
                   lot=item.material_lot_id, cause=event.event_id)
            for item in guidance
        ),
        messages=tuple(
            guidance_message(item, line=situation.line, cause=event.event_id, at_ns=event.at_ns) for item in guidance
        ),
    )  # fmt: skip


def _board(event: Event, situation: Situation) -> OutgoingMessage:
    """Return the board, without what ends at this moment."""
    over = {guidance.guidance_id for guidance in _over(event, situation)}
    standing = tuple(guidance for guidance in situation.open_guidance if guidance.guidance_id not in over)
    return board_message(standing, line=situation.line, cause=event.event_id, at=event.at)


def _audit(kind: str, subject: str, /, **body: Any) -> AuditEntry:
    return AuditEntry(kind=kind, subject=subject, body=body)


_FOLLOW_UPS: Mapping[FollowUpKind, Callable[[FollowUpDue, Situation], Decision]] = {
    FollowUpKind.FINGERPRINT: on_fingerprint,
    FollowUpKind.DEVIATION: on_deviation,
    FollowUpKind.SAMPLE_REQUEST: on_sample_request,
    FollowUpKind.JUDGE_AGAIN: lambda _event, _situation: Decision(),  # the lots themselves are events of their own
}
_DECISIONS: Mapping[type, Callable[[Any, Situation], Decision]] = {
    ModelDue: _on_model_due,
    ResultArrived: _on_result,
    ContextChanged: _on_context,
    SpecificationStated: _on_specification,
    ResponseArrived: _on_response,
    MessageRefused: _on_message_refused,
    TimerDue: _on_timer,
    GapNoticed: _on_gap,
    HeadWitnessed: _on_head_witnessed,
    StoreChecked: _on_store_checked,
    GatewayStarted: _on_started,
    GatewayStopped: _on_stopped,
    VersionTaken: _on_version_taken,
    AdviceWithheld: _on_withheld,
    FollowUpDue: _on_follow_up,
    LotsJudgedAgain: _on_lots_judged_again,
}
