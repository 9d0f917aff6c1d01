"""Parts of lots: a quantity of a lot that a person sets apart, with a disposition and a decision of its own."""

from dataclasses import dataclass
from typing import ClassVar

from gateway.records.act_kinds import ActKind
from gateway.records.production import Quantity
from gateway.records.record import Record

OF_REST_ALONE = "OF_REST_ALONE"
RELEASE_TAKEN_BACK = "RELEASE_TAKEN_BACK"
"""Flags of a lot's disposition: a person's release is of what is left beside parts that are not released; a release
that others may have been told of counts no more, as it has lapsed or is of the rest alone now."""
PART_UNDONE = "PART_UNDONE"
"""Flag of the last message of a part that was put back into its lot, and of any later one."""
BETWEEN = "/"  # a lot and the name of its part, in the name by which messages call the part


@dataclass(frozen=True, kw_only=True, slots=True)
class LotDivided(Record):
    """A part of a lot as a person has declared it; the newest declaration of a part holds.

    ``part_id``: the name by which messages call the part, as they call a lot. ``quantity``: a decimal number as text.
    ``event_id``: of the person's act. ``undone``: it is put back into its lot by that act; its name stays its own.
    """

    part_id: str
    material_lot_id: str
    name: str
    quantity: str
    unit: str
    person: str
    reason: str
    at_ns: int
    event_id: str
    undone: bool

    @property
    def amount(self) -> str:
        """Return how much it is, as people write it."""
        return f"{self.quantity} {self.unit}"

    @property
    def as_quantity(self) -> Quantity:
        """Return how much it is."""
        return Quantity(number=self.quantity, unit=self.unit)


@dataclass(frozen=True, kw_only=True, slots=True)
class DivideLot:
    """Set a part of a lot apart, with a disposition of its own; ``quantity``: how much of it, such as 2000 kg."""

    kind: ClassVar[ActKind] = ActKind.DIVIDE_LOT
    material_lot_id: str
    part: str
    quantity: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoDivision:
    """Put a part of a lot back into it, of which nobody has decided or reported anything by itself."""

    kind: ClassVar[ActKind] = ActKind.UNDO_DIVISION
    material_lot_id: str
    part: str


def part_id_of(material_lot_id: str, name: str) -> str:
    """Return the name by which messages call a part of a lot."""
    return f"{material_lot_id}{BETWEEN}{name}"
