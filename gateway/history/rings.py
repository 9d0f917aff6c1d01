"""Tag history in memory: one bounded ring per tag, ordered by when a value counts.

A ring is as long as somebody reads back in its tag (``need_ns``), and grows in steps until it is; of a tag that nobody
reads it keeps the latest value and a short tail. From the first sample it keeps, a ring knows all that is known; what
counts from earlier is on disk alone, and ``reaches_back`` says so.

Touched only from the event loop's thread; windows are handed out as copies. When a source is lost, each of
its tags gets a *mark* (bad, no number) at the instant until which its server had last confirmed the value: from there
on nothing is known, and windows say so by themselves. When the source is back, a server tells each value again
with the source time it always had; such a value counts again only from the moment it was told again, and nothing that
follows counts from earlier than that. What a server's history tells of the hole counts from its own time.

A source time is not believed where it is ahead of the gateway's clock by more than its source is allowed to be (two
seconds at least), goes back behind the tag's own last by more than two seconds, or comes by a clock that is found
wrong: the sample then counts as bad, from when it came. What is ahead by more than two seconds, and allowed to be,
counts from when it came, too. Else a window that ends now would leave out the newest values and take old ones for
fresh.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from gateway.history.clock_steps import ClockSet
from gateway.history.columns import Columns, HeldSample, Reach, SampleFlag, mark
from gateway.history.windows import TagWindow, WindowRequest, cut
from gateway.records.process import Quality, TagSample, quality_of

BAD_OUT_OF_RANGE = 0x803C0000
LARGEST_LEAD_NS = 2_000_000_000
_TAKEN_BACK_WITHIN_NS = 3_600_000_000_000  # later than that, two settings of a clock have nothing to do with each other
_SMALLEST_MISTAKE_NS = 10_000_000_000
_MOVED_AFTER = 4  # a quarter more room than is filled, so that what is kept is moved once per quarter
_SMALLEST_ROOM = 16
TAIL_NS = 5_000_000_000  # kept of a tag that nobody reads
READ_LATE_NS = 15_000_000_000  # a window may be read so long after the instant at which it ends
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
        "told_again_until_ns",
    )

    def __init__(self, *, capacity: int, kept_ns: int | None = None) -> None:
        """``kept_ns``: for how long before the newest sample all are kept, with what held then; None: for ever."""
        self.last_ns: int | None = None  # from when the newest sample counts
        self.overwritten = 0  # samples that somebody may read, and for which there was no room
        self.older_elsewhere = False  # whether older samples are on disk, or were
        self.reaches_from_ns = 0  # what counts from earlier is on disk alone
        self.told_again_until_ns: int | None = None
        self.earliest_next_ns = 0
        self.false_until_ns = 0  # until when source times are of a clock that has been set back since
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
        """Keep samples for so long from now on; what was let go already is on disk alone."""
        self._kept_ns = kept_ns

    def refill(self, columns: Columns) -> None:
        """Put the newest samples, which come in the order in which they count, in the place of what is kept."""
        kept = self.reach.newest(columns)
        self._begin, self._end = 0, len(kept)
        self._allocate(_room_for(self._end))
        self._held_ns[: self._end], self._values[: self._end] = kept.held_ns, kept.values
        self._statuses[: self._end] = kept.statuses
        self.last_ns = int(kept.held_ns[-1]) if len(kept) else None
        self.older_elsewhere = self.older_elsewhere or len(kept) < len(columns)

    def append(self, *, held_ns: int, value: float, status: int) -> None:
        """Add a sample at its place in time; of equal times the later arrival comes last.

        One that counts from earlier than the first that is kept is on disk alone, like those beside it: with it the
        ring would say that it reaches back to where it does not.
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
        self._let_go()

    def _let_go(self) -> None:
        """Let go what nobody reads any more, and the oldest where there are too many."""
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
        """Move what is kept to the front, into more room where it fills most of it, into less where it fills little."""
        kept, kept_count, room = slice(self._begin, self._end), len(self), len(self._held_ns)
        columns = self._held_ns[kept], self._values[kept], self._statuses[kept]
        if _MOVED_AFTER * (room - kept_count) < kept_count or _room_for(kept_count) < room // _MOVED_AFTER:
            self._allocate(_room_for(kept_count))
        else:
            columns = columns[0].copy(), columns[1].copy(), columns[2].copy()
        self._held_ns[:kept_count], self._values[:kept_count], self._statuses[:kept_count] = columns
        self._begin, self._end = 0, kept_count

    def forget(self, *, reaches_from_ns: int) -> None:
        """Forget everything; what was forgotten is on disk, and is asked for there of earlier than that instant."""
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


