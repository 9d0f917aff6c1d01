"""What an arriving result means: its version, what models say of its sample, and what follows for its lots. Pure."""

from dataclasses import dataclass, replace
from typing import Any

from gateway.advice.trending import Trended, trend
from gateway.contract.identity import identity_of, result_identity
from gateway.definitions import ModelAssignment, Stage
from gateway.events import (
    Decision,
    Event,
    LotAssessed,
    LotFacts,
    LotJudged,
    ProvisionalHold,
    ResultArrived,
    Situation,
)
from gateway.guardrails.prediction import Occasion, guarded_predictions
from gateway.guardrails.stages import effective_stage
from gateway.inference.feedback import learned, serving
from gateway.lab.disposition import (
    CONTROL_REJECTED,
    TREND_FLAGS,
    VALUE_RESTORED,
    Judged,
    no_less_careful,
    on_damaged_records,
)
from gateway.lab.judgements import UNDECIDED
from gateway.lab.release import (
    Assessment,
    InForce,
    OpenPoint,
    Relation,
    ResultOnRecord,
    assessments,
    recommend,
    scoped_judgement,
    with_history,
)
from gateway.lab.result_versions import is_newer, together
from gateway.records import (
    Disposition,
    LabResult,
    Prediction,
    Recommendation,
    RestedOn,
    ResultStatus,
    Specification,
)

