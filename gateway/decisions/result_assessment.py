"""An arriving result: its version, its series, the predictions for its sample, its judgement, its lots. Pure."""

from dataclasses import dataclass, replace
from typing import Any

from gateway.advice.lot_outcome import LotOutcome, Trigger, lot_outcome
from gateway.contract.identity import identity_of, result_identity
from gateway.decision import Decision
from gateway.decisions.control_charts import Trended, trend
from gateway.events import ResultArrived
from gateway.facts.lab_result import LabResultFacts, ResultHistory
from gateway.facts.lot import LotFacts
from gateway.guardrails.prediction import Occasion, guarded_predictions
from gateway.guardrails.stages import effective_stage
from gateway.inference.feedback import bias_state_of, serving
from gateway.lab.conformity_reasons import UNDECIDED
from gateway.lab.disposition import (
    CONTROL_REJECTED,
    VALUE_RESTORED,
    Judged,
)
from gateway.lab.release.basis import scoped_judgement
from gateway.lab.release.lot_knowledge import Relation, ResultOnRecord
from gateway.lab.release.open_points import OpenPoint
from gateway.lab.result_versions import is_newer, together
from gateway.line.definition import ModelAssignment, Stage
from gateway.records.laboratory import (
    LabResult,
    ProvisionalHold,
    Recommendation,
    ResultStatus,
)
from gateway.records.prediction import Prediction
from gateway.records.production import NOTHING_MADE, Context

_UNDECIDED = UNDECIDED | {OpenPoint.PRODUCT_UNKNOWN}

FINAL = frozenset({ResultStatus.VALIDATED, ResultStatus.APPROVED})

RESTATED = "restated"  # session of a repetition of a replaced value that nothing has followed: the laboratory means it

_SHADOW = Stage.SHADOW.name.lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultAssessment:
    """A result as accepted, and what follows for the lots that it speaks of, and that earlier versions spoke of."""

    result: LabResult
    supersedes: str | None
    newest: bool
    own: Judged
    trended: Decision
    settled: tuple[ProvisionalHold, ...]
    predictions: tuple[Prediction, ...]
    lots: tuple[LotOutcome, ...]


def assess_arrival(event: ResultArrived, facts: LabResultFacts) -> ResultAssessment:
    """Return the judgement of a result that says something new: numbered, charted, predicted, judged, for each lot."""
    current = facts.history.current
    result = numbered(event, facts.history, facts.context, facts.result_lots)
    newest = is_newer(result, current)
    trended = trend(event, result, facts) if newest else Trended()
    result = _flagged(result, trended, facts)
    predictions = _predictions_at_sample(event, result, facts)
    record = _record_of(result, trended, event, facts, newest=newest)
    own = scoped_judgement(facts.lots[0].knowledge.context, record, facts.specifications.in_force)
    settled = _settled(result, own, facts, newest=newest)
    lots = tuple(
        _lot_outcome(event, result, record, lot_facts, facts, predictions, settled) for lot_facts in facts.lots
    )
    return ResultAssessment(
        result=result,
        supersedes=current.result_id if current is not None and newest else None,
        newest=newest,
        own=own if own.result is result else replace(own, result=result),
        settled=settled,
        trended=trended.decision,
        predictions=predictions,
        lots=lots,
    )


def _flagged(result: LabResult, trended: Trended, facts: LabResultFacts) -> LabResult:
    """Return a result with the flags of what its series signals, and of a control that was out next to it."""
    current = facts.history.current
    doubted = (CONTROL_REJECTED,) if facts.rejected_control is not None or _still_doubted(result, current) else ()
    flags = tuple(dict.fromkeys([*result.flags, *(reason.code for reason in trended.reasons), *doubted]))
    return result if flags == result.flags else replace(result, flags=flags)


def _record_of(
    result: LabResult, trended: Trended, event: ResultArrived, facts: LabResultFacts, *, newest: bool
) -> ResultOnRecord:
    """Return the result as its lots are judged by it: in the words of its message, without what production added."""
    own_words = result.in_its_own_words()
    return ResultOnRecord(
        result=own_words,
        arrived_ns=event.at_ns,
        current=newest,
        relation=Relation.STATED if own_words.lots else Relation.FOUND,
        order_products=facts.order_products,
        trends=trended.reasons,
    )


def _still_doubted(result: LabResult, before: LabResult | None) -> bool:
    """Return whether a version repeats a value that was measured while a control was out."""
    if before is None or CONTROL_REJECTED not in before.flags:
        return False
    return (result.value_text, result.analysed_ns) == (before.value_text, before.analysed_ns)


def numbered(event: ResultArrived, history: ResultHistory, context: Context, lots: tuple[str, ...]) -> LabResult:
    """Return the result with its version (the sender's, or the next one), its id, and its lots, product and client.

    A further message of the version that stands says what both say together.
    """
    result, current = event.result, history.current
    version = result.result_version or history.next_version
    if current is not None and current.result_version == version:
        result = together(current.in_its_own_words(), result)
    restored = (VALUE_RESTORED,) if event.origin.session == RESTATED else ()
    filled = _filled_in(result, context, lots)
    result_id = result.result_id or result_identity(
        source=result.source,
        sample_id=result.sample_id,
        test_id=result.test_id,
        replicate=result.replicate,
        result_version=version,
    )
    stated = (result.result_version, result.result_id, result.context_from)
    if not restored and stated == (version, result_id, tuple(filled)):
        return result  # a message that leaves nothing open
    return replace(
        result,
        **filled,
        context_from=tuple(filled),
        result_version=version,
        flags=(*result.flags, *restored),
        result_id=result_id,
    )