def _kept_ns(tag: str, need_ns: Mapping[str, int] | None) -> int | None:
    """Return for how long samples of a tag are kept, None: as far as there is room."""
    if need_ns is None:
        return None
    return need_ns[tag] + READ_LATE_NS if tag in need_ns else TAIL_NS


@dataclass(frozen=True, kw_only=True, slots=True)
class _SetBack:
    """The wall clock was set back, and what was known until then."""

    arrival: int
    boot_ns: int
    by_ns: int  # in all since then
    confirmed_ns: Mapping[str, int]  # by source
    known_until_ns: Mapping[str, int]  # by tag


class Rings:
    """The rings of all tags, and until when each source has confirmed its values."""

    def __init__(self, tags: Mapping[str, str], *, capacity: int, need_ns: Mapping[str, int] | None = None) -> None:
        """Keep nothing yet.

        Args:
            tags: tag name to the name of its source.
            capacity: the most samples of one tag.
            need_ns: how far back each tag is read that anybody reads; None: as far as ``capacity`` goes.
        """
        self._source_of = dict(tags)
        self._rings = {tag: TagRing(capacity=capacity, kept_ns=_kept_ns(tag, need_ns)) for tag in tags}
        self._confirmed_ns = dict.fromkeys(tags.values(), 0)
        self._arrival = 0
        self._set_back: _SetBack | None = None
        self.samples_taken = 0

    def need(self, need_ns: Mapping[str, int]) -> None:
        """Keep each tag as far back as it is read from now on; until a ring has grown its windows are on disk."""
        for tag, ring in self._rings.items():
            ring.keep(_kept_ns(tag, need_ns))

    def nbytes(self) -> int:
        """Return how many bytes the samples of all tags take in memory."""
        return sum(ring.nbytes for ring in self._rings.values())

    def resume(self, *, arrival: int) -> None:
        """Go on counting arrivals after those of an earlier run."""
        self._arrival = max(self._arrival, arrival)

    def reach(self, series: str) -> Reach:
        """Return how much of what an earlier run has recorded of a series is to be put back."""
        ring = self._rings.get(series)
        return Reach(1) if ring is None else ring.reach

    def put_back(self, series: str, columns: Columns, *, older_elsewhere: bool) -> None:
        """Take samples that were recorded in an earlier run, as they counted then."""
        if series in self._rings:
            ring = self._rings[series]
            ring.older_elsewhere = older_elsewhere
            ring.refill(columns)
        elif series.removeprefix("@") in self._confirmed_ns and len(columns):
            self._confirm(series.removeprefix("@"), int(columns.held_ns.max()))

    def take(
        self,
        source: str,
        samples: Iterable[TagSample],
        *,
        confirmed_ns: int,
        clock_trusted: bool = True,
        distrusted: Container[str] = (),
        allowed_lead_ns: int = LARGEST_LEAD_NS,
        confirms: bool = True,
    ) -> list[HeldSample]:
        """Add a whole notification of a source; it also confirms the values that did not change.

        Args:
            source: who told it.
            samples: its values.
            confirmed_ns: when it came.
            clock_trusted: whether the source's times may be used at all.
            distrusted: tags whose source times may not be used.
            allowed_lead_ns: how far a source time may be ahead; one that is counts from when it came.
            confirms: whether it says that what did not change still holds; values that were read by us do not.

        Returns the samples as they count, and the confirmation itself.
        """
        self._arrival += 1
        taken = [
            self._live(
                sample,
                confirmed_ns,
                clock_trusted=clock_trusted and sample.tag not in distrusted,
                allowed_lead_ns=max(allowed_lead_ns, LARGEST_LEAD_NS),
            )
            for sample in samples
        ]
        self.samples_taken += len(taken)
        return [*taken, self._confirmation(source, confirmed_ns)] if confirms else taken

    def fill(self, samples: Iterable[TagSample], *, from_ns: int) -> list[HeldSample]:
        """Add what a server's history tells of a hole; what is older than the hole counts from its beginning."""
        self._arrival += 1
        return [self._filled(sample, from_ns) for sample in samples]

    def _filled(self, sample: TagSample, from_ns: int) -> HeldSample:
        held_ns = max(sample.source_ns, from_ns)
        return self._held(sample, held_ns, sample.status, SampleFlag.BACKFILLED)

    def _live(self, sample: TagSample, confirmed_ns: int, *, clock_trusted: bool, allowed_lead_ns: int) -> HeldSample:
        ring, held_ns, status = self._rings[sample.tag], sample.source_ns, sample.status
        flags = SampleFlag.NONE
        leads = sample.source_ns > confirmed_ns + LARGEST_LEAD_NS
        if ring.told_again_until_ns is not None and sample.source_ns <= ring.told_again_until_ns:
            held_ns = ring.earliest_next_ns = max(confirmed_ns, ring.told_again_until_ns)
            flags |= SampleFlag.TOLD_AGAIN
        elif leads and sample.source_ns <= ring.false_until_ns:  # changed by the clock that was wrong, told again now
            held_ns = ring.earliest_next_ns = max(confirmed_ns, ring.earliest_next_ns)
            flags, leads = flags | SampleFlag.TOLD_AGAIN, False
        else:
            ring.told_again_until_ns = None
            held_ns = max(held_ns, ring.earliest_next_ns)
        steps_back = ring.last_ns is not None and held_ns < ring.last_ns - LARGEST_LEAD_NS
        if leads:
            held_ns = confirmed_ns
        leads = leads and sample.source_ns > confirmed_ns + allowed_lead_ns
        if leads or steps_back or not clock_trusted:
            held_ns = confirmed_ns
            status = status if quality_of(status) is Quality.BAD else BAD_OUT_OF_RANGE
        return self._held(sample, held_ns, status, flags)

    def _held(self, sample: TagSample, held_ns: int, status: int, flags: SampleFlag) -> HeldSample:
        self._rings[sample.tag].append(held_ns=held_ns, value=sample.value, status=status)
        return HeldSample(
            series=sample.tag,
            arrival=self._arrival,
            source_ns=sample.source_ns,
            held_ns=held_ns,
            value=sample.value,
            status=status,
            flags=flags | _TIME_FLAGS[sample.time_from] if flags else _TIME_FLAGS[sample.time_from],
        )

    def confirm(self, source: str, *, confirmed_ns: int) -> list[HeldSample]:
        """Note that the source is alive and its last values hold until now."""
        self._arrival += 1
        return [self._confirmation(source, confirmed_ns)]

    def _confirmation(self, source: str, confirmed_ns: int) -> HeldSample:
        self._confirm(source, confirmed_ns)
        return HeldSample(
            series=f"@{source}",
            arrival=self._arrival,
            source_ns=confirmed_ns,
            held_ns=confirmed_ns,
            value=0.0,
            status=0,
        )

    def _confirm(self, source: str, confirmed_ns: int) -> None:
        self._confirmed_ns[source] = max(self._confirmed_ns.get(source, 0), confirmed_ns)

    def confirmed_ns(self, source: str) -> int:
        """Return until when a source has confirmed its values, 0 where it never did."""
        return self._confirmed_ns.get(source, 0)

    def lose(self, source: str) -> list[HeldSample]:
        """Note that nothing is known of a source's tags since it last confirmed them; return the marks."""
        return self._mark(tag for tag, owner in self._source_of.items() if owner == source)

    def lose_tag(self, tag: str, *, since_ns: int, told_again: bool = False) -> list[HeldSample]:
        """Note that values of one tag were lost since an instant, until the next that comes.

        ``told_again``: the next may be the old one, which then counts only from when it was told again.
        """
        marks = self._mark((tag,), since_ns=since_ns)
        if told_again and marks:
            self._rings[tag].told_again_until_ns = since_ns
        return marks

    def _mark(self, tags: Iterable[str], *, since_ns: int | None = None) -> list[HeldSample]:
        self._arrival += 1
        marks = []
        for tag in tags:
            ring = self._rings[tag]
            if ring.last_ns is None:
                continue
            held_ns = since_ns
            if held_ns is None:
                held_ns = ring.told_again_until_ns = max(self._confirmed_ns[self._source_of[tag]], ring.last_ns)
            marks.append(self._put_mark(tag, held_ns))
        return marks

    def _put_mark(self, tag: str, held_ns: int) -> HeldSample:
        made = mark(tag, held_ns, arrival=self._arrival)
        self._rings[tag].append(held_ns=held_ns, value=made.value, status=made.status)
        return made

    def newest_ns(self) -> int:
        """Return the latest instant that anything here speaks of, 0 where there is none."""
        return max([ring.last_ns or 0 for ring in self._rings.values()] + [*self._confirmed_ns.values()], default=0)

    def clock_found_behind(self, now_ns: int) -> list[HeldSample]:
        """Note that the wall clock shows less than what is on record speaks of; return the marks.

        Whether it was ahead before or is behind now nobody can say: nothing of what is recorded becomes void.
        """
        self._arrival += 1
        return self._begin_anew(now_ns)

    def clock_set(self, now_ns: int, *, stepped_ns: int, boot_ns: int) -> tuple[ClockSet | None, list[HeldSample]]:
        """Note that the wall clock was set: until told again nothing is known of any source's tags.

        Returns what that makes void of what was recorded, and the marks to be recorded. What counts from a future that
        was none would make every later value an older one, and a confirmation from there would keep a dead server's
        values fresh. Of a tag told in such a future, nothing is known since before. A clock that soon comes forward
        again by as much as it was set back was right before.
        """
        self._arrival += 1
        back = self._set_back
        if back is not None:
            back = replace(back, by_ns=back.by_ns + stepped_ns)
            self._set_back = back = back if boot_ns - back.boot_ns <= _TAKEN_BACK_WITHIN_NS else None
        if back is not None and abs(back.by_ns) <= LARGEST_LEAD_NS:
            return self._taken_back(back, now_ns)
        if stepped_ns > 0:
            return None, self._begin_anew(now_ns)
        if back is None and stepped_ns < -_SMALLEST_MISTAKE_NS:
            self._set_back = _SetBack(
                arrival=self._arrival,
                boot_ns=boot_ns,
                by_ns=stepped_ns,
                confirmed_ns=dict(self._confirmed_ns),
                known_until_ns={tag: self._known_until_ns(tag) for tag in self._rings},
            )
        return ClockSet(arrival=self._arrival, until_ns=now_ns), self._begin_anew(now_ns)

    def _taken_back(self, back: _SetBack, now_ns: int) -> tuple[ClockSet, list[HeldSample]]:
        self._set_back = None
        self._confirmed_ns = {source: min(until, now_ns) or now_ns for source, until in back.confirmed_ns.items()}
        known = {tag: min(until, now_ns) or now_ns for tag, until in back.known_until_ns.items()}
        made = ClockSet(arrival=self._arrival, until_ns=now_ns, takes_back=back.arrival)
        return made, self._start_over(known, now_ns)

    def _begin_anew(self, now_ns: int) -> list[HeldSample]:
        self._confirmed_ns = {source: min(until, now_ns) for source, until in self._confirmed_ns.items()}
        known = {
            tag: (ring.last_until(now_ns) or now_ns) if (ring.last_ns or 0) > now_ns else self._known_until_ns(tag)
            for tag, ring in self._rings.items()
        }
        return self._start_over(known, now_ns)

    def _known_until_ns(self, tag: str) -> int:
        return max(self._confirmed_ns[self._source_of[tag]], self._rings[tag].last_ns or 0)

    def _start_over(self, known_until_ns: Mapping[str, int], now_ns: int) -> list[HeldSample]:
        """Forget what is in memory, and mark from when on nothing is known; return the marks and what is confirmed."""
        latest_ns = self.newest_ns()
        marks = [self._confirmation(source, until) for source, until in self._confirmed_ns.items() if until]
        for tag, ring in self._rings.items():
            ring.false_until_ns = latest_ns if latest_ns > now_ns + LARGEST_LEAD_NS else 0
            ring.earliest_next_ns = min(ring.earliest_next_ns, now_ns)
            if ring.last_ns is None:
                continue
            ring.forget(reaches_from_ns=now_ns)
            since_ns = known_until_ns[tag]
            ring.told_again_until_ns = max(self._confirmed_ns[self._source_of[tag]], since_ns)
            marks.append(self._put_mark(tag, since_ns))
        return marks

    def last_ns(self, tag: str) -> int | None:
        """Return from when a tag's newest value counts, or None."""
        return self._rings[tag].last_ns

    def reaches_back(self, request: WindowRequest) -> bool:
        """Return whether a window can be answered from memory alone."""
        return self._rings[request.tag].reaches_back_to(request.start_ns)

    def window(self, request: WindowRequest) -> TagWindow:
        """Return one window; of a tag without samples an empty one."""
        confirmed_ns = self._confirmed_ns[self._source_of[request.tag]]
        return self._rings[request.tag].window(request, confirmed_ns=confirmed_ns, arrival=self._arrival)

    def windows(self, requests: Iterable[WindowRequest]) -> dict[WindowRequest, TagWindow]:
        """Return the windows asked for, as far as memory reaches."""
        return {request: self.window(request) for request in requests}
