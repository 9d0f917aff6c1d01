"""Tells people outside the plant of alarms: by e-mail and webhooks, from what is on record.

What happened to alarms (``alarm_event``) is committed with its cause, so it is the outbox of these notices: each target
keeps up to which entry it has come. A notice that is not taken is tried again, with growing pauses and in its order;
one that is refused for good is parked and shown. Nothing here can delay a decision.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

import structlog

from gateway.advice.alarm_states import GATEWAY
from gateway.advice.gateway_alarms import what_to_do
from gateway.clock import Clock
from gateway.contract.identity import identity_of
from gateway.contract.times import rfc3339
from gateway.database.writer import Writer
from gateway.errors import StoreUnavailableError
from gateway.records.alarms import AlarmChange, AlarmEvent
from gateway.records.guidance import Severity
from gateway.store.notifications import come_to, first_place, park
from gateway.store.queries.readers import Reader
from gateway.texts.catalogue import text
from gateway.time_units import DAY_NS, SECOND_NS
from gateway.transport.notices import Attempts, Notice, NoticeRefusedError, NotTakenNowError

log = structlog.get_logger()

LOOK_SECONDS = 2.0
PAUSES_SECONDS = (1.0, 5.0, 30.0, 60.0, 300.0)
OLDEST_NS = DAY_NS  # what nobody could be told for longer is on the board, and no news any more
_AT_ONCE = 50


class NoticeText(StrEnum):
    """Sentences of notices."""

    SUBJECT = "SUBJECT"
    SUBJECT_ENDED = "SUBJECT_ENDED"
    RAISED = "RAISED"
    ENDED = "ENDED"
    WHICH = "WHICH"


_BEGINS = frozenset({AlarmChange.RAISED, AlarmChange.ESCALATED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Who is told of what, and how; ``quiet``: between these times of day only what is critical."""

    name: str
    severities: frozenset[Severity]
    positions: frozenset[str]  # empty: all
    ended: bool
    quiet: tuple[time, time] | None
    zone: ZoneInfo
    line: str
    send: Callable[[Notice], None]


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
        self._attempts = Attempts(target.name)
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
        """Tell everything that is on record and not told yet."""
        place = await self._reader.alarms.notified_up_to(self._target.name)
        if place is None:
            await self._writer.run(lambda connection: first_place(connection, self._target.name))
            return
        while events := await self._reader.alarms.events_after(place, most=_AT_ONCE):
            for event in events:
                if is_news(event, self._target, now_ns=self._clock.now_ns()):
                    await self._tell(event)
                place = event.seq
            await self._moved(place)

    async def _tell(self, event: AlarmEvent) -> None:
        """Tell one event; try again until it is taken or refused."""
        notice, attempt = notice_of(event, self._target), 0
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
                if self._clock.now_ns() - event.at_ns > OLDEST_NS:
                    await self._park(event, f"given up after a day: {error}")
                    return
            except NoticeRefusedError as error:
                log.error("a notice is refused", target=self._target.name, why=str(error))  # noqa: TRY400
                await self._park(event, str(error))
                return
            else:
                self._on_condition(self._code, False)
                await self._moved(event.seq)
                return

    async def _park(self, event: AlarmEvent, why: str) -> None:
        name, now_ns = self._target.name, self._clock.now_ns()

        def parked(connection: sqlite3.Connection) -> None:
            park(connection, name, event.seq, at_ns=now_ns, why=why)
            come_to(connection, name, event.seq)

        await self._writer.run(parked)

    async def _moved(self, seq: int) -> None:
        await self._writer.run(lambda connection: come_to(connection, self._target.name, seq))


def is_news(event: AlarmEvent, target: Target, *, now_ns: int) -> bool:
    """Return whether a target is told of an event: that an alarm calls, becomes critical, or ends."""
    wanted = event.change in _BEGINS or (target.ended and event.change is AlarmChange.RETURNED)
    if not wanted or event.severity not in target.severities or now_ns - event.at_ns > OLDEST_NS:
        return False
    if target.positions and event.position not in target.positions:
        return False
    return event.severity is Severity.CRITICAL or not _is_quiet(event.at_ns, target)


def _is_quiet(at_ns: int, target: Target) -> bool:
    if target.quiet is None:
        return False
    begin, end = target.quiet
    now = datetime.fromtimestamp(at_ns / SECOND_NS, UTC).astimezone(target.zone).time()
    return begin <= now < end if begin <= end else now >= begin or now < end


def notice_of(event: AlarmEvent, target: Target) -> Notice:
    """Return what people are told of an event."""
    ended = event.change is AlarmChange.RETURNED
    local = datetime.fromtimestamp(event.at_ns / SECOND_NS, UTC).astimezone(target.zone)
    shown = {"title": event.title, "line": target.line, "at": local.strftime("%Y-%m-%d %H:%M:%S %Z")}
    severity = text("notice_severity", event.severity.name)
    of_gateway = event.alarm_id.startswith(f"{GATEWAY}/")
    to_do = what_to_do(event.alarm_id.removeprefix(f"{GATEWAY}/")) if of_gateway and not ended else ""
    lines: Sequence[str] = (
        text("notice", NoticeText.ENDED if ended else NoticeText.RAISED, severity=severity, **shown),
        to_do,
        text("notice", NoticeText.WHICH, alarm=event.alarm_id),
    )
    return Notice(
        notice_id=identity_of("notice", target.name, event.alarm_id, event.change, event.at_ns),
        subject=text("notice", NoticeText.SUBJECT_ENDED if ended else NoticeText.SUBJECT, severity=severity, **shown),
        lines=tuple(line for line in lines if line),
        document={
            "schema": "labline.notice/1",
            "line": target.line,
            "alarm": event.alarm_id,
            "change": event.change.value,
            "active": not ended,
            "title": event.title,
            "severity": event.severity.value,
            "position": event.position,
            "what_to_do": to_do or None,
            "guidance_id": event.guidance_id,
            "at": rfc3339(event.at_ns),
        },
    )
