"""One lot: what is recommended, what speaks against it, and what has happened."""

from pydantic import Field

from gateway.console.views.parts import GuidanceView, OpenPointView, SignaturePart, View
from gateway.contract.payloads.parts import ReasonPart
from gateway.contract.words import RecommendationWord


class SettledView(View):
    """A point that a person has settled."""

    point_id: str
    text: str
    person: str
    reason: str
    at: str


class ResultView(View):
    """The version of a laboratory result that counts."""

    result_id: str
    sample_id: str
    analyte: str
    value_text: str
    value: float | None
    qualifier: str | None
    unit: str | None
    lower: float | None
    upper: float | None
    status: str | None
    result_version: int | None
    sampled_at: str | None
    received_at: str | None
    current: bool
    predicted: float | None = Field(description="for the instant at which the sample was drawn")


class TimelineView(View):
    """Something that happened to the lot; the newest last."""

    at: str
    kind: str = Field(description="context, result, disposition, guidance, response, settlement, deviation, signature")
    text: str
    id: str
    severity: str | None


class DeviationView(View):
    """The draft of a deviation."""

    deviation_id: str
    at: str
    analyte: str
    version: int
    title: str
    document: str = Field(description="the path of the draft as a page")


class ChartLink(View):
    """A control chart of the lot's product."""

    analyte: str
    path: str


class RelatedLotView(View):
    """A lot that this one was made from or went into, and that is in question."""

    material_lot_id: str
    recommendation: RecommendationWord


class DecisionView(View):
    """The final word of a person on a lot."""

    decision: str
    full_name: str
    role: str
    at: str
    meaning: str
    reason: str
    on_other_facts: bool = Field(description="what it rests on has changed since; it is asked for again")


class LotView(View):
    """GET /api/lots/{lot}."""

    material_lot_id: str
    recommendation: RecommendationWord
    reasons: list[ReasonPart] = Field(description="of the last disposition")
    since_at: str | None
    latched: bool
    waits_to_be_judged: bool
    products: list[str]
    job_order_id: str | None
    equipment_id: str | None
    client_id: str | None
    started_at: str | None
    ended_at: str | None
    closed_at: str | None
    decision: DecisionView | None
    signatures: list[SignaturePart]
    open_points: list[OpenPointView] = Field(description="what is still missing or against a release, worst first")
    settled: list[SettledView]
    results: list[ResultView]
    charts: list[ChartLink]
    guidance: list[GuidanceView]
    deviations: list[DeviationView]
    timeline: list[TimelineView]
    parents: list[RelatedLotView]
    children: list[RelatedLotView]
    damaged: list[str]
