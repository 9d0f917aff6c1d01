"""Control charts of a lot's product: its points, limits and the rules that have signalled."""

from pydantic import Field

from gateway.console.views.parts import View
from gateway.contract.payloads.parts import SpecificationPart


class ChartPointView(View):
    """A sample on the chart."""

    at: str
    value: float
    sample_id: str
    material_lot_id: str | None
    rules: list[str] = Field(description="which rules have signalled at it")
    of_this_lot: bool


class ChartView(View):
    """GET /api/charts/{lot}/{analyte}."""

    material_lot_id: str
    product: str
    analyte: str
    unit: str | None
    centre: float | None = Field(description="null while there are too few results for limits")
    lower_limit: float | None
    upper_limit: float | None
    specification: SpecificationPart | None
    points: list[ChartPointView] = Field(description="the oldest first")
