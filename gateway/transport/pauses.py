"""When a delivery is tried again, and how fast a sink is told: pure, with the clock and the chance given."""

from collections import deque

FIRST_SECONDS = 10.0
LONGEST_SECONDS = 15 * 60.0
_JITTER = 0.25
_MINUTE_SECONDS = 60.0


def pause_seconds(failures: int, *, chance: float) -> float:
    """Return how long to wait after so many failures in a row: 10 s, doubling to 15 min, up to a quarter longer.

    ``chance``: from 0 to 1, so that many gateways do not come back in the same instant.
    """
    doubled = FIRST_SECONDS * 2.0 ** min(max(failures - 1, 0), 10)
    return min(LONGEST_SECONDS, doubled * (1.0 + _JITTER * chance))


class CallRate:
    """At most so many calls in any minute."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._calls: deque[float] = deque(maxlen=per_minute)

    def wait_seconds(self, at: float) -> float:
        """Return how long to wait before the next call; ``at``: seconds on a clock that never steps."""
        if len(self._calls) < self._per_minute:
            return 0.0
        return max(0.0, self._calls[0] + _MINUTE_SECONDS - at)

    def note(self, at: float) -> None:
        """Note a call."""
        self._calls.append(at)
