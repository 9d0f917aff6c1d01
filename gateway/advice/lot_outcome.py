"""What a lot's assessments and its recommendation are now. Pure."""

from dataclasses import dataclass, replace

from gateway.contract.sinks.rule import AWAITS_CERTIFICATE
from gateway.decision import LotAssessed, LotJudged
from gateway.facts.base import JudgingFacts
from gateway.facts.lot import LotFacts, is_of_rest, put_back_since
from gateway.lab.certificates.awaited import awaited
from gateway.lab.disposition import TREND_FLAGS, LotState, no_less_careful, on_damaged_records
from gateway.lab.release.assessment import Assessment, Subject
from gateway.lab.release.begun_again import by_production
from gateway.lab.release.decided import decision_after
from gateway.lab.release.lot_assessments import assessments
from gateway.lab.release.open_points import Point
from gateway.lab.release.parts import about_of, by_parts, is_of_whole_lot, is_reported, revived, with_whole_lot
from gateway.lab.release.products_alike import naming_products_alike
from gateway.lab.release.recommendation import recommend, with_history
from gateway.latches import has_forgotten, in_doubt
from gateway.records.laboratory import Disposition, ProvisionalHold, Recommendation, RestedOn
from gateway.records.lot_decisions import DecisionState, LotDecided, Verdict
from gateway.records.lot_parts import OF_REST_ALONE, PART_UNDONE, RELEASE_TAKEN_BACK
from gateway.records.prediction import Prediction
from gateway.records.reviews import LotReviewed, ReviewState
from gateway.records.verdicts import Reason

MOST_RESULTS_NAMED = 50  # of a disposition: the worst


@dataclass(frozen=True, kw_only=True, slots=True)
class LotOutcome:
    """What follows for one lot: its disposition, its assessments, and what speaks loudest against it now."""

    lot_facts: LotFacts
    judged: LotJudged
    assessed: LotAssessed | None
    speaking: Assessment | None
    own: bool  # whether the arriving result speaks of it
    decision: LotDecided | None = None  # of a person, as it is now
    stands_again: tuple[
        Assessment, ...
    ] = ()  # what a release had settled that has lapsed now: of each analyte the worst
    lapsed_review: LotReviewed | None = None  # the signed review of its record, where it lapses now
    reported: bool  # whether anything of it is assessed by itself, apart from the lot of which it is a part

    @property
    def released_by_person(self) -> LotDecided | None:
        """Return the decision by which a person has released it, while that rests on the facts."""
        decided = self.decision
        stands = decided is not None and decided.verdict is Verdict.RELEASE and decided.state is DecisionState.STANDS
        return decided if stands else None

    @property
    def decided(self) -> LotDecided | None:
        """Return the decision of a person on it, where that stands or has lapsed only now."""
        return None if self.decision == self.lot_facts.decision else self.decision

    @property
    def set_back(self) -> bool:
        """Return whether it is a part that was put back into its lot and of which nothing is known by itself."""
        part = self.lot_facts.part
        return part is not None and part.undone and not self.reported

    @property
    def changed(self) -> bool:
        """Return whether something else is recommended or decided than before."""
        state, before, facts = self.judged.state, self.lot_facts.before, self.lot_facts
        if self.decided is not None or (facts.part is not None and not facts.on_record):
            return True
        if (OF_REST_ALONE in self.judged.disposition.flags) != facts.told_of_rest:
            return True
        return (state.recommendation, state.latched) != (before.recommendation, before.latched)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """Why a lot is judged now, and what a result that arrives brings with it.

    ``settled_now``: analytes of provisional holds that it settles; ``subject``: what it is about, and ``own``: whether
    that speaks of the lot.
    """

    at_ns: int
    disposition_id: str
    job_order_id: str | None = None
    predictions: tuple[Prediction, ...] = ()
    flags: tuple[str, ...] = ()
    settled_now: frozenset[str] = frozenset()
    subject: str | None = None
    own: bool = True


