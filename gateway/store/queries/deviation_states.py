"""Whether a deviation is closed: by a row that holds, for its newest version, with every signature that it names."""

import sqlite3

from pydantic import ValidationError

from gateway.records.deviation_states import DeviationClosed, DeviationState
from gateway.store.codec import decode
from gateway.store.queries.signatures import is_signed_by, signed_record_of
from gateway.store.statements import SQL


def closing_of(connection: sqlite3.Connection, deviation_id: str) -> DeviationClosed | None:
    """Return the closing of a deviation that stands; None where it is open, was opened again, or does not hold."""
    row = connection.execute(SQL["newest_deviation_state"], {"deviation_id": deviation_id}).fetchone()
    if row is None or not row["holds"] or row["state"] != DeviationState.CLOSED or row["version"] != row["newest"]:
        return None
    try:
        closed = decode(DeviationClosed, row["body"])
    except ValidationError:
        return None
    signed = signed_record_of(connection, closed.record_id)
    return closed if is_signed_by(signed, closed.signed_by, signature_id=closed.signature_id) else None
