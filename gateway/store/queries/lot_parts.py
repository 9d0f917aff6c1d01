"""Parts of lots as they stand: as they were declared, what is recommended for each, and what people have decided."""

import sqlite3
from fractions import Fraction
from typing import NamedTuple

from gateway.facts.lot import PartOnRecord
from gateway.lab.quantities import in_unit, plain_number, total_in
from gateway.lab.release.parts import Excess
from gateway.records.lot_parts import LotDivided
from gateway.records.production import Quantity
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lots import part_in, recommendation_in
from gateway.store.statements import SQL


class PartsOfLot(NamedTuple):
    """The parts of a lot, in the order of their names; ``damaged``: records of them that do not hold."""

    parts: tuple[PartOnRecord, ...]
    damaged: tuple[str, ...]


class Remainder(NamedTuple):
    """How much a lot is, and what is left of it beside its parts; None: not known. ``unit`` is of both."""

    unit: str | None
    total: str | None
    rest: str | None
    exceeded: bool  # whether the parts are more than production says the lot is


def parts_of_lot(connection: sqlite3.Connection, lot: str) -> PartsOfLot:
    """Return the parts that are set apart from a lot."""
    parts: list[PartOnRecord] = []
    damaged: list[str] = []
    for row in connection.execute(SQL["parts_of_lot"], {"material_lot_id": lot}).fetchall():
        part = part_in(row)
        if part is None:
            damaged.append(row["record"])
            continue
        decided = decision_of_lot(connection, part.part_id)
        damaged += decided.damaged
        recommendation = recommendation_in(row["recommendation"])
        parts.append(PartOnRecord(part=part, recommendation=recommendation, decision=decided.decision))
    return PartsOfLot(tuple(parts), tuple(damaged))


def quantity_of_lot(connection: sqlite3.Connection, lot: str) -> Quantity | None:
    """Return how much a lot is by production's latest word; of two at once the smaller; None: it says nothing."""
    rows = connection.execute(SQL["quantities_of_lot"], {"material_lot_id": lot}).fetchall()
    holding = [row for row in rows if row["holds"]]
    if not holding:
        return None
    latest = [Quantity(number=row["number"], unit=row["unit"]) for row in holding if row["at_ns"] == rows[0]["at_ns"]]
    unit = latest[0].unit if latest else ""
    amounts = [(in_unit(quantity, unit), quantity) for quantity in latest]
    known = [(amount, quantity) for amount, quantity in amounts if amount is not None]
    return min(known, key=lambda item: item[0])[1] if known and len(known) == len(amounts) else None


def remainder_of(connection: sqlite3.Connection, lot: str, parts: tuple[PartOnRecord, ...]) -> Remainder:
    """Return what is left of a lot beside its parts, in the unit in which production states the lot."""
    whole = quantity_of_lot(connection, lot)
    if whole is None:
        return Remainder(unit=None, total=None, rest=None, exceeded=False)
    set_apart = total_in(whole.unit, (quantity_of(item.part) for item in parts))
    if set_apart is None:
        return Remainder(unit=whole.unit, total=whole.number, rest=None, exceeded=False)
    rest = max(whole.exact - set_apart, Fraction(0))
    exceeded = set_apart > whole.exact
    return Remainder(unit=whole.unit, total=whole.number, rest=plain_number(rest), exceeded=exceeded)


def excess_of(connection: sqlite3.Connection, lot: str) -> Excess | None:
    """Return how much the parts of a lot are together, where that is more than production says the lot is."""
    whole = quantity_of_lot(connection, lot)
    if whole is None:
        return None
    rows = connection.execute(SQL["parts_of_lot"], {"material_lot_id": lot}).fetchall()
    parts = [part for row in rows if (part := part_in(row)) is not None]
    set_apart = total_in(whole.unit, map(quantity_of, parts))
    if set_apart is None or set_apart <= whole.exact:
        return None
    return Excess(parts=f"{plain_number(set_apart)} {whole.unit}", total=str(whole))


def quantity_of(part: LotDivided) -> Quantity:
    """Return how much a part is."""
    return Quantity(number=part.quantity, unit=part.unit)
