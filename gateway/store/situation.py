"""From the tables: which event this is, and the situation it meets. Runs inside the writer's transaction."""

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from gateway.contract.identity import delivery_identity, identity_of
from gateway.contract.reading import Refusal, refusal
from gateway.definitions import LineDefinition
from gateway.events import (
    Arrived,
    ContextChanged,
    Event,
    GatewayStarted,
    MessageRefused,
    ModelDue,
    ResponseArrived,
    ResultArrived,
    ResultHistory,
    Situation,
)
from gateway.history.windows import TagWindow, WindowRequest
from gateway.lab.disposition import LotState
from gateway.records import Context, Guidance, LabResult, Recommendation
from gateway.store.codec import decode
from gateway.store.statements import SQL

SomeEvent = TypeVar("SomeEvent", bound=Event)


# --- which event is it ---------------------------------------------------------------------------------


def identify(connection: sqlite3.Connection, event: Event) -> Event | None:
    """Return the event with its stable id, or None where it has been decided already.

    A message that names its own identity (a result with a version, a response) but differs from what is on
    record under it is refused: nothing that was accepted is ever overwritten.
    """
    match event:
        case ResultArrived() | ResponseArrived():
            return _identified_by_content(connection, event)
        case ContextChanged() | MessageRefused():
            return _identified_by_delivery(connection, event)
        case _:
            return event


def _identified_by_content(connection: sqlite3.Connection, event: ResultArrived | ResponseArrived) -> Event | None:
    if isinstance(event, ResponseArrived):
        own_id = identity_of("response", event.response.terminal, event.response.response_id)
    else:
        own_id = event.result.result_id
    if not own_id:
        return _identified_by_delivery(connection, event)
    seen = _value(connection, "payload_of_event", event_id=own_id) or _value(
        connection, "payload_of_result", result_id=own_id
    )
    if seen is None:
        return replace(event, event_id=own_id)
    if seen == event.origin.payload_sha256:
        return None
    return _identified_by_delivery(connection, _conflict(event, own_id))


def _identified_by_delivery(connection: sqlite3.Connection, event: Arrived) -> Event | None:
    origin = event.origin
    if origin.redelivered and origin.payload_sha256 == _value(
        connection, "last_payload_of_delivery", session=origin.session, message_number=origin.message_number
    ):
        return None
    ordinal = _value(connection, "count_deliveries", payload_sha256=origin.payload_sha256, topic=origin.topic)
    return replace(
        event,
        event_id=delivery_identity(topic=origin.topic, payload_sha256=origin.payload_sha256, ordinal=ordinal),
    )


def _conflict(event: ResultArrived | ResponseArrived, own_id: str) -> MessageRefused:
    return MessageRefused(
        at_ns=event.at_ns,
        origin=event.origin,
        payload=event.payload,
        reasons=(
            refusal(
                Refusal.RESULT_VERSION_CONFLICT,
                "Under this identity and version something else is on record; a correction needs a new version.",
                id=own_id,
            ),
        ),
    )


def _value(connection: sqlite3.Connection, statement: str, **parameters: Any) -> Any:
    row = connection.execute(SQL[statement], parameters).fetchone()
    return None if row is None else row[0]


# --- what situation does it meet -----------------------------------------------------------------------


def load(
    connection: sqlite3.Connection,
    event: Event,
    line: LineDefinition,
    windows: Mapping[WindowRequest, TagWindow],
) -> Situation:
    """Return the situation of an event, as committed or as written before it in the same transaction."""
    situation = Situation(line=line, windows=windows, open_guidance=_open_guidance(connection))
    match event:
        case ResultArrived():
            context, history = _context_of_result(connection, event.result), _history(connection, event)
            before = history.current.material_lot_id if history.current else None
            left = before if before != context.material_lot_id else None
            return replace(
                situation,
                context=context,
                history=history,
                lot_state=_lot_state(connection, context.material_lot_id),
                lot_results=_lot_results(connection, event.result, context.material_lot_id),
                lot_closed=_value(connection, "lot_closed_ns", material_lot_id=context.material_lot_id) is not None,
                left_lot_id=left,
                left_lot_state=_lot_state(connection, left),
            )
        case ModelDue():
            model = line.model_named(event.model)
            equipment = model.equipment_id if model else ""
            return replace(
                situation,
                context=_context_of_equipment(connection, equipment, event.at_ns),
                last_advised_ns=dict(connection.execute(SQL["last_moves"]).fetchall()),
            )
        case ResponseArrived():
            body = _value(connection, "guidance_by_id", guidance_id=event.response.guidance_id)
            return replace(situation, answered=None if body is None else decode(Guidance, body))
        case GatewayStarted():
            return replace(situation, previous_configuration_sha256=_value(connection, "last_configuration"))
        case _:
            return situation


