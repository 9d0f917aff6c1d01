"""What happens to a laboratory result: it is numbered, charted and judged; its lots are judged; models learn from it.

Read from top to bottom: each function below stands in the order in which ``on_result`` calls it.
"""

from dataclasses import replace

from gateway.advice.lot_guidance import Occasion as LotOccasion
from gateway.advice.lot_guidance import advise_on_lot
from gateway.advice.lot_outcome import LotOutcome
from gateway.advice.windows_read import windows_of_inputs
from gateway.decision import Decision, IncomingTested, LotsInQuestion, ResultAccepted, ResultRestated
from gateway.decisions.changes import assessment_alone, audit_entry, disposition_changes, guidance_changes
from gateway.decisions.follow_ups import follow_up_of_result, follow_up_of_running_lot, had_failed
from gateway.decisions.model_feedback import learn
from gateway.decisions.qc_sample import no_control_any_more, on_control
from gateway.decisions.refused_message import dead_letter
from gateway.decisions.result_assessment import FINAL, RESTATED, ResultAssessment, assess_arrival
from gateway.events import ResultArrived
from gateway.facts.lab_result import LabResultFacts, QcSampleFacts, ResultHistory
from gateway.history.windows import WindowRequest
from gateway.lab.disposition import TREND_FLAGS
from gateway.line.definition import LineDefinition
from gateway.records.laboratory import LabResult, Recommendation, ResultStatus


def windows_of_result(event: ResultArrived, line: LineDefinition) -> tuple[WindowRequest, ...]:
    """Return the windows of the models of a result's analyte, as of when its sample was drawn."""
    sampled_ns = event.result.sampled_ns
    if sampled_ns is None:
        return ()
    models = line.models_of(event.result.analyte)
    return tuple(request for model in models for request in windows_of_inputs(model, sampled_ns))


def on_result(event: ResultArrived, facts: LabResultFacts | QcSampleFacts) -> Decision:
    """Return what follows from a result, for the record, its lots, its supplier, its series and the models.

    What says nothing new is only noted. A control sample is of no lot. Any other result gets its version, its place in
    its series, and what it recommends by the specifications in force (``result_assessment``).
    """
    repetition = _repetition(event, facts.history)
    if repetition is not None:
        return repetition
    if isinstance(facts, QcSampleFacts):
        return on_control(event, facts)
    assessment = assess_arrival(event, facts)
    return (
        _accepted(event, assessment, facts)
        + _recommended_for_lots(event, assessment, facts)
        + _reported_as_unread(event, facts)
        + _counted_for_supplier(assessment, facts)
        + assessment.trended
        + no_control_any_more(facts.history)
        + _investigated_later(event, assessment, facts)
        + learn(event, assessment, facts)
    )


# --- a message that says nothing new -------------------------------------------------------------------


def _repetition(event: ResultArrived, history: ResultHistory) -> Decision | None:
    """Return the note of a message that says nothing new; None of one that does.

    A message without a version that says again what a correction has replaced may be a late copy, or mean it: that
    shows when something else follows, or nothing does (``RESTATED``).
    """
    current = history.current
    if current is not None and history.repeats_current:
        return _repeated("result_repeated", event, current)
    if current is not None and history.says_nothing_new:
        return _repeated("result_says_nothing_new", event, current)
    if history.repeats_superseded is not None and event.origin.session != RESTATED:
        return _restated(event, history.repeats_superseded)
    return None


def _repeated(kind: str, event: ResultArrived, current: LabResult) -> Decision:
    """Note that a message says what stands already; an older value that came again before it was a late copy."""
    return Decision(
        records=(ResultRestated(of=event.result, result_id=None),),
        audit=(audit_entry(kind, current.result_id, scope=current.scope, event_id=event.event_id),),
    )


def _restated(event: ResultArrived, result_id: str) -> Decision:
    """Wait for what follows: a laboratory that sends its whole history again ends where it stood."""
    return Decision(
        records=(ResultRestated(of=event.result, result_id=result_id),),
        audit=(audit_entry("result_restated", result_id, scope=event.result.scope, event_id=event.event_id),),
    )


# --- the record ----------------------------------------------------------------------------------------


def _accepted(event: ResultArrived, assessment: ResultAssessment, facts: LabResultFacts) -> Decision:
    """Put the result on record, with what models say of its sample and the provisional holds that it settles."""
    result, current, rejected = assessment.result, facts.history.current, facts.rejected_control
    no_longer_restated = () if current is None else (ResultRestated(of=event.result, result_id=None),)
    return Decision(
        records=(
            _on_record(assessment, facts),
            *assessment.predictions,
            *assessment.settled,
            *no_longer_restated,
        ),
        audit=(
            audit_entry("result_accepted", result.result_id, scope=result.scope, sample_id=result.sample_id,
                   test_id=result.test_id, result_version=result.result_version, value=result.value_text,
                   status=result.status.value, supersedes=assessment.supersedes,
                   **({} if rejected is None else {"rejected_control": rejected.result_id})),
        ),
    )  # fmt: skip


