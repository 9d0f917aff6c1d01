"""``laboratory-plan/{id}``: what the coming days bring to the laboratory, and what is proposed where it is too much."""

from pydantic import Field

from gateway.contract.payloads.parts import Part, PayloadWithTexts


class PlannedDayPart(Part):
    """A coming day, by the plant's clock."""

    day: str
    works: bool = Field(description="whether the laboratory works on it")
    tests: float = Field(description="how many tests are expected")
    tests_low: float = Field(description="with tests_high: nine of ten days are within")
    tests_high: float
    samples: float
    capacity: float | None = Field(description="how many tests can be done; null where nobody says, or it is closed")
    by_analyte: dict[str, float]


class ProposalPart(Part):
    """A proposal against too much load; nothing is done by itself."""

    proposal_id: str
    kind: str = Field(description="wait, thin or capacity")
    tests: float = Field(description="how many it takes off the day")
    analyte: str | None
    product: str | None
    to_day: str | None = Field(description="of tests that wait: the day on which they can be done")
    every_lots: int | None = Field(description="of a test that is thinned out: of every how many lots it is done")
    text: str
    accepted: bool = Field(description="whether the person who approved the plan agrees to it")


class ConflictPart(Part):
    """Days that probably bring more than can be done."""

    day: str = Field(description="the first of them")
    until: str = Field(description="the last of them")
    analyte: str | None = Field(description="of which alone; null: of all tests together")
    probability: float
    expected: float
    left: float = Field(description="how many tests are probably left undone at most")
    capacity: float = Field(description="of a day")
    proposals: list[ProposalPart]


class LaboratoryPlanPayload(PayloadWithTexts):
    """A plan, as drafted or approved."""

    plan_id: str
    plan_sha256: str
    state: str = Field(description="proposed, or approved")
    approved_by: str | None
    days: list[PlannedDayPart]
    conflicts: list[ConflictPart]
    history_days: int = Field(description="of how many days the forecast knows the lots")
    lots: int
    planned_orders: int
