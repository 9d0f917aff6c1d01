"""``deviation/{id}``: the draft of an investigation, as the outside sees it."""

from typing import Literal

from pydantic import BaseModel, Field

from gateway.contract.payloads.parts import (
    InstructionPart,
    MeasuredPart,
    PayloadWithTexts,
    ReasonPart,
    SpecificationPart,
)


class HappeningPart(BaseModel):
    """One line of the timeline."""

    at: str
    what: str
    subject: str


class DeviationResultPart(BaseModel):
    """A result that belongs to the deviation, the oldest first."""

    result_id: str
    sample_id: str
    test_id: str
    analyte: str
    replicate: int
    value_text: str
    value: float | None
    unit: str | None
    was: list[str] = Field(description="its values before corrections, which failed too")
    limits: str
    failed: bool = Field(description="out of specification; else only out of trend")
    material_lot_id: str | None
    sampled_at: str | None
    joined_at: str = Field(description="when it came to belong to the deviation")
    reasons: list[ReasonPart]


class ComparisonPart(BaseModel):
    """How the process before the sample was compared with that of lots in control."""

    basis: Literal["same_stage", "whole_lots", "too_few_lots", "no_process_data"]
    lots: int
    since: str = Field(description="the process is looked at from here")
    until: str
    begins_with_lot: bool


class TracePart(BaseModel):
    """A tag before the sample, with where lots in control lay; ``z``: by how many sigmas between lots it differs."""

    tag: str
    unit: str
    mean: float
    usual: float | None = Field(description="the median of the lots in control")
    z: float | None
    low: float | None = Field(description="the smallest mean of the lots in control")
    high: float | None
    sigma: float | None


class CausePart(BaseModel):
    """A probable cause: by how much it was unusual, and what it cannot be told from."""

    name: str
    kind: str
    unit: str
    own: float | None = Field(description="of this lot: the mean of a tag, or 1 where a material was there and 0")
    own_z: float | None = Field(description="by how many sigmas between lots that lies from the usual")
    affected: float = Field(description="the mean over all lots that failed alike")
    usual: float
    low: float | None
    high: float | None
    z: float = Field(description="by how many sigmas the mean over all lots that failed alike lies from the usual")
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


class ActionClosedPart(BaseModel):
    """An action against the deviation, with how it had done when it was closed."""

    id: str
    kind: Literal["corrective", "preventive"]
    action: str
    owner: str
    done_by: str
    done_at: str
    effectiveness: str = Field(description="too_early, effective, reduced or not_effective")
    failed_lots: int = Field(description="since it was done, of lots")
    lots: int


class ClosingPart(BaseModel):
    """Who has closed a version of the deviation, when and why."""

    signed_by: list[str] = Field(description="the printed names of who has signed")
    role: str = Field(description="of who has signed last")
    meaning: str
    at: str
    reason: str = Field(description="the conclusion, in the person's words")
    no_action: str | None = Field(description="why no action is needed; null: there are actions")
    check_by: str | None = Field(
        description="the day on which it is looked at whether the actions were effective; null: it is known"
    )
    actions: list[ActionClosedPart]
    signature_id: str


class ReopeningPart(BaseModel):
    """By what a deviation that was closed is open again, and since when."""

    at: str
    result_id: str
    reason: str = Field(description="what its result says")
    closed_version: int = Field(description="the version that was closed")


class DeviationPayload(PayloadWithTexts):
    """The draft, in one of its versions; ``document`` is the same for people, as Markdown.

    It grows: each result that joins it is told as a next version with the same id. A closing is told with the version
    that is closed and the state ``closed``; what joins it later opens it again, as a draft with ``reopening``.
    """

    state: Literal["draft", "closed"]
    closing: ClosingPart | None = Field(description="null: it is open")
    reopening: ReopeningPart | None = Field(description="null: this version opens nothing again")
    version: int
    scope: Literal["lot", "series"]
    opened_at: str
    result_count: int
    results: list[DeviationResultPart] = Field(description="at most 60: the first, and the newest")
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
    comparison: ComparisonPart | None
    compared_with_lots: int
    affected_lots_compared: int
    similar: list[SimilarPart]
    affected_lots: list[str]
    gaps: list[str]
    instructions: list[InstructionPart]
    document: str
