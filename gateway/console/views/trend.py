"""The trend of an analyte on an equipment: predictions with their interval, results, and the specification."""

from pydantic import Field

from gateway.console.views.parts import View
from gateway.contract.payloads.parts import SpecificationPart


class TrendResultView(View):
    """A laboratory result at the instant at which its sample was drawn."""

    at: float
    value: float
    sample_id: str


class TrendView(View):
    """GET /api/trend/{equipment}/{analyte}?hours=: columns of equal length; seconds since 1970 UTC."""

    equipment_id: str
    analyte: str
    unit: str
    from_at: float
    until_at: float
    at: list[float]
    value: list[float | None] = Field(description="null where the gates have abstained")
    low: list[float | None]
    high: list[float | None]
    results: list[TrendResultView]
    specification: SpecificationPart | None
    thinned: bool = Field(description="whether predictions were left out, so that the page can draw it")
