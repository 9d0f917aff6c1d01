"""An event loop whose clock is virtual: where it would wait, its clock jumps. Everything else is asyncio as it is.

What waits for a thread or a socket is not waited for, so nothing within may use either.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from gateway.deadlines import ClockReading
from gateway.time_units import SECOND_NS, seconds_to_ns

BEGIN_NS = 1_800_000_000 * SECOND_NS

Outcome = TypeVar("Outcome")


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop; its time begins at 0 s."""

    def __init__(self) -> None:
        self._seconds = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._seconds

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds


class _Jumping(selectors.DefaultSelector):
    """Lets time pass where the loop would wait for so long."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready now; without a timeout nothing is due any more, and it is waited for in earnest."""
        if timeout is None:
            return super().select(None)
        self._loop.jump(max(0.0, timeout))
        return super().select(0)


class VirtualClock:
    """The clock of a gateway on a virtual loop."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> ClockReading:
        """Return all clocks, read at once."""
        wall_ns = self.now_ns()
        return ClockReading(wall_ns=wall_ns, latest_ns=wall_ns, boot_ns=wall_ns - BEGIN_NS, boot_id="virtual")

    def now_ns(self) -> int:
        """Return wall time in nanoseconds since the epoch, UTC."""
        return BEGIN_NS + seconds_to_ns(self._loop.time())

    def now_seconds(self) -> float:
        """Return wall time in seconds since the epoch."""
        return self.now_ns() / SECOND_NS

    def monotonic(self) -> float:
        """Return seconds on a clock that never steps."""
        return self._loop.time()


def run_virtually(loop: VirtualLoop, work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Run to the end of some work on a loop, and close it."""
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(work)
    finally:
        asyncio.set_event_loop(None)
        loop.close()
