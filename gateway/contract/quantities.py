"""How much: a number and its unit, read without guessing. Pure."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from gateway.contract.json_documents import echo
from gateway.records.production import Quantity

_LONGEST = 40  # characters
_LEAST = Decimal("1e-9")
_FIRST_OF_UNIT = r"(?![eE][+-]?[0-9])[^\s0-9+\-*/^~<>=.,:;]"  # 1e3 kg and 5-6 kg are no quantities of such a unit
_WRITTEN = re.compile(
    rf"\s*(?P<whole>[0-9]{{1,15}})(?:[.,](?P<decimals>[0-9]{{1,9}}))?\s*(?P<unit>{_FIRST_OF_UNIT}[^\n]*?)\s*"
)
_THOUSANDS = 3  # digits after a separator: a decimal number or thousands, nobody can say


def quantity_in(text: str) -> Quantity | None:
    """Return the quantity in a text such as ``2000 kg`` or ``2,5 t``; None where it has none that is certain.

    A separator before exactly three digits may divide thousands, so it is not read: ``2,000 kg`` and ``2.000 kg``, but
    ``0.125 t`` is. Nothing below or equal to zero is a quantity.
    """
    written = _WRITTEN.fullmatch(text) if len(text) <= _LONGEST else None
    if written is None:
        return None
    whole, decimals = written["whole"], written["decimals"] or ""
    if len(decimals) == _THOUSANDS and int(whole):
        return None
    return _quantity(Decimal(f"{whole}.{decimals or 0}"), written["unit"])


def stated_quantity(value: Any, unit: Any) -> Quantity | None:
    """Return the quantity in two fields of a message, or in the first alone; None where it is not certain.

    The first may have both in it: ``{"value": 1200, "unit": "kg"}``. Where both say a unit, it is the same one.
    """
    if isinstance(value, Mapping):
        number, own = value.get("value"), value.get("unit")
        certain = not isinstance(number, Mapping) and (unit is None or unit == own)
        return stated_quantity(number, own) if certain else None
    if isinstance(value, str) and not isinstance(unit, str):
        return quantity_in(value)
    if not isinstance(unit, str) or not unit.strip() or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return quantity_in(f"{value} {unit}")
    try:
        number = Decimal(repr(value)) if isinstance(value, int | float) else Decimal("NaN")
    except InvalidOperation:
        return None
    return _quantity(number, unit.strip()) if number.is_finite() and len(unit) <= _LONGEST else None


def unclear_quantity(value: Any, unit: Any) -> str | None:
    """Return what two fields say that is no quantity that is certain; None where they say one, or nothing."""
    says_nothing = value is None or (isinstance(value, str) and not value.strip())
    if says_nothing or stated_quantity(value, unit) is not None:
        return None
    shown = f"{echo(value)} {unit}" if isinstance(unit, str) and unit.strip() else echo(value)
    return " ".join(shown.split())[:_LONGEST] or "?"


def _quantity(number: Decimal, unit: str) -> Quantity | None:
    within = _LEAST <= number < 10**15
    return Quantity(number=f"{number.normalize():f}", unit=unit) if within else None
