"""Disk space: watched, forecast, and what is given up when it runs short."""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.clock import Clock

_SPACE_EVERY_SECONDS = 2.0
_READING_EVERY_SECONDS = 60.0

_FULL_SOON_DAYS = 7.0

_DAY_SECONDS = 86_400.0

_GROWTH_READINGS = 1440  # one a minute: a day

_GROWTH_FEWEST = 60


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much room there is, and for how long things are kept."""

    quota_bytes: int
    floor_bytes: int
    retention_seconds: float


def free_bytes(directory: Path) -> int:
    """Return how many bytes an unprivileged process may still write on that disk."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


class Space:
    """Watches the disk's free space."""

    def __init__(
        self,
        directory: Path,
        bounds: Bounds,
        *,
        clock: Clock,
        on_room: Callable[[bool], None],
        on_condition: Callable[[str, bool], None],
        on_figures: Callable[[dict[str, float]], None],
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        """``on_room`` hears whether there is room to take anything in."""
        self._directory = directory
        self._bounds = bounds
        self._clock = clock
        self._on_room = on_room
        self._on_condition = on_condition
        self._on_figures = on_figures
        self._free = free
        self._readings: deque[tuple[float, int]] = deque(maxlen=_GROWTH_READINGS)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(_SPACE_EVERY_SECONDS)

    def look(self) -> None:
        """Look once."""
        now, free = self._clock.monotonic(), self._free(self._directory)
        if not self._readings or now - self._readings[-1][0] >= _READING_EVERY_SECONDS:
            self._readings.append((now, free))
        room = free >= self._bounds.floor_bytes
        self._on_room(room)
        self._on_condition("STORE_SPACE_LOW", not room)
        days = self.days_to_floor(free)
        self._on_condition("STORE_FULL_SOON", days is not None and days < _FULL_SOON_DAYS)
        figures = {"free_bytes": float(free), "floor_bytes": float(self._bounds.floor_bytes)}
        self._on_figures(figures if days is None else {**figures, "days_to_floor": round(days, 2)})

    def days_to_floor(self, free: int) -> float | None:
        """Return in how many days the floor is reached at the pace of the last day; None where it does not come."""
        if len(self._readings) < _GROWTH_FEWEST:
            return None
        then, free_then = self._readings[0]
        elapsed_days = (self._clock.monotonic() - then) / _DAY_SECONDS
        pace = (free_then - free) / elapsed_days
        return max(0.0, (free - self._bounds.floor_bytes) / pace) if pace > 0 else None
