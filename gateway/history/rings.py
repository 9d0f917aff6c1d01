"""Tag history in memory: one bounded ring per tag, ordered by source time.

Touched only from the event loop's thread; windows are handed out as copies. When a source is lost, each of
its tags gets a *bad* sample at the instant until which its server had last confirmed the value: from there on
nothing is known, and windows say so by themselves. When the source is back, a server tells each value again
with the source time it always had; such a value is known again only from the moment it was told again.

A source time ahead of the gateway's clock by more than two seconds is not believed: the sample counts as bad,
else a window that ends now would leave out the newest values and take old ones for fresh.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from gateway.history.windows import TagWindow, WindowRequest
from gateway.records import TagSample

BAD_NO_COMMUNICATION = 0x80310000  # OPC 10000-6, A.2
BAD_OUT_OF_RANGE = 0x803C0000
LARGEST_LEAD_NS = 2_000_000_000
_FIRST_ALLOCATION = 256


class TagRing:
    """The newest samples of one tag, at most ``capacity``."""

    def __init__(self, tag: str, *, capacity: int) -> None:
        self.tag = tag
        self.overwritten = 0
        self.told_again_until_ns: int | None = None
        self._capacity = capacity
        self._begin = 0
        self._end = 0
        self._source_ns = np.empty(min(_FIRST_ALLOCATION, 2 * capacity), np.int64)
        self._values = np.empty(len(self._source_ns), np.float64)
        self._statuses = np.empty(len(self._source_ns), np.uint32)

    def __len__(self) -> int:
        return self._end - self._begin

    @property
    def last_ns(self) -> int | None:
        """Return the newest source time, or None."""
        return int(self._source_ns[self._end - 1]) if len(self) else None

    def append(self, *, source_ns: int, value: float, status: int) -> None:
        """Add a sample at its place in source time; of equal source times the later arrival comes last."""
        if self._end == len(self._source_ns):
            self._make_room()
        at = self._end
        if len(self) and source_ns < self._source_ns[at - 1]:
            at = self._begin + int(np.searchsorted(self._source_ns[self._begin : self._end], source_ns, side="right"))
            for column in (self._source_ns, self._values, self._statuses):
                column[at + 1 : self._end + 1] = column[at : self._end].copy()
        self._source_ns[at], self._values[at], self._statuses[at] = source_ns, value, status
        self._end += 1
        if len(self) > self._capacity:
            self._begin += 1
            self.overwritten += 1

    def draw_back(self, to_ns: int) -> None:
        """Let no sample be later than ``to_ns``: what was told again gives way to source times that go on."""
        kept = self._source_ns[self._begin : self._end]
        np.minimum(kept, to_ns, out=kept)

    def _make_room(self) -> None:
        """Move what is kept to the front, into twice the room if it would be more than half full."""
        kept = slice(self._begin, self._end)
        size = min(2 * self._capacity, max(len(self._source_ns), 2 * len(self)))
        for name in ("_source_ns", "_values", "_statuses"):
            old = getattr(self, name)
            new = np.empty(size, old.dtype)
            new[: len(self)] = old[kept]
            setattr(self, name, new)
        self._begin, self._end = 0, self._end - self._begin

    def window(self, *, start_ns: int, end_ns: int, confirmed_ns: int) -> TagWindow:
        """Return the samples in the window and the one that held at its start, as copies."""
        times = self._source_ns[self._begin : self._end]
        first = max(int(np.searchsorted(times, start_ns, side="right")) - 1, 0)
        stop = int(np.searchsorted(times, end_ns, side="right"))
        kept = slice(self._begin + min(first, stop), self._begin + stop)
        return TagWindow(
            tag=self.tag,
            start_ns=start_ns,
            end_ns=end_ns,
            source_ns=self._source_ns[kept].copy(),
            values=self._values[kept].copy(),
            statuses=self._statuses[kept].copy(),
            confirmed_ns=confirmed_ns,
        )


class Rings:
    """The rings of all tags, and until when each source has confirmed its values."""

    def __init__(self, tags: Mapping[str, str], *, capacity: int) -> None:
        """``tags``: tag name to the name of its source."""
        self._source_of = dict(tags)
        self._rings = {tag: TagRing(tag, capacity=capacity) for tag in tags}
        self._confirmed_ns = dict.fromkeys(tags.values(), 0)
        self.samples_taken = 0

    def take(self, source: str, samples: Iterable[TagSample], *, confirmed_ns: int) -> None:
        """Add a whole notification of a source; it also confirms the values that did not change."""
        for sample in samples:
            self._take(sample, confirmed_ns)
            self.samples_taken += 1
        self.confirm(source, confirmed_ns=confirmed_ns)

    def _take(self, sample: TagSample, confirmed_ns: int) -> None:
        ring, known_from_ns, status = self._rings[sample.tag], sample.source_ns, sample.status
        if ring.told_again_until_ns is not None:
            if sample.source_ns > ring.told_again_until_ns:
                ring.told_again_until_ns = None
                ring.draw_back(sample.source_ns)
            else:
                known_from_ns = max(confirmed_ns, ring.told_again_until_ns)
        if sample.source_ns > confirmed_ns + LARGEST_LEAD_NS:
            status = max(status, BAD_OUT_OF_RANGE)
            known_from_ns = confirmed_ns
        ring.append(source_ns=known_from_ns, value=sample.value, status=status)

    def confirm(self, source: str, *, confirmed_ns: int) -> None:
        """Note that the source is alive and its last values hold until now."""
        self._confirmed_ns[source] = max(self._confirmed_ns.get(source, 0), confirmed_ns)

    def lose(self, source: str) -> None:
        """Note that nothing is known of a source's tags since it last confirmed them."""
        for tag, owner in self._source_of.items():
            ring = self._rings[tag]
            if owner == source and ring.last_ns is not None:
                ring.told_again_until_ns = max(self._confirmed_ns[source], ring.last_ns)
                ring.append(source_ns=ring.told_again_until_ns, value=float("nan"), status=BAD_NO_COMMUNICATION)

    def window(self, request: WindowRequest) -> TagWindow:
        """Return one window; of a tag without samples an empty one."""
        return self._rings[request.tag].window(
            start_ns=request.start_ns,
            end_ns=request.end_ns,
            confirmed_ns=self._confirmed_ns[self._source_of[request.tag]],
        )

    def windows(self, requests: Iterable[WindowRequest]) -> dict[WindowRequest, TagWindow]:
        """Return the windows asked for."""
        return {request: self.window(request) for request in requests}
