"""Guidance as the console shows it: with the one next action, and with who may answer it and how."""

import sqlite3
from collections.abc import Iterable

from gateway.advice.lifecycle import OPEN
from gateway.console.snapshot import Snapshot
from gateway.console.texts import ActionText
from gateway.console.views.moves import move_of_guidance
from gateway.console.views.parts import AnsweredPart, AnswerPart, GuidanceView
from gateway.console.views.signed import signatures_on
from gateway.contract.payloads.guidance import MOVE_EXPECTED, OVER
from gateway.contract.payloads.parts import (
    InstructionPart,
    MeasuredPart,
    ModelPart,
    PredictedPart,
    ReasonPart,
    SpecificationPart,
    SuggestionPart,
)
from gateway.contract.times import rfc3339
from gateway.guardrails.stages import effective_stage
from gateway.line.definition import Stage
from gateway.people.answers import roles_for
from gateway.records.act_kinds import ActKind
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState, Severity
from gateway.records.people import Act
from gateway.records.users import Role
from gateway.records.verdicts import Reason
from gateway.store.facts.reading import Reading
from gateway.store.queries.guidance import answer_that_changed
from gateway.store.queries.seen import Seen
from gateway.texts.catalogue import language, number_in, text, text_in

SEVERITY = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFORMATION: 2}
_MAYBE_SIGNED = frozenset(GuidanceState) - {GuidanceState.PROPOSED, GuidanceState.ACKNOWLEDGED}
_ANSWERED = {
    Act.ACKNOWLEDGE: frozenset({GuidanceState.PROPOSED}),
    Act.APPROVE: frozenset({GuidanceState.PROPOSED, GuidanceState.ACKNOWLEDGED}),
    Act.REJECT: frozenset({GuidanceState.PROPOSED, GuidanceState.ACKNOWLEDGED, GuidanceState.APPROVED}),
}


def guidance_views(
    connection: sqlite3.Connection, guidance: Iterable[Guidance], snapshot: Snapshot
) -> list[GuidanceView]:
    """Return guidance in the order given, as far as it may be seen."""
    seen = snapshot.seen(connection)
    return [guidance_view(connection, item, snapshot) for item in guidance if seen.guidance(item)]


def guidance_view(connection: sqlite3.Connection, guidance: Guidance, snapshot: Snapshot) -> GuidanceView:
    """Return one guidance; of a suggestion that is over no number is shown, so that nobody follows it."""
    over = guidance.suggestion is not None and guidance.state in OVER
    return GuidanceView(
        guidance_id=guidance.guidance_id,
        kind=guidance.kind,
        state=guidance.state,
        severity=guidance.severity,
        title=_title_when_over(guidance) if over else guidance.title,
        next_action=next_action(guidance, language=language()),
        reasons=ReasonPart.of(_reasons(guidance, snapshot.seen(connection), over=over)),
        issued_at=rfc3339(guidance.issued_ns),
        expires_at=None if guidance.expires is None else rfc3339(guidance.expires.wall_ns),
        equipment_id=guidance.equipment_id,
        material_lot_id=guidance.material_lot_id,
        job_order_id=guidance.job_order_id,
        product=guidance.material_definition_id,
        client_id=guidance.client_id,
        analyte=guidance.analyte,
        unit=_unit(guidance),
        specification=SpecificationPart.of(guidance.specification),
        predicted=PredictedPart.of(guidance.predicted),
        measured=MeasuredPart.of(guidance.measured),
        suggestion=SuggestionPart.of(None if over else guidance.suggestion),
        instructions=InstructionPart.of(guidance.instructions),
        model=ModelPart.of(guidance.predicted),
        stage=None if guidance.predicted is None else guidance.predicted.stage,
        answers=answers_to(guidance, snapshot),
        answered=_answered(connection, guidance),
        signatures=signatures_on(connection, guidance.guidance_id, ActKind.ANSWER_GUIDANCE)
        if guidance.state in _MAYBE_SIGNED
        else [],
        move=None
        if guidance.suggestion is None or guidance.state not in _MAYBE_SIGNED
        else move_of_guidance(connection, guidance.guidance_id, snapshot.line),
    )


