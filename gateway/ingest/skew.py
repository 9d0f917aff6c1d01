"""How far a source's clock is from the gateway's.

Two clocks are watched: the server's, which stands in every publish response, and the one behind the source times,
which a value that has just changed shows. The median of the last few readings counts, as one response may be late.
"""

from collections import deque
from statistics import median

from gateway.records import SECOND_NS

_READINGS = 9
_FEWEST = 3


class ClockSkew:
    """The skew of one source, in nanoseconds, positive where its clock is ahead."""

    def __init__(self, *, limit_ns: int, usual_delay_ns: int) -> None:
        """``usual_delay_ns``: how long after its source time a changed value may come though all clocks agree."""
        self._limit_ns = limit_ns
        self._usual_delay_ns = usual_delay_ns
        self._server: deque[int] = deque(maxlen=_READINGS)
        self._newest: deque[int] = deque(maxlen=_READINGS)
        self._responses = 0

    def read(self, *, server_ns: int | None, newest_source_ns: int | None, now_ns: int) -> None:
        """Take one publish response: the server's time in it, and the newest source time of a changed value."""
        self._responses += 1
        if server_ns is not None:
            self._server.append(server_ns - now_ns)
        if newest_source_ns is not None:
            lead_ns = newest_source_ns - now_ns
            self._newest.append(lead_ns if lead_ns > 0 else min(0, lead_ns + self._usual_delay_ns))

    @property
    def seconds(self) -> float:
        """Return the larger of the two skews, 0 while too little is known."""
        skews = [median(readings) for readings in (self._server, self._newest) if len(readings) >= _FEWEST]
        return max(skews, key=abs, default=0.0) / SECOND_NS

    @property
    def known(self) -> bool:
        """Return whether enough responses have come to tell, as far as they tell the time at all."""
        return self._responses >= _FEWEST

    @property
    def trusted(self) -> bool:
        """Return whether the source's times may be used."""
        return abs(self.seconds) * SECOND_NS <= self._limit_ns
