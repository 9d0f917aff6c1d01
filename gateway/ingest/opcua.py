"""One source of process values: its notifications into the history, its holes filled from the server's or recorded.

After a loss nothing is known of the source's tags until it tells them again. What its server's own history tells of
the hole is taken in, without what came live; then the gap is put on record with how much of it could be filled.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import structlog

from gateway.clock import Clock
from gateway.history.rings import LARGEST_LEAD_NS
from gateway.history.tag_history import History
from gateway.ingest.gaps import Gaps
from gateway.ingest.skew import ServerClock, SourceClocks
from gateway.records.process import GapKind, TagSample
from gateway.time_units import SECOND_NS
from gateway.transport.opcua import OpcUaSession
from gateway.transport.opcua_listener import Listener, Notification
from gateway.transport.opcua_source import OpcUaSource

log = structlog.get_logger()

_MOST_HOLES = 16
_FILL_ATTEMPTS = 5
_FILL_TIMEOUT_SECONDS = 60.0  # for one slice of a few tags
_FILL_SLICE_NS = 600 * SECOND_NS
_FILL_TAGS = 50  # with a slice, some 30,000 samples at 1 Hz: little memory, and the loop is not held up
_OVERFLOW_TOLD_AFTER_NS = 10 * SECOND_NS
_FILL_AGAIN_SECONDS = 5.0
_WANT_ALL_AGAIN_SECONDS = 60.0
_BOUND_NOT_FOUND = 0x80D70000


@dataclass(slots=True)
class _Hole:
    """A stretch that was not told live; ``first_live_ns``: per tag, the first source time told after it."""

    kind: GapKind
    from_ns: int
    until_ns: int
    first_live_ns: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    tags: tuple[str, ...] = ()
    done: int = 0  # slices that have been filled, or given up
    last_filled: dict[str, TagSample] = field(default_factory=dict)  # per tag of which history told anything
    filled_samples: int = 0

    @property
    def finished(self) -> bool:
        """Return whether every slice has been read."""
        return bool(self.tags) and self.done == sum(1 for _ in self.slices())

    def live_from_ns(self, tag: str) -> int:
        """Return from when a tag's values were told live again: at the latest, from the end of the hole."""
        return min(self.first_live_ns.get(tag, self.until_ns), self.until_ns)

    def slices(self) -> Iterator[tuple[tuple[str, ...], int, int]]:
        """Yield (some tags, from, until), tag group by tag group, each in time."""
        for begin in range(0, len(self.tags), _FILL_TAGS):
            group = self.tags[begin : begin + _FILL_TAGS]
            for start_ns in range(self.from_ns, max(self.until_ns, self.from_ns + 1), _FILL_SLICE_NS):
                yield group, start_ns, min(start_ns + _FILL_SLICE_NS, self.until_ns)

    def missed(self, tag: str, samples: Iterable[TagSample], *, start_ns: int, until_ns: int) -> list[TagSample]:
        """Return what a slice adds: the value that held at its start, and what came within it and not live.

        Where the server tells no value at the start, the last one of the slice before still holds: its history of that
        slice was read to the end.
        """
        told_live_ns = self.live_from_ns(tag)
        known = [each for each in samples if each.status != _BOUND_NOT_FOUND and each.source_ns < told_live_ns]
        within = [each for each in known if start_ns < each.source_ns <= until_ns]
        held = [each for each in known if each.source_ns <= start_ns][-1:] or [
            each for each in (self.last_filled.get(tag),) if each is not None
        ]
        if start_ns < told_live_ns and (held or within):
            first = tag not in self.last_filled
            self.filled_samples += len(within) + (len(held) if first else 0)
            self.last_filled[tag] = [*held, *within][-1]
            return [*held, *within]
        return []


@dataclass(slots=True)
class _Overflow:
    """A stretch in which the server's queue of a tag has overflowed, again and again."""

    from_ns: int
    until_ns: int
    times: int = 1


