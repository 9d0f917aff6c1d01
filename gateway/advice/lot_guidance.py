"""The guidance of a lot after it was judged: its hold or review. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from gateway.advice.lifecycle import moved
from gateway.advice.lot_outcome import LotOutcome
from gateway.advice.new_guidance import GuidanceSubject, new_guidance
from gateway.advice.titles import lot_title
from gateway.lab.procedures import instructions_for
from gateway.lab.release.assessment import Assessment
from gateway.lab.release.decided import reason_of_decision
from gateway.line.procedures import Procedure
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState
from gateway.records.laboratory import LabResult, Recommendation, Specification
from gateway.records.lot_decisions import LotDecided
from gateway.records.production import Context
from gateway.records.verdicts import Reason

_KIND = {Recommendation.HOLD: GuidanceKind.HOLD, Recommendation.REVIEW: GuidanceKind.REVIEW}


@dataclass(frozen=True, kw_only=True, slots=True)
class Occasion:
    """Why guidance is given: the event, its time, and the procedures that may apply."""

    event_id: str
    at_ns: int
    context: Context
    procedures: tuple[Procedure, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Speaking:
    """What guidance is about: what is asked for and why, and the result behind it, where there is one."""

    lot: str | None
    asks: Recommendation
    reasons: tuple[Reason, ...]
    analyte: str | None
    product: str | None
    result: LabResult | None
    specification: Specification | None


def advise_on_lot(
    outcome: LotOutcome,
    occasion: Occasion,
    *,
    open_guidance: tuple[Guidance, ...],
    result: LabResult | None = None,
    specification: Specification | None = None,
    settled: Collection[str] = (),
) -> tuple[Guidance, ...]:
    """Return the hold or review guidance that a lot's judgement asks for: one of a kind per lot and analyte.

    It is raised by what speaks loudest now, never by a harmless result that joins its lot. A lot that has come to
    ``release`` resolves its open reviews, and so does a person's release, until other facts come; then what it had
    settled stands again. A hold stays until people lift it. A provisional hold that a result settles
    is superseded by the hold that confirms it, or withdrawn.

    Args:
        outcome: the lot as it was judged.
        occasion: the event behind it.
        open_guidance: what stands open about the lot, or about the result's sample.
        result: the result that arrived, where one did.
        specification: what that result was judged by.
        settled: analytes of the provisional holds that the result settles.
    """
    speaking = _speaking_of(outcome, result, specification)
    provisional = [guidance for guidance in open_guidance if _is_provisional(guidance) and guidance.analyte in settled]
    supersedes = provisional[0].guidance_id if provisional else None
    raised = _raised(outcome, occasion, speaking, open_guidance, supersedes)
    for item in outcome.stands_again:
        about = _about_assessment(item, outcome, None, None)
        raised += _raised(outcome, occasion, about, (*open_guidance, *raised), None)
    replaced = any(guidance.supersedes is not None for guidance in raised)
    after = GuidanceState.SUPERSEDED if replaced else GuidanceState.WITHDRAWN
    ended = (moved(guidance, after) for guidance in provisional)
    return (*(guidance for guidance in ended if guidance is not None), *raised)


def _speaking_of(outcome: LotOutcome, result: LabResult | None, specification: Specification | None) -> _Speaking:
    return _about_assessment(outcome.speaking, outcome, result, specification)


def _about_assessment(
    item: Assessment | None, outcome: LotOutcome, result: LabResult | None, specification: Specification | None
) -> _Speaking:
    disposition = outcome.judged.disposition
    asks = Recommendation.PENDING if item is None else item.asks
    points = () if item is None else tuple(point.reason for point in item.points if point.asks is asks)
    measured = result
    if item is not None and (result is None or result.result_id != item.subject):
        on_record = (record.result for record in outcome.lot_facts.knowledge.results)
        measured = next((known for known in on_record if known.result_id == item.subject), None)
    return _Speaking(
        lot=disposition.material_lot_id,
        asks=asks,
        reasons=points,
        analyte=None if item is None else item.analyte,
        product=None if item is None or not item.products else item.products[0],
        result=None if measured is None else _of_lot(measured, disposition.material_lot_id),
        specification=specification,
    )


def _of_lot(result: LabResult, lot: str | None) -> LabResult:
    return result if result.material_lot_id == lot else replace(result, material_lot_id=lot)


def _is_provisional(guidance: Guidance) -> bool:
    """Return whether guidance is a hold by what a model says, before the laboratory's result."""
    return guidance.kind is GuidanceKind.HOLD and guidance.predicted is not None


