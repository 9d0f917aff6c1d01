"""One source of process values: its notifications into the history, its holes filled from the server's or recorded.

After a loss nothing is known of the source's tags until it tells them again. What its server's own history tells of
the hole is taken in, without what came live; then the gap is put on record with how much of it could be filled.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from gateway.clock import Clock
from gateway.history.recall import History
from gateway.ingest.gaps import Gaps
from gateway.ingest.skew import ClockSkew
from gateway.records import GapKind, TagSample
from gateway.transport.opcua import Listener, Notification, OpcUaSession
from gateway.transport.opcua_connection import OpcUaSource

log = structlog.get_logger()

_MOST_HOLES = 16
_FILL_ATTEMPTS = 5
_FILL_TIMEOUT_SECONDS = 60.0
_FILL_AGAIN_SECONDS = 5.0
_BOUND_NOT_FOUND = 0x80D70000


@dataclass(slots=True)
class _Hole:
    """A stretch that was not told live; ``first_live_ns``: per tag, the first source time told after it."""

    kind: GapKind
    from_ns: int
    until_ns: int
    first_live_ns: dict[str, int] = field(default_factory=dict)
    attempts: int = 0


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
    ) -> None:
        """``on_condition`` hears which alarm stands or no longer does, ``on_skew`` the clock's skew in seconds."""
        self.name = source.name
        self._clock = clock
        self._history = history
        self._gaps = gaps
        self._on_state = on_state
        self._on_condition = on_condition
        self._on_skew = on_skew
        delay_ms = source.publishing_interval_ms + source.sampling_interval_ms
        self._skew = ClockSkew(limit_ns=max_clock_skew_ns, usual_delay_ns=round(delay_ms * 1e6))
        self._away_since_ns: int | None = history.confirmed_ns(source.name) or None
        if self._away_since_ns is not None:  # an earlier run heard it; since then nothing is known
            history.lose(source.name)
        self._fresh_subscription = True
        self._holes: deque[_Hole] = deque(maxlen=_MOST_HOLES)
        self._filling = asyncio.Event()
        self._current: _Hole | None = None
        listener = Listener(on_notification=self.take, on_state=self._state, on_condition=on_condition)
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
        now_ns = self._clock.now_ns()
        self._read_clocks(notification, now_ns)
        if self._away_since_ns is not None:
            self._open_hole(GapKind.DISCONNECTED, self._away_since_ns, now_ns)
            self._away_since_ns = None
        if notification.lost:
            self._history.lose(self.name)
            self._open_hole(GapKind.SEQUENCE, self._history.confirmed_ns(self.name), now_ns)
        for tag in notification.overflowed:
            self._overflow(tag, notification.samples)
        if self._current is not None:
            for sample in notification.samples:
                self._current.first_live_ns.setdefault(sample.tag, sample.source_ns)
        self._history.take(self.name, notification.samples, confirmed_ns=now_ns, clock_trusted=self._skew.trusted)

    def _read_clocks(self, notification: Notification, now_ns: int) -> None:
        newest = None
        if notification.samples and not self._fresh_subscription:  # the first values may be as old as they like
            newest = max(sample.source_ns for sample in notification.samples)
        if notification.samples:
            self._fresh_subscription = False
        self._skew.read(server_ns=notification.server_ns, newest_source_ns=newest, now_ns=now_ns)
        self._on_skew(self.name, self._skew.seconds)
        self._on_condition(f"CLOCK_SKEW_{self.name.upper()}", not self._skew.trusted)

    def _overflow(self, tag: str, samples: Iterable[TagSample]) -> None:
        since_ns = self._history.last_ns(tag)
        until_ns = min(sample.source_ns for sample in samples if sample.tag == tag)
        if since_ns is not None and since_ns < until_ns:
            self._history.lose_tag(tag, since_ns=since_ns)
            self._gaps.notice(GapKind.OVERFLOW, tag, from_ns=since_ns, until_ns=until_ns)

    def _state(self, subscribed: bool) -> None:  # noqa: FBT001 - a state, told by a callback
        if not subscribed:
            self._history.lose(self.name)
            self._away_since_ns = self._history.confirmed_ns(self.name) or None
            self._fresh_subscription, self._current = True, None
        self._on_state(self.name, subscribed)

    # --- filling holes

    def _open_hole(self, kind: GapKind, from_ns: int, until_ns: int) -> None:
        if len(self._holes) == _MOST_HOLES:
            self._record(self._holes.popleft(), filled=0, without=())
        self._current = _Hole(kind=kind, from_ns=from_ns, until_ns=until_ns)
        self._holes.append(self._current)
        self._filling.set()

    async def fill(self) -> None:
        """Fill what the server's history can fill, and put each hole on record, until cancelled."""
        while True:
            await self._filling.wait()
            self._filling.clear()
            while self._holes:
                await self._session.wait_subscribed()
                hole = self._holes[0]
                if not await self._filled(hole):
                    await asyncio.sleep(_FILL_AGAIN_SECONDS)
                elif self._holes and self._holes[0] is hole:
                    self._holes.popleft()

    async def _filled(self, hole: _Hole) -> bool:
        """Try to fill a hole; return whether it is done with, filled or not."""
        hole.attempts += 1
        try:
            async with asyncio.timeout(_FILL_TIMEOUT_SECONDS):
                found, without = await self._session.read_history(start_ns=hole.from_ns, end_ns=hole.until_ns)
        except Exception as error:  # noqa: BLE001 - a loop's edge: what servers and asyncua may do is of every kind
            if hole.attempts < _FILL_ATTEMPTS:
                return False
            log.warning("the server's history could not be read", source=self.name, error=str(error))
            found, without = {}, {}
        wanted = [sample for tag, samples in found.items() for sample in _missed(samples, hole, tag)]
        self._history.fill(wanted, from_ns=hole.from_ns)
        silent = {tag for tag, samples in found.items() if not samples}  # some servers say no more than that
        self._record(hole, filled=len(wanted), without=tuple(sorted(silent | set(without))))
        return True

    def _record(self, hole: _Hole, *, filled: int, without: tuple[str, ...]) -> None:
        self._gaps.notice(hole.kind, self.name, from_ns=hole.from_ns, until_ns=hole.until_ns,
                          filled_samples=filled, tags_without_history=list(without))  # fmt: skip


def _missed(samples: Iterable[TagSample], hole: _Hole, tag: str) -> list[TagSample]:
    """Return what came neither before the hole nor live after it: the last value before it, and those within it."""
    told_live_ns = hole.first_live_ns.get(tag, hole.until_ns)
    known = [sample for sample in samples if sample.status != _BOUND_NOT_FOUND and sample.source_ns < told_live_ns]
    before = [sample for sample in known if sample.source_ns <= hole.from_ns]
    return [*before[-1:], *(sample for sample in known if sample.source_ns > hole.from_ns)]
