"""Samples: what the laboratory is asked for, and what it has not answered."""

from pydantic import Field

from gateway.console.views.parts import View


class SampleTestView(View):
    """A test that is asked for."""

    analyte: str
    test_id: str
    name: str


class SampleView(View):
    """A requested sample; the most likely to be outside first."""

    request_id: str
    material_lot_id: str
    product: str | None
    equipment_id: str | None
    since_at: str
    probability: float = Field(description="that the lot is outside its specification")
    tests: list[SampleTestView]


class SamplesView(View):
    """GET /api/samples."""

    requested: bool = Field(description="whether samples are requested on this line (table sampling)")
    samples: list[SampleView]