def lot_outcome(lot_facts: LotFacts, facts: JudgingFacts, trigger: Trigger) -> LotOutcome:
    """Return what a lot's assessments and its recommendation are now."""
    lot, before = lot_facts.knowledge.lot or None, lot_facts.before
    specifications = facts.specifications
    assessed = assessments(lot_facts.knowledge, specifications.in_force)
    begun_again = by_production(lot_facts.knowledge, lot_facts.begun_again_ns)
    assessed = (*assessed, *begun_again, *by_parts(lot_facts.knowledge, lot_facts.misfit))
    if lot_facts.part is not None:
        assessed = with_whole_lot(assessed, lot_facts.part, lot_facts.whole_lot)
    assessed = naming_products_alike(assessed, specifications.products_alike)
    missing = _missing(lot_facts, assessed, facts, at_ns=trigger.at_ns)
    state, reasons = _recommended(lot_facts, facts, trigger, assessed, missing)
    changes = None if lot is None else _assessed(lot, lot_facts, assessed)
    decision = _decision(lot_facts, state, changes, missing, damaged=bool(facts.damaged))
    context, on_record = lot_facts.knowledge.context, lot_facts.certificates
    waits = (AWAITS_CERTIFICATE,) if awaited(facts.line.certificates, context, on_record, decision) else ()
    undone = (PART_UNDONE,) if lot_facts.part is not None and lot_facts.part.undone else ()
    trigger = replace(trigger, flags=(*trigger.flags, *waits, *_of_release(lot_facts, decision), *undone))
    unchanged = (before.recommendation, before.latched) == (state.recommendation, state.latched)
    return LotOutcome(
        lot_facts=lot_facts,
        judged=LotJudged(
            disposition=_disposition(lot_facts, trigger, assessed, missing, state, reasons),
            material_lot_id=lot,
            state=state,
            stands_already=lot_facts.on_record and unchanged,
        ),
        assessed=changes,
        speaking=_speaking(assessed, trigger.subject),
        own=trigger.own,
        decision=decision,
        stands_again=_stands_again(lot_facts, assessed, decision, trigger),
        lapsed_review=_lapsed_review(lot_facts, changes),
        reported=any(hold.material_lot_id == lot for hold in lot_facts.provisional)
        or any(is_reported(item) for item in assessed),
    )


def _of_release(lot_facts: LotFacts, decision: LotDecided | None) -> tuple[str, ...]:
    """Return the flags of a release that is of what is left beside the lot's parts, or that lapses now.

    It is of the rest while not all parts are released. Whoever was told of the release before is told that it counts
    no more, whatever is recommended now.
    """
    before = lot_facts.decision
    released_before = before is not None and before.verdict is Verdict.RELEASE and before.state is DecisionState.STANDS
    of_rest = is_of_rest(decision, lot_facts.parts)
    over = of_rest or (decision is not None and decision.state is DecisionState.LAPSED)
    taken_back = over and released_before and not lot_facts.told_of_rest
    return (*((OF_REST_ALONE,) if of_rest else ()), *((RELEASE_TAKEN_BACK,) if taken_back else ()))


def _lapsed_review(lot_facts: LotFacts, changes: LotAssessed | None) -> LotReviewed | None:
    """Return the signed review of a lot's record, where it lapses now: what it rests on is another."""
    review = lot_facts.review
    if review is None or review.state is ReviewState.LAPSED or changes is None:
        return None
    return replace(review, state=ReviewState.LAPSED) if _other_facts(changes) else None


def _other_facts(changes: LotAssessed) -> list[str]:
    """Return the subjects of assessments that have changed, without a person's decision on the lot."""
    changed = [item.subject for item in changes.changed if item.kind is not Subject.DECISION]
    return changed + [subject for subject in changes.removed if subject != Subject.DECISION]


def _stands_again(
    lot_facts: LotFacts, assessed: tuple[Assessment, ...], decision: LotDecided | None, trigger: Trigger
) -> tuple[Assessment, ...]:
    """Return what asks for people once more as a release lapses, besides what the event itself is about."""
    if decision is None or decision.verdict is not Verdict.RELEASE or decision == lot_facts.decision:
        return ()
    if decision.state is not DecisionState.LAPSED:
        return ()
    known = (item for item in (*assessed, *lot_facts.rest.worst) if not is_of_whole_lot(item))
    asking = [item for item in known if item.points and item.subject != trigger.subject]
    asking.sort(key=lambda item: item.asks is not Recommendation.HOLD)
    return tuple({item.analyte: item for item in reversed(asking)}.values())