def _on_record(assessment: ResultAssessment, facts: LabResultFacts) -> ResultAccepted:
    current = facts.history.current
    return ResultAccepted(
        result=assessment.result,
        supersedes=assessment.supersedes,
        current=assessment.supersedes is not None or current is None,
        lots=LotsInQuestion(
            possible=facts.possible_lots,
            placed_by_production=current is not None
            and (not current.in_its_own_words().lots or "material_lot_id" in current.context_from),
            of_sample=any(lot_facts.whole for lot_facts in facts.lots),
            names_with_bars=any(lot_facts.names_with_bars for lot_facts in facts.lots),
            new_names=tuple(lot_facts.knowledge.lot for lot_facts in facts.lots if not lot_facts.name_known),
        ),
    )


# --- its lots ------------------------------------------------------------------------------------------


def _recommended_for_lots(event: ResultArrived, assessment: ResultAssessment, facts: LabResultFacts) -> Decision:
    """Say what is recommended for each lot of the result, and advise on it.

    Of a lot that only an earlier version named, nothing is published unless the recommendation changes.
    """
    decided = Decision()
    for outcome in assessment.lots:
        if outcome.own or outcome.changed:
            decided += disposition_changes(outcome, event, facts) + _advised_on_lot(outcome, event, assessment, facts)
        else:
            decided += assessment_alone(outcome, facts)
    return decided


def _advised_on_lot(
    outcome: LotOutcome, event: ResultArrived, assessment: ResultAssessment, facts: LabResultFacts
) -> Decision:
    lot = outcome.judged.material_lot_id
    guidance = advise_on_lot(
        outcome,
        LotOccasion(
            event_id=event.event_id,
            at_ns=event.at_ns,
            context=facts.context,
            procedures=facts.line.procedures,
        ),
        open_guidance=outcome.lot_facts.open_guidance if lot else facts.open_guidance,
        result=assessment.result if assessment.newest else None,
        specification=assessment.own.specification,
        settled={hold.analyte for hold in assessment.settled if hold.material_lot_id == lot},
    )
    return guidance_changes(guidance, event, facts)


# --- the laboratory, the supplier ----------------------------------------------------------------------


def _reported_as_unread(event: ResultArrived, facts: LabResultFacts) -> Decision:
    """Report what of the message could not be read; the result counts against its lots all the same."""
    return dead_letter(event, event.result.unread, facts) if event.result.unread else Decision()


def _counted_for_supplier(assessment: ResultAssessment, facts: LabResultFacts) -> Decision:
    """Count a validated result of a supplier's material, in the place of the version before it."""
    result, current = assessment.result, facts.history.current
    withdrawn = current.result_id if current is not None and current.supplier is not None else None
    counts = result.status in FINAL and result.supplier is not None and result.material_definition_id is not None
    failed = _FAILED.get(assessment.own.recommendation) if counts else None
    if not assessment.newest or (failed is None and withdrawn is None):
        return Decision()
    tested = IncomingTested(
        result_id=result.result_id,
        scope=result.scope,
        supplier=result.supplier or "",
        material=result.material_definition_id or "",
        analyte=result.analyte,
        failed=failed,
        withdrawn=withdrawn,
    )
    return Decision(records=(tested,))


_FAILED = {Recommendation.RELEASE: False, Recommendation.HOLD: True}  # of a review nobody knows yet


# --- what is looked into later -------------------------------------------------------------------------


def _investigated_later(event: ResultArrived, assessment: ResultAssessment, facts: LabResultFacts) -> Decision:
    """Leave for later the draft of a deviation, or the record of what a lot without an end was made by so far.

    A deviation is drafted of a result out of specification, of one confirmed to be out of trend, and of a correction
    that is inside, where the version before it failed: the deviation on record takes it in.
    """
    result = assessment.result
    failed = assessment.own.recommendation is Recommendation.HOLD
    confirmed = result.status is ResultStatus.APPROVED and not TREND_FLAGS.isdisjoint(result.flags)
    equipment = result.equipment_id or facts.context.equipment_id
    made_until_ns = event.at_ns if facts.lot_ended_ns is None else min(event.at_ns, facts.lot_ended_ns)
    until_ns = made_until_ns if result.sampled_ns is None else result.sampled_ns
    started_ns = facts.lot_started_ns
    if assessment.newest and (failed or confirmed or had_failed(facts.history.current, facts.specifications, until_ns)):
        own = follow_up_of_result(result, equipment, started_ns=started_ns, until_ns=until_ns)
        others = (replace(own, material_lot_id=lot) for lot in result.other_lots if failed)
        return Decision(follow_ups=(own, *others))
    if facts.lot_ended_ns is not None or assessment.own.recommendation is not Recommendation.RELEASE:
        return Decision()
    known_until_ns = facts.known_until_ns
    so_far = follow_up_of_running_lot(
        result, equipment, started_ns=started_ns, until_ns=until_ns, known_until_ns=known_until_ns
    )
    return Decision(follow_ups=() if so_far is None else (so_far,))
