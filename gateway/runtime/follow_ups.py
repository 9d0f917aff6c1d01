"""What decisions have left for later: taken up one at a time, when what was committed is on its way to the broker.

Follow-ups are rows that stand in the store until their decision is committed, so a restart forgets none; their windows
are read before they wait to be decided. What a laboratory has said again and left standing is taken up, too. The board
is told at most once a second, and at every start anyway.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from gateway.clock import Clock
from gateway.decisions.table import windows_needed
from gateway.errors import StoreUnavailableError
from gateway.events import FollowUpDue, ResultArrived, TimerDue
from gateway.history.windows import TagWindow, WindowRequest
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.line.definition import LineDefinition
from gateway.store.queries.readers import Reader

_EVERY_SECONDS = 5.0  # looked at even if nothing has been told
_AT_ONCE = 20
_BOARD_EVERY_SECONDS = 1.0  # for people to read; the guidance itself is told at once


class FollowUps:
    """The loop that takes them up."""

    def __init__(
        self,
        *,
        line: LineDefinition,
        reader: Reader,
        inbox: EventQueue,
        windows: Callable[[Iterable[WindowRequest]], Awaitable[Mapping[WindowRequest, TagWindow]]],
        clock: Clock,
        on_alarm: Callable[[str], None],
        quiet: Callable[[], Awaitable[None]],
    ) -> None:
        """``on_alarm`` hears of what cannot be read any more; ``quiet`` returns when there is time for this."""
        self._line = line
        self._reader = reader
        self._inbox = inbox
        self._windows = windows
        self._clock = clock
        self._on_alarm = on_alarm
        self._quiet = quiet
        self._board_due: TimerDue | None = None
        self._next_board_at = -math.inf  # on the monotonic clock
        self._something = asyncio.Event()

    def refresh_board(self, due: TimerDue) -> None:
        """Have the board published again, once for all changes until then."""
        self._board_due = due
        self._something.set()

    def wake(self) -> None:
        """Look again: something was committed."""
        self._something.set()

    def take_line(self, line: LineDefinition) -> None:
        """Go on by this definition."""
        self._line = line

    async def run(self) -> None:
        """Take up what waits, until cancelled."""
        while True:
            await self._publish_board()
            with suppress(StoreUnavailableError):  # tried again in a moment
                for event_id, follow_up in await self._reader.follow_ups(most=_AT_ONCE):
                    if follow_up is None:
                        self._on_alarm("EVIDENCE_DAMAGED")
                        continue
                    event = FollowUpDue(event_id=event_id, at=self._clock.now(), follow_up=follow_up)
                    await self._decided(event)
                    await self._publish_board()
                for result in await self._reader.restated(self._clock.now(), most=_AT_ONCE):
                    if result is None:
                        self._on_alarm("EVIDENCE_DAMAGED")
                    else:
                        await self._decided(result)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._idle_seconds()):
                    await self._something.wait()
            self._something.clear()

    async def _publish_board(self) -> None:
        """Have the board published where it is due; where the store fails it is given up, as every timer is."""
        if self._board_due is None or self._clock.monotonic() < self._next_board_at:
            return
        await self._quiet()
        due, self._board_due = self._board_due, None
        self._next_board_at = self._clock.monotonic() + _BOARD_EVERY_SECONDS
        self._inbox.put(replace(due, at=self._clock.now()), Urgency.LATER)

    def _idle_seconds(self) -> float:
        """Return for how many seconds there is nothing to do unless something arrives."""
        if self._board_due is None:
            return _EVERY_SECONDS
        return max(0.0, self._next_board_at - self._clock.monotonic())

    async def _decided(self, event: FollowUpDue | ResultArrived) -> None:
        """Return once an event is committed, which it is in the end: it is never given up."""
        committed = asyncio.Event()
        windows = await self._windows(windows_needed(event, self._line))
        await self._quiet()
        self._inbox.put(event, Urgency.LATER, committed.set, windows)
        await committed.wait()
