"""What people have done by commands, into its tables, within the transaction that runs."""

import sqlite3
from dataclasses import asdict

from gateway.events import Event
from gateway.records.people import (
    OF_ALL_LOTS,
    AuditArchived,
    DeadLetterRetry,
    MessageUnparked,
    PointSettled,
    SignedBias,
    StageChanged,
    VersionChange,
)
from gateway.records.sink_deliveries import DeliveryRetried
from gateway.store.audit.vouching import go_on_vouching
from gateway.store.codec import encode
from gateway.store.statements import SQL
from gateway.store.transaction.lot_names import mark_lots_named_alike


def point_settled(connection: sqlite3.Connection, event: Event, record: PointSettled) -> None:
    """Write a settlement, and mark the lots that it is of to be judged again."""
    lot = {"material_lot_id": record.material_lot_id}
    connection.execute(SQL["insert_settlement"], {**asdict(record.settlement), **lot})
    because = {"cause": event.event_id, "at_ns": event.at_ns}
    if record.material_lot_id == OF_ALL_LOTS:
        connection.execute(SQL["judge_lots_of_point_again"], {"point_id": record.settlement.point_id, **because})
    else:
        connection.execute(SQL["judge_lot_again"], {**lot, **because})
        mark_lots_named_alike(connection, record.material_lot_id, because)


def version_changed(connection: sqlite3.Connection, _event: Event, change: VersionChange) -> None:
    """Write that a version was put into service or taken out of it."""
    connection.execute(SQL["insert_version_change"], asdict(change))


def stage_changed(connection: sqlite3.Connection, _event: Event, change: StageChanged) -> None:
    """Write how far a model may go from now on."""
    row = {"model": change.model, "stage": change.stage, "record_id": change.record_id, "at_ns": change.at_ns,
           "body": encode(change)}  # fmt: skip
    connection.execute(SQL["insert_stage_change"], row)


def bias_signed(connection: sqlite3.Connection, _event: Event, bias: SignedBias) -> None:
    """Write a signed correction."""
    connection.execute(SQL["insert_signed_bias"], asdict(bias))


def message_unparked(connection: sqlite3.Connection, _event: Event, record: MessageUnparked) -> None:
    """Let a parked message wait to be sent again; it is not retained where something newer stands at the broker."""
    message = {"message_id": record.message_id}
    connection.execute(SQL["unretain_overtaken"], message)
    connection.execute(SQL["unpark"], message)


def delivery_retried(connection: sqlite3.Connection, _event: Event, record: DeliveryRetried) -> None:
    """Let a refused delivery wait to be sent again."""
    connection.execute(SQL["retry_delivery"], {"delivery_id": record.delivery_id})


def dead_letter_retry(connection: sqlite3.Connection, event: Event, record: DeadLetterRetry) -> None:
    """Note that a dead letter is to be tried again."""
    parameters = {"dead_letter_id": record.dead_letter_id, "asked_ns": event.at_ns, "person": record.person}
    connection.execute(SQL["ask_retry"], parameters)


def audit_archived(connection: sqlite3.Connection, _event: Event, archived: AuditArchived) -> None:
    """Take archived lines out: the only way that a line ever leaves, in one transaction with its record."""
    row = asdict(archived)
    go_on_vouching(connection)
    (trigger,) = connection.execute(SQL["audit_delete_trigger"]).fetchone()
    connection.execute(SQL["insert_archive"], row)
    connection.execute(SQL["drop_audit_delete_trigger"])
    connection.execute(SQL["prune_audit"], row)
    connection.execute(trigger)
