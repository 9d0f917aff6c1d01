"""Messages of production about orders and lots, and the state of lots, into their tables."""

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict

from gateway.decision import LotJudged
from gateway.events import Event
from gateway.records.production import ContextChange, ContextKind
from gateway.store.audit.evidence import Cell, with_hash
from gateway.store.codec import encode
from gateway.store.statements import SQL, value_of
from gateway.store.transaction import lot_records

_CONTEXT_STATEMENTS: Mapping[ContextKind, str] = {
    ContextKind.ORDER_STARTED: "order_started",
    ContextKind.ORDER_ENDED: "order_ended",
    ContextKind.LOT_STARTED: "lot_started",
    ContextKind.LOT_ENDED: "lot_ended",
    ContextKind.LOT_CLOSED: "lot_closed",
}


def context_changed(connection: sqlite3.Connection, event: Event, change: ContextChange) -> None:
    """Write a message of production, and mark the lots that it concerns."""
    connection.execute(
        SQL["insert_context_change"],
        {
            "event_id": event.event_id,
            "kind": change.kind.value,
            "at_ns": change.at_ns,
            "equipment_id": change.equipment_id,
            "material_lot_id": change.material_lot_id,
            "body": encode(change),
        },
    )
    if change.kind is ContextKind.MATERIAL_CONSUMED:
        connection.execute(SQL["insert_material_use"], asdict(change))
    if change.kind is ContextKind.LOT_CLOSED:
        connection.execute(SQL["lot_needs_no_sample"], {"material_lot_id": change.material_lot_id})
    statement = _CONTEXT_STATEMENTS.get(change.kind)
    if statement is not None:
        connection.execute(SQL[statement], asdict(change))
    lot_records.mark_lots_of_context(connection, event, change)


def lot_judged(connection: sqlite3.Connection, event: Event, record: LotJudged) -> None:
    """Write a disposition; the lot's own row takes its state."""
    disposition, body = record.disposition, encode(record.disposition)
    row: dict[str, Cell] = {
        "disposition_id": disposition.disposition_id,
        "material_lot_id": disposition.material_lot_id,
        "recommendation": disposition.recommendation.value,
        "at_ns": _not_before_the_last(connection, event, record.material_lot_id),
        "event_id": event.event_id,
        "body": body,
    }
    connection.execute(SQL["insert_disposition"], with_hash("disposition", row))
    if record.material_lot_id is not None and not record.stands_already:
        connection.execute(
            SQL["lot_judged"],
            {
                "material_lot_id": record.material_lot_id,
                "recommendation": record.state.recommendation.value,
                "latched": record.state.latched,
            },
        )


def _not_before_the_last(connection: sqlite3.Connection, event: Event, lot: str | None) -> int:
    """Return when a disposition is made: never before the lot's last one, also where the clock was set back since.

    Else the last one would go on being taken for the newest.
    """
    if lot is None or event.at.latest_ns <= event.at_ns:
        return event.at_ns
    last_ns = value_of(connection, "newest_disposition_at", material_lot_id=lot)
    return max(event.at_ns, last_ns or 0)
