"""What keeps the store within its bounds: free space, retention and quota, the full check, retries of dead letters.

Order of what goes when the quota is reached: the oldest tag history, then the oldest telemetry, then the oldest
unsent advice; evidence never. Each eviction is on record as a gap before it happens. Below the floor of free space the
gateway takes nothing more in, so that brokers keep what comes, and says so; it goes on by itself when space returns.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from gateway.clock import Clock
from gateway.contract.identity import identity_of
from gateway.database.writer import Writer
from gateway.errors import LablineError, StoreUnavailableError
from gateway.events import StoreChecked
from gateway.history.historian import Historian
from gateway.history.rings import LARGEST_LEAD_NS
from gateway.inbox import Inbox, Urgency
from gateway.ingest.gaps import Gaps
from gateway.records import SECOND_NS, GapKind, Lane
from gateway.store import pruning
from gateway.store.checking import check
from gateway.store.dead_letters import Retry, retried
from gateway.store.outbox import Left, departed
from gateway.store.readers import Reader

log = structlog.get_logger()

_SPACE_EVERY_SECONDS = 2.0
_BOUNDS_EVERY_SECONDS = 60.0
_CHECK_EVERY_SECONDS = 86_400.0
_FULL_SOON_DAYS = 7.0
_DAY_SECONDS = 86_400.0
_DOUBT_SECONDS = 7 * _DAY_SECONDS
_GROWTH_READINGS = 1440  # one a minute: a day
_GROWTH_FEWEST = 60
_RETRIES_EVERY_SECONDS = 2.0

Again = Callable[[str, bytes, Callable[[], None]], None]


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much room there is, and for how long things are kept."""

    quota_bytes: int
    floor_bytes: int
    retention_seconds: float


