"""The plant behind a setpoint, as its feedback (VFbk) shows it: it follows with a lag, and can stick or drift."""

import math
from dataclasses import dataclass


@dataclass(slots=True)
class SetpointFeedback:
    """Follows a setpoint as a first-order lag, scan by scan; times in seconds.

    ``stuck``: it stays where it is. ``drift_per_second``: what a sensor that drifts adds, for as long as it does.
    ``unreadable``: the sensor is broken; its variable then has a bad quality.
    """

    value: float
    lag_seconds: float = 0.1
    stuck: bool = False
    drift_per_second: float = 0.0
    unreadable: bool = False
    _drifted: float = 0.0
    _last_seconds: float | None = None

    def scan(self, setpoint: float, now_seconds: float) -> None:
        """Follow the setpoint for the time since the last scan."""
        passed = 0.0 if self._last_seconds is None else now_seconds - self._last_seconds
        self._last_seconds = now_seconds
        self._drifted += self.drift_per_second * passed
        if not self.stuck:
            self.value += (setpoint - self.value) * (1.0 - math.exp(-passed / self.lag_seconds))

    @property
    def shown(self) -> float:
        """Return what the sensor shows."""
        return self.value + self._drifted
