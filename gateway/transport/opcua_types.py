"""The exact type in which a value is written to an OPC UA variable, or handed to a method.

A type of fewer digits rounds towards where the setpoint stands, never beyond what was approved; an integer type takes
only whole numbers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from asyncua import ua

_SPANS: Mapping[ua.VariantType, tuple[int, int]] = {
    ua.VariantType.SByte: (-(2**7), 2**7 - 1),
    ua.VariantType.Byte: (0, 2**8 - 1),
    ua.VariantType.Int16: (-(2**15), 2**15 - 1),
    ua.VariantType.UInt16: (0, 2**16 - 1),
    ua.VariantType.Int32: (-(2**31), 2**31 - 1),
    ua.VariantType.UInt32: (0, 2**32 - 1),
    ua.VariantType.Int64: (-(2**63), 2**63 - 1),
    ua.VariantType.UInt64: (0, 2**64 - 1),
}
_LARGEST_SINGLE = float(np.finfo(np.float32).max)


@dataclass(frozen=True, kw_only=True, slots=True)
class Writable:
    """A variable or an argument of a method: its type, None where it has none of a number."""

    variant_type: ua.VariantType | None

    @property
    def is_known(self) -> bool:
        """Return whether it is of a number."""
        return self.variant_type in _SPANS or self.variant_type in {ua.VariantType.Float, ua.VariantType.Double}

    @property
    def is_text(self) -> bool:
        """Return whether it is of a text."""
        return self.variant_type is ua.VariantType.String

    @property
    def is_boolean(self) -> bool:
        """Return whether it is true or false."""
        return self.variant_type is ua.VariantType.Boolean

    @property
    def text(self) -> str:
        """Return the type's name, for people."""
        return "unknown" if self.variant_type is None else str(self.variant_type.name)

    def typed(self, value: float, *, toward: float) -> float | None:
        """Return the value that this type holds in the place of another, None where it holds none.

        Rounding goes towards ``toward``. An integer type takes only whole numbers.
        """
        if not math.isfinite(value) or self.variant_type is None:
            return None
        if self.variant_type is ua.VariantType.Double:
            return value
        if self.variant_type is ua.VariantType.Float:
            return _single(value, toward)
        span = _SPANS.get(self.variant_type)
        if span is None or value != round(value) or not span[0] <= value <= span[1]:
            return None
        return value

    def variant(self, value: float) -> ua.Variant:
        """Return a value that ``typed`` gave, as it is sent."""
        number = value if self.variant_type in {ua.VariantType.Float, ua.VariantType.Double} else int(value)
        return ua.Variant(number, self.variant_type)


def _single(value: float, toward: float) -> float | None:
    """Return a value in single precision, rounded towards another; None where it is beyond its range."""
    if abs(value) > _LARGEST_SINGLE:
        return None
    single = np.float32(value)
    if abs(float(single) - toward) > abs(value - toward):
        single = np.nextafter(single, np.float32(toward))
    return float(single)


def built_in(data_type: ua.NodeId) -> ua.VariantType | None:
    """Return a built-in type by its node; Number and what is derived are not taken."""
    try:
        return ua.VariantType(data_type.Identifier) if data_type.NamespaceIndex == 0 else None
    except ValueError:
        return None
