"""A decision into its tables, within the transaction that runs. One function per kind of record."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from gateway.advice.lifecycle import OPEN
from gateway.errors import LablineError
from gateway.events import (
    ContextChanged,
    Decision,
    Event,
    LotJudged,
    MessageRefused,
    ResponseArrived,
    ResponseRecorded,
    ResultAccepted,
    ResultArrived,
    Situation,
)
from gateway.records import ContextChange, ContextKind, DeadLetter, Guidance, OutgoingMessage, Prediction
from gateway.store import audit
from gateway.store.codec import encode
from gateway.store.statements import SQL

_ARRIVED = (ResultArrived, ContextChanged, ResponseArrived, MessageRefused)


def write(connection: sqlite3.Connection, event: Event, situation: Situation, decision: Decision) -> None:
    """Write an event and everything decided on it."""
    if isinstance(event, _ARRIVED):
        origin = event.origin
        connection.execute(
            SQL["insert_event"],
            {
                "event_id": event.event_id,
                "kind": type(event).__name__,
                "at_ns": event.at_ns,
                "session": origin.session,
                "topic": origin.topic,
                "message_number": origin.message_number,
                "payload_sha256": origin.payload_sha256,
            },
        )
    for record in decision.records:
        _WRITERS[type(record)](connection, event, situation, record)
    audit.append(connection, decision.audit, at_ns=event.at_ns)
    for message in decision.messages:
        _enqueue(connection, message, at_ns=event.at_ns)


def _enqueue(connection: sqlite3.Connection, message: OutgoingMessage, *, at_ns: int) -> None:
    if message.replaces is not None:
        topic = {"topic": message.topic, "lane": int(message.replaces), "at_ns": at_ns}
        connection.execute(SQL["depart_replaced"], topic)
        connection.execute(SQL["delete_replaced"], topic)
    connection.execute(
        SQL["enqueue"],
        {
            "message_id": message.message_id,
            "lane": int(message.lane),
            "topic": message.topic,
            "payload": message.payload,
            "retain": message.retain,
            "expires_ns": message.expires_ns,
            "created_ns": at_ns,
        },
    )


def _result(connection: sqlite3.Connection, event: Event, situation: Situation, record: ResultAccepted) -> None:
    if not isinstance(event, ResultArrived):
        raise LablineError(f"a result cannot follow from {type(event).__name__}")
    if record.supersedes is not None:
        connection.execute(SQL["retire_result"], {"result_id": record.supersedes})
    result = record.result
    connection.execute(
        SQL["insert_result"],
        {
            "result_id": result.result_id,
            "source": result.source,
            "sample_id": result.sample_id,
            "test_id": result.test_id,
            "replicate": result.replicate,
            "result_version": result.result_version,
            "current": record.supersedes is not None or situation.history.current is None,
            "analyte": result.analyte,
            "material_lot_id": result.material_lot_id,
            "sampled_ns": result.sampled_ns,
            "payload_sha256": event.origin.payload_sha256,
            "payload": event.payload,
            "body": encode(result),
            "event_id": event.event_id,
        },
    )


def _lot_judged(connection: sqlite3.Connection, event: Event, _situation: Situation, record: LotJudged) -> None:
    disposition = record.disposition
    connection.execute(
        SQL["insert_disposition"],
        {
            "disposition_id": disposition.disposition_id,
            "material_lot_id": disposition.material_lot_id,
            "recommendation": disposition.recommendation.value,
            "at_ns": event.at_ns,
            "event_id": event.event_id,
            "body": encode(disposition),
        },
    )
    if record.material_lot_id is not None:
        connection.execute(
            SQL["lot_judged"],
            {
                "material_lot_id": record.material_lot_id,
                "recommendation": record.state.recommendation.value,
                "latched": record.state.latched,
            },
        )


_CONTEXT_STATEMENTS: Mapping[ContextKind, str] = {
    ContextKind.ORDER_STARTED: "order_started",
    ContextKind.ORDER_ENDED: "order_ended",
    ContextKind.LOT_STARTED: "lot_started",
    ContextKind.LOT_ENDED: "lot_ended",
    ContextKind.LOT_CLOSED: "lot_closed",
}


def _context(connection: sqlite3.Connection, event: Event, _situation: Situation, change: ContextChange) -> None:
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
    statement = _CONTEXT_STATEMENTS.get(change.kind)
    if statement is not None:
        connection.execute(SQL[statement], asdict(change))


def _prediction(connection: sqlite3.Connection, _event: Event, _situation: Situation, record: Prediction) -> None:
    connection.execute(
        SQL["insert_prediction"],
        {
            "prediction_id": record.prediction_id,
            "at_ns": record.at_ns,
            "model": record.model.name,
            "equipment_id": record.equipment_id,
            "analyte": record.analyte,
            "material_lot_id": record.material_lot_id,
            "sample_result_id": record.sample_result_id,
            "value": record.value,
            "low": record.low,
            "high": record.high,
            "accepted": record.verdict.accepted,
            "body": encode(record),
        },
    )


def _guidance(connection: sqlite3.Connection, event: Event, _situation: Situation, guidance: Guidance) -> None:
    row = {
        "guidance_id": guidance.guidance_id,
        "kind": guidance.kind.value,
        "state": guidance.state.value,
        "open": guidance.state in OPEN,
        "moved_tag": guidance.suggestion.tag if guidance.suggestion else None,
        "at_ns": event.at_ns,
        "issued_ns": guidance.issued_ns,
        "body": encode(guidance),
        "event_id": event.event_id,
    }
    connection.execute(SQL["upsert_guidance"], row)
    connection.execute(SQL["insert_guidance_state"], row)


def _response(connection: sqlite3.Connection, event: Event, _situation: Situation, record: ResponseRecorded) -> None:
    connection.execute(
        SQL["insert_response"],
        {
            "event_id": event.event_id,
            "guidance_id": record.response.guidance_id,
            "act": record.response.act.value,
            "person": record.response.person,
            "outcome": record.outcome,
            "body": encode(record.response),
        },
    )


def _dead_letter(connection: sqlite3.Connection, event: Event, _situation: Situation, letter: DeadLetter) -> None:
    connection.execute(
        SQL["insert_dead_letter"],
        {
            "dead_letter_id": letter.dead_letter_id,
            "at_ns": event.at_ns,
            "topic": letter.topic,
            "reasons": json.dumps([asdict(reason) for reason in letter.reasons]),
            "payload": letter.payload,
        },
    )


_WRITERS: Mapping[type, Callable[[sqlite3.Connection, Event, Situation, Any], None]] = {
    ResultAccepted: _result,
    LotJudged: _lot_judged,
    ContextChange: _context,
    Prediction: _prediction,
    Guidance: _guidance,
    ResponseRecorded: _response,
    DeadLetter: _dead_letter,
}
