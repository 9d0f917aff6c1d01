"""Moments and deadlines that survive a stepped clock. Pure.

A deadline is kept on the clock that never steps (CLOCK_BOOTTIME, which also runs on while the machine sleeps), and as
wall time for the day after a reboot. Within one boot only the first counts, so a wall clock set forward ends nothing
early and one set back revives nothing. After a reboot the wall time decides, or the latest one the gateway has ever
seen where that is later: a clock that lost its battery revives nothing either.
"""

from dataclasses import dataclass

_SET_NS = 1_000_000_000  # by less a clock is slewed, not set: then wall time says how long, as in a replay


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """When something ends: wall time in nanoseconds UTC, and time since boot with the boot's id."""

    wall_ns: int
    boot_ns: int
    boot_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockReading:
    """One reading of all clocks. ``latest_ns`` is the latest wall time ever seen by this gateway."""

    wall_ns: int
    latest_ns: int
    boot_ns: int
    boot_id: str

    def after(self, duration_ns: int) -> Deadline:
        """Return the deadline that long from this moment."""
        return Deadline(wall_ns=self.wall_ns + duration_ns, boot_ns=self.boot_ns + duration_ns, boot_id=self.boot_id)

    def is_past(self, deadline: Deadline) -> bool:
        """Return whether the deadline has passed."""
        return self.remaining_ns(deadline) <= 0

    def stepped_since(self, before: "ClockReading") -> int:
        """Return by how many nanoseconds the wall clock was set since an earlier moment; 0 across a reboot."""
        if before.boot_id != self.boot_id:
            return 0
        return (self.wall_ns - before.wall_ns) - (self.boot_ns - before.boot_ns)

    def since(self, before: "ClockReading") -> int:
        """Return how long ago an earlier moment was, in nanoseconds.

        Within one boot a wall clock that was set in between makes it neither longer nor shorter. Across boots wall time
        says it, and it is at least as long as the machine has been up.
        """
        elapsed_ns = self.wall_ns - before.wall_ns
        if before.boot_id != self.boot_id:
            return max(elapsed_ns, self.boot_ns)
        return elapsed_ns if abs(self.stepped_since(before)) < _SET_NS else self.boot_ns - before.boot_ns

    def remaining_ns(self, deadline: Deadline) -> int:
        """Return how long the deadline is still ahead, negative once it has passed."""
        if deadline.boot_id == self.boot_id:
            return deadline.boot_ns - self.boot_ns
        return deadline.wall_ns - max(self.wall_ns, self.latest_ns)