_UNDECIDED = UNDECIDED | {OpenPoint.PRODUCT_UNKNOWN}
FINAL = frozenset({ResultStatus.VALIDATED, ResultStatus.APPROVED})
RESTATED = "restated"  # the session of a message that nothing has followed: the laboratory means what it said again
MOST_RESULTS_NAMED = 50  # of a disposition: the worst
_SHADOW = Stage.SHADOW.name.lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class LotOutcome:
    """What follows for one lot: its disposition, its assessments, and what speaks loudest against it now."""

    facts: LotFacts
    judged: LotJudged
    assessed: LotAssessed | None
    speaking: Assessment | None
    own: bool  # whether the arriving result speaks of it

    @property
    def changed(self) -> bool:
        """Return whether something else is recommended than before."""
        state, before = self.judged.state, self.facts.before
        return (state.recommendation, state.latched) != (before.recommendation, before.latched)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A result as accepted, and what follows for the lots that it speaks of, and that earlier versions spoke of."""

    result: LabResult
    supersedes: str | None
    newest: bool
    own: Judged
    trended: Decision
    settled: tuple[ProvisionalHold, ...]
    predictions: tuple[Prediction, ...]
    lots: tuple[LotOutcome, ...]


def judge_arrival(event: ResultArrived, situation: Situation) -> Judgement:
    """Return the judgement of a result that says something new."""
    current = situation.history.current
    result = numbered(event, situation)
    newest = is_newer(result, current)
    trended = trend(event, result, situation) if newest else Trended()
    doubted = (CONTROL_REJECTED,) if situation.rejected_control is not None or _still_doubted(result, current) else ()
    flags = tuple(dict.fromkeys([*result.flags, *(each.code for each in trended.reasons), *doubted]))
    result = result if flags == result.flags else replace(result, flags=flags)
    predictions = _predictions_at_sample(event, result, situation)
    own_words = result.in_its_own_words()
    record = ResultOnRecord(
        result=own_words,
        arrived_ns=event.at_ns,
        current=newest,
        relation=Relation.STATED if own_words.lots else Relation.FOUND,
        order_products=situation.order_products,
        trends=trended.reasons,
    )
    own = scoped_judgement(situation.lots[0].knowledge.context, record, in_force_of(situation))
    settled = _settled(result, own, situation, newest=newest)
    lots = tuple(
        _lot_outcome(event, result, record, facts, situation, predictions, settled) for facts in situation.lots
    )
    return Judgement(
        result=result,
        supersedes=current.result_id if current is not None and newest else None,
        newest=newest,
        own=own if own.result is result else replace(own, result=result),
        settled=settled,
        trended=trended.decision,
        predictions=predictions,
        lots=lots,
    )


def in_force_of(situation: Situation) -> InForce:
    """Return the function that tells which specifications hold."""

    def in_force(analyte: str, at_ns: int, product: str | None, client_id: str | None) -> tuple[Specification, ...]:
        return situation.in_force(analyte, at_ns, product=product, client_id=client_id)

    return in_force


def _still_doubted(result: LabResult, before: LabResult | None) -> bool:
    """Return whether a version only says again what was measured while a control was out."""
    if before is None or CONTROL_REJECTED not in before.flags:
        return False
    return (result.value_text, result.analysed_ns) == (before.value_text, before.analysed_ns)


def numbered(event: ResultArrived, situation: Situation) -> LabResult:
    """Return the result with its version (the sender's, or the next one), its id, and its lots, product and client.

    A further message of the version that stands says what both say together.
    """
    result, current = event.result, situation.history.current
    version = result.result_version or situation.history.next_version
    if current is not None and current.result_version == version:
        result = together(current.in_its_own_words(), result)
    restored = (VALUE_RESTORED,) if event.origin.session == RESTATED else ()
    filled = _filled_in(result, situation)
    result_id = result.result_id or result_identity(
        source=result.source,
        sample_id=result.sample_id,
        test_id=result.test_id,
        replicate=result.replicate,
        result_version=version,
    )
    told = (result.result_version, result.result_id, result.context_from)
    if not restored and told == (version, result_id, tuple(filled)):
        return result  # a message that leaves nothing open
    return replace(
        result,
        **filled,
        context_from=tuple(filled),
        result_version=version,
        flags=(*result.flags, *restored),
        result_id=result_id,
    )


def _filled_in(result: LabResult, situation: Situation) -> dict[str, Any]:
    """Return what production adds to a result that its message leaves open."""
    context, lots = situation.context, situation.result_lots
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
    model = replace(model, stage=effective_stage(model, situation.latches))
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


# --- what follows for a lot ------------------------------------------------------------------------------


def _lot_outcome(
    event: ResultArrived,
    result: LabResult,
    record: ResultOnRecord,
    facts: LotFacts,
    situation: Situation,
    predictions: tuple[Prediction, ...],
    settled: tuple[ProvisionalHold, ...],
) -> LotOutcome:
    lot, current = facts.knowledge.context.material_lot_id, situation.history.current
    of_result = not lot or lot in result.lots
    earlier = tuple(
        replace(other, current=False)
        if record.current and current is not None and other.result.result_id == current.result_id
        else other
        for other in facts.knowledge.results
        if not _same_version(other.result, result)  # an earlier message of this one, which says all of it
    )
    knowledge = replace(facts.knowledge, results=(*earlier, *((record,) if of_result else ())))
    own_flags = {
        "OLDER_VERSION": not record.current,
        "NO_LOT": not lot,
        "LOT_CHANGED": (bool(lot) and not of_result) or _left_a_lot(result, situation),
    }
    return lot_outcome(
        event,
        replace(facts, knowledge=knowledge),
        situation,
        disposition_id=identity_of("disposition", event.event_id, *((lot,) if situation.lots[0] is not facts else ())),
        job_order_id=result.job_order_id or situation.context.job_order_id,
        predictions=tuple(each for each in predictions if each.stage != _SHADOW),  # a model in shadow tells nobody
        flags=(*(result.flags if of_result else ()), *(flag for flag, holds in own_flags.items() if holds)),
        settled_now=frozenset(hold.analyte for hold in settled if hold.material_lot_id == lot),
        subject=result.result_id,
        own=of_result,
    )


def _same_version(first: LabResult, second: LabResult) -> bool:
    return _version(first) == _version(second)


def _version(result: LabResult) -> tuple[str, str, str, int, int | None]:
    return (result.source, result.sample_id, result.test_id, result.replicate, result.result_version)


def _left_a_lot(result: LabResult, situation: Situation) -> bool:
    return any(facts.knowledge.context.material_lot_id not in {"", *result.lots} for facts in situation.lots)


def lot_outcome(
    event: Event,
    facts: LotFacts,
    situation: Situation,
    *,
    disposition_id: str,
    job_order_id: str | None = None,
    predictions: tuple[Prediction, ...] = (),
    flags: tuple[str, ...] = (),
    settled_now: frozenset[str] = frozenset(),
    subject: str | None = None,
    own: bool = True,
) -> LotOutcome:
    """Return what a lot's assessments and its recommendation are now.

    ``settled_now``: analytes of provisional holds that the event settles; ``subject``: what the event is about, and
    ``own``: whether that speaks of the lot.
    """
    knowledge = facts.knowledge
    lot = knowledge.context.material_lot_id or None
    assessed = assessments(knowledge, in_force_of(situation))
    missing = _missing(event, facts, assessed, situation)
    waiting = tuple(
        hold.analyte
        for hold in _provisional(facts, assessed)
        if hold.settled_by is None and hold.analyte not in settled_now
    )
    state, reasons = recommend(assessed, facts.rest, missing=missing, provisional=waiting)
    if situation.damaged:
        state, reasons = on_damaged_records(state, reasons, situation.damaged)
    if situation.damaged or situation.in_doubt:
        state, reasons = no_less_careful(state, reasons, facts.before, forgotten=situation.has_forgotten)
    reasons = with_history(state, reasons, facts.earlier_hold)
    named = tuple(item for item in assessed if item.current)
    disposition = Disposition(
        disposition_id=disposition_id,
        material_lot_id=lot,
        job_order_id=job_order_id or knowledge.context.job_order_id,
        recommendation=state.recommendation,
        previous=facts.before.recommendation,
        latched=state.latched,
        reasons=reasons,
        rests_on_results=_rests_on(facts, named),
        rests_on_predictions=predictions,
        flags=tuple(
            dict.fromkeys((*_own_flags(assessed, subject), *flags, *(("LOT_CLOSED",) if facts.closed else ())))
        ),
        gaps=facts.gaps,
        missing_tests=missing,
        trends=tuple(_trend_of(item) for item in named if not TREND_FLAGS.isdisjoint(item.flags)),
        provisional=state.provisional,
        results=len(named) + sum(facts.rest.asks.values()),
    )
    return LotOutcome(
        facts=facts,
        judged=LotJudged(disposition=disposition, material_lot_id=lot, state=state),
        assessed=None if lot is None else _assessed(lot, facts, assessed),
        speaking=_speaking(assessed, subject),
        own=own,
    )


def _assessed(lot: str, facts: LotFacts, assessed: tuple[Assessment, ...]) -> LotAssessed:
    """Return what has changed of a lot's assessments."""
    present = {item.subject for item in assessed}
    return LotAssessed(
        material_lot_id=lot,
        changed=tuple(item for item in assessed if facts.standing.get(item.subject) != item),
        removed=tuple(subject for subject in facts.standing if subject not in present),
        whole=facts.whole,
        is_parent=facts.is_parent,
    )


def _speaking(assessed: tuple[Assessment, ...], subject: str | None) -> Assessment | None:
    """Return the assessment that guidance is about: the event's own; else the first of the worst."""
    if subject is not None:
        return next((item for item in assessed if item.subject == subject), None)
    asking = [item for item in assessed if item.points]
    for wanted in (Recommendation.HOLD, Recommendation.REVIEW):
        worst = next((item for item in asking if item.asks is wanted), None)
        if worst is not None:
            return worst
    return None


def _own_flags(assessed: tuple[Assessment, ...], subject: str | None) -> tuple[str, ...]:
    return next((item.flags for item in assessed if item.subject == subject), ())


def _rests_on(facts: LotFacts, named: tuple[Assessment, ...]) -> tuple[RestedOn, ...]:
    """Return the results that count: all that were looked at, and of many others the worst."""
    results = (*(item for item in facts.rest.worst if item.current), *named)
    if len(results) > MOST_RESULTS_NAMED:
        results = tuple(sorted(results, key=lambda item: not item.points)[:MOST_RESULTS_NAMED])
    return tuple(
        RestedOn(
            result_id=item.subject,
            sample_id=item.sample_id or "",
            test_id=item.test_id or "",
            result_version=item.result_version,
        )
        for item in results
    )


def _missing(event: Event, facts: LotFacts, assessed: tuple[Assessment, ...], situation: Situation) -> tuple[str, ...]:
    """Return the required tests without an approved result: of every product and client that the lot's results name."""
    context = facts.knowledge.context
    clients = {context.client_id, *(record.result.client_id for record in facts.knowledge.results)}
    products = dict.fromkeys((*context.products, *(product for item in assessed for product in item.products)))
    required = dict.fromkeys(
        analyte
        for product in products
        for client_id in sorted(clients, key=str)
        for analyte in situation.required(event.at_ns, product=product, client_id=client_id)
    )
    approved = facts.rest.approved | {item.analyte for item in assessed if item.approved}
    return tuple(analyte for analyte in required if analyte not in approved)


def _provisional(facts: LotFacts, assessed: tuple[Assessment, ...]) -> tuple[ProvisionalHold, ...]:
    """Return the lot's provisional holds; one is settled only while the result stands that settled it."""
    gone = {item.subject for item in assessed if item.kind == "result" and not item.current}
    return tuple(
        hold if hold.settled_by in facts.final_results - gone else replace(hold, settled_by=None)
        for hold in facts.provisional
    )


def _settled(result: LabResult, own: Judged, situation: Situation, *, newest: bool) -> tuple[ProvisionalHold, ...]:
    """Return the provisional holds on which a result is the laboratory's word: of a sample since then, or a hold."""
    undecided = not _UNDECIDED.isdisjoint(reason.code for reason in own.reasons)
    if not newest or result.status not in FINAL or undecided or result.unread:
        return ()
    current = situation.history.current
    gone = frozenset() if current is None else frozenset({current.result_id})
    return tuple(
        replace(hold, settled_by=result.result_id)
        for facts in situation.lots
        if facts.knowledge.context.material_lot_id in result.lots
        for hold in facts.provisional
        if hold.settled_by not in facts.final_results - gone
        and hold.analyte == result.analyte
        and (
            own.recommendation is Recommendation.HOLD or result.sampled_ns is None or result.sampled_ns >= hold.since_ns
        )
    )


def _trend_of(item: Assessment) -> str:
    reasons = [point.reason for point in item.points if point.code in TREND_FLAGS]
    signals = [str(reason.parameters.get("rule", reason.code)) for reason in reasons]
    told = ", ".join(signals) or ", ".join(sorted(TREND_FLAGS.intersection(item.flags)))
    return f"{item.sample_id} {item.test_id}: {told}"
