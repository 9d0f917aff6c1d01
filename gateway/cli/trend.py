"""``labline trend``: series of laboratory results, their limits, whether they are stable, and how capable."""

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import typer

from gateway.cli.presentation import show_json, show_table
from gateway.contract.times import rfc3339
from gateway.lab.capability import Capability, capability
from gateway.lab.in_force import in_force, in_unit
from gateway.lab.phase_one import chart_limits
from gateway.lab.trends import CHARTED_AGAIN, Series
from gateway.line import specifications_of
from gateway.records import Specification
from gateway.settings import read
from gateway.store.codec import decode
from gateway.store.database import read_state
from gateway.store.statements import SQL

app = typer.Typer(help="Series of laboratory results.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Series of laboratory results."""


@app.command(name="list")
def list_series(
    config: Path = typer.Option(..., "--config", "-c", help="The configuration file."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object instead of a table."),
) -> None:
    """Show each series: its frozen limits, since how many values nothing signals, and its capability.

    Cp and Cpk are by the moving range of the newest values, Pp and Ppk by their standard deviation; they are withheld
    while the series is not in control, or too short to say anything.
    """
    settings, _sha256 = read(config)
    stated, found = specifications_of(settings), list[dict[str, Any]]()
    with closing(read_state(settings.store.directory)) as connection:
        for row in connection.execute(SQL["all_series"]).fetchall():
            if not row["holds"]:
                continue
            series, of_series = decode(Series, row["body"]), {"product": row["product"], "analyte": row["analyte"]}
            points = connection.execute(
                SQL["newest_points"], {**of_series, "besides": None, "most": CHARTED_AGAIN}
            ).fetchall()
            held = in_force(stated, **of_series, client_id=None, at_ns=time.time_ns())
            found.append(
                _told(row["product"], row["analyte"], series, [each["value"] for each in reversed(points)], held)
            )
    if as_json:
        show_json({"series": found})
        return
    columns = ("product", "analyte", "values", "center", "limits", "stable", "cp", "cpk", "pp", "ppk", "why not")
    rows = [tuple("-" if each[name] is None else str(each[name]) for name in columns) for each in found]
    show_table("series", columns, rows)


def _told(
    product: str, analyte: str, series: Series, values: list[float], specification: Specification | None
) -> dict[str, Any]:
    limits, newest = series.limits, chart_limits(values)
    same = None if specification is None else in_unit(specification, series.unit)
    figures = Capability(withheld="there is no specification in force in its unit")
    if same is not None and newest is not None:
        figures = capability(newest, same, stable=series.stable)
    elif same is not None:
        figures = Capability(withheld="its values do not vary")
    return {
        "product": product,
        "analyte": analyte,
        "values": len(values),
        "center": None if limits is None else round(limits.center, 6),
        "limits": None if limits is None else f"{limits.lower:.5g} to {limits.upper:.5g}",
        "frozen_until": None if limits is None else rfc3339(series.frozen_until_ns),
        "stable": "yes" if series.stable else f"no ({series.since_signal} values since a signal)",
        **{name: _rounded(getattr(figures, name)) for name in ("cp", "cpk", "pp", "ppk")},
        "why not": figures.withheld,
    }


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 3)