def _decision(
    lot_facts: LotFacts, state: LotState, changes: LotAssessed | None, missing: tuple[str, ...], *, damaged: bool
) -> LotDecided | None:
    """Return the newest decision of a person on a lot, which has lapsed where it rests on other facts."""
    if lot_facts.decision is None or changes is None:
        return None
    put_back = put_back_since(lot_facts.decision, lot_facts.parts)  # a release of the rest is none of that
    other_facts = (*_other_facts(changes), *put_back)
    return decision_after(lot_facts.decision, state, missing=missing, other_facts=other_facts, damaged=damaged)


def _recommended(
    lot_facts: LotFacts,
    facts: JudgingFacts,
    trigger: Trigger,
    assessed: tuple[Assessment, ...],
    missing: tuple[str, ...],
) -> tuple[LotState, tuple[Reason, ...]]:
    """Return what is recommended, and why: no less careful than before where records are damaged or in doubt."""
    waiting = tuple(
        hold.analyte
        for hold in _provisional(lot_facts, assessed)
        if hold.settled_by is None and not _is_settled_now(hold, lot_facts, trigger)
    )
    state, reasons = recommend(assessed, lot_facts.rest, missing=missing, provisional=waiting)
    if facts.damaged:
        state, reasons = on_damaged_records(state, reasons, facts.damaged)
    if facts.damaged or in_doubt(facts.latches):
        state, reasons = no_less_careful(state, reasons, lot_facts.before, forgotten=has_forgotten(facts.latches))
    return state, with_history(state, reasons, lot_facts.earlier_hold)


def _is_settled_now(hold: ProvisionalHold, lot_facts: LotFacts, trigger: Trigger) -> bool:
    """Return whether the arriving result settles a provisional hold; that of a part settles none of its lot."""
    return hold.material_lot_id == lot_facts.knowledge.lot and hold.analyte in trigger.settled_now


def _disposition(
    lot_facts: LotFacts,
    trigger: Trigger,
    assessed: tuple[Assessment, ...],
    missing: tuple[str, ...],
    state: LotState,
    reasons: tuple[Reason, ...],
) -> Disposition:
    """Return the disposition of a lot: the recommendation, its reasons, and all that it rests on."""
    knowledge = lot_facts.knowledge
    current = tuple(item for item in assessed if item.current)
    closed = ("LOT_CLOSED",) if lot_facts.closed else ()
    return Disposition(
        disposition_id=trigger.disposition_id,
        material_lot_id=knowledge.lot or None,
        job_order_id=trigger.job_order_id or knowledge.context.job_order_id,
        recommendation=state.recommendation,
        previous=lot_facts.before.recommendation,
        latched=state.latched,
        reasons=reasons,
        rests_on_results=_rests_on(lot_facts, current),
        rests_on_predictions=trigger.predictions,
        flags=tuple(dict.fromkeys((*_own_flags(assessed, trigger.subject), *trigger.flags, *closed))),
        gaps=lot_facts.gaps,
        missing_tests=missing,
        trends=tuple(_trend_of(item) for item in current if not TREND_FLAGS.isdisjoint(item.flags)),
        provisional=state.provisional,
        results=len(current) + sum(lot_facts.rest.asks.values()),
    )


def _assessed(lot: str, lot_facts: LotFacts, assessed: tuple[Assessment, ...]) -> LotAssessed:
    """Return what has changed of a lot's assessments."""
    present = {item.subject for item in assessed}
    return LotAssessed(
        material_lot_id=lot,
        changed=tuple(item for item in assessed if not _is_on_record(item, lot_facts.standing.get(item.subject))),
        removed=tuple(subject for subject in lot_facts.standing if subject not in present),
        whole=lot_facts.whole,
        is_parent=lot_facts.is_parent,
        named_alike=lot_facts.named_alike,
        has_parts=lot_facts.divided,
        copied=lot_facts.copied,
        revives=revived(lot_facts.part, lot_facts.standing, assessed),
    )