def _filled_in(result: LabResult, context: Context, lots: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of a result that its message leaves open and production knows."""
    known: dict[str, str | None] = {
        "material_definition_id": context.material_definition_id,
        "client_id": context.client_id,
    }
    filled: dict[str, Any] = {
        name: value for name, value in known.items() if value is not None and getattr(result, name) is None
    }
    if not result.lots and lots:
        filled["material_lot_id"] = lots[0]
        if lots[1:]:
            filled["other_lots"] = lots[1:]
    return filled


def _predictions_at_sample(event: ResultArrived, result: LabResult, facts: LabResultFacts) -> tuple[Prediction, ...]:
    """Return the predictions of the analyte's models for the instant at which the sample was drawn."""
    if result.sampled_ns is None:
        return ()
    equipment = result.equipment_id or facts.context.equipment_id
    return tuple(
        prediction
        for model in facts.line.models_of(result.analyte)
        if equipment is None or equipment == model.equipment_id
        for prediction in _as_then(model, event, result, facts)
        if prediction.analyte == result.analyte
    )


def _as_then(
    model: ModelAssignment, event: ResultArrived, result: LabResult, facts: LabResultFacts
) -> tuple[Prediction, ...]:
    """Return a model's predictions for a sample, with the corrections that it had when the sample was drawn."""
    model = replace(model, stage=effective_stage(model, facts.latches))
    lessons, output = facts.feedback.get(model.name), model.bundle.output_of(result.analyte)
    then_ns, known = result.sampled_ns or 0, {}
    if lessons is not None and output is not None and output.value is not None:
        arrived = [entry for entry in lessons.entries if entry.arrived_ns <= then_ns]
        taught = bias_state_of(arrived, output.value, acts=lessons.acts)
        known[result.analyte] = serving(taught, output.value.bias, lessons.acts, then_ns)
    occasion = Occasion(
        end_ns=then_ns,
        at_ns=event.at_ns,
        cause=event.event_id,
        context=facts.context,
        production=facts.production.get(model.name, NOTHING_MADE),
        sample_result_id=result.result_id,
        learned=known,
    )
    return guarded_predictions(model, facts.line.tags, facts.windows, occasion)


def _lot_outcome(
    event: ResultArrived,
    result: LabResult,
    record: ResultOnRecord,
    lot_facts: LotFacts,
    facts: LabResultFacts,
    predictions: tuple[Prediction, ...],
    settled: tuple[ProvisionalHold, ...],
) -> LotOutcome:
    lot, current = lot_facts.knowledge.context.material_lot_id, facts.history.current
    of_result = not lot or lot in result.lots
    earlier = tuple(
        replace(other, current=False)
        if record.current and current is not None and other.result.result_id == current.result_id
        else other
        for other in lot_facts.knowledge.results
        if not _same_version(other.result, result)  # an earlier message of this one, which says all of it
    )
    knowledge = replace(lot_facts.knowledge, results=(*earlier, *((record,) if of_result else ())))
    own_flags = {
        "OLDER_VERSION": not record.current,
        "NO_LOT": not lot,
        "LOT_CHANGED": (bool(lot) and not of_result) or _left_a_lot(result, facts),
    }
    trigger = Trigger(
        at_ns=event.at_ns,
        disposition_id=identity_of("disposition", event.event_id, *((lot,) if facts.lots[0] is not lot_facts else ())),
        job_order_id=result.job_order_id or facts.context.job_order_id,
        predictions=tuple(prediction for prediction in predictions if prediction.stage != _SHADOW),
        flags=(*(result.flags if of_result else ()), *(flag for flag, holds in own_flags.items() if holds)),
        settled_now=frozenset(hold.analyte for hold in settled if hold.material_lot_id == lot),
        subject=result.result_id,
        own=of_result,
    )
    return lot_outcome(replace(lot_facts, knowledge=knowledge), facts, trigger)


def _same_version(first: LabResult, second: LabResult) -> bool:
    return _version(first) == _version(second)


def _version(result: LabResult) -> tuple[str, str, str, int, int | None]:
    return (result.source, result.sample_id, result.test_id, result.replicate, result.result_version)


def _left_a_lot(result: LabResult, facts: LabResultFacts) -> bool:
    return any(lot_facts.knowledge.context.material_lot_id not in {"", *result.lots} for lot_facts in facts.lots)


def _settled(result: LabResult, own: Judged, facts: LabResultFacts, *, newest: bool) -> tuple[ProvisionalHold, ...]:
    """Return the provisional holds that a result settles: its sample was drawn since then, or it is a hold itself."""
    undecided = not _UNDECIDED.isdisjoint(reason.code for reason in own.reasons)
    if not newest or result.status not in FINAL or undecided or result.unread:
        return ()
    current = facts.history.current
    gone = frozenset() if current is None else frozenset({current.result_id})
    return tuple(
        replace(hold, settled_by=result.result_id)
        for lot_facts in facts.lots
        if lot_facts.knowledge.context.material_lot_id in result.lots
        for hold in lot_facts.provisional
        if hold.material_lot_id == lot_facts.knowledge.lot  # a part's result settles nothing of its lot
        and hold.settled_by not in lot_facts.final_results - gone
        and hold.analyte == result.analyte
        and (
            own.recommendation is Recommendation.HOLD or result.sampled_ns is None or result.sampled_ns >= hold.since_ns
        )
    )