class OpcUaFeed:
    """Feeds the history from one server: ``run`` keeps the session alive, ``fill`` fills holes."""

    def __init__(
        self,
        source: OpcUaSource,
        *,
        clock: Clock,
        history: History,
        gaps: Gaps,
        max_clock_skew_ns: int,
        on_state: Callable[[str, bool], None],
        on_condition: Callable[[str, bool], None],
        on_skew: Callable[[str, float], None],
        on_reason: Callable[[str, str], None] = lambda _source, _why: None,
        on_tags: Callable[[str, Mapping[str, str]], None] = lambda _source, _why: None,
    ) -> None:
        """Listen to a source.

        Args:
            source: the server and its tags.
            clock: the gateway's.
            history: what takes the values.
            gaps: what puts holes on record.
            max_clock_skew_ns: beyond it times are not used.
            on_state: hears whether the source is connected.
            on_condition: hears which alarm stands or no longer does.
            on_skew: hears the skew of the source's clock in seconds.
            on_reason: hears why the source is not connected.
            on_tags: hears which of the source's tags cannot be used, and why.
        """
        self.name = source.name
        self._clock = clock
        self._history = history
        self._gaps = gaps
        self._on_state = on_state
        self._on_condition = on_condition
        self._on_skew = on_skew
        self._on_tags = on_tags
        self._source = source
        self._max_clock_skew_ns = max_clock_skew_ns
        self._usual_delay_ns = round((source.publishing_interval_ms + source.sampling_interval_ms) * 1e6)
        self._start_clocks_over()
        self._troubles: Mapping[str, str] = {}  # tags that the session cannot use, and why
        self._distrusted: Mapping[str, str] = {}  # tags whose times cannot be used, and why
        self._clock_sets, self._stepped_ns = history.clock_sets(), history.stepped_ns()
        self._away_again_ns: int | None = None  # from when values are missed once the session is renewed
        self._away_since_ns: int | None = history.confirmed_ns(source.name) or None
        if self._away_since_ns is not None:  # an earlier run heard it; since then nothing is known
            history.lose(source.name)
        self._holes: deque[_Hole] = deque(maxlen=_MOST_HOLES)
        self._filling = asyncio.Event()
        self._current: _Hole | None = None
        self._overflows: dict[str, _Overflow] = {}
        self._wanted_all_at = -math.inf
        listener = Listener(
            on_notification=self.take,
            on_state=self._state,
            on_condition=on_condition,
            on_reason=lambda why: on_reason(self.name, why),
            on_tags=self._take_troubles,
        )
        self._session = OpcUaSession(source, clock=clock, listener=listener)

    async def run(self) -> None:
        """Keep the session alive until cancelled."""
        await self._session.run()

    async def wait_subscribed(self) -> None:
        """Wait until the subscription stands and brings data."""
        await self._session.wait_subscribed()

    # --- what comes

    def take(self, notification: Notification) -> None:
        """Take one notification."""
        if self._history.clock_sets() != self._clock_sets:
            self._start_over()
            return
        now_ns = self._clock.now_ns()
        self._read_clocks(notification, now_ns)
        for tag in notification.lost_tags:
            self._lose_tag(tag, now_ns)
        if self._away_since_ns is not None:
            self._open_hole(GapKind.DISCONNECTED, self._away_since_ns, now_ns)
            self._away_since_ns = None
        if notification.lost:
            self._history.lose(self.name)
            self._open_hole(GapKind.SEQUENCE, self._history.confirmed_ns(self.name), now_ns)
            self._want_all_again()
        for tag in notification.overflowed:
            self._overflow(tag, notification.samples)
        over = {sample.tag for sample in notification.samples} - notification.overflowed
        self._tell_overflows(lambda tag, each: tag in over or now_ns - each.from_ns > _OVERFLOW_TOLD_AFTER_NS)
        if self._current is not None:
            for sample in notification.samples:
                self._current.first_live_ns.setdefault(sample.tag, sample.source_ns)
        self._history.take(
            self.name,
            notification.samples,
            confirmed_ns=now_ns,
            clock_trusted=self._clocks.trusted or self._source.time_of == "arrival",
            distrusted=self._distrusted,
            allowed_lead_ns=self._max_clock_skew_ns,
            confirms=notification.confirms,
        )
        # not before: what a wrong clock's history tells was at another time
        if self._holes and self._server_since_up.known:
            self._filling.set()

    def _start_over(self) -> None:
        """Want all values again, since the gateway's clock was set.

        The step itself is on record, and no time in which values were missed; an outage that nobody has looked at yet
        stays one. Whether its beginning was read on the right clock nobody can say: the earlier of both is taken. A
        hole that reaches into a future that was none cannot be filled as it is; it becomes part of the new one.
        """
        now_ns, stepped_ns = self._clock.now_ns(), self._history.stepped_ns() - self._stepped_ns
        self._clock_sets, self._stepped_ns = self._history.clock_sets(), self._history.stepped_ns()
        self._start_clocks_over()
        missed = [] if self._away_since_ns is None else [self._away_since_ns]
        for hole in [each for each in self._holes if each.until_ns > now_ns]:
            self._holes.remove(hole)
            self._record(hole)
            missed.append(hole.from_ns)
        self._away_again_ns = min([now_ns, *missed, *(from_ns + stepped_ns for from_ns in missed)])
        self._session.renew("the gateway's clock was set: all values are wanted again")

    def _want_all_again(self) -> None:
        """Have every value told anew: one that does not change would stay unknown for hours.

        Seldom: a server of which something is lost all the time must not be left all the time.
        """
        now = self._clock.monotonic()
        if now - self._wanted_all_at >= _WANT_ALL_AGAIN_SECONDS:
            self._wanted_all_at = now
            self._session.renew("values were lost for good: all are wanted again")

    def _start_clocks_over(self) -> None:
        self._clocks = SourceClocks(limit_ns=self._max_clock_skew_ns, usual_delay_ns=self._usual_delay_ns)
        self._server_since_up = ServerClock(limit_ns=self._max_clock_skew_ns)
        self._distrusted = {}

    def _read_clocks(self, notification: Notification, now_ns: int) -> None:
        """Take what a notification shows of the source's clocks; where arrival counts, none of them matters."""
        if notification.confirms:
            self._server_since_up.read(server_ns=notification.server_ns, now_ns=now_ns)
        if self._source.time_of == "arrival":
            return
        self._clocks.read(
            server_ns=notification.server_ns,
            samples=notification.samples,
            now_ns=now_ns,
            not_told=notification.not_told,
            delays_ns=notification.delays_ns,
        )
        self._on_skew(self.name, self._clocks.seconds)
        self._on_condition(f"CLOCK_SKEW_{self.name.upper()}", not self._clocks.trusted)
        if self._clocks.off != self._distrusted.keys():
            self._distrusted = self._clocks.distrusted
            self._on_condition(f"TAG_CLOCK_SKEW_{self.name.upper()}", bool(self._distrusted))
            self._tell_tags()

    def _take_troubles(self, troubles: Mapping[str, str]) -> None:
        self._troubles = dict(troubles)
        self._tell_tags()

    def _tell_tags(self) -> None:
        """Tell every tag that cannot be used, and why."""
        self._on_tags(self.name, {**self._distrusted, **self._troubles})

    def _lose_tag(self, tag: str, now_ns: int) -> None:
        """Mark that nothing is known of a tag since its last value, and put it on record."""
        since_ns = self._history.last_ns(tag)
        if since_ns is not None:
            self._history.lose_tag(tag, since_ns=since_ns, told_again=True)
            self._gaps.notice(GapKind.SEQUENCE, tag, from_ns=min(since_ns, now_ns), until_ns=now_ns)

    def _overflow(self, tag: str, samples: Iterable[TagSample]) -> None:
        """Mark what is lost of a tag now; it goes on record with what follows, as one gap."""
        since_ns = self._history.last_ns(tag)
        until_ns = min(sample.source_ns for sample in samples if sample.tag == tag)
        if since_ns is None or since_ns >= until_ns:
            return
        self._history.lose_tag(tag, since_ns=since_ns)
        standing = self._overflows.setdefault(tag, _Overflow(from_ns=since_ns, until_ns=until_ns, times=0))
        standing.until_ns = until_ns
        standing.times += 1

    def _tell_overflows(self, due: Callable[[str, _Overflow], bool] = lambda _tag, _overflow: True) -> None:
        """Put on record those that are over, or have gone on for a while."""
        for tag, overflow in list(self._overflows.items()):
            if due(tag, overflow):
                del self._overflows[tag]
                self._gaps.notice(
                    GapKind.OVERFLOW, tag, from_ns=overflow.from_ns, until_ns=overflow.until_ns, times=overflow.times
                )

    def _state(self, subscribed: bool) -> None:  # noqa: FBT001 - a state, told by a callback
        if not subscribed:
            self._tell_overflows()
            self._history.lose(self.name)
            self._away_since_ns = self._away_again_ns or self._history.confirmed_ns(self.name) or None
            self._away_again_ns = None
            self._current = None
            self._clocks.subscribed_anew()
            self._server_since_up = ServerClock(limit_ns=self._max_clock_skew_ns)  # it may come back with another clock
        self._on_state(self.name, subscribed)

    # --- filling holes

    def _open_hole(self, kind: GapKind, from_ns: int, until_ns: int) -> None:
        if len(self._holes) == _MOST_HOLES:
            self._record(self._holes.popleft())
        self._current = _Hole(kind=kind, from_ns=from_ns, until_ns=until_ns)
        self._holes.append(self._current)

    async def fill(self) -> None:
        """Fill what the server's history can fill, and put each hole on record, until cancelled.

        What is cancelled before it is filled goes on record as it is.
        """
        try:
            while True:
                await self._filling.wait()
                self._filling.clear()
                await self._fill_holes()
        finally:
            while self._holes:
                self._record(self._holes.popleft())

    async def _fill_holes(self) -> None:
        while self._holes and self._server_since_up.known:
            await self._session.wait_subscribed()
            if not self._holes:  # recorded meanwhile, as the clock was set
                return
            hole = self._holes[0]
            if not await self._filled(hole):
                await asyncio.sleep(_FILL_AGAIN_SECONDS)
            elif self._stands(hole):
                self._record(self._holes.popleft())

    def _stands(self, hole: _Hole) -> bool:
        """Return whether a hole is still the one to be filled; else it went on record in the meantime."""
        return bool(self._holes) and self._holes[0] is hole

    def _may_be_filled(self) -> bool:
        """Return whether what the server remembers was at the time that it says."""
        return self._server_since_up.trusted and abs(self._server_since_up.lead_ns) <= LARGEST_LEAD_NS

    async def _filled(self, hole: _Hole) -> bool:
        """Fill a hole slice by slice; return whether it is done with, or to be gone on with later."""
        hole.tags = hole.tags or self._session.tags
        for group, start_ns, end_ns in islice(hole.slices(), hole.done, None):
            if not self._may_be_filled():
                log.warning("the server's history is not taken: its clock is wrong", source=self.name)
                break
            try:
                async with asyncio.timeout(_FILL_TIMEOUT_SECONDS):
                    found = await self._session.read_history(group, start_ns=start_ns, end_ns=end_ns)
            except Exception as error:  # noqa: BLE001 - a loop's edge: what servers and asyncua may do is of every kind
                hole.attempts += 1
                if hole.attempts < _FILL_ATTEMPTS:
                    return False
                log.warning("the server's history could not be read", source=self.name, error=str(error))
                break
            if not self._stands(hole):
                break
            for tag, samples in found.items():
                if tag in self._distrusted:
                    continue
                missed = hole.missed(tag, samples, start_ns=start_ns, until_ns=end_ns)
                self._history.fill(missed, from_ns=start_ns)
                if missed and end_ns < hole.live_from_ns(
                    tag
                ):  # until the next slice is read, nothing is known after it
                    self._history.lose_tag(tag, since_ns=end_ns)
            await self._history.written()
            hole.done, hole.attempts = hole.done + 1, 0
        return True

    def _record(self, hole: _Hole) -> None:
        without = sorted(set(hole.tags) - hole.last_filled.keys())  # some servers refuse, some only say nothing
        self._gaps.notice(
            hole.kind,
            self.name,
            from_ns=hole.from_ns,
            until_ns=hole.until_ns,
            filled_samples=hole.filled_samples,
            tags_without_history=without,
            read_to_the_end=hole.finished,
        )
