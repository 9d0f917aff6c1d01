"""Samples that are in the journal and in no chunk yet, by series; and which buffers are sealed or packed next.

A flush of many series is kept as it was written, and sorted by series once there is enough of it. Tags fill up
together; all of them in one second would take memory and time for all at once. So only some are sealed and packed with
each flush, the fullest first, and of many series the first chunk in a run ends earlier, each at another age.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from zlib import crc32

from gateway.history.clock_steps import NO_CLOCK_STEPS
from gateway.history.codec.journal_entry import Batch
from gateway.history.columns import Columns
from gateway.history.writer.series_buffer import Buffered, SeriesBuffer

SEAL_SAMPLES = 2048  # fewer to a chunk take a third more of the disk
RECENT_BATCHES = 16  # flushes until what they wrote is sorted by series; sooner where it is much
SEAL_AGE_NS = 30 * 60 * 1_000_000_000
_RECENT_SAMPLES = 2**15
_PACKED_SAMPLES = 128
_AT_ONCE, _SERIES_AT_ONCE = 2, 64  # a flush seals and packs two, and one more for each 64 series there are


class Unsealed:
    """The buffers of all series. Only a flush changes them, and loading before the first one."""

    def __init__(self, *, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._recent: list[Batch] = []  # journalled, and not yet in the buffers of their series
        self._buffers: dict[str, list[SeriesBuffer]] = {}  # of each series: those to be sealed first, then the open one
        self._sealed_once = set[str]()  # by this run
        self.clock_steps = NO_CLOCK_STEPS

    def add_journalled(self, batch: Batch) -> None:
        """Add the samples that a flush has written."""
        self._recent.append(batch)

    async def distribute(self) -> None:
        """Move the newest journalled samples into the buffers of their series, once there are enough."""
        recent = self._recent
        if len(recent) < RECENT_BATCHES and sum(map(len, recent)) < _RECENT_SAMPLES:
            return
        joined = await asyncio.to_thread(Batch.joined, recent)
        for series, columns in joined.by_series():
            self._add(series, columns)
        self._recent = []

    def load(self, series: str, columns: Columns) -> None:
        """Add journalled samples of an earlier run, in the order of arrival; there must be some."""
        self._add(series, columns)
        for buffer in self._buffers[series]:
            if buffer.unpacked >= _PACKED_SAMPLES:
                buffer.replace_unpacked(buffer.packed())

    def _add(self, series: str, columns: Columns) -> None:
        """Buffer journalled samples; samples from before and after a clock step do not share a chunk."""
        buffers = self._buffers.setdefault(series, [SeriesBuffer()])
        for clock_step in self.clock_steps.steps:
            before = columns.arrival < clock_step.arrival
            if before.any():
                buffers[-1].add(columns.where(before))
                columns = columns.where(~before)
            if len(columns) and buffers[-1].holds_before(clock_step.arrival):
                buffers.append(SeriesBuffer())
        if len(columns):
            buffers[-1].add(columns)

    def to_be_sealed(self) -> dict[str, SeriesBuffer]:
        """Return by series the buffers that become chunks with the next flush."""
        return self._fullest(
            {series: buffers[0] for series, buffers in self._buffers.items() if self._is_full(series, buffers)}
        )

    def to_be_packed(self, sealing: Mapping[str, SeriesBuffer]) -> dict[str, SeriesBuffer]:
        """Return by series the buffers that are packed with the next flush, without those that are sealed."""
        return self._fullest(
            {
                series: buffers[-1]
                for series, buffers in self._buffers.items()
                if _is_to_be_packed(series, buffers[-1]) and buffers[-1] is not sealing.get(series)
            }
        )

    def _is_full(self, series: str, buffers: Sequence[SeriesBuffer]) -> bool:
        return len(buffers) > 1 or buffers[0].count >= SEAL_SAMPLES or self._is_old(series, buffers[0])

    def _is_old(self, series: str, buffer: SeriesBuffer) -> bool:
        """Return whether a buffer has been filled for long, or by a clock that is far ahead.

        Of many series the first chunk in a run ends earlier, each at another age: else all would be nearly full at once
        ever after, and memory would have to hold twice as much. Of few it is not worth the longer journal.
        """
        in_step = series in self._sealed_once or len(self._buffers) <= _SERIES_AT_ONCE
        allowed = SEAL_AGE_NS if in_step else round(SEAL_AGE_NS * _phase(series))
        return buffer.count > 0 and abs(self._now_ns() - buffer.first_ns) > allowed

    def _fullest(self, ready: Mapping[str, SeriesBuffer]) -> dict[str, SeriesBuffer]:
        """Return of the buffers that are ready those with the most samples, and only some of them."""
        most = _AT_ONCE + len(self._buffers) // _SERIES_AT_ONCE
        return {series: ready[series] for series in sorted(ready, key=lambda series: -ready[series].count)[:most]}

    def oldest_pending(self, sealing: Mapping[str, SeriesBuffer], arrived: Batch) -> int:
        """Return the oldest arrival that only the journal will hold once these are sealed and that has arrived."""
        buffered = [
            buffer.first_arrival
            for series, buffers in self._buffers.items()
            for buffer in buffers
            if buffer is not sealing.get(series) and buffer.first_arrival is not None
        ]
        return min([*buffered, *(int(batch.columns.arrival.min()) for batch in (*self._recent, arrived))])

    def discard(self, series: str) -> None:
        """Drop the buffer of a series that has been sealed."""
        self._buffers[series] = self._buffers[series][1:] or [SeriesBuffer()]
        self._sealed_once.add(series)

    def buffered(self, series: str) -> tuple[Buffered, ...]:
        """Return what the buffers of a series hold, as it is now."""
        return tuple(buffer.buffered() for buffer in self._buffers.get(series, ()))

    def recent(self) -> tuple[Batch, ...]:
        """Return the journalled samples that are not in the buffers of their series yet."""
        return tuple(self._recent)


def _is_to_be_packed(series: str, buffer: SeriesBuffer) -> bool:
    return buffer.unpacked >= _PACKED_SAMPLES * (1 if buffer.packed_before else _phase(series))


def _phase(series: str) -> float:
    """Return where in their common cycle a series stands, 1/4 to 1, evenly spread over all series."""
    return 0.25 + 0.75 * crc32(series.encode()) / 2**32
