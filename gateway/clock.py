"""The only reader of clocks. Wall time is int64 nanoseconds UTC; durations run on clocks that never step."""

import time
from pathlib import Path
from typing import Protocol

from gateway.deadlines import ClockReading

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """What parts need of time; tests inject one that they move by hand."""

    def now(self) -> ClockReading:
        """Return all clocks, read at once."""
        ...

    def now_ns(self) -> int:
        """Return wall time in nanoseconds since the epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps; only differences mean anything."""
        ...


class SystemClock:
    """The machine's clocks."""

    def __init__(self) -> None:
        self._boot_id = _BOOT_ID.read_text().strip()
        self._latest_ns = 0

    def remember(self, wall_ns: int) -> None:
        """Note a wall time seen before this process, so that none that is earlier passes for the present."""
        self._latest_ns = max(self._latest_ns, wall_ns)

    def now(self) -> ClockReading:
        """Return all clocks, read at once."""
        wall_ns = time.time_ns()
        self._latest_ns = max(self._latest_ns, wall_ns)
        boot_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return ClockReading(wall_ns=wall_ns, latest_ns=self._latest_ns, boot_ns=boot_ns, boot_id=self._boot_id)

    def now_ns(self) -> int:
        """Return wall time in nanoseconds since the epoch, UTC."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Return seconds on the monotonic clock."""
        return time.monotonic()
