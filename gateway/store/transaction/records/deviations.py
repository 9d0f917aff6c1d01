"""Deviations and what lots were made by, into their tables."""

import sqlite3

from gateway.events import Event, FollowUpDue
from gateway.lab.deviations import Deviation
from gateway.lab.fingerprints import Fingerprint
from gateway.lab.review.process_window import LotProcess
from gateway.records.follow_ups import FollowUpKind
from gateway.store.codec import encode
from gateway.store.statements import SQL


def deviation_version(connection: sqlite3.Connection, event: Event, record: Deviation) -> None:
    """Write a version of a deviation."""
    result, body = record.result, encode(record)
    connection.execute(
        SQL["insert_deviation"],
        {
            "deviation_id": record.draft_id,
            "result_id": result.result_id,
            "sample_id": result.sample_id,
            "material_lot_id": result.material_lot_id,
            "product": result.material_definition_id,
            "analyte": result.analyte,
            "at_ns": event.at_ns,
            "body": body,
        },
    )


def lot_fingerprint(connection: sqlite3.Connection, event: Event, record: Fingerprint) -> None:
    """Write what a lot was made by."""
    row = {"material_lot_id": record.material_lot_id, "product": record.product, "until_ns": record.until_ns}
    whole = isinstance(event, FollowUpDue) and event.follow_up.kind is FollowUpKind.FINGERPRINT
    statement = "insert_fingerprint" if whole else "insert_fingerprint_if_none"  # a draft looks at a part of the lot
    connection.execute(SQL[statement], {**row, "body": encode(record)})


def lot_process(connection: sqlite3.Connection, _event: Event, record: LotProcess) -> None:
    """Write how the equipment ran while a lot was made."""
    row = {"material_lot_id": record.material_lot_id, "until_ns": record.until_ns, "body": encode(record)}
    connection.execute(SQL["insert_lot_process"], row)
