"""A decision into its tables, within the transaction that runs; ``records/table.py`` has one row per kind of record.

No function here says what the audit trail vouches for: every row that is written is (``vouching``).
"""

import json
import sqlite3

from gateway.contract.identity import identity_of
from gateway.contract.sinks.rule import deliveries_of
from gateway.contract.sparkplug.reports import reports_of
from gateway.contract.sparkplug.topics import device_of
from gateway.decision import Decision
from gateway.events import (
    ActRequested,
    ContextChanged,
    Event,
    FollowUpDue,
    GatewayStarted,
    GatewayStopped,
    MessageRefused,
    ResponseArrived,
    ResultArrived,
    SpecificationStated,
    TimerDue,
)
from gateway.line.definition import LineDefinition
from gateway.records.follow_ups import FollowUpKind
from gateway.records.outgoing import AuditEntry
from gateway.records.people import MessageUnparked, RefusedResponses
from gateway.store.audit import trail as audit
from gateway.store.audit.evidence import Cell, with_hash
from gateway.store.codec import encode
from gateway.store.deliveries import insert as insert_delivery
from gateway.store.outbox import Queued, enqueue
from gateway.store.sparkplug import insert as insert_report
from gateway.store.statements import SQL
from gateway.store.told_releases import says_released, store_has_forgotten
from gateway.store.transaction.records.table import RECORD_KINDS

EVIDENCE_DAMAGED = "EVIDENCE_DAMAGED"
_ARRIVED = (ResultArrived, ContextChanged, SpecificationStated, ResponseArrived, MessageRefused)


def write(
    connection: sqlite3.Connection, event: Event, decision: Decision, *, line: LineDefinition, trail: bool = True
) -> tuple[Queued, ...] | None:
    """Write an event and everything decided on it; ``trail``: the audit trail, too. ``line``: for what sinks are told.

    Returns its messages as they wait to be sent; None where one replaces others, so that the outbox itself tells best.
    """
    if isinstance(event, TimerDue):
        connection.execute(SQL["see_wall_time"], {"wall_ns": event.at.latest_ns})
    if isinstance(event, GatewayStopped):
        connection.execute(SQL["stopped_clean"])
    if isinstance(event, _ARRIVED) and not _only_counted(decision):
        origin = event.origin
        arrived: dict[str, Cell] = {
            "event_id": event.event_id,
            "kind": event.kind,
            "at_ns": event.at_ns,
            "session": origin.session,
            "topic": origin.topic,
            "message_number": origin.message_number,
            "payload_sha256": origin.payload_sha256,
        }
        connection.execute(SQL["insert_event"], with_hash("event", arrived))
    for record in decision.records:
        RECORD_KINDS[type(record)].write(connection, event, record)
    queued = [enqueue(connection, message, at_ns=event.at_ns) for message in decision.messages]
    _tell_sinks(connection, event, decision, line)
    _report(connection, event, decision, line)
    for follow_up in decision.follow_ups:
        of_lot = () if follow_up.material_lot_id is None else (follow_up.material_lot_id,)
        because = () if follow_up.kind is FollowUpKind.CERTIFICATE else (event.event_id,)  # one that waits is enough
        event_id = identity_of("follow-up", *because, follow_up.kind, follow_up.subject, *of_lot)
        row = {"event_id": event_id, "at_ns": event.at_ns, "body": encode(follow_up)}
        connection.execute(SQL["insert_follow_up"], row)
    if isinstance(event, FollowUpDue):
        done_with(connection, event)
    if trail:
        audit.append_for_changes(connection, decision.audit, subject=event.event_id, at_ns=event.at_ns)
    if any(isinstance(record, MessageUnparked) for record in decision.records):
        return None  # it waited before those that came since
    if any(message.replaces is not None for message in decision.messages):
        return None
    return tuple(message for message in queued if message is not None)


def _tell_sinks(connection: sqlite3.Connection, event: Event, decision: Decision, line: LineDefinition) -> None:
    """Write what systems are told over HTTP, in the same transaction."""
    for message in decision.messages if line.sinks else ():
        for delivery in deliveries_of(message, line.sinks, topic_root=line.topic_root):
            insert_delivery(connection, delivery, at_ns=event.at_ns)


def _report(connection: sqlite3.Connection, event: Event, decision: Decision, line: LineDefinition) -> None:
    """Write what an edge node of Sparkplug reports, in the same transaction.

    Where nothing is reported any more, what was is forgotten: a later birth must not tell of a lot as it was then. Nor
    must one of a store that was put back from a backup, which reports no release until a person has looked.
    """
    if not line.reports_to_sparkplug:
        if isinstance(event, GatewayStarted | ActRequested):
            connection.execute(SQL["forget_sparkplug_reports"])
        return
    if isinstance(event, GatewayStarted) and store_has_forgotten(connection):
        connection.execute(SQL["forget_sparkplug_dispositions"])
    devices = {device_of(model.equipment_id) for model in line.configured_models}
    for message in decision.messages:
        reports = reports_of(message, topic_root=line.topic_root, devices=devices)
        if reports and says_released(message) and store_has_forgotten(connection):
            continue
        for report in reports:
            insert_report(connection, report, at_ns=event.at_ns)


def _only_counted(decision: Decision) -> bool:
    """Return whether an event is one of many that changed nothing, so that only their number goes on record."""
    return bool(decision.records) and all(isinstance(record, RefusedResponses) for record in decision.records)


def done_with(connection: sqlite3.Connection, event: FollowUpDue) -> None:
    """Take a follow-up that has been decided, or cannot be, out of those that wait."""
    connection.execute(SQL["delete_follow_up"], {"event_id": event.event_id})


def note_damage(connection: sqlite3.Connection, event: Event, records: tuple[str, ...]) -> bool:
    """Put on record, and latch, that a decision met damaged records; return whether that was not known yet."""
    standing = connection.execute(SQL["latch_of_code"], {"code": EVIDENCE_DAMAGED}).fetchone()
    known = set() if standing is None else set(json.loads(standing["body"])["records"])
    if known.issuperset(records):
        return False  # on record already: the trail does not grow with every event that meets the damage
    body = json.dumps({"records": sorted(known | set(records))})
    connection.execute(SQL["latch_again"], {"code": EVIDENCE_DAMAGED, "at_ns": event.at_ns, "body": body})
    entry = AuditEntry(kind="evidence_damaged", subject=event.event_id, body={"left_out": list(records)})
    audit.append(connection, (entry,), at_ns=event.at_ns)
    return True
