"""Canonical messages of a manufacturing execution system: orders, lots, materials and equipment states."""

import json
from collections.abc import Mapping

from gateway.contract.reading import (
    FieldReader,
    MessageRefusedError,
    Refusal,
    parse_document,
    parse_object,
    refusal,
)
from gateway.records import ContextChange, ContextKind

MOST_CHANGES = 500  # of one message
REQUIRED: Mapping[ContextKind, tuple[str, ...]] = {
    ContextKind.ORDER_STARTED: ("job_order_id", "material_definition_id", "equipment_id"),
    ContextKind.ORDER_ENDED: ("job_order_id",),
    ContextKind.LOT_STARTED: ("material_lot_id", "equipment_id"),
    ContextKind.LOT_ENDED: ("material_lot_id",),
    ContextKind.LOT_CLOSED: ("material_lot_id",),
    ContextKind.MATERIAL_CONSUMED: ("material_lot_id", "consumed_lot_id"),
    ContextKind.EQUIPMENT_STATE: ("equipment_id", "state"),
}


def context_messages(payload: bytes) -> list[bytes]:
    """Return the messages in a payload: an array's items, else itself; raises MessageRefusedError."""
    document = parse_document(payload)
    if not isinstance(document, list):
        return [payload]
    if not 0 < len(document) <= MOST_CHANGES:
        text = f"The message is an array of {len(document)} changes; it must have 1 to {MOST_CHANGES}."
        raise MessageRefusedError((refusal(Refusal.OUT_OF_RANGE, text),))
    return [json.dumps(change, separators=(",", ":"), default=str).encode() for change in document]


def context_change(payload: bytes, *, now_ns: int) -> ContextChange:
    """Return the change in a message; raises MessageRefusedError with every reason."""
    reader = FieldReader(parse_object(payload), now_ns)
    kind = reader.choice(ContextKind, "event", default=None)
    required = REQUIRED[kind] if kind is not None else ()
    at_ns = reader.time("at", required=True)

    def text(name: str) -> str | None:
        return reader.text(name, required=name in required)

    change = ContextChange(
        kind=kind or ContextKind.EQUIPMENT_STATE,
        at_ns=at_ns or 0,
        equipment_id=text("equipment_id"),
        material_lot_id=text("material_lot_id"),
        job_order_id=text("job_order_id"),
        material_definition_id=text("material_definition_id"),
        client_id=text("client_id"),
        consumed_lot_id=text("consumed_lot_id"),
        consumed_definition_id=text("consumed_definition_id"),
        supplier=text("supplier"),
        state=text("state"),
    )
    reader.finish()
    return change
