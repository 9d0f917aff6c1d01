"""What an arriving result means: its version, what the models say of its sample, and its lot's disposition. Pure."""

from dataclasses import dataclass, replace
from functools import lru_cache

from gateway.advice.trending import Trended, trend
from gateway.contract.identity import identity_of, result_identity
from gateway.definitions import ModelAssignment, Stage
from gateway.events import Decision, LotJudged, ProvisionalHold, ResultArrived, Situation, in_shadow
from gateway.guardrails.prediction import Occasion, guarded_predictions
from gateway.inference.feedback import learned, serving
from gateway.lab.disposition import (
    CONTROL_REJECTED,
    TREND_FLAGS,
    VALUE_RESTORED,
    Judged,
    LotState,
    judge_result,
    missing_tests,
    no_less_careful,
    on_damaged_records,
    recommend,
    retested,
    without_result,
)
from gateway.lab.judgements import UNDECIDED
from gateway.records import Disposition, LabResult, Prediction, Reason, Recommendation, ResultStatus, Specification

FINAL = frozenset({ResultStatus.VALIDATED, ResultStatus.APPROVED})
_SHADOW = Stage.SHADOW.name.lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A result as accepted, and what follows for lots: its own first, then one that a correction has left."""

    result: LabResult
    supersedes: str | None
    newest: bool
    own: Judged
    trended: Decision
    settled: tuple[ProvisionalHold, ...]
    predictions: tuple[Prediction, ...]
    lots: tuple[LotJudged, ...]


def judge_arrival(event: ResultArrived, situation: Situation) -> Judgement:
    """Return the judgement of a result that is not a mere repeat."""
    current = situation.history.current
    result = numbered(event.result, situation)
    newest = current is None or (result.result_version or 0) > (current.result_version or 0)
    trended = trend(event, result, situation) if newest else Trended()
    doubted = (CONTROL_REJECTED,) if situation.rejected_control is not None or _still_doubted(result, current) else ()
    flags = tuple(dict.fromkeys([*result.flags, *(each.code for each in trended.reasons), *doubted]))
    result = result if flags == result.flags else replace(result, flags=flags)
    predictions = _predictions_at_sample(event, result, situation)
    own = judge_result(result, _in_force(event, result, situation), trended.reasons)
    judged = _standing_results(event, own, situation, newest=newest)
    settled = _settled(result, own, situation, newest=newest)
    lots = [_own_lot(event, result, situation, judged, predictions, settled, newest=newest)]
    if newest and situation.left_lot_id is not None:
        lots.append(_left_lot(event, result, situation))
    return Judgement(
        result=result,
        supersedes=current.result_id if current is not None and newest else None,
        newest=newest,
        own=own,
        settled=settled,
        trended=trended.decision,
        predictions=predictions,
        lots=tuple(lots),
    )


def _still_doubted(result: LabResult, before: LabResult | None) -> bool:
    """Return whether a version only says again what was measured while a control was out."""
    if before is None or CONTROL_REJECTED not in before.flags:
        return False
    return (result.value_text, result.analysed_ns) == (before.value_text, before.analysed_ns)


def numbered(result: LabResult, situation: Situation) -> LabResult:
    """Return the result with its version (the sender's, or the next one), its id, and its lot and product."""
    version = result.result_version or situation.history.next_version
    restored = (VALUE_RESTORED,) if situation.history.repeats_superseded else ()
    return replace(
        result,
        result_version=version,
        material_lot_id=situation.context.material_lot_id,
        material_definition_id=situation.context.material_definition_id,
        client_id=situation.context.client_id,
        flags=(*result.flags, *restored),
        result_id=result.result_id
        or result_identity(
            source=result.source,
            sample_id=result.sample_id,
            test_id=result.test_id,
            replicate=result.replicate,
            result_version=version,
        ),
    )


def _predictions_at_sample(event: ResultArrived, result: LabResult, situation: Situation) -> tuple[Prediction, ...]:
    """Return what each model of this analyte says of the instant at which the sample was drawn."""
    if result.sampled_ns is None:
        return ()
    equipment = result.equipment_id or situation.context.equipment_id
    return tuple(
        prediction
        for model in situation.line.models_of(result.analyte)
        if equipment is None or equipment == model.equipment_id
        for prediction in _as_then(model, event, result, situation)
        if prediction.analyte == result.analyte
    )


def _as_then(
    model: ModelAssignment, event: ResultArrived, result: LabResult, situation: Situation
) -> tuple[Prediction, ...]:
    """Return what a model says of a sample with what it had been taught by the time it was drawn."""
    if in_shadow(model, situation.latches):
        model = replace(model, stage=Stage.SHADOW)
    lessons, output = situation.lessons.get(model.name), model.bundle.output_of(result.analyte)
    then_ns, known = result.sampled_ns or 0, {}
    if lessons is not None and output is not None and output.value is not None:
        arrived = [entry for entry in lessons.entries if entry.arrived_ns <= then_ns]
        taught = learned(arrived, output.value, acts=lessons.acts)
        known[result.analyte] = serving(taught, output.value.bias, lessons.acts, then_ns)
    occasion = Occasion(
        end_ns=then_ns,
        at_ns=event.at_ns,
        cause=event.event_id,
        context=situation.context,
        sample_result_id=result.result_id,
        learned=known,
    )
    return guarded_predictions(model, situation.line.tags, situation.windows, occasion)


def _in_force(event: ResultArrived, result: LabResult, situation: Situation) -> tuple[Specification, ...]:
    """Return the specifications that held when the sample was drawn; where that is not known, those that hold now."""
    at_ns = event.at_ns if result.sampled_ns is None else result.sampled_ns
    return situation.in_force(result.analyte, at_ns, product=result.material_definition_id, client_id=result.client_id)


def _standing_results(event: ResultArrived, own: Judged, situation: Situation, *, newest: bool) -> tuple[Judged, ...]:
    """Return the lot's results that count, judged, each by the product it was made as."""
    result, current = own.result, situation.history.current
    standing = result if newest or current is None else current
    of_this_lot = standing.material_lot_id == result.material_lot_id
    results = (*situation.lot_results, *((standing,) if of_this_lot else ()))
    return tuple(
        own if each is result else _judged_again(each, _in_force(event, each, situation))
        for each in results
        if not retested(each, results)
    )


@lru_cache(maxsize=256)
def _judged_again(result: LabResult, in_force: tuple[Specification, ...]) -> Judged:
    """Return what a result on record says by these specifications: it is wanted with each later one of its lot."""
    return judge_result(result, in_force)


def _own_lot(
    event: ResultArrived,
    result: LabResult,
    situation: Situation,
    judged: tuple[Judged, ...],
    predictions: tuple[Prediction, ...],
    settled: tuple[ProvisionalHold, ...],
    *,
    newest: bool,
) -> LotJudged:
    missing, done = missing_tests(_required(event, situation, judged), judged), {each.analyte for each in settled}
    holds = _provisional(result, situation, newest=newest)
    waiting = tuple(each.analyte for each in holds if each.settled_by is None and each.analyte not in done)
    state, reasons = recommend(judged, situation.lot_state, missing=missing, provisional=waiting)
    if situation.damaged:
        state, reasons = on_damaged_records(state, reasons, situation.damaged)
    if situation.damaged or situation.in_doubt:
        state, reasons = no_less_careful(state, reasons, situation.lot_state, forgotten=situation.has_forgotten)
    own_flags = next((each.flags for each in judged if each.result is result), result.flags)
    flags = {
        "OLDER_VERSION": not newest,
        "NO_LOT": result.material_lot_id is None,
        "LOT_CLOSED": situation.lot_closed,
        "LOT_CHANGED": situation.left_lot_id is not None,
    }
    return _lot_judged(
        situation.context.material_lot_id,
        situation.lot_state,
        state,
        reasons,
        disposition_id=identity_of("disposition", event.event_id),
        job_order_id=result.job_order_id or situation.context.job_order_id,
        results=tuple(each.result for each in judged),
        predictions=tuple(each for each in predictions if each.stage != _SHADOW),  # a model in shadow tells nobody
        flags=(*own_flags, *(flag for flag, holds in flags.items() if holds)),
        gaps=situation.gaps,
        missing=missing,
        trends=tuple(_trend_of(each) for each in judged if not TREND_FLAGS.isdisjoint(each.flags)),
    )


def _required(event: ResultArrived, situation: Situation, judged: tuple[Judged, ...]) -> tuple[str, ...]:
    """Return the tests without which the lot is not released: of every product and client that its results name."""
    named = [(each.result.material_definition_id, each.result.client_id) for each in judged]
    named.append((situation.context.material_definition_id, situation.context.client_id))
    return tuple(
        dict.fromkeys(
            analyte
            for product, client_id in dict.fromkeys(named)
            for analyte in situation.required(event.at_ns, product=product, client_id=client_id)
        )
    )


def _provisional(result: LabResult, situation: Situation, *, newest: bool) -> tuple[ProvisionalHold, ...]:
    """Return the lot's provisional holds; one is settled only while the result stands that settled it."""
    current = situation.history.current
    standing = {each.result_id for each in situation.lot_results if each.status in FINAL}
    if current is not None and not newest and current.material_lot_id == result.material_lot_id:
        standing |= {current.result_id} if current.status in FINAL else set()
    return tuple(
        each if each.settled_by in standing else replace(each, settled_by=None) for each in situation.provisional
    )


def _settled(result: LabResult, own: Judged, situation: Situation, *, newest: bool) -> tuple[ProvisionalHold, ...]:
    """Return the provisional holds on which a result is the laboratory's word: of a sample since then, or a hold."""
    undecided = not UNDECIDED.isdisjoint(reason.code for reason in own.reasons)
    if not newest or result.status not in FINAL or undecided:
        return ()
    return tuple(
        replace(each, settled_by=result.result_id)
        for each in _provisional(result, situation, newest=newest)
        if each.settled_by is None
        and each.analyte == result.analyte
        and (
            own.recommendation is Recommendation.HOLD or result.sampled_ns is None or result.sampled_ns >= each.since_ns
        )
    )


def _trend_of(judged: Judged) -> str:
    signals = [str(each.parameters.get("rule", each.code)) for each in judged.reasons if each.code in TREND_FLAGS]
    told = ", ".join(signals) or ", ".join(sorted(TREND_FLAGS.intersection(judged.flags)))
    return f"{judged.result.sample_id} {judged.result.test_id}: {told}"


def _left_lot(event: ResultArrived, result: LabResult, situation: Situation) -> LotJudged:
    state, reasons = without_result(situation.left_lot_state, result)
    return _lot_judged(
        situation.left_lot_id,
        situation.left_lot_state,
        state,
        reasons,
        disposition_id=identity_of("disposition-of-left-lot", event.event_id),
        flags=("LOT_CHANGED",),
    )


def _lot_judged(
    material_lot_id: str | None,
    before: LotState,
    state: LotState,
    reasons: tuple[Reason, ...],
    *,
    disposition_id: str,
    flags: tuple[str, ...],
    job_order_id: str | None = None,
    results: tuple[LabResult, ...] = (),
    predictions: tuple[Prediction, ...] = (),
    trends: tuple[str, ...] = (),
    gaps: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
) -> LotJudged:
    disposition = Disposition(
        disposition_id=disposition_id,
        material_lot_id=material_lot_id,
        job_order_id=job_order_id,
        recommendation=state.recommendation,
        previous=before.recommendation,
        latched=state.latched,
        reasons=reasons,
        rests_on_results=results,
        rests_on_predictions=predictions,
        flags=flags,
        trends=trends,
        gaps=gaps,
        missing_tests=missing,
        provisional=state.provisional,
    )
    return LotJudged(disposition=disposition, material_lot_id=material_lot_id, state=state)
