"""The whole of tag history as one: rings for what is recent, chunks for what is not, one window from both."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress

import structlog

from gateway.deadlines import ClockReading
from gateway.errors import LablineError, StoreUnavailableError
from gateway.history.columns import Columns
from gateway.history.memory.clock_correction import ClockCorrection
from gateway.history.memory.rings import Rings
from gateway.history.memory.source_times import LARGEST_LEAD_NS
from gateway.history.windows import TagWindow, WindowRequest, cut
from gateway.history.writer.historian import Historian
from gateway.records.process import TagSample

log = structlog.get_logger()

RING_SAMPLES = 2**15  # of one tag at most; older samples are read from disk


class History:
    """What the tags were. Touched from the event loop only."""

    def __init__(
        self,
        rings: Rings,
        historian: Historian,
        *,
        now: Callable[[], ClockReading],
        on_damage: Callable[[], None] = lambda: None,
        on_clock_step: Callable[[int, int], None] = lambda _from_ns, _until_ns: None,
    ) -> None:
        """``on_clock_step`` is called when the wall clock was set, with the time before and after the step."""
        self._rings = rings
        self._clock = ClockCorrection(rings)
        self._historian = historian
        self._now = now
        self._on_damage = on_damage
        self._on_clock_step = on_clock_step
        self._last_reading = now()
        self._clock_step_count, self._stepped_ns = 0, 0

    async def load(self) -> None:
        """Load the newest samples of earlier runs; until a source sends again, nothing newer is known of its tags."""
        loaded = await self._historian.load(self._rings.reach)
        self._rings.arrival = max(self._rings.arrival, loaded.arrival)
        for series, (columns, older) in loaded.series.items():
            self._rings.restore(series, columns, older_elsewhere=older)
        now_ns = self._now().wall_ns
        if self._clock.newest_ns() > now_ns + LARGEST_LEAD_NS:
            self._historian.record(self._clock.clock_is_behind(now_ns))
        if loaded.damage:
            log.error("history is damaged in part; it counts as unknown", chunks=loaded.damage.chunks,
                      journal_entries=loaded.damage.journal_entries)  # fmt: skip
            self._on_damage()

    def clock_step_count(self) -> int:
        """Return how often the wall clock was set; after a step a value counts once its server resends it."""
        now, before = self._now(), self._last_reading
        self._last_reading = now
        stepped_ns = now.stepped_since(before)
        if abs(stepped_ns) > LARGEST_LEAD_NS:
            log.warning("the wall clock was set; values count once they are resent", by_seconds=stepped_ns / 1e9)
            self._clock_step_count, self._stepped_ns = self._clock_step_count + 1, self._stepped_ns + stepped_ns
            step, marks = self._clock.note_step(now.wall_ns, stepped_ns=stepped_ns, boot_ns=now.boot_ns)
            if step is not None:
                self._historian.record_clock_step(step)
            self._historian.record(marks)
            self._on_clock_step(now.wall_ns - stepped_ns, now.wall_ns)
        return self._clock_step_count

    def stepped_ns(self) -> int:
        """Return by how much the wall clock was set in all, as far as it was seen."""
        return self._stepped_ns

    def add_notification(
        self,
        source: str,
        samples: Iterable[TagSample],
        *,
        confirmed_ns: int,
        clock_trusted: bool = True,
        distrusted: Container[str] = (),
        allowed_lead_ns: int = LARGEST_LEAD_NS,
        confirms: bool = True,
    ) -> None:
        """Add a whole notification of a source, as ``Rings.add_notification`` does, and record it."""
        self.clock_step_count()
        self._historian.record(
            self._rings.add_notification(
                source,
                samples,
                confirmed_ns=confirmed_ns,
                clock_trusted=clock_trusted,
                distrusted=distrusted,
                allowed_lead_ns=allowed_lead_ns,
                confirms=confirms,
            )
        )

    def backfill(self, samples: Iterable[TagSample], *, from_ns: int) -> None:
        """Add the values from the server's history of a hole that begins at ``from_ns``."""
        self._historian.record(self._rings.backfill(samples, from_ns=from_ns))

    async def wait_for_backlog(self) -> None:
        """Return at once, or if much waits to be written, after a flush; the historian reports errors."""
        if self._historian.has_backlog:
            with suppress(StoreUnavailableError):
                await self._historian.flush()

    def take_tags(self, tags: Mapping[str, str], need_ns: Mapping[str, int]) -> None:
        """Keep these tags (name to source), too, from now on."""
        self._rings.take_tags(tags, need_ns)

    def set_need(self, need_ns: Mapping[str, int]) -> None:
        """Keep each tag in memory as far back as it is read from now on, in nanoseconds by tag."""
        self._rings.set_need(need_ns)

    def last_ns(self, tag: str) -> int | None:
        """Return from when a tag's newest value counts, or None."""
        return self._rings.by_tag[tag].last_ns

    def mark_source_unknown(self, source: str) -> None:
        """Mark the tags of a source as unknown since it last confirmed them."""
        self._historian.record(self._rings.mark_source_unknown(source))

    def mark_tag_unknown(self, tag: str, *, since_ns: int, may_be_resent: bool = False) -> None:
        """Mark one tag as unknown from an instant until its next value, as ``Rings.mark_tag_unknown`` does."""
        self._historian.record(self._rings.mark_tag_unknown(tag, since_ns=since_ns, may_be_resent=may_be_resent))

    def confirmed_ns(self, source: str) -> int:
        """Return until when a source has confirmed its values, 0 where it never did."""
        return self._rings.confirmed_ns(source)

    def window(self, request: WindowRequest) -> TagWindow:
        """Return one recent window, from memory."""
        self.clock_step_count()
        return self._rings.window(request)

    async def windows(self, requests: Iterable[WindowRequest]) -> Mapping[WindowRequest, TagWindow]:
        """Return the windows of the requests; the disk is read only where memory does not reach."""
        self.clock_step_count()
        from_memory, older = dict[WindowRequest, TagWindow](), list[WindowRequest]()
        for request in dict.fromkeys(requests):
            if self._rings.reaches_back(request):
                from_memory[request] = self._rings.window(request)
            else:
                older.append(request)
        if older:
            return from_memory | await self._older(older)
        return from_memory

    async def _older(self, requests: Sequence[WindowRequest]) -> dict[WindowRequest, TagWindow]:
        try:
            stretches, damage = await self._historian.stretches(requests)
        except LablineError as error:
            log.error("history cannot be read; only what is in memory is known", error=str(error))  # noqa: TRY400
            self._on_damage()
            return self._rings.windows(requests)
        if damage:
            self._on_damage()
        return {request: _window_of(request, stretches[request], self._rings.window(request)) for request in requests}


def _window_of(request: WindowRequest, stretch: Columns, recent: TagWindow) -> TagWindow:
    """Return a window of what the disk holds: everything is there or still in the historian's buffers."""
    return cut(
        request,
        held_ns=stretch.held_ns,
        values=stretch.values,
        statuses=stretch.statuses,
        confirmed_ns=recent.confirmed_ns,
        arrival=recent.arrival,
    )