def _is_on_record(item: Assessment, before: Assessment | None) -> bool:
    """Return whether an assessment is on record as it is now.

    That a result was out of trend is on record with the figures of the moment when it came; a lot that is judged again
    knows only that it was. That is nothing new, and no reason for a decision or a review to lapse.
    """
    if before is None or before == item:
        return before == item
    figures = {point.point_id: point.reason for point in (*before.points, *before.settled)}

    def with_figures(points: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple(
            replace(point, reason=figures.get(point.point_id, point.reason))
            if point.code in TREND_FLAGS and not point.reason.parameters
            else point
            for point in points
        )

    return before == replace(item, points=with_figures(item.points), settled=with_figures(item.settled))


def _speaking(assessed: tuple[Assessment, ...], subject: str | None) -> Assessment | None:
    """Return the assessment that guidance is about: the event's own; else the first of the worst."""
    if subject is not None:
        return next((item for item in assessed if item.subject == subject), None)
    asking = [item for item in assessed if item.points and not is_of_whole_lot(item)]  # of the lot there is its own
    for recommendation in (Recommendation.HOLD, Recommendation.REVIEW):
        worst = next((item for item in asking if item.asks is recommendation), None)
        if worst is not None:
            return worst
    return None


def _own_flags(assessed: tuple[Assessment, ...], subject: str | None) -> tuple[str, ...]:
    return next((item.flags for item in assessed if item.subject == subject), ())


def _rests_on(lot_facts: LotFacts, current: tuple[Assessment, ...]) -> tuple[RestedOn, ...]:
    """Return the results that count: all that were looked at, and of many others the worst."""
    results = (*(item for item in lot_facts.rest.worst if item.current), *current)
    if len(results) > MOST_RESULTS_NAMED:
        results = tuple(sorted(results, key=lambda item: not item.points)[:MOST_RESULTS_NAMED])
    return tuple(
        RestedOn(
            result_id=about_of(item).subject,
            sample_id=item.sample_id or "",
            test_id=item.test_id or "",
            result_version=item.result_version,
        )
        for item in results
    )


def _missing(
    lot_facts: LotFacts, assessed: tuple[Assessment, ...], facts: JudgingFacts, *, at_ns: int
) -> tuple[str, ...]:
    """Return the required tests without an approved result: of every product and client that the lot's results name."""
    context = lot_facts.knowledge.context
    clients = {context.client_id, *(record.result.client_id for record in lot_facts.knowledge.results)}
    clients |= {item.own_client for item in lot_facts.whole_lot}
    products = dict.fromkeys((*context.products, *(product for item in assessed for product in item.products)))
    required = dict.fromkeys(
        analyte
        for product in products
        for client_id in sorted(clients, key=str)
        for analyte in facts.specifications.required(at_ns, product=product, client_id=client_id)
    )
    approved = lot_facts.rest.approved | {item.analyte for item in assessed if item.approved}
    return tuple(analyte for analyte in required if analyte not in approved)


def _provisional(lot_facts: LotFacts, assessed: tuple[Assessment, ...]) -> tuple[ProvisionalHold, ...]:
    """Return the lot's provisional holds; one is settled only while the result stands that settled it."""
    gone = {about_of(item).subject for item in assessed if item.kind == "result" and not item.current}
    return tuple(
        hold if hold.settled_by in lot_facts.final_results - gone else replace(hold, settled_by=None)
        for hold in lot_facts.provisional
    )


def _trend_of(item: Assessment) -> str:
    reasons = [point.reason for point in item.points if point.code in TREND_FLAGS]
    signals = [str(reason.parameters.get("rule", reason.code)) for reason in reasons]
    rules = ", ".join(signals) or ", ".join(sorted(TREND_FLAGS.intersection(item.flags)))
    return f"{item.sample_id} {item.test_id}: {rules}"
