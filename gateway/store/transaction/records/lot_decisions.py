"""People's decisions on lots, into their table, within the transaction that runs."""

import sqlite3

from gateway.events import Event
from gateway.records.lot_decisions import DecisionState, LotDecided
from gateway.store.codec import encode
from gateway.store.statements import SQL


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
