"""What a model's input may be made of besides one window of one tag: ratios, transforms, differences. Pure.

The order is fixed: the aggregate of the tag, divided by that of another one (``over``), transformed, less the same of
``difference_ns`` earlier.
"""

import math
from collections.abc import Callable, Mapping
from enum import StrEnum

SMALLEST_DIVISOR = 1e-6  # where a recipe says nothing else


class Transform(StrEnum):
    """A function of an aggregate."""

    LOG = "log"
    SQRT = "sqrt"
    SQUARE = "square"
    RECIPROCAL = "reciprocal"


def quotient(value: float, divisor: float, *, at_least: float) -> float | None:
    """Return value / divisor, or None where the divisor's size is less than ``at_least`` or the result not finite."""
    if not abs(divisor) >= at_least or divisor == 0:
        return None
    return _finite(value / divisor)


def transformed(value: float, transform: Transform, *, at_least: float) -> float | None:
    """Return a function of a value, or None where it is not defined; ``at_least``: the least size of a divisor."""
    if transform is Transform.RECIPROCAL:
        return quotient(1.0, value, at_least=at_least)
    return _FUNCTIONS[transform](value)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


_FUNCTIONS: Mapping[Transform, Callable[[float], float | None]] = {
    Transform.LOG: lambda value: math.log(value) if value > 0 else None,
    Transform.SQRT: lambda value: math.sqrt(value) if value >= 0 else None,
    Transform.SQUARE: lambda value: _finite(value * value),
}
