"""The heartbeat of one PLC: it stops where the loop, the store or the connection does, or where writing is stopped.

By a person or by the stop tag, also in the middle of a write.

The PLC then hands its setpoints to the operator.
"""

import asyncio
import math

from gateway.clock import Clock
from gateway.line.definition import LineDefinition
from gateway.runtime.setpoint_plc import Plc

_BEAT_SECONDS = 1.0
_HEARD_SECONDS = 1.5  # a PLC that had shed listens again after a beat and a few scans


class Heartbeat:
    """Counts up while writing is not stopped, and knows from when on the PLC listens."""

    def __init__(self, source: str, *, line: LineDefinition, clock: Clock) -> None:
        self._source = source
        self._line = line
        self._clock = clock
        self._next_beat = -math.inf
        self._stopped = True
        self._listens_from = -math.inf  # from when on the PLC has heard enough heartbeats to listen

    def take_line(self, line: LineDefinition) -> None:
        """Beat by this definition from now on."""
        self._line = line

    @property
    def _node(self) -> str | None:
        return self._line.writes.heartbeats.get(self._source)

    @property
    def listens(self) -> bool:
        """Whether the PLC has heard enough heartbeats to listen."""
        return self._clock.monotonic() >= self._listens_from

    def stop(self) -> None:
        """Beat no more."""
        self._stopped = True

    def go_on(self) -> None:
        """Beat, again or still."""
        if self._stopped:
            self._listens_from = self._clock.monotonic() + (_HEARD_SECONDS if self._node is not None else 0.0)
        self._stopped = False

    async def pause(self, plc: Plc, seconds: float) -> None:
        """Wait, and beat where a beat is due."""
        await asyncio.sleep(seconds)
        node = self._node
        now = self._clock.monotonic()
        if node is None or self._stopped or now < self._next_beat:
            return
        self._next_beat = now + _BEAT_SECONDS
        await plc.beat(node)