def _reasons(guidance: Guidance, seen: Seen, *, over: bool) -> tuple[Reason, ...]:
    """Return the reasons that may be seen; of a suggestion that is over not where its move would have led."""
    return tuple(reason for reason in seen.reasons(guidance.reasons) if not (over and reason.code == MOVE_EXPECTED))


def _answered(connection: sqlite3.Connection, guidance: Guidance) -> AnsweredPart | None:
    """Return who has answered it; nobody has where it is as it was issued."""
    if guidance.state is GuidanceState.PROPOSED:
        return None
    answer = answer_that_changed(connection, guidance.guidance_id)
    return None if answer is None else AnsweredPart(
        answer=answer.act.value, person=answer.name or "", identified=answer.identified, at=rfc3339(answer.at_ns)
    )  # fmt: skip


def answers_to(guidance: Guidance, snapshot: Snapshot) -> list[AnswerPart]:
    """Return the answers that state, stage and time of a guidance allow, with the roles that may give them."""
    past = guidance.expires is not None and snapshot.at.is_past(guidance.expires)
    if guidance.state not in OPEN or past:
        return []
    possible = [act for act in Act if guidance.state in _ANSWERED[act]]
    if _stage(guidance, snapshot) < Stage.APPROVE:
        possible = [act for act in possible if act is not Act.APPROVE]
    answers = []
    for act in possible:
        roles = roles_for(guidance.kind, act, required=guidance.role)
        if roles:
            signature = guidance.signature and act is Act.APPROVE
            ordered = [role.value for role in Role if role in roles]
            answers.append(AnswerPart(answer=act.value, roles=ordered, signature=signature))
    return answers


def open_guidance(connection: sqlite3.Connection, snapshot: Snapshot, *, most: int) -> tuple[list[Guidance], list[str]]:
    """Return (open guidance that may be seen, the most severe and newest first; the records that do not hold)."""
    reading = Reading(connection, snapshot.line, {})
    rows = reading.guidance("newest_open_guidance", most=most)
    seen = snapshot.seen(connection)
    standing = [
        item
        for item in rows
        if not (item.expires is not None and snapshot.at.is_past(item.expires)) and seen.guidance(item)
    ]
    return sorted(standing, key=lambda item: (SEVERITY[item.severity], -item.issued_ns)), list(reading.damaged)


def _stage(guidance: Guidance, snapshot: Snapshot) -> Stage:
    if guidance.predicted is None or guidance.kind is not GuidanceKind.SETPOINT:
        return Stage.SHADOW
    model = snapshot.line.model_named(guidance.predicted.model.name)
    return Stage.SHADOW if model is None else effective_stage(model, snapshot.latches)


def _unit(guidance: Guidance) -> str | None:
    if guidance.predicted is not None:
        return guidance.predicted.unit
    if guidance.measured is not None:
        return guidance.measured.unit
    return None if guidance.specification is None else guidance.specification.unit


def next_action(guidance: Guidance, *, language: str) -> str:
    """Return the one thing to do next, in a language; steps of the plant's procedures are as it has written them."""
    if guidance.state in OVER:
        return text_in(language, "console_action", ActionText.NOTHING)
    move = guidance.suggestion
    if move is not None:
        current, proposed = (number_in(language, f"{value:.6g}") for value in (move.current, move.proposed))
        tag = move.tag.replace("_", " ")
        return text_in(
            language, "console_action", ActionText.MOVE, tag=tag, current=current, proposed=proposed, unit=move.unit
        )
    steps = [step for instruction in guidance.instructions for step in instruction.steps]
    if steps and guidance.kind in {GuidanceKind.INSTRUCTION, GuidanceKind.WARNING}:
        return steps[0]
    lot = guidance.material_lot_id
    if lot is not None and guidance.kind in {GuidanceKind.HOLD, GuidanceKind.REVIEW, GuidanceKind.RELEASE}:
        return text_in(language, "console_action", ActionText[guidance.kind.name], lot=lot)
    return text_in(language, "console_action", ActionText.LOOK, equipment=guidance.equipment_id or lot or "-")


def _title_when_over(guidance: Guidance) -> str:
    tag = "" if guidance.suggestion is None else guidance.suggestion.tag.replace("_", " ")
    return text("ended_title", guidance.state.name, tag=tag)
