"""What every event has: a stable id, and when it was taken up."""

from dataclasses import dataclass
from typing import ClassVar

from gateway.deadlines import ClockReading


@dataclass(frozen=True, kw_only=True, slots=True)
class EventBase:
    """What every event has: a stable id, and the reading of the clocks when it was taken up."""

    kind: ClassVar[str]  # as the store writes it; it never changes, whatever the class is called
    event_id: str = ""
    at: ClockReading

    @property
    def at_ns(self) -> int:
        """Return the wall time, in nanoseconds UTC."""
        return self.at.wall_ns

    @property
    def variant(self) -> object:
        """Return the variant of an event whose kind has several, or None."""
        return None