def _open_guidance(connection: sqlite3.Connection) -> tuple[Guidance, ...]:
    return tuple(decode(Guidance, body) for (body,) in connection.execute(SQL["open_guidance"]))


def _context_of_equipment(connection: sqlite3.Connection, equipment_id: str, at_ns: int) -> Context:
    """Return what ran on an equipment at an instant: its lot, else its order, else only the equipment."""
    when = {"equipment_id": equipment_id, "at_ns": at_ns}
    lot = _value(connection, "lot_on_equipment", **when)
    if lot is not None:
        return _context(connection, "context_of_lot", material_lot_id=lot) or Context(equipment_id=equipment_id)
    order = _value(connection, "order_on_equipment", **when)
    if order is not None:
        return _context(connection, "context_of_order", job_order_id=order) or Context(equipment_id=equipment_id)
    return Context(equipment_id=equipment_id)


def _context(connection: sqlite3.Connection, statement: str, **parameters: Any) -> Context | None:
    row = connection.execute(SQL[statement], parameters).fetchone()
    return None if row is None else Context(**row)


def _context_of_result(connection: sqlite3.Connection, result: LabResult) -> Context:
    """Return the context a result belongs to: its lot's, else by equipment and drawn time, else its own words."""
    found = None
    if result.material_lot_id is not None:
        found = _context(connection, "context_of_lot", material_lot_id=result.material_lot_id)
    elif result.equipment_id is not None and result.sampled_ns is not None:
        found = _context_of_equipment(connection, result.equipment_id, result.sampled_ns)
    order = found.job_order_id if found and found.job_order_id else result.job_order_id
    by_order = _context(connection, "context_of_order", job_order_id=order) if order else None
    known = [context for context in (found, by_order) if context is not None]

    def first(name: str) -> str | None:
        return next((value for context in known if (value := getattr(context, name)) is not None), None)

    return Context(
        equipment_id=result.equipment_id or first("equipment_id"),
        material_lot_id=result.material_lot_id or first("material_lot_id"),
        job_order_id=order,
        material_definition_id=result.material_definition_id or first("material_definition_id"),
        client_id=result.client_id or first("client_id"),
    )


def _history(connection: sqlite3.Connection, event: ResultArrived) -> ResultHistory:
    result = event.result
    rows = connection.execute(SQL["versions_of_result"], _key(result)).fetchall()
    if not rows:
        return ResultHistory()
    current = next((row for row in rows if row["current"]), rows[-1])
    numbered = result.result_version is not None
    same = [row for row in rows if row["payload_sha256"] == event.origin.payload_sha256]
    return ResultHistory(
        current=decode(LabResult, current["body"]),
        next_version=rows[-1]["result_version"] + 1,
        repeats_current=not numbered and current in same,
        repeats_superseded=not numbered and bool(same) and current not in same,
    )


def _key(result: LabResult) -> dict[str, Any]:
    return {
        "source": result.source,
        "sample_id": result.sample_id,
        "test_id": result.test_id,
        "replicate": result.replicate,
    }


def _lot_state(connection: sqlite3.Connection, material_lot_id: str | None) -> LotState:
    row = connection.execute(SQL["lot_state"], {"material_lot_id": material_lot_id}).fetchone()
    if row is None:
        return LotState()
    return LotState(recommendation=Recommendation(row["recommendation"]), latched=bool(row["latched"]))


def _lot_results(
    connection: sqlite3.Connection, result: LabResult, material_lot_id: str | None
) -> tuple[LabResult, ...]:
    if material_lot_id is None:
        return ()
    rows = connection.execute(SQL["other_results_of_lot"], {**_key(result), "material_lot_id": material_lot_id})
    return tuple(decode(LabResult, body) for (body,) in rows)
