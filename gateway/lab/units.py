"""Units of results and specifications: converted where that is certain, else refused. Pure.

The only importer of pint. It is loaded with the first pair of units that differ; most lines never need it.
"""

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pint import UnitRegistry

_SIGNIFICANT = 12  # digits that a conversion keeps: 5 mg/L are 5 g/m3, not 4.999999999999999
_COUNTED = re.compile(r"/\s*(\d+)\s*([^\W\d]+)")  # g/10min: per ten minutes, not a tenth of a gram times a minute
_LONGEST = 40  # characters of a unit
_POWERS = re.compile(r"\d\s*(\*\*|\^)|(\*\*|\^)\s*-?\d\d|\d{5}")  # of numbers, or high ones: an expression, no unit
_PROBES = (0.0, 1.0, 1000.0)


def converted(value: float, from_unit: str | None, to_unit: str | None) -> float | None:
    """Return a value in another unit, or None where that is not certain.

    Equal units, and a unit that is not stated on one side, leave the value as it is. Unknown units, other dimensions
    and scales that are neither proportional nor shifted (such as dB) are refused.
    """
    if not from_unit or not to_unit or from_unit == to_unit:
        return value
    line = _line(from_unit, to_unit)
    if line is None:
        return None
    scale, offset = line
    return float(f"{scale * value + offset:.{_SIGNIFICANT}g}")


@lru_cache(maxsize=256)
def _line(from_unit: str, to_unit: str) -> tuple[float, float] | None:
    """Return (scale, offset) of a conversion, or None."""
    try:
        low, one, high = (_measured(probe, from_unit, to_unit) for probe in _PROBES)
    except Exception:  # noqa: BLE001 - a text from outside that pint stumbles over, in whatever way, is no unit
        return None
    scale = one - low
    straight = math.isclose(high, low + _PROBES[-1] * scale, rel_tol=1e-9, abs_tol=1e-12)
    return (scale, low) if straight and math.isfinite(scale) and scale > 0 else None


def _measured(value: float, from_unit: str, to_unit: str) -> float:
    registry = _registry()
    factor, unit = _parsed(registry, from_unit)
    divisor, wanted = _parsed(registry, to_unit)
    quantity: Any = registry.Quantity(value * factor, unit)
    return float(quantity.to(wanted).magnitude) / divisor


def _parsed(registry: "UnitRegistry[Any]", text: str) -> tuple[float, Any]:
    """Return (factor, unit): a unit that counts, such as g/10min, has a factor.

    Texts come from outside: what would have to be computed, such as a power of powers, is not looked at.
    """
    if len(text) > _LONGEST or _POWERS.search(text):
        raise ValueError(text)
    written = _COUNTED.sub(r"/(\1*\2)", text)
    if written == text:
        return 1.0, registry.parse_units(text)
    found = registry.parse_expression(written)
    return float(found.magnitude), found.units


@lru_cache(maxsize=1)
def _registry() -> "UnitRegistry[Any]":
    from pint import UnitRegistry  # noqa: PLC0415 - 28 MiB that most lines never need

    return UnitRegistry(on_redefinition="raise")
