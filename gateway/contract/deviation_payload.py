"""``deviation/{id}``: the draft of an investigation, as the outside sees it."""

from pydantic import BaseModel

from gateway.contract.payloads import InstructionPart, MeasuredPart, Payload, ReasonPart, SpecificationPart


class HappeningPart(BaseModel):
    """One line of the timeline."""

    at: str
    what: str
    subject: str


class TracePart(BaseModel):
    """A tag around the sample, with what is usual; ``z``: by how many sigmas between lots it differs."""

    tag: str
    unit: str
    mean: float
    usual: float | None
    z: float | None


class CausePart(BaseModel):
    """A probable cause: by how much it was unusual, and what it cannot be told from."""

    name: str
    kind: str
    unit: str
    affected: float
    usual: float
    z: float
    score: float
    moves_with: list[str]
    effect: float | None
    text: str


class SimilarPart(BaseModel):
    """An earlier deviation, what was done then, and whether it helped (null: nothing was done)."""

    id: str
    material_lot_id: str | None
    at: str
    nearness: float
    causes: list[str]
    done: list[str]
    helped: bool | None


class DeviationPayload(Payload):
    """The draft; ``document`` is the same for people, as Markdown."""

    state: str
    title: str
    analyte: str
    sample_id: str
    material_lot_id: str | None
    job_order_id: str | None
    material_definition_id: str | None
    client_id: str | None
    equipment_id: str | None
    reasons: list[ReasonPart]
    specification: SpecificationPart | None
    measured: MeasuredPart | None
    timeline: list[HappeningPart]
    process: list[TracePart]
    causes: list[CausePart]
    compared_with_lots: int
    affected_lots_compared: int
    similar: list[SimilarPart]
    affected_lots: list[str]
    gaps: list[str]
    instructions: list[InstructionPart]
    document: str
