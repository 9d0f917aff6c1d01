"""Reviews of lots' records into their tables, within the transaction that runs."""

import sqlite3

from gateway.events import Event
from gateway.records.reviews import ExceptionAnswered, LotReviewed
from gateway.store.codec import encode
from gateway.store.statements import SQL


def exception_answered(connection: sqlite3.Connection, _event: Event, record: ExceptionAnswered) -> None:
    """Write what a person has said of an exception."""
    row = {
        "event_id": record.event_id,
        "exception_id": record.exception_id,
        "material_lot_id": record.material_lot_id,
        "code": record.code,
        "settled": record.settled,
        "person": record.person,
        "role": record.role.value,
        "comment": record.comment,
        "at_ns": record.at_ns,
    }
    connection.execute(SQL["insert_review_answer"], row)


def review_signed(connection: sqlite3.Connection, event: Event, record: LotReviewed) -> None:
    """Write a review as it is from now on."""
    row = {
        "record_id": record.record_id,
        "material_lot_id": record.material_lot_id,
        "state": record.state.value,
        "at_ns": event.at_ns,
        "body": encode(record),
    }
    connection.execute(SQL["insert_lot_review"], row)
