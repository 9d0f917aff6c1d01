"""The block for a setpoint that the gateway may write, cycle by cycle: the twin of ``deploy/plc/setpoint.st``.

It takes a request only while the gateway's heartbeat lives and the operator lets it, keeps it within its own live
limits, and follows the setpoint with its request while it does not listen, so that nothing jumps when it listens again.
``deploy/plc/setpoint_states.toml`` has its behaviour row by row; both are tested against it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class SetpointBlock:
    """One cycle after the other, without a clock of its own; values in the setpoint's unit, times in seconds."""

    setpoint: float
    minimum: float
    maximum: float
    watchdog_seconds: float = 3.0
    has_apply: bool = False  # whether a request waits for ApplyExt, as in the MTP handshake
    operator_allows: bool = True
    operator_sets: bool = False
    operator_value: float = 0.0
    request: float = math.nan
    apply: bool = False
    beat: int = 0
    requested: float = math.nan
    external: bool = False
    takes: Callable[[float], float | None] = field(default=lambda value: value)  # a fault's; None: not yet
    _started: bool = False
    _beat_seen: bool = False
    _last_request: float = math.nan
    _last_beat: int = 0
    _still_since: float | None = None

    def __post_init__(self) -> None:
        self.request = self.requested = self._last_request = self.setpoint

    def scan(self, now_seconds: float) -> None:
        """Run the block once."""
        hears = self._hears_heartbeat(now_seconds)
        self.external = hears and self.operator_allows
        self._set_by_operator()
        if not self.external:  # shed: the setpoint stays, and the request follows it
            self._drop_request()
            self.requested = self.setpoint
            return
        if math.isnan(self.request):
            self._drop_request()
        self.requested = min(max(self.request, self.minimum), self.maximum)
        self._take_request()

    def _hears_heartbeat(self, now_seconds: float) -> bool:
        if not self._started:  # what stands there at a start says nothing
            self._started, self._last_beat = True, self.beat
        if self.beat != self._last_beat:
            self._last_beat, self._beat_seen, self._still_since = self.beat, True, None
        elif self._still_since is None:
            self._still_since = now_seconds
        still = 0.0 if self._still_since is None else now_seconds - self._still_since
        return self._beat_seen and still < self.watchdog_seconds

    def _set_by_operator(self) -> None:
        if self.operator_sets and self.minimum <= self.maximum and not math.isnan(self.operator_value):
            self.setpoint = min(max(self.operator_value, self.minimum), self.maximum)
            self._drop_request()

    def _drop_request(self) -> None:
        self.request = self._last_request = self.setpoint
        self.apply = False

    def _take_request(self) -> None:
        """Take a new request once; where no value lies within the limits, it is dropped and never taken later."""
        if not (self.apply if self.has_apply else self.request != self._last_request):
            return
        if self.minimum <= self.maximum:
            taken = self.takes(self.requested)
            if taken is None:
                return
            self.setpoint = taken
        self._last_request, self.apply = self.request, False
