"""Quantities of lots and of their parts: added and compared exactly, in units that convert or are counted. Pure."""

import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from gateway.contract.quantities import quantity_in
from gateway.lab.units import converted_exactly, is_absent, is_known
from gateway.records.production import Quantity

_COUNTED = re.compile(r"[^\W\d_]+\.?")  # a word that is no unit: drums, pcs.


def read_quantity(text: str) -> Quantity | None:
    """Return the quantity in a text, None where it has none that is certain: its unit is known, or a word."""
    quantity = quantity_in(text)
    return quantity if quantity is not None and _is_unit(quantity.unit) else None


def _is_unit(text: str) -> bool:
    return not is_absent(text) and (is_known(text) or _COUNTED.fullmatch(text) is not None)


def in_unit(quantity: Quantity, unit: str) -> Fraction | None:
    """Return how much a quantity is in another unit, exactly; None where it does not convert."""
    return converted_exactly(quantity.exact, quantity.unit, unit)


def total_in(unit: str, quantities: Iterable[Quantity]) -> Fraction | None:
    """Return the sum of quantities in a unit, exactly; None where one of them does not convert."""
    total = Fraction(0)
    for quantity in quantities:
        amount = in_unit(quantity, unit)
        if amount is None:
            return None
        total += amount
    return total


def plain_number(number: Fraction) -> str:
    """Return a number as people write it; one without an end as a decimal to nine places."""
    text = f"{Decimal(number.numerator) / Decimal(number.denominator):.9f}"
    return text.rstrip("0").rstrip(".")
