"""The board: the newest open guidance in one message."""

from pydantic import Field

from gateway.contract.payloads.parts import ModelPart, Part, PayloadWithTexts, RequiresPart, SuggestionPart
from gateway.contract.times import rfc3339
from gateway.contract.words import AttentionWord, KindWord, SeverityWord, StateWord
from gateway.records.guidance import Attention, Guidance


class BoardLine(Part):
    """One open guidance on the board."""

    id: str = Field(description="to answer it by, and to find guidance/{id}")
    kind: KindWord
    state: StateWord
    severity: SeverityWord
    title: str
    material_lot_id: str | None
    equipment_id: str | None
    issued_at: str
    expires_at: str | None = Field(description="from then on it must not be followed; null: it stands until settled")
    job_order_id: str | None = None
    analyte: str | None = None
    reason: str | None = Field(default=None, description="the first reason, as a sentence")
    suggestion: SuggestionPart | None = Field(default=None, description="the move, of a setpoint's guidance")
    model: ModelPart | None = None
    requires: RequiresPart | None = None
    attention: AttentionWord = Attention.NEW
    group: str | None = Field(default=None, description="the id of the guidance whose message stands for it, too")


class BoardPayload(PayloadWithTexts):
    """``board``: the open guidance now, for a terminal that joins late."""

    guidance: list[BoardLine]
    expires_at: str


def board_payload(
    guidance: tuple[Guidance, ...], *, line: str, cause: str, at_ns: int, expires_ns: int
) -> BoardPayload:
    """Return the board with the open guidance, in the order given."""
    return BoardPayload(
        schema="labline.board/1",
        id="board",
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line,
        guidance=[
            BoardLine(
                id=item.guidance_id,
                kind=item.kind,
                state=item.state,
                severity=item.severity,
                title=item.title,
                material_lot_id=item.material_lot_id,
                equipment_id=item.equipment_id,
                issued_at=rfc3339(item.issued_ns),
                expires_at=None if item.expires is None else rfc3339(item.expires.wall_ns),
                job_order_id=item.job_order_id,
                analyte=item.analyte,
                reason=item.reasons[0].text if item.reasons else None,
                suggestion=SuggestionPart.of(item.suggestion),
                model=ModelPart.of(item.predicted),
                requires=RequiresPart(role=item.role, signature=item.signature),
                attention=item.attention,
                group=item.group,
            )
            for item in guidance
        ],
        expires_at=rfc3339(expires_ns),
    )
