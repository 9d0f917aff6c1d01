"""Canonical messages of a manufacturing execution system: orders, lots, materials and equipment states."""

import json
from collections.abc import Mapping
from typing import Any

from gateway.contract.field_reader import FieldReader
from gateway.contract.json_documents import echo, parse_document, parse_object
from gateway.contract.lims.mapping import ResultMapping
from gateway.contract.lims.result_fields import blank, is_divided_by_bars, lot_names, perhaps_several
from gateway.contract.quantities import stated_quantity, unclear_quantity
from gateway.contract.refusals import MessageRefusedError, Refusal, RefusalText, refusal, refusal_text
from gateway.records.laboratory import ProductReference, ResultReference
from gateway.records.production import PLANS, ContextChange, ContextKind, OrderPlan, Quantity

MOST_CHANGES = 500  # of one message
MOST_PLANNED_LOTS = 1000  # of one order
_CONSUMED = "consumed_lot_id"
_LOTS = ("material_lot_id", _CONSUMED)
_SOURCE = "mes"
_REFERENCES = ResultMapping(source=_SOURCE)
_OF_NO_LOT = frozenset(
    {ContextKind.EQUIPMENT_STATE, ContextKind.ORDER_ENDED, ContextKind.PHASE_STARTED, ContextKind.PHASE_ENDED, *PLANS}
)  # by these no lot is judged
_OF_A_LOT = frozenset({ContextKind.LOT_STARTED, ContextKind.LOT_ENDED, ContextKind.LOT_CLOSED})
REQUIRED: Mapping[ContextKind, tuple[str, ...]] = {
    ContextKind.ORDER_STARTED: ("job_order_id", "material_definition_id", "equipment_id"),
    ContextKind.ORDER_ENDED: ("job_order_id",),
    ContextKind.LOT_STARTED: ("material_lot_id", "equipment_id"),
    ContextKind.LOT_ENDED: ("material_lot_id",),
    ContextKind.LOT_CLOSED: ("material_lot_id",),
    ContextKind.MATERIAL_CONSUMED: ("material_lot_id", "consumed_lot_id"),
    ContextKind.EQUIPMENT_STATE: ("equipment_id", "state"),
    ContextKind.PHASE_STARTED: ("equipment_id", "phase"),
    ContextKind.PHASE_ENDED: ("equipment_id", "phase"),
    ContextKind.ORDER_PLANNED: ("job_order_id", "material_definition_id", "planned_start_at", "planned_end_at"),
    ContextKind.ORDER_CANCELLED: ("job_order_id",),
}


def context_messages(payload: bytes) -> list[bytes]:
    """Return the messages of one change of one lot each in a payload; raises MessageRefusedError.

    An array is its items; a change that names several lots, as a list or with commas between them, is one of each.
    """
    try:
        document = parse_document(payload)
    except MessageRefusedError as error:
        raise MessageRefusedError(error.reasons, about=_REFERENCES.reference(payload)) from error
    items = document if isinstance(document, list) else [document]
    changes = [change for item in items for change in _of_one_lot_each(item)]
    if len(changes) == 1 and changes[0] is document:
        return [payload]
    if not 0 < len(changes) <= MOST_CHANGES:
        text = refusal_text(RefusalText.TOO_MANY_CHANGES, count=len(changes), most=MOST_CHANGES)
        raise MessageRefusedError((refusal(Refusal.OUT_OF_RANGE, text),), about=_REFERENCES.reference(payload))
    return [json.dumps(change, separators=(",", ":"), default=str).encode() for change in changes]


def _of_one_lot_each(change: Any) -> list[Any]:
    changes = _with_what_it_consumes(change)
    for name in _LOTS:
        lots = _lots(change.get(name)) if isinstance(change, dict) else []
        if len(lots) > 1:
            changes = [{**change, name: lot} if name in change else change for change in changes for lot in lots]
    return [change for at, change in enumerate(changes) if change not in changes[:at]]


def _with_what_it_consumes(change: Any) -> list[Any]:
    """Return a change, and a second one for the lot that it consumed, if it names one."""
    consumed = change.get(_CONSUMED) if isinstance(change, dict) else None
    if consumed is None or blank(consumed) or change.get("event") == ContextKind.MATERIAL_CONSUMED:
        return [change]
    alone = {name: value for name, value in change.items() if name != _CONSUMED}
    return [alone, {**change, "event": ContextKind.MATERIAL_CONSUMED.value}]