def free_bytes(directory: Path) -> int:
    """Return how many bytes an unprivileged process may still write on that disk."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


class Space:
    """Watches the disk's free space."""

    def __init__(
        self,
        directory: Path,
        bounds: Bounds,
        *,
        clock: Clock,
        on_room: Callable[[bool], None],
        on_condition: Callable[[str, bool], None],
        on_figures: Callable[[dict[str, float]], None],
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        """``on_room`` hears whether there is room to take anything in."""
        self._directory = directory
        self._bounds = bounds
        self._clock = clock
        self._on_room = on_room
        self._on_condition = on_condition
        self._on_figures = on_figures
        self._free = free
        self._readings: deque[tuple[float, int]] = deque(maxlen=_GROWTH_READINGS)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(_SPACE_EVERY_SECONDS)

    def look(self) -> None:
        """Look once."""
        now, free = self._clock.monotonic(), self._free(self._directory)
        if not self._readings or now - self._readings[-1][0] >= _BOUNDS_EVERY_SECONDS:
            self._readings.append((now, free))
        room = free >= self._bounds.floor_bytes
        self._on_room(room)
        self._on_condition("STORE_SPACE_LOW", not room)
        days = self.days_to_floor(free)
        self._on_condition("STORE_FULL_SOON", days is not None and days < _FULL_SOON_DAYS)
        figures = {"free_bytes": float(free), "floor_bytes": float(self._bounds.floor_bytes)}
        self._on_figures(figures if days is None else {**figures, "days_to_floor": round(days, 2)})

    def days_to_floor(self, free: int) -> float | None:
        """Return in how many days the floor is reached at the pace of the last day; None where it does not come."""
        if len(self._readings) < _GROWTH_FEWEST:
            return None
        then, free_then = self._readings[0]
        elapsed_days = (self._clock.monotonic() - then) / _DAY_SECONDS
        pace = (free_then - free) / elapsed_days
        return max(0.0, (free - self._bounds.floor_bytes) / pace) if pace > 0 else None


class Retention:
    """Deletes what is too old, and evicts the oldest where the quota is reached."""

    def __init__(
        self, bounds: Bounds, *, clock: Clock, writer: Writer, historian: Historian, gaps: Gaps,
        on_figures: Callable[[dict[str, float]], None], on_evicted: Callable[[], None],
        clock_in_doubt: Callable[[], bool],
    ) -> None:  # fmt: skip
        """``on_evicted`` hears that messages have left the outbox: whoever holds them must not send them.

        ``clock_in_doubt``: whether a source shows another time than the gateway.
        """
        self._bounds = bounds
        self._clock = clock
        self._writer = writer
        self._historian = historian
        self._gaps = gaps
        self._on_figures = on_figures
        self._on_evicted = on_evicted
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
            await self._historian.forget_before(before_ns)
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
        history = await self._historian.bytes_used()
        used = history + sum(sizes.lanes.values())
        figures = {"state_bytes": sizes.state, "history_bytes": history, "quota_used_bytes": used}
        self._on_figures({name: float(value) for name, value in figures.items()})
        return used > self._bounds.quota_bytes

    async def _evicted_something(self) -> bool:
        chunks = await self._historian.evictable()
        if chunks is not None:
            await self._recorded("history", chunks.from_ns, chunks.until_ns, samples=chunks.samples)
            await self._historian.evict(chunks)
            return True
        for lane in (Lane.TELEMETRY, Lane.GUIDANCE):
            messages = await self._writer.run(pruning.evictable(lane))
            if messages is not None:
                subject = lane.name.lower()
                await self._recorded(subject, messages.from_ns, messages.until_ns, messages=len(messages.seqs))
                await self._writer.run(departed(messages.seqs, Left.EVICTED, at_ns=self._clock.now_ns()))
                self._on_evicted()
                return True
        return False

    async def _recorded(self, subject: str, from_ns: int, until_ns: int, **counts: int) -> None:
        """Return once the gap is committed: only then may go what it speaks of."""
        committed = asyncio.Event()
        self._gaps.notice(
            GapKind.EVICTED, subject, from_ns=from_ns, until_ns=until_ns, recorded=committed.set, **counts
        )
        await committed.wait()


class Checker:
    """Runs the full check in the background: at once after an unclean stop, and daily."""

    def __init__(self, directory: Path, *, clock: Clock, inbox: Inbox, due: bool) -> None:
        self._directory = directory
        self._clock = clock
        self._inbox = inbox
        self._due = due
        self._stopping = False

    async def run(self) -> None:
        """Check until cancelled; a check that runs then ends at its next step."""
        try:
            while True:
                if not self._due:
                    await asyncio.sleep(_CHECK_EVERY_SECONDS)
                self._due = not await self.check()
        finally:
            self._stopping = True

    async def check(self) -> bool:
        """Check once; the outcome becomes an event. Return whether it could be done."""
        try:
            findings = await asyncio.to_thread(partial(check, self._directory, stopping=lambda: self._stopping))
        except LablineError as error:
            log.error("the store could not be checked; it is tried again", error=str(error))  # noqa: TRY400
            await asyncio.sleep(_BOUNDS_EVERY_SECONDS)
            return False
        log.info("the store was checked", rows=findings.rows, audit_lines=findings.audit_lines, wrong=findings.wrong)
        at = self._clock.now()
        event = StoreChecked(
            event_id=identity_of("store-checked", at.wall_ns, at.boot_ns),
            at=at,
            rows=findings.rows,
            audit_lines=findings.audit_lines,
            damaged=findings.damaged,
            wrong=tuple(findings.wrong),
        )
        self._inbox.put(event, Urgency.MODELS_AND_TIMERS)
        return True


class Retries:
    """Takes dead letters once more that a person has asked for."""

    def __init__(self, *, clock: Clock, reader: Reader, writer: Writer, again: Again) -> None:
        """``again`` takes topic, payload and what to call once it is committed."""
        self._clock = clock
        self._reader = reader
        self._writer = writer
        self._again = again

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(_RETRIES_EVERY_SECONDS)
            with suppress(StoreUnavailableError):  # asked again in a moment
                for retry in await self._reader.retries():
                    await self._take(retry)

    async def _take(self, retry: Retry) -> None:
        committed = asyncio.Event()
        self._again(retry.topic, retry.payload, committed.set)
        await committed.wait()
        tried_ns = self._clock.now_ns()
        await self._writer.run(partial(retried, retry.dead_letter_id, tried_ns))
