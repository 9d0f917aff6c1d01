"""What production states of a lot: of several messages, in whatever order, the one with the latest time holds."""

import sqlite3
from dataclasses import dataclass

from gateway.lab.release.lot_knowledge import LotContext
from gateway.store.facts.reading import Reading


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """The values of one field in production's messages: those that hold now, and all that were ever stated."""

    holding: tuple[str, ...] = ()
    ever: tuple[str, ...] = ()

    @property
    def contradicted(self) -> bool:
        return len(self.ever) > 1

    @property
    def first(self) -> str | None:
        return self.holding[0] if self.holding else None


def context_of_lot(reading: Reading, lot: str) -> LotContext:
    """Return what production states of a lot and its order, and which fields contradict each other."""
    rows = reading.rows("lot_messages", {"material_lot_id": lot})
    product, client = _values_of(rows, "material_definition_id"), _values_of(rows, "client_id")
    order, equipment = _values_of(rows, "job_order_id"), _values_of(rows, "equipment_id")
    of_order, client_of_order = _order(reading, order.first)
    products = tuple(dict.fromkeys((*product.holding, *of_order.holding)))
    clients = tuple(dict.fromkeys((*client.holding, *client_of_order.holding)))
    stated = {
        "product": tuple(sorted({*product.ever, *of_order.ever})),
        "client": tuple(sorted({*client.ever, *client_of_order.ever})),
        "equipment": equipment.ever,
    }
    contradicted = {
        "product": product.contradicted or of_order.contradicted or len(products) > 1,
        "client": client.contradicted or client_of_order.contradicted or len(clients) > 1,
        "equipment": len(equipment.holding) > 1,
    }
    return LotContext(
        material_lot_id=lot,
        products=products,
        client_id=clients[0] if clients else None,
        job_order_id=order.first,
        equipment_id=equipment.first,
        contradictions=tuple(name for name, holds in contradicted.items() if holds),
        stated=tuple((name, stated[name]) for name, holds in contradicted.items() if holds),
    )


def products_of_order(reading: Reading, job_order_id: str | None) -> tuple[str, ...]:
    """Return what an order makes, as far as that is known."""
    return _order(reading, job_order_id)[0].holding


def _order(reading: Reading, job_order_id: str | None) -> tuple[_Told, _Told]:
    """Return (product, client) of an order."""
    if job_order_id is None:
        return _Told(), _Told()
    rows = reading.rows("order_messages", {"job_order_id": job_order_id})
    return _values_of(rows, "material_definition_id"), _values_of(rows, "client_id")


def _values_of(rows: list[sqlite3.Row], name: str) -> _Told:
    """Return the values of one field in rows, the latest first."""
    stating = [row for row in rows if row[name] is not None]
    if not stating:
        return _Told()
    latest_ns = stating[0]["at_ns"]
    holding = sorted({row[name] for row in stating if row["at_ns"] == latest_ns})
    return _Told(holding=tuple(holding), ever=tuple(sorted({row[name] for row in stating})))
