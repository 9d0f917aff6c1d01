"""Retention: what is older than it has to be kept is deleted, some at a time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from gateway.clock import Clock
from gateway.database.writer import Writer
from gateway.errors import StoreUnavailableError
from gateway.history.file.retention import ChunkRetention
from gateway.history.memory.source_times import LARGEST_LEAD_NS
from gateway.ingest.gaps import Gaps
from gateway.records.outgoing import Lane
from gateway.records.process import GapKind
from gateway.runtime.disk_space import Bounds
from gateway.store.care import pruning
from gateway.store.outbox import Left, departed
from gateway.time_units import SECOND_NS

_BOUNDS_EVERY_SECONDS = 60.0

_DOUBT_SECONDS = 7 * 86_400.0


class RetentionListener(Protocol):
    """What hears of retention."""

    def figures(self, figures: dict[str, float]) -> None:
        """Take how much room the databases have."""
        ...

    def evicted(self) -> None:
        """Note that messages have left the outbox: whoever holds them must not send them."""
        ...


class Retention:
    """Deletes what is too old, and evicts the oldest where the quota is reached."""

    def __init__(
        self, bounds: Bounds, *, clock: Clock, writer: Writer, history: ChunkRetention, gaps: Gaps,
        listener: RetentionListener, clock_in_doubt: Callable[[], bool],
    ) -> None:  # fmt: skip
        """``clock_in_doubt``: whether a source shows another time than the gateway."""
        self._bounds = bounds
        self._clock = clock
        self._writer = writer
        self._history = history
        self._gaps = gaps
        self._listener = listener
        self._clock_in_doubt = clock_in_doubt
        self._last_moment = clock.now()
        self._doubted_since: float | None = None

    async def run(self) -> None:
        """Keep the bounds until cancelled."""
        while True:
            await asyncio.sleep(_BOUNDS_EVERY_SECONDS)
            with suppress(StoreUnavailableError):  # the process loop says so; here it is tried again in a minute
                await self.keep()

    async def keep(self) -> None:
        """Keep the bounds once."""
        if self._knows_the_time():
            now_ns = self._clock.now_ns()
            before_ns = now_ns - round(self._bounds.retention_seconds * SECOND_NS)
            await self._history.forget_before(before_ns)
            while await self._writer.run(pruning.prune(before_ns, at_ns=now_ns)) >= pruning.AT_ONCE:
                pass
        while await self._over_quota() and await self._evicted_something():
            pass

    def _knows_the_time(self) -> bool:
        """Return whether the clock may say what is old: one that is ahead makes all of it old.

        Not where it was set since the last look, nor beside a source with another time; but after a week of that it is
        the source's clock that nobody mends, and the disk must not fill up for it.
        """
        now, before = self._clock.now(), self._last_moment
        self._last_moment = now
        at = self._clock.monotonic()
        if not self._clock_in_doubt():
            self._doubted_since = None
        elif self._doubted_since is None:
            self._doubted_since = at
        believed = self._doubted_since is None or at - self._doubted_since > _DOUBT_SECONDS
        return believed and abs(now.stepped_since(before)) <= LARGEST_LEAD_NS

    async def _over_quota(self) -> bool:
        sizes = await self._writer.run(pruning.sizes)
        history = await self._history.bytes_used()
        used = history + sum(sizes.lanes.values())
        figures = {"state_bytes": sizes.state, "history_bytes": history, "quota_used_bytes": used}
        self._listener.figures({name: float(value) for name, value in figures.items()})
        return used > self._bounds.quota_bytes

    async def _evicted_something(self) -> bool:
        chunks = await self._history.evictable()
        if chunks is not None:
            await self._recorded("history", chunks.from_ns, chunks.until_ns, samples=chunks.samples)
            await self._history.evict(chunks)
            return True
        for lane in (Lane.TELEMETRY, Lane.GUIDANCE):
            messages = await self._writer.run(pruning.evictable(lane))
            if messages is not None:
                subject = lane.name.lower()
                await self._recorded(subject, messages.from_ns, messages.until_ns, messages=len(messages.seqs))
                await self._writer.run(departed(messages.seqs, Left.EVICTED, at_ns=self._clock.now_ns()))
                self._listener.evicted()
                return True
        return False

    async def _recorded(self, subject: str, from_ns: int, until_ns: int, **counts: int) -> None:
        """Return once the gap is committed: only then may go what it speaks of."""
        committed = asyncio.Event()
        self._gaps.notice(
            GapKind.EVICTED, subject, from_ns=from_ns, until_ns=until_ns, recorded=committed.set, **counts
        )
        await committed.wait()
