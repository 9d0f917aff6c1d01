"""The trend of an analyte on an equipment: predictions with their interval, results, and the specification."""

import sqlite3

from pydantic import Field

from gateway.console.snapshot import Snapshot
from gateway.console.views.parts import View
from gateway.console.views.predictions import specification_for
from gateway.contract.payloads.parts import SpecificationPart
from gateway.records.laboratory import LabResult
from gateway.store.codec import decode
from gateway.store.facts.reading import Reading
from gateway.store.queries.seen import Seen
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS

_MOST_READ, _MOST_DRAWN, _MOST_RESULTS = 60_000, 1500, 200


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


def trend_view(
    connection: sqlite3.Connection, snapshot: Snapshot, *, equipment_id: str, analyte: str, hours: float
) -> TrendView | None:
    """Return the trend over the last hours; None where no model predicts the analyte on that equipment."""
    until_ns = snapshot.at.wall_ns
    from_ns = until_ns - round(hours * 3600 * SECOND_NS)
    model = next(
        (model for model in snapshot.line.configured_models
         if model.equipment_id == equipment_id and model.bundle.output_of(analyte) is not None), None,
    )  # fmt: skip
    output = None if model is None else model.bundle.output_of(analyte)
    if model is None or output is None:
        return None
    reading = Reading(connection, snapshot.line, {})
    parameters = {"model": model.name, "analyte": analyte, "from_ns": from_ns, "most": _MOST_READ,
                  "limited": snapshot.sight.limited}  # fmt: skip
    seen = snapshot.seen(connection)
    rows = [row for row in connection.execute(SQL["console_trend"], parameters).fetchall()[::-1] if _shows(row, seen)]
    step = -(-len(rows) // _MOST_DRAWN) or 1
    drawn = rows[::-step][::-1]  # the newest is always drawn
    return TrendView(
        equipment_id=equipment_id,
        analyte=analyte,
        unit=output.unit,
        from_at=from_ns / SECOND_NS,
        until_at=until_ns / SECOND_NS,
        at=[row["at_ns"] / SECOND_NS for row in drawn],
        value=[row["value"] for row in drawn],
        low=[row["low"] for row in drawn],
        high=[row["high"] for row in drawn],
        results=_results(reading, equipment_id, analyte, from_ns, seen),
        specification=SpecificationPart.of(specification_for(reading, equipment_id, output, snapshot)),
        thinned=step > 1,
    )


def _shows(row: sqlite3.Row, seen: Seen) -> bool:
    """Return whether a prediction may be seen: of the lot that ran then; one of an order alone may be anybody's."""
    if not seen.limited:
        return True
    return row["product"] is None if row["material_lot_id"] is None else seen.lot(row["material_lot_id"])


def _results(reading: Reading, equipment_id: str, analyte: str, from_ns: int, seen: Seen) -> list[TrendResultView]:
    parameters = {"equipment_id": equipment_id, "analyte": analyte, "from_ns": from_ns, "most": _MOST_RESULTS}
    rows = reading.rows("console_results_between", parameters)
    results = [(row, decode(LabResult, row["body"])) for row in reversed(rows)]
    values = [(row, result.value) for row, result in results if seen.result(result)]
    return [
        TrendResultView(at=row["sampled_ns"] / SECOND_NS, value=value, sample_id=row["sample_id"])
        for row, value in values
        if value is not None
    ]
