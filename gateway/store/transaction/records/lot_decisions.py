"""People's decisions on lots, and the parts of lots, into their tables, within the transaction that runs."""

import sqlite3

from gateway.events import Event
from gateway.records.lot_decisions import DecisionState, LotDecided
from gateway.records.lot_parts import LotDivided
from gateway.store.codec import encode
from gateway.store.statements import SQL
from gateway.store.transaction.lot_names import note_names


def lot_decided(connection: sqlite3.Connection, event: Event, record: LotDecided) -> None:
    """Write a decision as it is from now on; a new one has its lot judged again."""
    row = {
        "record_id": record.record_id,
        "material_lot_id": record.material_lot_id,
        "verdict": record.verdict.value,
        "state": record.state.value,
        "at_ns": event.at_ns,
        "body": encode(record),
    }
    connection.execute(SQL["insert_lot_decision"], row)
    if record.state is DecisionState.MADE:
        lot = {"material_lot_id": record.material_lot_id, "cause": event.event_id, "at_ns": event.at_ns}
        connection.execute(SQL["judge_lot_again"], lot)
    else:
        part = {"part_id": record.material_lot_id, "cause": event.event_id, "at_ns": event.at_ns}
        connection.execute(SQL["judge_lot_of_part_again"], part)


def lot_divided(connection: sqlite3.Connection, event: Event, record: LotDivided) -> None:
    """Write a part as a person declares it, or puts it back; it is judged, and its lot, as a release may be told."""
    row = {
        "part_id": record.part_id,
        "material_lot_id": record.material_lot_id,
        "at_ns": record.at_ns,
        "undone": int(record.undone),
        "body": encode(record),
    }
    because = {"cause": event.event_id, "at_ns": event.at_ns}
    connection.execute(SQL["insert_lot_part"], row)
    note_names(connection, (record.part_id,), because)
    for lot in (record.part_id, record.material_lot_id):
        connection.execute(SQL["judge_lot_again"], {"material_lot_id": lot, **because})
