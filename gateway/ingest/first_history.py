"""At the first connection: what a server remembers of the time before, so that a model can be learned on day one.

A few tags and a stretch of time are read at a time, the older first. After each the server has peace for three times as
long as it took, and holes of outages go first: live data are not disturbed. How long a stretch is follows from how much
came with the last one. What has been read stands in a file, and a restart goes on there. Values of a clock that is
wrong are not taken; where a value is not known, a mark says so, as after an outage.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from gateway.clock import Clock
from gateway.database.file_permissions import close_to_others
from gateway.history.memory.source_times import LARGEST_LEAD_NS
from gateway.history.tag_history import History
from gateway.ingest.backfill import Backfill
from gateway.ingest.clock_watch import ClockWatch
from gateway.ingest.holes import Hole
from gateway.records.process import GapKind
from gateway.time_units import DAY_NS, SECOND_NS
from gateway.transport.opcua import OpcUaSession

log = structlog.get_logger()

_TAGS_AT_ONCE = 50
_SHORTEST_NS, _LONGEST_NS = 60 * SECOND_NS, DAY_NS
_FEW, _MANY = 3_000, 12_000  # samples of one read: below, the next stretch is longer; above, shorter
_TIMEOUT_SECONDS = 60.0
_PEACE, _LEAST_PEACE_SECONDS = 3.0, 0.05
_AGAIN_SECONDS, _ATTEMPTS = 5.0, 5
_SAVED_EVERY_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class FirstFetch:
    """How much is fetched, where its progress is kept, and who hears of it."""

    span_ns: int
    directory: Path
    on_progress: Callable[[str, Mapping[str, float]], None]


@dataclass(slots=True)
class Progress:
    """How far the fetch of a source has come; ``from_ns`` 0: not begun.

    ``next_ns``: from where the tags ``current`` are read next, until ``until_ns``. ``first_live_ns``: by tag, from when
    its values came live.
    """

    from_ns: int = 0
    until_ns: int = 0
    done: list[str] = field(default_factory=list)
    current: list[str] = field(default_factory=list)
    next_ns: int = 0
    samples: int = 0
    failed: int = 0
    without: list[str] = field(default_factory=list)
    first_live_ns: dict[str, int] = field(default_factory=dict)


class FirstHistory:
    """Fetches the history of one source once; ``run`` ends when all of it is there."""

    def __init__(
        self, source: str, fetch: FirstFetch, *, session: OpcUaSession, clocks: ClockWatch, history: History,
        backfill: Backfill, clock: Clock,
    ) -> None:  # fmt: skip
        self._source, self._fetch = source, fetch
        self._session, self._clocks, self._history = session, clocks, history
        self._backfill, self._clock = backfill, clock
        self._progress = Progress()
        self._stretch_ns = _SHORTEST_NS
        self._saved_at = 0.0

    async def run(self) -> None:
        """Fetch until all is there; tags that were configured since the last time, too."""
        self._progress = await asyncio.to_thread(read_progress, self._fetch.directory, self._source)
        try:
            await self._until_quiet()
            self._begin()
            self._report()
            while self._next_tags():
                await self._fetch_group()
                if not self._next_tags():
                    log.info("the server's history is fetched", source=self._source, samples=self._progress.samples,
                             failed=self._progress.failed, tags=len(self._progress.done))  # fmt: skip
        finally:
            await self._save()
            self._report()

    def _begin(self) -> None:
        """Note, at the very first connection, which time is fetched and from when each tag came live."""
        progress, now_ns = self._progress, self._clock.now_ns()
        if progress.from_ns == 0:
            progress.from_ns = now_ns - self._fetch.span_ns
            log.info("the server's history is fetched for the first time", source=self._source,
                     days=round(self._fetch.span_ns / DAY_NS, 2))  # fmt: skip
        for tag in self._session.tags:
            live_ns = self._history.last_ns(tag)
            if tag not in progress.first_live_ns and live_ns is not None:
                progress.first_live_ns[tag] = min(live_ns, now_ns)

    def _next_tags(self) -> bool:
        """Return whether tags are left; they become the current ones."""
        progress = self._progress
        left = [tag for tag in self._session.tags if tag not in progress.done]
        if progress.current and set(progress.current) <= set(left):
            return True
        now_ns = self._clock.now_ns()
        progress.current = left[:_TAGS_AT_ONCE]
        progress.next_ns = max(progress.from_ns, now_ns - self._fetch.span_ns)
        progress.until_ns = max((progress.first_live_ns.get(tag, now_ns) for tag in progress.current), default=now_ns)
        self._stretch_ns = _SHORTEST_NS
        return bool(progress.current)

    async def _fetch_group(self) -> None:
        """Fetch all of the current tags, stretch by stretch."""
        progress = self._progress
        hole = Hole(kind=GapKind.DISCONNECTED, from_ns=progress.next_ns, until_ns=progress.until_ns,
                    first_live_ns=dict(progress.first_live_ns), tags=tuple(progress.current))  # fmt: skip
        while progress.next_ns < progress.until_ns:
            end_ns = min(progress.next_ns + self._stretch_ns, progress.until_ns)
            begun = self._clock.monotonic()
            count = await self._read(hole, progress.next_ns, end_ns)
            progress.next_ns = end_ns
            progress.samples += count
            self._stretch_ns = self._next_stretch_ns(count)
            self._report()
            if self._clock.monotonic() - self._saved_at > _SAVED_EVERY_SECONDS:
                await self._save()
            await asyncio.sleep(max(_LEAST_PEACE_SECONDS, _PEACE * (self._clock.monotonic() - begun)))
        progress.without += [tag for tag in progress.current if tag not in hole.last_filled]
        progress.done += progress.current
        progress.current = []
        await self._save()

    def _next_stretch_ns(self, count: int) -> int:
        if count > _MANY:
            return max(_SHORTEST_NS, self._stretch_ns // 2)
        return min(_LONGEST_NS, self._stretch_ns * 2) if count < _FEW else self._stretch_ns

    async def _read(self, hole: Hole, start_ns: int, end_ns: int) -> int:
        """Put one stretch into the history; return how many samples it had. What cannot be read counts as failed."""
        for _attempt in range(_ATTEMPTS):
            await self._until_quiet()
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    values = await self._session.read_history(hole.tags, start_ns=start_ns, end_ns=end_ns)
            except Exception as error:  # noqa: BLE001 - a loop's edge: what servers and asyncua may do is of every kind
                log.debug("a stretch of the server's history cannot be read", source=self._source, error=str(error))
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            return await self._put(hole, values, start_ns, end_ns)
        self._progress.failed += 1
        return 0

    async def _put(self, hole: Hole, values: Mapping[str, Any], start_ns: int, end_ns: int) -> int:
        count = 0
        for tag, samples in values.items():
            if tag in self._clocks.distrusted:
                continue
            missed = hole.missed(tag, samples, start_ns=start_ns, until_ns=end_ns)
            self._history.backfill(missed, from_ns=start_ns)
            if missed and end_ns < hole.live_from_ns(tag):  # until the next stretch is read, nothing is known after it
                self._history.mark_tag_unknown(tag, since_ns=end_ns)
            count += len(samples)
        await self._history.wait_for_backlog()
        return count

    async def _until_quiet(self) -> None:
        """Return when values come, the server's clock is right, and no hole of an outage waits to be filled."""
        while True:
            await self._session.wait_subscribed()
            clock = self._clocks.server_since_up
            if clock.known and clock.trusted and abs(clock.lead_ns) <= LARGEST_LEAD_NS and not self._backfill.holes:
                return
            await asyncio.sleep(_LEAST_PEACE_SECONDS * 4)

    # --- what others see of it

    def _report(self) -> None:
        self._fetch.on_progress(self._source, figures(self._progress, tags=len(self._session.tags)))

    async def _save(self) -> None:
        self._saved_at = self._clock.monotonic()
        with suppress(OSError):  # it only means that more is read again after a restart
            await asyncio.to_thread(partial(write_progress, self._fetch.directory, self._source, self._progress))


