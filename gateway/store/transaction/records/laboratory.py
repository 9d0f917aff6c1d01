"""What the laboratory has measured and states, into its tables."""

import json
import sqlite3
from dataclasses import asdict

from gateway.decision import IncomingTested, ResultAccepted, SampleRequested, SpecificationRecorded
from gateway.errors import LablineError
from gateway.events import Event, ResultArrived
from gateway.records.laboratory import ProvisionalHold, Specification
from gateway.store.audit.evidence import Cell, with_hash
from gateway.store.codec import encode
from gateway.store.statements import SQL
from gateway.store.transaction import lot_records


def result_accepted(connection: sqlite3.Connection, event: Event, record: ResultAccepted) -> None:
    """Write a result's version, and mark the lots that it concerns."""
    if not isinstance(event, ResultArrived):
        raise LablineError(f"a result cannot follow from {event.kind}")
    if record.supersedes is not None:
        connection.execute(SQL["retire_result"], {"result_id": record.supersedes})
    result, body = record.result, encode(record.result)
    row: dict[str, Cell] = {
        "result_id": result.result_id,
        "source": result.source,
        "sample_id": result.sample_id,
        "test_id": result.test_id,
        "replicate": result.replicate,
        "result_version": result.result_version,
        "current": record.current,
        "analyte": result.analyte,
        "material_lot_id": result.material_lot_id,
        "sampled_ns": result.sampled_ns,
        "payload_sha256": event.origin.payload_sha256,
        "payload": event.payload,
        "body": body,
        "event_id": event.event_id,
    }
    connection.execute(SQL["insert_result"], with_hash("lab_result", row))
    if result.material_lot_id is not None:
        connection.execute(SQL["sample_measured"], {"material_lot_id": result.material_lot_id})
    if record.lots is not None:
        lot_records.mark_lots_of_result(connection, event, record, record.lots)


def specification_recorded(connection: sqlite3.Connection, event: Event, record: SpecificationRecorded) -> None:
    """Write a specification's version or its withdrawal, and mark the lots judged by it."""
    connection.execute(
        SQL["insert_specification_stated"],
        {
            **specification_key(record.specification, withdrawn=record.withdrawn),
            "event_id": event.event_id,
            "at_ns": event.at_ns,
            "body": encode(record.specification),
        },
    )
    lot_records.mark_lots_of_specification(connection, event, record.specification)


def specification_key(specification: Specification, *, withdrawn: bool) -> dict[str, str | bool | None]:
    """Return the columns by which a stated specification is known."""
    return {
        "product": specification.product,
        "analyte": specification.analyte,
        "client_id": specification.client_id or "",
        "version": specification.version,
        "withdrawn": withdrawn,
    }


def provisional_hold(connection: sqlite3.Connection, event: Event, hold: ProvisionalHold) -> None:
    """Write a provisional hold, and mark the parts of its lot, which it holds, too."""
    connection.execute(SQL["insert_provisional_hold"], asdict(hold))
    parts = {"material_lot_id": hold.material_lot_id, "cause": event.event_id, "at_ns": event.at_ns}
    connection.execute(SQL["judge_parts_again"], parts)
    connection.execute(SQL["judge_lot_of_part_again"], {**parts, "part_id": hold.material_lot_id})


def incoming_tested(connection: sqlite3.Connection, _event: Event, record: IncomingTested) -> None:
    """Write the outcome of a test of incoming material; the version that it replaces no longer counts."""
    if record.withdrawn is not None:
        connection.execute(SQL["withdraw_incoming_result"], {"result_id": record.withdrawn})
    if record.failed is not None:
        row = {name: getattr(record, name) for name in ("result_id", "supplier", "material", "analyte", "failed")}
        connection.execute(SQL["insert_incoming_result"], {**row, **record.scope.columns()})


def sample_requested(connection: sqlite3.Connection, _event: Event, record: SampleRequested) -> None:
    """Write a request to the laboratory for a lot's tests."""
    connection.execute(
        SQL["insert_sample_request"],
        {
            "material_lot_id": record.material_lot_id,
            "request_id": record.request_id,
            "since_ns": record.waiting.since_ns,
            "probability": record.waiting.probability,
            "tests": json.dumps([test.analyte for test in record.tests]),
        },
    )
