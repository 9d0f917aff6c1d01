"""The newest samples of one tag in memory, in the order in which they count.

Three columns, of which the rows from ``_begin`` to ``_end`` are kept. Old samples leave at the front; a new sample
goes to its place in time, nearly always the end; now and then the rows are moved to the front. From its first sample on
a ring knows all that is known; what counts from earlier is on disk alone, and ``reaches_back_to`` says so.
"""

import numpy as np

from gateway.history.columns import Columns, HeldSample, Reach, SampleFlag, mark
from gateway.history.windows import TagWindow, WindowRequest, cut
from gateway.records.process import TagSample

_MOVED_AFTER = 4  # a quarter more room than is filled, so that the samples are moved once per quarter
_SMALLEST_ROOM = 16
_TIME_FLAGS = {"source": SampleFlag.NONE, "server": SampleFlag.SERVER_TIME, "gateway": SampleFlag.GATEWAY_TIME}


def _room_for(count: int) -> int:
    return max(_SMALLEST_ROOM, count + count // _MOVED_AFTER + _MOVED_AFTER)


class TagRing:
    """The newest samples of one tag: at most ``capacity``, and no more than ``kept_ns`` back where that is given."""

    __slots__ = (
        "_begin",
        "_capacity",
        "_end",
        "_held_ns",
        "_kept_ns",
        "_statuses",
        "_values",
        "earliest_next_ns",
        "false_until_ns",
        "last_ns",
        "older_elsewhere",
        "overwritten",
        "reaches_from_ns",
        "resent_until_ns",
    )

    def __init__(self, *, capacity: int, kept_ns: int | None = None) -> None:
        """``kept_ns``: for how long before the newest sample all are kept, with what held then; None: for ever."""
        self.last_ns: int | None = None  # from when the newest sample counts
        self.overwritten = 0  # samples that somebody may read, and for which there was no room
        self.older_elsewhere = False  # whether older samples are on disk, or were
        self.reaches_from_ns = 0  # what counts from earlier is on disk alone
        self.resent_until_ns: int | None = None
        self.earliest_next_ns = 0
        self.false_until_ns = 0  # source times up to here are of a clock that has been set back since
        self._capacity = capacity
        self._kept_ns = kept_ns
        self._begin = 0
        self._end = 0
        self._allocate(_SMALLEST_ROOM)

    def _allocate(self, room: int) -> None:
        self._held_ns = np.empty(room, np.int64)
        self._values = np.empty(room, np.float64)
        self._statuses = np.empty(room, np.uint32)

    def __len__(self) -> int:
        return self._end - self._begin

    @property
    def nbytes(self) -> int:
        """Return how many bytes its samples take, with the room for more."""
        return self._held_ns.nbytes + self._values.nbytes + self._statuses.nbytes

    @property
    def first_ns(self) -> int | None:
        """Return from when the oldest sample kept counts, or None."""
        return int(self._held_ns[self._begin]) if len(self) else None

    @property
    def reach(self) -> Reach:
        """Return how much of an earlier run it takes."""
        return Reach(self._capacity, self._kept_ns)

    def keep(self, kept_ns: int | None) -> None:
        """Keep samples for so long from now on; samples dropped earlier are on disk alone."""
        self._kept_ns = kept_ns

    def refill(self, columns: Columns) -> None:
        """Replace the ring's samples by the newest of these, which must be in the order in which they count."""
        kept = self.reach.newest(columns)
        self._begin, self._end = 0, len(kept)
        self._allocate(_room_for(self._end))
        self._held_ns[: self._end], self._values[: self._end] = kept.held_ns, kept.values
        self._statuses[: self._end] = kept.statuses
        self.last_ns = int(kept.held_ns[-1]) if len(kept) else None
        self.older_elsewhere = self.older_elsewhere or len(kept) < len(columns)

    def append(self, *, held_ns: int, value: float, status: int) -> None:
        """Add a sample at its place in time; of equal times the later arrival comes last.

        A sample older than the first that is kept is left to the disk: with it the ring would claim to be complete
        from there on.
        """
        if self._end == len(self._held_ns):
            self._make_room()
        at = self._end
        if self.last_ns is not None and held_ns < self.last_ns:
            at = self._begin + int(np.searchsorted(self._held_ns[self._begin : self._end], held_ns, side="right"))
            if at == self._begin and self.older_elsewhere:
                return
            for column in (self._held_ns, self._values, self._statuses):
                column[at + 1 : self._end + 1] = column[at : self._end].copy()
        self._held_ns[at], self._values[at], self._statuses[at] = held_ns, value, status
        self._end += 1
        self.last_ns = held_ns if self.last_ns is None else max(self.last_ns, held_ns)
        self._discard_old()

    def _discard_old(self) -> None:
        """Drop samples older than anybody reads, and the oldest if there are too many."""
        if len(self) > self._capacity:
            self._begin += 1
            self.overwritten += 1
            self.older_elsewhere = True
        if self._kept_ns is None or self.last_ns is None:
            return
        until_ns = self.last_ns - self._kept_ns
        while self._end - self._begin > 1 and self._held_ns[self._begin + 1] <= until_ns:
            self._begin += 1
            self.older_elsewhere = True

    def _make_room(self) -> None:
        """Move the samples to the front; use larger arrays if they are nearly full, smaller ones if nearly empty."""
        kept, kept_count, room = slice(self._begin, self._end), len(self), len(self._held_ns)
        columns = self._held_ns[kept], self._values[kept], self._statuses[kept]
        if _MOVED_AFTER * (room - kept_count) < kept_count or _room_for(kept_count) < room // _MOVED_AFTER:
            self._allocate(_room_for(kept_count))
        else:
            columns = columns[0].copy(), columns[1].copy(), columns[2].copy()
        self._held_ns[:kept_count], self._values[:kept_count], self._statuses[:kept_count] = columns
        self._begin, self._end = 0, kept_count

    def forget(self, *, reaches_from_ns: int) -> None:
        """Forget all samples; they are on disk. Windows that begin before ``reaches_from_ns`` are read there."""
        self._begin = self._end = 0
        self.last_ns = None
        self.older_elsewhere = True
        self.reaches_from_ns = reaches_from_ns

    def last_until(self, until_ns: int) -> int | None:
        """Return from when the last sample counts that counts until then, or None."""
        kept = int(np.searchsorted(self._held_ns[self._begin : self._end], until_ns, side="right"))
        return int(self._held_ns[self._begin + kept - 1]) if kept else None

    def reaches_back_to(self, start_ns: int) -> bool:
        """Return whether the ring knows all that is known of an instant and ever since."""
        reached = self.first_ns is not None and max(self.first_ns, self.reaches_from_ns) <= start_ns
        return not self.older_elsewhere or reached

    def window(self, request: WindowRequest, *, confirmed_ns: int, arrival: int = 0) -> TagWindow:
        """Return the samples in the window and the one that held at its start, as copies."""
        kept = slice(self._begin, self._end)
        return cut(
            request,
            held_ns=self._held_ns[kept],
            values=self._values[kept],
            statuses=self._statuses[kept],
            confirmed_ns=confirmed_ns,
            arrival=arrival,
        )


def put_sample(
    ring: TagRing, sample: TagSample, held_ns: int, status: int, flags: SampleFlag, arrival: int
) -> HeldSample:
    """Put a sample into its ring as it counts, and return it as it is recorded."""
    ring.append(held_ns=held_ns, value=sample.value, status=status)
    return HeldSample(
        series=sample.tag,
        arrival=arrival,
        source_ns=sample.source_ns,
        held_ns=held_ns,
        value=sample.value,
        status=status,
        flags=flags | _TIME_FLAGS[sample.time_from] if flags else _TIME_FLAGS[sample.time_from],
    )


def put_mark(ring: TagRing, tag: str, held_ns: int, *, arrival: int) -> HeldSample:
    """Put the mark that nothing is known of a tag from an instant on into its ring, and return it."""
    made = mark(tag, held_ns, arrival=arrival)
    ring.append(held_ns=held_ns, value=made.value, status=made.status)
    return made
