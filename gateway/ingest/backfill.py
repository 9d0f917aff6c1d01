"""Fills the holes of one source from its server's history, and puts each on record with what could be filled."""

import asyncio
from collections import deque
from collections.abc import Iterable
from itertools import islice

import structlog

from gateway.history.memory.source_times import LARGEST_LEAD_NS
from gateway.history.tag_history import History
from gateway.ingest.clock_watch import ClockWatch
from gateway.ingest.gaps import Gaps
from gateway.ingest.holes import Hole
from gateway.records.process import GapKind, TagSample
from gateway.transport.opcua import OpcUaSession

log = structlog.get_logger()

_MOST_HOLES = 16
_FILL_ATTEMPTS = 5
_FILL_TIMEOUT_SECONDS = 60.0  # for one slice of a few tags
_FILL_AGAIN_SECONDS = 5.0


class Backfill:
    """The holes of one source that are not on record yet, the oldest first."""

    def __init__(self, source: str, *, session: OpcUaSession, clocks: ClockWatch, history: History, gaps: Gaps) -> None:
        self.holes: deque[Hole] = deque(maxlen=_MOST_HOLES)
        self._source = source
        self._session = session
        self._clocks = clocks
        self._history = history
        self._gaps = gaps
        self._filling = asyncio.Event()
        self._current: Hole | None = None

    def open(self, kind: GapKind, *, from_ns: int, until_ns: int) -> None:
        """Note a hole, to be filled; if there are too many, the oldest is recorded unfilled."""
        if len(self.holes) == _MOST_HOLES:
            self._record(self.holes.popleft())
        self._current = Hole(kind=kind, from_ns=from_ns, until_ns=until_ns)
        self.holes.append(self._current)

    def close(self) -> None:
        """Note that no live values come for now."""
        self._current = None

    def note_live(self, samples: Iterable[TagSample]) -> None:
        """Note live values after the newest hole: they need not be read from history."""
        if self._current is not None:
            for sample in samples:
                self._current.first_live_ns.setdefault(sample.tag, sample.source_ns)

    def start(self) -> None:
        """Begin to fill; not before the server's clock is known: what a wrong one remembers was at another time."""
        if self.holes and self._clocks.server_since_up.known:
            self._filling.set()

    def record_later_than(self, now_ns: int) -> list[int]:
        """Put those on record as they are that end later than an instant; return where they begin."""
        begins_ns = []
        for hole in [hole for hole in self.holes if hole.until_ns > now_ns]:
            self.holes.remove(hole)
            self._record(hole)
            begins_ns.append(hole.from_ns)
        return begins_ns

    async def fill(self) -> None:
        """Fill what the server's history can fill, and put each hole on record, until cancelled.

        A hole that is not filled when this is cancelled is recorded unfilled.
        """
        try:
            while True:
                await self._filling.wait()
                self._filling.clear()
                await self._fill_holes()
        finally:
            while self.holes:
                self._record(self.holes.popleft())

    async def _fill_holes(self) -> None:
        while self.holes and self._clocks.server_since_up.known:
            await self._session.wait_subscribed()
            if not self.holes:  # recorded meanwhile, as the clock was set
                return
            hole = self.holes[0]
            if not await self._filled(hole):
                await asyncio.sleep(_FILL_AGAIN_SECONDS)
            elif self._stands(hole):
                self._record(self.holes.popleft())

    def _stands(self, hole: Hole) -> bool:
        """Return whether a hole is still the one to be filled; else it went on record in the meantime."""
        return bool(self.holes) and self.holes[0] is hole

    def _may_be_filled(self) -> bool:
        """Return whether what the server remembers was at the time that it says."""
        return self._clocks.server_since_up.trusted and abs(self._clocks.server_since_up.lead_ns) <= LARGEST_LEAD_NS

    async def _filled(self, hole: Hole) -> bool:
        """Fill a hole slice by slice; return whether it is done with, or to be gone on with later."""
        hole.tags = hole.tags or self._session.tags
        for group, start_ns, end_ns in islice(hole.slices(), hole.done, None):
            if not self._may_be_filled():
                log.warning("the server's history is not taken: its clock is wrong", source=self._source)
                break
            try:
                async with asyncio.timeout(_FILL_TIMEOUT_SECONDS):
                    values = await self._session.read_history(group, start_ns=start_ns, end_ns=end_ns)
            except Exception as error:  # noqa: BLE001 - a loop's edge: what servers and asyncua may do is of every kind
                hole.attempts += 1
                if hole.attempts < _FILL_ATTEMPTS:
                    return False
                log.warning("the server's history could not be read", source=self._source, error=str(error))
                break
            if not self._stands(hole):
                break
            for tag, samples in values.items():
                if tag in self._clocks.distrusted:
                    continue
                missed = hole.missed(tag, samples, start_ns=start_ns, until_ns=end_ns)
                self._history.backfill(missed, from_ns=start_ns)
                # until the next slice is read, nothing is known after it
                if missed and end_ns < hole.live_from_ns(tag):
                    self._history.mark_tag_unknown(tag, since_ns=end_ns)
            await self._history.wait_for_backlog()
            hole.done, hole.attempts = hole.done + 1, 0
        return True

    def _record(self, hole: Hole) -> None:
        without = sorted(set(hole.tags) - hole.last_filled.keys())  # some servers refuse, some only say nothing
        self._gaps.notice(
            hole.kind,
            self._source,
            from_ns=hole.from_ns,
            until_ns=hole.until_ns,
            filled_samples=hole.filled_samples,
            tags_without_history=without,
            read_to_the_end=hole.finished,
        )
