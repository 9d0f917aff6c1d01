"""What a model's input may be made of besides one window of one tag: ratios, transforms, differences, batches. Pure.

The order is fixed: the aggregate of the tag, divided by that of another one (``over``), transformed, less the same of
``difference_ns`` earlier.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.records.production import ProductionThen

SMALLEST_DIVISOR = 1e-6  # where a recipe says nothing else


class Transform(StrEnum):
    """A function of an aggregate."""

    LOG = "log"
    SQRT = "sqrt"
    SQUARE = "square"
    RECIPROCAL = "reciprocal"


class Missing(StrEnum):
    """Why an input that stands on production or a category has no value."""

    OUTSIDE_BATCH = "outside_batch"
    PHASE_NOT_REACHED = "phase_not_reached"
    BATCH_TOO_LONG = "batch_too_long"
    UNKNOWN_CATEGORY = "unknown_category"


@dataclass(frozen=True, kw_only=True, slots=True)
class Category:
    """Of which of the levels that a model has learned something is: 1 for ``value``, 0 for the others."""

    name: str
    value: str
    levels: tuple[str, ...]


BATCH_START = "batch_start"
PHASE_START, PHASE_END = "phase:", "phase_end:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """A stretch of a batch: from an event, to another one or to the instant itself.

    An event is ``batch_start``, ``phase:<name>`` (its start) or ``phase_end:<name>``; of several the newest counts.
    """

    since: str
    until: str | None = None

    def within(self, production: ProductionThen, end_ns: int) -> tuple[int, int] | Missing:
        """Return (begin, end) in the batch that runs at an instant, or why there is no such stretch."""
        started_ns = production.batch_started_ns
        if started_ns is None or started_ns >= end_ns:
            return Missing.OUTSIDE_BATCH
        begin_ns = _newest(self.since, production, end_ns)
        if begin_ns is None or begin_ns >= end_ns:
            return Missing.PHASE_NOT_REACHED
        if self.until is None:
            return begin_ns, end_ns
        until_ns = _newest(self.until, production, end_ns)
        if until_ns is None or until_ns <= begin_ns:
            return Missing.PHASE_NOT_REACHED
        return begin_ns, until_ns


def _newest(event: str, production: ProductionThen, end_ns: int) -> int | None:
    """Return when an event of the batch has last come until an instant."""
    if event == BATCH_START:
        return production.batch_started_ns
    ends = event.startswith(PHASE_END)
    phase = event.removeprefix(PHASE_END if ends else PHASE_START)
    known = [item.at_ns for item in production.phases
             if item.phase == phase and item.started is not ends and item.at_ns <= end_ns]  # fmt: skip
    return max(known, default=None)


def is_event(text: str) -> bool:
    """Return whether a text names an event of a batch."""
    return text == BATCH_START or any(text.startswith(kind) and text != kind for kind in (PHASE_START, PHASE_END))


def level_of(value: float) -> str:
    """Return the name of a tag's state as a level of a category."""
    return f"{value:.10g}"


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
