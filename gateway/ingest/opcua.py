"""One source of process values: its notifications into the history, its holes filled from the server's or recorded.

After a loss nothing is known of the source's tags until it sends them again. The hole is filled from the server's own
history, without values that came live; then the gap is recorded, with how much of it could be filled.
"""

import asyncio
import math
from collections.abc import Mapping

from gateway.clock import Clock
from gateway.history.tag_history import History
from gateway.ingest.backfill import Backfill
from gateway.ingest.clock_watch import ClockWatch
from gateway.ingest.first_history import FirstFetch, FirstHistory
from gateway.ingest.gaps import Gaps
from gateway.ingest.overflows import Overflows
from gateway.ingest.source_listener import SourceListener
from gateway.records.process import GapKind
from gateway.transport.opcua import OpcUaSession
from gateway.transport.opcua_listener import Notification
from gateway.transport.opcua_source import OpcUaSource

_RENEW_AFTER_SECONDS = 60.0


class OpcUaFeed:
    """Feeds the history from one server: ``run`` keeps the session alive, ``fill`` fills holes.

    It is its session's listener (``SessionListener``).
    """

    def __init__(
        self,
        source: OpcUaSource,
        *,
        clock: Clock,
        history: History,
        gaps: Gaps,
        max_clock_skew_ns: int,
        listener: SourceListener,
        first: FirstFetch | None = None,
    ) -> None:
        """Listen to a source.

        Args:
            source: the server and its tags.
            clock: the gateway's.
            history: what takes the values.
            gaps: what puts holes on record.
            max_clock_skew_ns: beyond it times are not used.
            listener: hears how the source is.
            first: how much of the server's history is fetched at the first connection; None: nothing.
        """
        self.name = source.name
        self._clock = clock
        self._history = history
        self._gaps = gaps
        self._listener = listener
        self._max_clock_skew_ns = max_clock_skew_ns
        self._clocks = ClockWatch(source, max_clock_skew_ns=max_clock_skew_ns, listener=listener)
        self._session = OpcUaSession(source, clock=clock, listener=self)
        self._backfill = Backfill(source.name, session=self._session, clocks=self._clocks, history=history, gaps=gaps)
        self._first = None if first is None else FirstHistory(
            source.name, first, session=self._session, clocks=self._clocks, history=history, backfill=self._backfill,
            clock=clock,
        )  # fmt: skip
        self._overflows = Overflows(history=history, gaps=gaps)
        self._troubles: Mapping[str, str] = {}  # tags that the session cannot use, and why
        self._clock_step_count, self._stepped_ns = history.clock_step_count(), history.stepped_ns()
        self._away_again_ns: int | None = None  # from when values are missed once the session is renewed
        self._away_since_ns: int | None = history.confirmed_ns(source.name) or None
        if self._away_since_ns is not None:  # an earlier run heard it; since then nothing is known
            history.mark_source_unknown(source.name)
        self._renewed_at = -math.inf

    async def run(self) -> None:
        """Keep the session alive until cancelled."""
        await self._session.run()

    def take_source(self, source: OpcUaSource) -> None:
        """Take other tags of the same server from now on."""
        self._session.take_source(source)

    async def wait_subscribed(self) -> None:
        """Wait until the subscription stands and brings data."""
        await self._session.wait_subscribed()

    async def fill(self) -> None:
        """Fill what the server's history can fill, and put each hole on record, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._backfill.fill(), name=f"holes-{self.name}")
            if self._first is not None:
                tasks.create_task(self._first.run(), name=f"first-history-{self.name}")

    # --- reports of the session

    def on_notification(self, notification: Notification) -> None:
        """Take one notification."""
        if self._history.clock_step_count() != self._clock_step_count:
            self._renew_after_clock_step()
            return
        now_ns = self._clock.now_ns()
        if self._clocks.read(notification, now_ns):
            self._report_tags()
        for tag in notification.lost_tags:
            self._mark_tag_unknown(tag, now_ns)
        if self._away_since_ns is not None:
            self._backfill.open(GapKind.DISCONNECTED, from_ns=self._away_since_ns, until_ns=now_ns)
            self._away_since_ns = None
        if notification.lost:
            self._history.mark_source_unknown(self.name)
            self._backfill.open(GapKind.SEQUENCE, from_ns=self._history.confirmed_ns(self.name), until_ns=now_ns)
            self._renew_session()
        for tag in notification.overflowed:
            self._overflows.note(tag, notification.samples)
        over = {sample.tag for sample in notification.samples} - notification.overflowed
        self._overflows.record_over(over, now_ns=now_ns)
        self._backfill.note_live(notification.samples)
        self._history.add_notification(
            self.name,
            notification.samples,
            confirmed_ns=now_ns,
            clock_trusted=self._clocks.trusted,
            distrusted=self._clocks.distrusted,
            allowed_lead_ns=self._max_clock_skew_ns,
            confirms=notification.confirms,
        )
        self._backfill.start()

    def on_state(self, subscribed: bool) -> None:  # noqa: FBT001 - a state, from a callback
        """Take whether the source is connected; while it is not, nothing is known of its tags."""
        if not subscribed:
            self._overflows.record_all()
            self._history.mark_source_unknown(self.name)
            self._away_since_ns = self._away_again_ns or self._history.confirmed_ns(self.name) or None
            self._away_again_ns = None
            self._backfill.close()
            self._clocks.disconnected()
        self._listener.source(self.name, subscribed)

    def on_condition(self, code: str, stands: bool) -> None:  # noqa: FBT001 - a state, from a callback
        """Take whether an alarm stands."""
        self._listener.condition(code, stands)

    def on_reason(self, why: str) -> None:
        """Take why the source is not connected."""
        self._listener.source_reason(self.name, why)

    def on_tags(self, reasons: Mapping[str, str]) -> None:
        """Take which tags the session cannot use, and why."""
        self._troubles = dict(reasons)
        self._report_tags()

    def _report_tags(self) -> None:
        """Report every tag that cannot be used, and why."""
        self._listener.tags(self.name, {**self._clocks.distrusted, **self._troubles})

    # --- losses

    def _renew_after_clock_step(self) -> None:
        """Have all values sent again, since the gateway's clock was set.

        The step is on record and is no outage; an outage that is not on record yet stays one. Whether its beginning was
        read before or after the step is not known, so the earlier time is taken. A hole that ends in the future cannot
        be filled; it becomes part of the new one.
        """
        now_ns, stepped_ns = self._clock.now_ns(), self._history.stepped_ns() - self._stepped_ns
        self._clock_step_count, self._stepped_ns = self._history.clock_step_count(), self._history.stepped_ns()
        self._clocks.start_over()
        missed = [] if self._away_since_ns is None else [self._away_since_ns]
        missed += self._backfill.record_later_than(now_ns)
        self._away_again_ns = min([now_ns, *missed, *(from_ns + stepped_ns for from_ns in missed)])
        self._session.renew("the gateway's clock was set: all values are to be sent again")

    def _renew_session(self) -> None:
        """Renew the session, so that every value is sent again: one that does not change would stay unknown for hours.

        Not often: with a server that loses values all the time, the session must not be renewed all the time.
        """
        now = self._clock.monotonic()
        if now - self._renewed_at >= _RENEW_AFTER_SECONDS:
            self._renewed_at = now
            self._session.renew("values were lost for good: all are to be sent again")

    def _mark_tag_unknown(self, tag: str, now_ns: int) -> None:
        """Mark that nothing is known of a tag since its last value, and put it on record."""
        since_ns = self._history.last_ns(tag)
        if since_ns is not None:
            self._history.mark_tag_unknown(tag, since_ns=since_ns, may_be_resent=True)
            self._gaps.notice(GapKind.SEQUENCE, tag, from_ns=min(since_ns, now_ns), until_ns=now_ns)
