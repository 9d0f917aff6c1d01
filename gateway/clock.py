"""The only reader of clocks. Wall time is int64 nanoseconds UTC; durations run on the monotonic clock."""

import time
from typing import Protocol


class Clock(Protocol):
    """What parts need of time; tests inject one that they move by hand."""

    def now_ns(self) -> int:
        """Return wall time in nanoseconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps; only differences mean anything."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_ns(self) -> int:
        """Return wall time in nanoseconds since the epoch, UTC."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Return seconds on the monotonic clock."""
        return time.monotonic()
