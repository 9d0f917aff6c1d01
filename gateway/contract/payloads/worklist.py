"""``worklist``: what the laboratory should measure today, the most likely to be outside first."""

from pydantic import Field

from gateway.contract.payloads.laboratory_plan import ProposalPart
from gateway.contract.payloads.parts import Part, PayloadWithTexts


class WorklistTestPart(Part):
    """A test of a lot."""

    analyte: str
    test_id: str
    test_name: str


class WorklistItemPart(Part):
    """A lot that waits for the laboratory."""

    place: int
    material_lot_id: str
    product: str | None
    probability: float = Field(description="that the lot is outside its specification")
    waits_since: str
    tests: list[WorklistTestPart]


class WorklistPayload(PayloadWithTexts):
    """The laboratory's day."""

    day: str
    works: bool
    plan_id: str
    approved_by: str | None = Field(description="who has approved the plan that this day is of; null: nobody yet")
    items: list[WorklistItemPart]
    more: int = Field(description="lots that wait and are not in the list")
    expected: dict[str, float] = Field(description="by analyte, how many tests the day probably brings in all")
    accepted: list[ProposalPart] = Field(description="what has been agreed for the day")