def figures(progress: Progress, *, tags: int) -> dict[str, float]:
    """Return the progress as figures: the share that is fetched, from 0 to 1, and the counts."""
    span_ns = max(progress.until_ns - progress.from_ns, 1)
    of_current = (progress.next_ns - progress.from_ns) / span_ns if progress.current else 0.0
    done = len(progress.done) + of_current * len(progress.current)
    return {
        "share": round(min(done / tags, 1.0), 4) if tags else 1.0,
        "samples": float(progress.samples),
        "stretches_failed": float(progress.failed),
        "tags_without_history": float(len(progress.without)),
    }


def read_progress(directory: Path, source: str) -> Progress:
    """Return the progress of a source, none where none is kept or it cannot be read: then it begins again."""
    try:
        progress = Progress(**json.loads(state_file(directory, source).read_text(encoding="utf-8")))
        times = (progress.from_ns, progress.until_ns, progress.next_ns, *progress.first_live_ns.values())
        if not all(isinstance(at_ns, int) and at_ns >= 0 for at_ns in times):
            return Progress()
    except (OSError, ValueError, TypeError, AttributeError):
        return Progress()
    return progress


def state_file(directory: Path, source: str) -> Path:
    """Return where the progress of a source is kept, in the store's folder."""
    return directory / f"first_history.{source}.json"


def write_progress(directory: Path, source: str, progress: Progress) -> None:
    """Keep the progress of a source; raises OSError."""
    path = state_file(directory, source)
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps(asdict(progress)), encoding="utf-8")
    close_to_others(unfinished)
    unfinished.replace(path)
