"""Lots: the newest, or those that a search names."""

import sqlite3

from pydantic import Field

from gateway.console.snapshot import Snapshot
from gateway.console.views.pages import page_of
from gateway.console.views.parts import View, instant
from gateway.contract.words import RecommendationWord
from gateway.store.queries.lots import row_as_shown
from gateway.store.statements import SQL

MOST = 100


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
    part_of: str | None = Field(description="of which lot it is a part; null: it is a lot")
    damaged: bool = Field(description="records of it do not hold, or the trail says more: shown as held")


class LotsView(View):
    """GET /api/lots?query=&before=."""

    query: str
    lots: list[LotLineView]
    before: int | None = Field(description="to go on with older ones; null: there are none")


def lots_view(connection: sqlite3.Connection, snapshot: Snapshot, *, query: str, before: int) -> LotsView:
    """Return the newest lots whose names hold a text, before a place in the list."""
    seen = snapshot.seen(connection)

    def rows_before(place: int) -> list[sqlite3.Row]:
        parameters = {"query": query.lower(), "before": place, "most": MOST + 1, "with_parts": 1}
        return connection.execute(SQL["console_lots"], parameters).fetchall()

    rows = page_of(
        rows_before, before, most=MOST, place=lambda row: int(row["place"]),
        shows=lambda row: seen.lot(row["material_lot_id"]),
    )  # fmt: skip
    return LotsView(
        query=query,
        lots=[_line(row) for row in rows[:MOST]],
        before=rows[MOST - 1]["place"] if len(rows) > MOST else None,
    )


def _line(row: sqlite3.Row) -> LotLineView:
    recommendation, damaged = row_as_shown(row)
    return LotLineView(
        material_lot_id=row["material_lot_id"],
        product=row["product"],
        job_order_id=row["job_order_id"],
        equipment_id=row["equipment_id"],
        client_id=row["client_id"],
        started_at=instant(row["started_ns"]),
        ended_at=instant(row["ended_ns"]),
        closed_at=instant(row["closed_ns"]),
        recommendation=recommendation,
        latched=bool(row["latched"]),
        results=row["results"],
        part_of=row["part_of"],
        damaged=damaged,
    )
