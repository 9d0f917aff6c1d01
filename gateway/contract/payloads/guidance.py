"""Guidance as terminals receive it."""

from pydantic import Field

from gateway.contract.payloads.parts import (
    InstructionPart,
    MeasuredPart,
    ModelPart,
    PayloadWithTexts,
    PredictedPart,
    ReasonPart,
    RequiresPart,
    SensitivityPart,
    SpecificationPart,
    SuggestionPart,
)
from gateway.contract.times import rfc3339
from gateway.contract.words import AttentionWord, KindWord, SeverityWord, StageWord, StateWord
from gateway.records.guidance import Attention, Guidance, GuidanceState
from gateway.texts.catalogue import text

MOVE_EXPECTED = "MOVE_EXPECTED"  # the reason that states the proposed setpoint

OVER = frozenset(
    {
        GuidanceState.REJECTED,
        GuidanceState.EXPIRED,
        GuidanceState.SUPERSEDED,
        GuidanceState.WITHDRAWN,
        GuidanceState.RESOLVED,
    }
)  # guidance that is over has no suggestion: nobody shall follow it


class GuidancePayload(PayloadWithTexts):
    """``guidance/{id}``: a guidance in one state of its life."""

    kind: KindWord
    state: StateWord
    severity: SeverityWord
    title: str = Field(description="what is wrong, where, what to do; at most 60 characters where names allow")
    reasons: list[ReasonPart] = Field(description="why, the most important first; of withdrawn guidance why, last")
    material_lot_id: str | None
    job_order_id: str | None
    material_definition_id: str | None = Field(description="the product")
    equipment_id: str | None
    client_id: str | None
    analyte: str | None
    specification: SpecificationPart | None
    measured: MeasuredPart | None
    predicted: PredictedPart | None
    suggestion: SuggestionPart | None = Field(description="the move; null once the guidance is over")
    model: ModelPart | None
    stage: StageWord | None
    requires: RequiresPart
    expires_at: str | None = Field(description="from then on it must not be followed; null: it stands until settled")
    supersedes: str | None = Field(description="the id of the guidance whose place it takes")
    sensitivities: list[SensitivityPart]
    instructions: list[InstructionPart]
    attention: AttentionWord = Attention.NEW
    group: str | None = Field(default=None, description="the id of the guidance whose message stands for it, too")
    predicted_lowest: float | None = Field(default=None, description="the lowest predicted value while it stood")
    predicted_highest: float | None = Field(default=None, description="the highest predicted value while it stood")


def guidance_payload(guidance: Guidance, *, line: str, cause: str, at_ns: int) -> GuidancePayload:
    """Return the payload of a guidance in its present state; ``at_ns`` is when it came into that state.

    When a suggestion is over, its payload has no number of the move, not in texts either; the store keeps them.
    """
    over = guidance.suggestion is not None and guidance.state in OVER
    return GuidancePayload(
        schema="labline.guidance/1",
        id=guidance.guidance_id,
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line,
        kind=guidance.kind,
        state=guidance.state,
        severity=guidance.severity,
        title=_title_when_over(guidance) if over else guidance.title,
        reasons=_reasons(guidance, over=over),
        material_lot_id=guidance.material_lot_id,
        job_order_id=guidance.job_order_id,
        material_definition_id=guidance.material_definition_id,
        equipment_id=guidance.equipment_id,
        client_id=guidance.client_id,
        analyte=guidance.analyte,
        specification=SpecificationPart.of(guidance.specification),
        measured=MeasuredPart.of(guidance.measured),
        predicted=PredictedPart.of(guidance.predicted),
        suggestion=SuggestionPart.of(None if over else guidance.suggestion),
        model=ModelPart.of(guidance.predicted),
        stage=guidance.predicted.stage if guidance.predicted else None,
        requires=RequiresPart(role=guidance.role, signature=guidance.signature),
        expires_at=None if guidance.expires is None else rfc3339(guidance.expires.wall_ns),
        supersedes=guidance.supersedes,
        sensitivities=SensitivityPart.of(guidance.sensitivities),
        instructions=InstructionPart.of(guidance.instructions),
        attention=guidance.attention,
        group=guidance.group,
        predicted_lowest=guidance.lowest,
        predicted_highest=guidance.highest,
    )


def _reasons(guidance: Guidance, *, over: bool) -> list[ReasonPart]:
    """Return why it was given; once its suggestion is over, without the reason that states the move."""
    return ReasonPart.of(tuple(reason for reason in guidance.reasons if not (over and reason.code == MOVE_EXPECTED)))


def _title_when_over(guidance: Guidance) -> str:
    tag = "" if guidance.suggestion is None else guidance.suggestion.tag.replace("_", " ")
    return text("ended_title", guidance.state.name, tag=tag)
