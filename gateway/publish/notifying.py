"""Tells people outside the plant of alarms: by e-mail and webhooks, from what is on record.

What happened to alarms (``alarm_event``) is committed with its cause, so it is the outbox of these notices: each target
keeps up to which entry it has come. A notice that is not taken is tried again, with growing pauses and in its order;
one that is refused for good is parked and shown. What happens in the quiet hours of a target is put off, in the store,
until they are over, and then told in one notice. Nothing here can delay a decision.
"""

import asyncio
import sqlite3
from collections.abc import Callable

import structlog

from gateway.clock import Clock
from gateway.database.writer import Writer
from gateway.errors import StoreUnavailableError
from gateway.publish.notice_texts import (
    OLDEST_NS,
    Target,
    comes_in_quiet_hours,
    is_news,
    is_quiet,
    notice_of,
    summary_of,
)
from gateway.records.alarms import AlarmEvent
from gateway.store.notifications import come_to, first_place, park, put_off, told_of
from gateway.store.queries.readers import Reader
from gateway.transport.attempts import Attempts, NotTakenNowError
from gateway.transport.notices import Notice, NoticeRefusedError

log = structlog.get_logger()

LOOK_SECONDS = 2.0
PAUSES_SECONDS = (1.0, 5.0, 30.0, 60.0, 300.0)
_AT_ONCE = 50


class Notifier:
    """Tells one target, in order, until cancelled."""

    def __init__(
        self,
        target: Target,
        *,
        reader: Reader,
        writer: Writer,
        clock: Clock,
        on_condition: Callable[[str, bool], None],
    ) -> None:
        self._target = target
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._on_condition = on_condition
        self._attempts = Attempts(f"notify-{target.name}")
        self._code = f"NOTIFY_UNAVAILABLE_{target.name.upper()}"

    async def run(self) -> None:
        """Tell what comes; the first time from now on, later from where the run before had come."""
        while True:
            try:
                await self.catch_up()
            except StoreUnavailableError as error:
                log.debug("notices wait for the store", target=self._target.name, error=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def catch_up(self) -> None:
        """Tell everything that is on record and not told yet, after the quiet hours what came in them."""
        place = await self._reader.alarms.notified_up_to(self._target.name)
        if place is None:
            await self._writer.run(lambda connection: first_place(connection, self._target.name))
            return
        await self._tell_of_quiet_hours()
        while events := await self._reader.alarms.events_after(place, most=_AT_ONCE):
            for event in events:
                await self._met(event)
                place = event.seq
            await self._moved(place)
        await self._tell_of_quiet_hours()  # of events that were read only after them

    async def _met(self, event: AlarmEvent) -> None:
        now_ns = self._clock.now_ns()
        if comes_in_quiet_hours(event, self._target, now_ns=now_ns):
            await self._writer.run(lambda connection: put_off(connection, self._target.name, event.seq))
        elif is_news(event, self._target, now_ns=now_ns):
            await self._tell(notice_of(event, self._target), upto=event.seq, since_ns=event.at_ns)

    async def _tell_of_quiet_hours(self) -> None:
        """Tell in one notice what was put off, once the quiet hours are over."""
        now_ns = self._clock.now_ns()
        if is_quiet(now_ns, self._target):
            return
        events = await self._reader.alarms.put_off(self._target.name)
        if not events:
            return
        upto = events[-1].seq
        place = await self._reader.alarms.notified_up_to(self._target.name) or 0
        if (summary := summary_of(events, self._target)) is not None:
            await self._tell(summary, upto=max(place, upto), since_ns=now_ns)
        await self._writer.run(lambda connection: told_of(connection, self._target.name, upto))

    async def _tell(self, notice: Notice, *, upto: int, since_ns: int) -> None:
        """Tell one notice; try again until it is taken or refused."""
        attempt = 0
        while True:
            try:
                await self._attempts.run(lambda: self._target.send(notice))
            except NotTakenNowError as error:
                pause = PAUSES_SECONDS[min(attempt, len(PAUSES_SECONDS) - 1)]
                level = log.warning if attempt == 1 else log.debug
                level("a notice is not taken", target=self._target.name, why=str(error), again_in_seconds=pause)
                attempt += 1
                self._on_condition(self._code, attempt > 1)
                await asyncio.sleep(pause)
                if self._clock.now_ns() - since_ns > OLDEST_NS:
                    await self._park(upto, f"given up after a day: {error}")
                    return
            except NoticeRefusedError as error:
                log.error("a notice is refused", target=self._target.name, why=str(error))  # noqa: TRY400
                await self._park(upto, str(error))
                return
            else:
                self._on_condition(self._code, False)
                await self._moved(upto)
                return

    async def _park(self, seq: int, why: str) -> None:
        name, now_ns = self._target.name, self._clock.now_ns()

        def parked(connection: sqlite3.Connection) -> None:
            park(connection, name, seq, at_ns=now_ns, why=why)
            come_to(connection, name, seq)

        await self._writer.run(parked)

    async def _moved(self, seq: int) -> None:
        await self._writer.run(lambda connection: come_to(connection, self._target.name, seq))