def _raised(
    outcome: LotOutcome,
    occasion: Occasion,
    speaking: _Speaking,
    open_guidance: tuple[Guidance, ...],
    supersedes: str | None,
) -> tuple[Guidance, ...]:
    standing = tuple(guidance for guidance in open_guidance if _about_same(guidance, speaking))
    decided = outcome.released_by_person
    if decided is not None or outcome.judged.disposition.recommendation is Recommendation.RELEASE:
        return _resolved(standing, decided, of_part=outcome.lot_facts.part is not None)
    kind = _KIND.get(speaking.asks)
    of_analyte = [guidance for guidance in standing if guidance.analyte == speaking.analyte]
    if kind is None or any(guidance.kind is kind for guidance in of_analyte):
        return ()
    reviews = [guidance for guidance in of_analyte if guidance.kind is GuidanceKind.REVIEW]
    superseded = [moved(guidance, GuidanceState.SUPERSEDED) for guidance in reviews]
    new = _lot_guidance(speaking, kind, occasion)
    if kind is GuidanceKind.HOLD:
        new = replace(new, supersedes=supersedes)
    return (*(guidance for guidance in superseded if guidance is not None), new)


def _resolved(standing: Iterable[Guidance], decided: LotDecided | None, *, of_part: bool) -> tuple[Guidance, ...]:
    """Return the open reviews as they end: the lot has come to release, or a person has released it."""
    ended = (moved(review, GuidanceState.RESOLVED) for review in standing if review.kind is GuidanceKind.REVIEW)
    resolved = tuple(guidance for guidance in ended if guidance is not None)
    if decided is None:
        return resolved
    given = reason_of_decision(decided, of_part=of_part)
    reason = replace(given, parameters={**given.parameters, "record_id": decided.record_id})
    return tuple(replace(guidance, reasons=(*guidance.reasons, reason)) for guidance in resolved)


def _about_same(guidance: Guidance, speaking: _Speaking) -> bool:
    """Return whether guidance is a hold or review of the lot, or without a lot of the sample."""
    if guidance.kind not in {GuidanceKind.HOLD, GuidanceKind.REVIEW} or guidance.predicted is not None:
        return False
    if speaking.lot is not None:
        return guidance.material_lot_id == speaking.lot
    if guidance.measured is None or speaking.result is None or guidance.material_lot_id is not None:
        return False
    return guidance.measured.sample_id == speaking.result.sample_id


def _lot_guidance(speaking: _Speaking, kind: GuidanceKind, occasion: Occasion) -> Guidance:
    result, context = speaking.result, occasion.context
    sample = "" if result is None else result.sample_id
    own_order = None if result is None else result.job_order_id
    guided = GuidanceSubject(
        name=(kind, *((speaking.lot,) if speaking.lot else ())),
        context=replace(
            context,
            material_lot_id=speaking.lot,
            job_order_id=own_order or context.job_order_id,
            material_definition_id=speaking.product,
        ),
        analyte=speaking.analyte,
        specification=speaking.specification,
    )
    new = new_guidance(
        kind,
        guided,
        title=lot_title(kind, lot=speaking.lot, sample=sample, reason=speaking.reasons[0]),
        reasons=speaking.reasons,
        event_id=occasion.event_id,
        issued_ns=occasion.at_ns,
    )
    instructions = instructions_for(
        occasion.procedures,
        analyte=speaking.analyte or "",
        product=speaking.product,
        failures=[reason.code for reason in speaking.reasons],
        equipment=context.equipment_id,
    )
    return replace(new, measured=result, instructions=instructions)
