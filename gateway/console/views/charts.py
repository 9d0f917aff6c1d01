"""Control charts of a lot's product: its points, limits and the rules that have signalled."""

import json
import sqlite3

from pydantic import Field

from gateway.console.snapshot import Snapshot
from gateway.console.views.parts import View
from gateway.contract.payloads.parts import SpecificationPart
from gateway.contract.times import rfc3339
from gateway.lab.control_state import standing
from gateway.lab.in_force import in_force, in_unit
from gateway.lab.samples import Point
from gateway.lab.series import Series, SeriesKey, begun
from gateway.lab.trends import charted, rules_for
from gateway.line.spc_rules import TrendRules
from gateway.records.laboratory import Specification
from gateway.records.scope import Scope
from gateway.store.codec import decode
from gateway.store.facts.reading import Reading
from gateway.store.facts.samples import points_in
from gateway.store.queries.lots import lot_on_record
from gateway.store.statements import SQL


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


def chart_view(connection: sqlite3.Connection, snapshot: Snapshot, *, lot: str, analyte: str) -> ChartView | None:
    """Return the control chart of an analyte of a lot's product; None where there is none."""
    known = lot_on_record(connection, lot)
    for product in () if known is None else known.products:
        client_id = "" if known is None else known.client_id or ""
        parameters = {"product": product, "analyte": analyte, "client_id": client_id}
        row = connection.execute(SQL["console_series_of_analyte"], parameters).fetchone()
        if row is not None and row["holds"]:
            scope = Scope(client_id=row["client_id"] or None, study_id=row["study_id"] or None)
            if not snapshot.sight.sees(scope):
                continue
            key = SeriesKey(scope=scope, product=product, analyte=analyte)
            return _chart(connection, snapshot, key, decode(Series, row["body"]), lot)
    return None


def _chart(connection: sqlite3.Connection, snapshot: Snapshot, key: SeriesKey, series: Series, lot: str) -> ChartView:
    rules = rules_for(snapshot.line.trends, product=key.product, analyte=key.analyte)
    points = sorted(points_in(connection, key.columns()), key=lambda point: (point.at_ns, point.sample_id))
    charted_series = standing(series, points, rules).series
    limits = charted_series.limits
    specification = _specification(connection, snapshot, key)
    in_its_unit = None if specification is None else in_unit(specification, series.unit)
    return ChartView(
        material_lot_id=lot,
        product=key.product,
        analyte=key.analyte,
        unit=series.unit,
        centre=None if limits is None else limits.center,
        lower_limit=None if limits is None else limits.lower,
        upper_limit=None if limits is None else limits.upper,
        specification=SpecificationPart.of(in_its_unit),
        points=_points(connection, snapshot, charted_series, points, rules, lot=lot, analyte=key.analyte),
    )


def _points(
    connection: sqlite3.Connection,
    snapshot: Snapshot,
    series: Series,
    points: list[Point],
    rules: TrendRules,
    *,
    lot: str,
    analyte: str,
) -> list[ChartPointView]:
    lots = {
        row["sample_id"]: row["material_lot_id"]
        for row in connection.execute(
            SQL["console_lots_of_samples"],
            {"analyte": analyte, "sample_ids": json.dumps([point.sample_id for point in points])},
        )
    }
    views, state, seen = [], begun(series), snapshot.seen(connection)
    for point in points:
        of_lot = lots.get(point.sample_id)
        signals: list[str] = []
        if point.at_ns > series.frozen_until_ns:  # the limits rest on those before
            after = charted(state, point, rules, name=analyte)
            state, signals = after.series, [reason.text for reason in after.reasons]
        if of_lot is not None and not seen.lot(of_lot):
            continue
        views.append(
            ChartPointView(
                at=rfc3339(point.at_ns),
                value=point.value,
                sample_id=point.sample_id,
                material_lot_id=of_lot,
                rules=signals,
                of_this_lot=of_lot == lot,
            )
        )
    return views


def _specification(connection: sqlite3.Connection, snapshot: Snapshot, key: SeriesKey) -> Specification | None:
    known = Reading(connection, snapshot.line, {}).specifications(key.product)
    return in_force(
        (*known.configured, *known.stated), product=key.product, analyte=key.analyte, client_id=key.scope.client_id,
        at_ns=snapshot.at.wall_ns,
    )  # fmt: skip