def _lots(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [lot for name in values if isinstance(name, str) for lot in lot_names(name)][: MOST_CHANGES + 1]


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
        material_lot_id=None if kind in PLANS else text("material_lot_id"),
        job_order_id=text("job_order_id"),
        material_definition_id=text("material_definition_id"),
        client_id=text("client_id"),
        consumed_lot_id=text("consumed_lot_id"),
        consumed_definition_id=text("consumed_definition_id"),
        supplier=text("supplier"),
        state=text("state"),
        phase=text("phase"),
        plan=_plan(reader) if kind is ContextKind.ORDER_PLANNED else None,
        quantity=_quantity(reader) if kind in _OF_A_LOT else None,
        quantity_unclear=_unclear_quantity(reader) if kind in _OF_A_LOT else None,
    )
    _note_perhaps_several(reader, change)
    if reader.reasons:
        raise MessageRefusedError(tuple(reader.reasons), about=_about(change, kind, at_ns, payload))
    return change


def _quantity(reader: FieldReader) -> Quantity | None:
    """Return how much a lot is; what is not certain is unknown, and no reason to refuse what else the message says."""
    return stated_quantity(reader.document.get("quantity"), reader.document.get("unit"))


def _unclear_quantity(reader: FieldReader) -> str | None:
    """Return what a message says of a quantity that is not certain: no part of the lot is taken to fit in that."""
    return unclear_quantity(reader.document.get("quantity"), reader.document.get("unit"))


def _plan(reader: FieldReader) -> OrderPlan | None:
    """Return what is planned of an order; None with the reason noted where that cannot be."""
    start_ns = reader.time("planned_start_at", required=True, ahead=True)
    end_ns = reader.time("planned_end_at", required=True, ahead=True)
    lots = reader.whole("planned_lots", at_least=1)
    if start_ns is None or end_ns is None:
        return None
    if end_ns <= start_ns:
        text = refusal_text(RefusalText.PLAN_ENDS_FIRST)
        reader.refuse(Refusal.OUT_OF_RANGE, text, field="planned_end_at")
        return None
    if lots is not None and lots > MOST_PLANNED_LOTS:
        text = refusal_text(RefusalText.TOO_LARGE, field="planned_lots", value=lots, limit=MOST_PLANNED_LOTS)
        reader.refuse(Refusal.OUT_OF_RANGE, text, field="planned_lots")
        return None
    return OrderPlan(start_ns=start_ns, end_ns=end_ns, lots=lots or 1)


def _note_perhaps_several(reader: FieldReader, change: ContextChange) -> None:
    """Refuse a name such as ``L-1 & L-2``, which could be several lots: of one that is overlooked nothing is known.

    One with ``|`` is a name: where a lot of a part of it is known, too, both are for a person.
    """
    for name in _LOTS:
        lot = getattr(change, name)
        if lot is not None and perhaps_several(lot) and not is_divided_by_bars(lot):
            text = refusal_text(RefusalText.PERHAPS_SEVERAL_LOTS, field=name, value=echo(lot))
            reader.refuse(Refusal.WRONG_TYPE, text, field=name, found=echo(lot))


def reference_to_change(change: ContextChange) -> ResultReference | None:
    """Return the lots of a change that cannot be decided."""
    return _about(change, change.kind, change.at_ns, b"")


def _about(
    change: ContextChange, kind: ContextKind | None, at_ns: int | None, payload: bytes
) -> ResultReference | None:
    """Return the lots of a change that is not understood: a person looks at them before they are released.

    Where it does not say of which lot under our name for it, those count that it names under any other, those of its
    order or equipment, and where it names only a product, those of the product. A start of a lot that is not understood
    speaks of what runs on its equipment, too: where that ends is not known any more.
    """
    lots = _lots_named(change, payload)
    starts_a_lot = kind in {None, ContextKind.LOT_STARTED}
    if lots and not starts_a_lot:
        return ResultReference(source=_SOURCE, lots=lots)
    if kind in _OF_NO_LOT:
        return None
    named = _REFERENCES.reference(payload)
    order = None if lots else change.job_order_id or (None if named is None else named.job_order_id)
    equipment = change.equipment_id or (None if named is None else named.equipment_id)
    about = ResultReference(
        source=_SOURCE,
        lots=lots,
        job_order_id=order,
        equipment_id=None if kind is ContextKind.ORDER_STARTED and order is not None else equipment,
        sampled_ns=at_ns,
        others_besides=bool(lots),
    )
    if not about.says_something and change.material_definition_id is not None:
        product = ProductReference(product=change.material_definition_id, states_limits=False)
        return ResultReference(source=_SOURCE, products=(product,))
    return about if about.says_something else None


def _lots_named(change: ContextChange, payload: bytes) -> tuple[str, ...]:
    lot = change.material_lot_id
    if lot is not None:
        return tuple(dict.fromkeys((lot, *perhaps_several(lot))))
    named = _REFERENCES.reference(payload)
    if named is not None and named.lots:
        return named.lots
    consumed = change.consumed_lot_id  # it went into a lot that nobody knows
    return () if consumed is None else tuple(dict.fromkeys((consumed, *perhaps_several(consumed))))
