"""``labline trend``: the control charts of laboratory results: state of each series, limits, process capability."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import typer

from gateway.cli.options import CONFIG, JSON
from gateway.cli.output import show_json, show_table, with_scopes
from gateway.config.line_definition import specifications_of, trends_of
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.contract.times import rfc3339
from gateway.lab.capability import Capability
from gateway.lab.control_state import Standing, capability_of, standing
from gateway.lab.in_force import in_force
from gateway.lab.samples import Point
from gateway.lab.series import Series, SeriesKey
from gateway.lab.trends import rules_for
from gateway.records.scope import Scope
from gateway.store.codec import decode
from gateway.store.database import read_state
from gateway.store.facts.master_data import stated_of_product
from gateway.store.facts.samples import points_in
from gateway.store.statements import SQL

app = typer.Typer(help="Show the control charts of laboratory results.", no_args_is_help=True)
_COLUMNS = ("product", "analyte", "samples", "state", "limits or reason", "capability")
_INDICES = ("cp", "cpk", "pp", "ppk")


@app.callback()
def _group() -> None:
    """Show the control charts of laboratory results."""


@app.command(name="list")
def list_series(
    config: Path = CONFIG,
    as_json: bool = JSON,
) -> None:
    """List each series of results: its state and the reason, its control limits, and its process capability.

    A series has too few values, does not vary, is not in control (by which rule, since when), or is in control. Cp and
    Cpk use the moving range of the newest samples, Pp and Ppk their standard deviation. They are shown if the series is
    in control, has at least 25 values, and a specification is in force.
    """
    settings = read(config)[0]
    with closing(read_state(settings.store.directory)) as connection:
        series = [_described(connection, settings, row) for row in connection.execute(SQL["all_series"]).fetchall()]
    if as_json:
        show_json({"series": series})
        return
    scopes = [Scope(client_id=described["client_id"], study_id=described["study_id"]) for described in series]
    show_table("series", *with_scopes(_COLUMNS, [_row(described) for described in series], scopes))


def _described(connection: sqlite3.Connection, settings: Settings, row: sqlite3.Row) -> dict[str, Any]:
    of_product = {"product": row["product"], "analyte": row["analyte"]}
    scope = Scope(client_id=row["client_id"] or None, study_id=row["study_id"] or None)
    named = {**of_product, "client_id": scope.client_id, "study_id": scope.study_id}
    of_series = SeriesKey(scope=scope, **of_product).columns()
    if not row["holds"]:
        return {
            **named,
            "state": "damaged",
            "reason": "its record does not match its hash: run labline audit verify",
        }
    rules = rules_for(trends_of(settings), **of_product)
    points = points_in(connection, of_series)
    stands = standing(decode(Series, row["body"]), points, rules)
    known = (*specifications_of(settings), *stated_of_product(connection, row["product"]))
    specification = in_force(known, **of_product, client_id=scope.client_id, at_ns=time.time_ns())
    figures = capability_of(stands, points, specification)
    samples = connection.execute(SQL["count_of_samples"], of_series).fetchone()[0]
    return {**named, "values": samples, "baseline": rules.baseline, **_document(stands, points, figures)}


def _document(stands: Standing, points: tuple[Point, ...], figures: Capability) -> dict[str, Any]:
    series, limits = stands.series, stands.series.limits
    return {
        "state": stands.state.value,
        "reason": stands.reason,
        "newest": max(points, key=lambda point: (point.at_ns, point.sample_id)).text if points else None,
        "center": None if limits is None else round(limits.center, 6),
        "limits": None if limits is None else f"{limits.lower:.5g} to {limits.upper:.5g}",
        "frozen_until": rfc3339(series.frozen_until_ns) if series.frozen else None,
        "stable": "yes" if series.stable else "no",
        **{name: _rounded(getattr(figures, name)) for name in _INDICES},
        "why not": figures.withheld,
    }


def _row(series: dict[str, Any]) -> tuple[str, ...]:
    """Return a series as a row of the table."""
    figures = [f"{name.capitalize()} {series[name]:.2f}" for name in _INDICES if series.get(name) is not None]
    capable = " ".join(figures) or f"withheld: {series.get('why not')}"
    samples = series.get("values")
    return (series["product"], series["analyte"], "-" if samples is None else str(samples), series["state"],
            series["reason"], capable)  # fmt: skip


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 3)
