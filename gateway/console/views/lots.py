"""Lots: the newest, or those that a search names."""

from pydantic import Field

from gateway.console.views.parts import View
from gateway.contract.words import RecommendationWord


class LotLineView(View):
    """One lot in the list."""

    material_lot_id: str
    product: str | None
    job_order_id: str | None
    equipment_id: str | None
    client_id: str | None
    started_at: str | None
    ended_at: str | None
    closed_at: str | None
    recommendation: RecommendationWord
    latched: bool = Field(description="held by a result: only a person lifts it")
    results: int
    damaged: bool


class LotsView(View):
    """GET /api/lots?query=&before=."""

    query: str
    lots: list[LotLineView]
    before: int | None = Field(description="to go on with older ones; null: there are none")
