"""The points, series and references of control charts, into their tables."""

import sqlite3
from dataclasses import asdict

from gateway.decision import ControlJudged, ReferenceFrozen, SeriesCharted
from gateway.events import Event
from gateway.store.audit.evidence import Cell, with_hash
from gateway.store.codec import encode, encode_and_keep
from gateway.store.facts import samples
from gateway.store.statements import SQL


def series_charted(connection: sqlite3.Connection, _event: Event, record: SeriesCharted) -> None:
    """Write where a series stands, and its sample's point."""
    of_series = record.key.columns()
    if record.point is None:
        connection.execute(SQL["withdraw_sample"], {**of_series, "sample_id": record.sample_id})
    else:
        row: dict[str, Cell] = {
            **of_series,
            "sample_id": record.sample_id,
            "at_ns": record.point.at_ns,
            "value": float(record.point.value),
            "qualifier": record.point.qualifier,
            "results": samples.text_of(record.point.results),
        }
        connection.execute(SQL["insert_sample"], with_hash("series_sample", row))
    series = {**of_series, "body": encode_and_keep(record.series)}
    connection.execute(SQL["insert_series"], with_hash("series", series))


def control_judged(connection: sqlite3.Connection, _event: Event, record: ControlJudged) -> None:
    """Write a control's point; the one that it replaces no longer counts."""
    if record.withdrawn is not None:
        connection.execute(SQL["withdraw_control_point"], {"result_id": record.withdrawn})
    if record.point is not None:
        connection.execute(SQL["insert_control_point"], asdict(record.point))


def reference_frozen(connection: sqlite3.Connection, _event: Event, record: ReferenceFrozen) -> None:
    """Write the reference by which several analytes are judged together."""
    group = record.group
    key = {**record.scope.columns(), "product": group.product, "analytes": " + ".join(group.analytes)}
    connection.execute(SQL["insert_analytes_together"], {**key, "body": encode(record.reference)})
