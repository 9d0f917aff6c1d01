"""What to tell people after a laboratory result: the hold or review of a lot. Pure."""

from collections.abc import Container
from dataclasses import replace

from gateway.advice.judgement import Judgement
from gateway.advice.lifecycle import moved
from gateway.contract.identity import identity_of
from gateway.definitions import Procedure
from gateway.lab.procedures import instructions_for
from gateway.records import (
    Context,
    Guidance,
    GuidanceKind,
    GuidanceState,
    LabResult,
    Recommendation,
    Severity,
)

_SEVERITY = {Recommendation.HOLD: Severity.CRITICAL, Recommendation.REVIEW: Severity.WARNING}
_KIND = {Recommendation.HOLD: GuidanceKind.HOLD, Recommendation.REVIEW: GuidanceKind.REVIEW}


def advise_on_lot(
    judgement: Judgement,
    context: Context,
    *,
    event_id: str,
    at_ns: int,
    open_guidance: tuple[Guidance, ...],
    procedures: tuple[Procedure, ...] = (),
) -> tuple[Guidance, ...]:
    """Return the hold or review guidance that a result asks for: one of a kind per lot and analyte.

    It is raised by the result that speaks, never by a harmless one that joins its lot. A lot that has come to
    ``release`` resolves its open reviews; a hold stays until people lift it. A provisional hold that the result settles
    is superseded by the hold that confirms it, or withdrawn.
    """
    settled = {each.analyte for each in judgement.settled}
    provisional = [each for each in open_guidance if _is_provisional(each, judgement.result, settled)]
    said = _by_result(
        judgement,
        context,
        event_id=event_id,
        at_ns=at_ns,
        open_guidance=open_guidance,
        procedures=procedures,
        supersedes=provisional[0].guidance_id if provisional else None,
    )
    replaced = any(guidance.supersedes is not None for guidance in said)
    after = GuidanceState.SUPERSEDED if replaced else GuidanceState.WITHDRAWN
    ended = (moved(guidance, after) for guidance in provisional)
    return (*(guidance for guidance in ended if guidance is not None), *said)


def _is_provisional(guidance: Guidance, result: LabResult, analytes: Container[str | None]) -> bool:
    """Return whether guidance is a provisional hold of the result's lot, for one of the analytes."""
    of_model = guidance.kind is GuidanceKind.HOLD and guidance.measured is None
    return of_model and guidance.material_lot_id == result.material_lot_id and guidance.analyte in analytes


def _by_result(
    judgement: Judgement,
    context: Context,
    *,
    event_id: str,
    at_ns: int,
    open_guidance: tuple[Guidance, ...],
    procedures: tuple[Procedure, ...],
    supersedes: str | None,
) -> tuple[Guidance, ...]:
    result, disposition = judgement.result, judgement.lots[0].disposition
    standing = tuple(guidance for guidance in open_guidance if _about_same(guidance, result))
    if disposition.recommendation is Recommendation.RELEASE:
        settled = (moved(each, GuidanceState.RESOLVED) for each in standing if each.kind is GuidanceKind.REVIEW)
        return tuple(guidance for guidance in settled if guidance is not None)
    kind = _KIND.get(judgement.own.recommendation) if judgement.newest else None
    of_analyte = [guidance for guidance in standing if guidance.analyte == result.analyte]
    if kind is None or any(guidance.kind is kind for guidance in of_analyte):
        return ()
    reviews = [guidance for guidance in of_analyte if guidance.kind is GuidanceKind.REVIEW]
    superseded = [moved(guidance, GuidanceState.SUPERSEDED) for guidance in reviews]
    new = _lot_guidance(judgement, kind, context, procedures, event_id=event_id, at_ns=at_ns)
    if kind is GuidanceKind.HOLD:
        new = replace(new, supersedes=supersedes)
    return (*(guidance for guidance in superseded if guidance is not None), new)


def _about_same(guidance: Guidance, result: LabResult) -> bool:
    """Return whether guidance is about the result's lot, or without a lot about its sample."""
    if guidance.measured is None or guidance.material_lot_id != result.material_lot_id:
        return False
    return result.material_lot_id is not None or guidance.measured.sample_id == result.sample_id


def _lot_guidance(
    judgement: Judgement,
    kind: GuidanceKind,
    context: Context,
    procedures: tuple[Procedure, ...],
    *,
    event_id: str,
    at_ns: int,
) -> Guidance:
    result, own = judgement.result, judgement.own
    subject = f"lot {result.material_lot_id}" if result.material_lot_id else f"sample {result.sample_id}"
    return Guidance(
        guidance_id=identity_of("guidance", event_id, kind),
        kind=kind,
        state=GuidanceState.PROPOSED,
        severity=_SEVERITY[own.recommendation],
        title=f"{kind.capitalize()} {subject}: {own.reasons[0].text.rstrip('.')}",
        reasons=own.reasons,
        issued_ns=at_ns,
        expires=None,
        material_lot_id=result.material_lot_id,
        job_order_id=result.job_order_id or context.job_order_id,
        material_definition_id=result.material_definition_id,
        equipment_id=context.equipment_id,
        client_id=context.client_id,
        analyte=result.analyte,
        specification=own.specification,
        measured=result,
        role="quality",
        signature=kind is GuidanceKind.HOLD,
        instructions=instructions_for(
            procedures,
            analyte=result.analyte,
            product=result.material_definition_id,
            failures=[reason.code for reason in own.reasons],
            equipment=context.equipment_id,
        ),
    )
