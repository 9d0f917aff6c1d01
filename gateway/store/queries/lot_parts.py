"""Parts of lots as they stand: as they were declared, what is recommended for each, and what people have decided."""

import sqlite3
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from gateway.facts.lot import PartOnRecord
from gateway.lab.quantities import in_unit, plain_number, total_in
from gateway.records.laboratory import Recommendation
from gateway.records.lot_parts import LotDivided
from gateway.records.production import Quantity
from gateway.store.queries.awaited_certificates import awaits_certificate
from gateway.store.queries.lot_decisions import decision_of_lot
from gateway.store.queries.lots import part_in, recommendation_in
from gateway.store.statements import SQL


class PartsOfLot(NamedTuple):
    """The parts of a lot, in the order of their names; ``damaged``: records of them that do not hold."""

    parts: tuple[PartOnRecord, ...]
    damaged: tuple[str, ...]


class QuantityOfLot(NamedTuple):
    """How much production says a lot is, None where it says nothing; ``damaged``: messages that do not hold.

    ``unclear``: what it says instead, where that is no quantity that is certain.
    """

    quantity: Quantity | None
    unclear: str | None
    damaged: tuple[str, ...]


class Remainder(NamedTuple):
    """How much a lot is, and what is left of it beside its parts; None: not known. ``unit`` is of all three."""

    unit: str | None
    total: str | None
    rest: str | None
    set_apart: str | None  # how much the parts are together
    exceeded: bool  # whether the parts are more than production says the lot is
    not_comparable: str | None  # what production says, where parts cannot be compared with it
    damaged: tuple[str, ...]  # messages on the quantity that do not hold


class PartsDeclared(NamedTuple):
    """The parts of a lot as they were declared last; ``damaged``: records of them that do not hold, or are missing.

    ``set_back``: parts that were put back into the lot, and for which nothing was reported since.
    """

    parts: tuple[tuple[LotDivided, Recommendation], ...]
    set_back: tuple[LotDivided, ...]
    damaged: tuple[str, ...]


def parts_declared(connection: sqlite3.Connection, lot: str) -> PartsDeclared:
    """Return the parts that are set apart from a lot, with what is recommended for each, in the order of their names.

    A part of which the trail knows and of which nothing is there was taken out by hand: the lot is not whole by that.
    """
    rows = connection.execute(SQL["parts_of_lot"], {"material_lot_id": lot}).fetchall()
    missing = connection.execute(SQL["missing_parts_of_lot"], {"material_lot_id": lot}).fetchall()
    read = [(row, part_in(row)) for row in rows]
    known = [(row, part) for row, part in read if part is not None]
    return PartsDeclared(
        parts=tuple((part, recommendation_in(row["recommendation"])) for row, part in known if not row["set_back"]),
        set_back=tuple(part for row, part in known if row["set_back"]),
        damaged=(
            *(row["record"] for row, part in read if part is None),
            *(f"lot_part {row['part_id']}" for row in missing),
        ),
    )


def is_set_back(connection: sqlite3.Connection, part: LotDivided) -> bool:
    """Return whether a part is put back into its lot, and nothing was reported for it since."""
    set_back = parts_declared(connection, part.material_lot_id).set_back if part.undone else ()
    return any(item.part_id == part.part_id for item in set_back)


def parts_of_lot(connection: sqlite3.Connection, lot: str) -> PartsOfLot:
    """Return the parts that are set apart from a lot."""
    declared = parts_declared(connection, lot)
    parts: list[PartOnRecord] = []
    damaged = list(declared.damaged)
    for part, recommendation in declared.parts:
        decided = decision_of_lot(connection, part.part_id)
        damaged += decided.damaged
        awaits = awaits_certificate(connection, decided.decision, part)
        parts.append(
            PartOnRecord(part=part, recommendation=recommendation, decision=decided.decision, awaits_certificate=awaits)
        )
    return PartsOfLot(tuple(parts), tuple(damaged))


def quantity_of_lot(connection: sqlite3.Connection, lot: str) -> QuantityOfLot:
    """Return how much a lot is by production's latest word; of two at once the smaller, none where one is unclear."""
    rows = connection.execute(SQL["quantities_of_lot"], {"material_lot_id": lot}).fetchall()
    damaged = tuple(row["record"] for row in rows if not row["holds"])
    if damaged or not rows:
        return QuantityOfLot(None, None, damaged)
    newest = [row for row in rows if row["at_ns"] == rows[0]["at_ns"]]
    unclear = next((row["unclear"] for row in newest if row["number"] is None), None)
    if unclear is not None:
        return QuantityOfLot(None, str(unclear), ())
    latest = [Quantity(number=row["number"], unit=row["unit"]) for row in newest]
    amounts = [(in_unit(quantity, latest[0].unit), quantity) for quantity in latest]
    known = [(amount, quantity) for amount, quantity in amounts if amount is not None]
    if len(known) < len(amounts):
        return QuantityOfLot(None, ", ".join(str(quantity) for quantity in latest), ())
    return QuantityOfLot(min(known, key=lambda item: item[0])[1], None, ())


def remainder_of(connection: sqlite3.Connection, lot: str, parts: Iterable[LotDivided]) -> Remainder:
    """Return what is left of a lot beside its parts, in the unit in which production states the lot."""
    whole, unclear, damaged = quantity_of_lot(connection, lot)
    set_apart = None if whole is None else total_in(whole.unit, (part.as_quantity for part in parts))
    if whole is None or set_apart is None:
        return Remainder(
            unit=None if whole is None else whole.unit,
            total=None if whole is None else whole.number,
            rest=None,
            set_apart=None,
            exceeded=False,
            not_comparable=unclear if whole is None else str(whole),
            damaged=damaged,
        )
    return Remainder(
        unit=whole.unit,
        total=whole.number,
        rest=plain_number(max(whole.exact - set_apart, Fraction(0))),
        set_apart=plain_number(set_apart),
        exceeded=set_apart > whole.exact,
        not_comparable=None,
        damaged=damaged,
    )
