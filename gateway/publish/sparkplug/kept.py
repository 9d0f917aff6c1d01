"""Reports that wait in the store: read for a session, taken out once they are sent, dropped where they are too many."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

import structlog

from gateway.clock import Clock
from gateway.database.writer import Writer
from gateway.errors import StoreUnavailableError
from gateway.operations.interface_figures import SparkplugFigures
from gateway.publish.sparkplug.options import NodeOptions
from gateway.publish.sparkplug.session import Told
from gateway.store.queries.readers import Reader
from gateway.store.queries.sparkplug_reader import KeptReport
from gateway.store.sparkplug import drop_oldest, sent
from gateway.time_units import seconds_to_ns

log = structlog.get_logger()

_AT_ONCE = 200
_TIDY_SECONDS = 10.0
_MILLISECOND_NS = 1_000_000


class KeptReports:
    """What is on record for the host."""

    def __init__(self, options: NodeOptions, *, reader: Reader, writer: Writer, clock: Clock) -> None:
        self.figures = SparkplugFigures()
        self._options = options
        self._reader = reader
        self._writer = writer
        self._clock = clock

    async def newest(self) -> list[KeptReport]:
        """Return the newest report of each subject."""
        return await self._reader.sparkplug.newest()

    async def waiting(self, *, without: Iterable[str]) -> list[KeptReport]:
        """Return some that were not sent yet, the oldest first; ``without``: those of some devices."""
        return await self._reader.sparkplug.waiting(without=without, most=_AT_ONCE)

    async def take_as_sent(self, kept: Sequence[KeptReport]) -> None:
        """Take them out; of each subject the newest stays."""
        seqs = [report.seq for report in kept if not report.sent]
        if seqs:
            await self._writer.run(sent(seqs))

    def told(self, kept: Iterable[KeptReport]) -> list[Told]:
        """Return reports as a session tells them now."""
        now = self._clock.now()
        return [
            Told(
                seq=report.seq,
                device=report.device,
                subject=report.subject,
                at_ms=report.at_ns // _MILLISECOND_NS,
                values=report.values,
                stale=report.expires is not None and now.is_past(report.expires),
            )
            for report in kept
        ]

    async def tidy_for_ever(self) -> None:
        """Drop what waits too long or is too much, whether there is a connection or not."""
        while True:
            with suppress(StoreUnavailableError):  # later, then
                await self.tidy()
            await asyncio.sleep(_TIDY_SECONDS)

    async def tidy(self) -> None:
        """Drop what waits too long or is too much, and count what waits."""
        before_ns = self._clock.now_ns() - seconds_to_ns(self._options.keep_seconds)
        dropped = await self._writer.run(drop_oldest(before_ns=before_ns, most=self._options.keep_reports))
        self.figures.waiting = await self._reader.sparkplug.count()
        if dropped:
            self.figures.dropped += dropped
            log.error("reports to sparkplug are dropped: they have waited too long, or are too many", dropped=dropped)
