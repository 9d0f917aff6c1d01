"""Names of what was there while a lot was made: as they are stored, and as people read them. Pure.

The stored names are English and never change: they are compared with those of earlier lots, in any language.
"""

from enum import StrEnum

from gateway.texts.catalogue import text

OF_A_LOT = "lot "  # before the name of a material lot
_OF = " of "  # between a material and its supplier
_ANY_MATERIAL = "material"  # of which only the supplier is known


class Shift(StrEnum):
    """The stored names of the shifts."""

    EARLY = "early shift"
    LATE = "late shift"
    NIGHT = "night shift"


class CauseName(StrEnum):
    """The codes of the group ``cause_name``."""

    EARLY_SHIFT = "EARLY_SHIFT"
    LATE_SHIFT = "LATE_SHIFT"
    NIGHT_SHIFT = "NIGHT_SHIFT"
    LOT = "LOT"
    MATERIAL_OF_SUPPLIER = "MATERIAL_OF_SUPPLIER"
    ANY_MATERIAL_OF_SUPPLIER = "ANY_MATERIAL_OF_SUPPLIER"


_SHIFTS = {
    Shift.EARLY.value: CauseName.EARLY_SHIFT,
    Shift.LATE.value: CauseName.LATE_SHIFT,
    Shift.NIGHT.value: CauseName.NIGHT_SHIFT,
}


def stored_material(material: str | None, supplier: str) -> str:
    """Return the stored name of a material of a supplier."""
    return f"{material or _ANY_MATERIAL}{_OF}{supplier}"


def shown_name(name: str) -> str:
    """Return a stored name as people read it; the names of tags and equipment are the plant's own and stay."""
    if name in _SHIFTS:
        return text("cause_name", _SHIFTS[name].value)
    if name.startswith(OF_A_LOT):
        return text("cause_name", CauseName.LOT.value, lot=name.removeprefix(OF_A_LOT))
    material, of, supplier = name.partition(_OF)
    if not of:
        return name
    known = CauseName.ANY_MATERIAL_OF_SUPPLIER if material == _ANY_MATERIAL else CauseName.MATERIAL_OF_SUPPLIER
    return text("cause_name", known.value, material=material, supplier=supplier)
