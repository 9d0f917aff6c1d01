"""The points of a series from their table, one for each sample."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import fields

from gateway.lab.samples import Measured, Point
from gateway.lab.trends import CHARTED_AGAIN
from gateway.store.facts.investigation import Records
from gateway.store.statements import SQL

_MEASURED = tuple(field.name for field in fields(Measured))


def points_on_record(
    records: Records, of_series: Mapping[str, str], *, besides: str | None = None
) -> tuple[Point, ...]:
    """Return the newest points of a series, the newest first, without that of one sample."""
    rows = records.rows("newest_points", {**of_series, "besides": besides, "most": CHARTED_AGAIN})
    return tuple(map(_point, rows))


def points_in(connection: sqlite3.Connection, of_series: Mapping[str, str]) -> tuple[Point, ...]:
    """Return the newest points of a series that hold, the newest first, for a command that shows them."""
    rows = connection.execute(SQL["newest_points"], {**of_series, "besides": None, "most": CHARTED_AGAIN})
    return tuple(_point(row) for row in rows if row["holds"])


def _point(row: sqlite3.Row) -> Point:
    return Point(
        sample_id=row["sample_id"],
        at_ns=row["at_ns"],
        value=row["value"],
        qualifier=row["qualifier"],
        results=results_in(row["results"]),
    )


def text_of(results: tuple[Measured, ...]) -> str:
    """Return how the results are kept that a sample's point is made of."""
    return json.dumps([{name: getattr(result, name) for name in _MEASURED} for result in results])


def results_in(text: str) -> tuple[Measured, ...]:
    """Return the results that a sample's point is made of."""
    return tuple(Measured(**result) for result in json.loads(text))
