"""The full check of the store, once a day and after a doubt; and rows that would give authority, all the time."""

import asyncio
import sqlite3
from functools import partial
from itertools import count
from pathlib import Path

import structlog

from gateway.clock import Clock
from gateway.contract.identity import identity_of
from gateway.errors import LablineError
from gateway.events import StoreChecked
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.store.audit.authority import Authority
from gateway.store.care.checking import check
from gateway.store.queries.authority import not_vouched_for

log = structlog.get_logger()

_CHECK_EVERY_SECONDS = 86_400.0
_AGAIN_SECONDS = 60.0
_MET_EVERY_SECONDS = 1.0
_MET_BETWEEN_LOOKS = 30
_MOST_NAMED = 20


class Checker:
    """Runs the full check in the background: at once after an unclean stop, and daily."""

    def __init__(self, directory: Path, *, clock: Clock, inbox: EventQueue, due: bool) -> None:
        self._directory = directory
        self._clock = clock
        self._inbox = inbox
        self._due = due
        self._stopping = False

    async def run(self) -> None:
        """Check until cancelled; a check that runs then ends at its next step."""
        try:
            while True:
                if not self._due:
                    await asyncio.sleep(_CHECK_EVERY_SECONDS)
                self._due = not await self.check()
        finally:
            self._stopping = True

    async def check(self) -> bool:
        """Check once; the outcome becomes an event. Return whether it could be done."""
        try:
            findings = await asyncio.to_thread(partial(check, self._directory, stopping=lambda: self._stopping))
        except LablineError as error:
            log.error("the store could not be checked; it is tried again", error=str(error))  # noqa: TRY400
            await asyncio.sleep(_AGAIN_SECONDS)
            return False
        log.info("the store was checked", rows=findings.rows, audit_lines=findings.audit_lines, wrong=findings.wrong)
        at = self._clock.now()
        event = StoreChecked(
            event_id=identity_of("store-checked", at.wall_ns, at.boot_ns),
            at=at,
            rows=findings.rows,
            audit_lines=findings.audit_lines,
            damaged=findings.damaged,
            wrong=tuple(findings.wrong),
        )
        self._inbox.put(event, Urgency.MODELS_AND_TIMERS)
        return True


class AuthorityWatch:
    """Reports rows that would give somebody authority and that the audit trail does not vouch for.

    Who meets one refuses it at once; here it goes on record, with an alarm. Rows that nobody meets are looked for.
    """

    def __init__(self, directory: Path, *, authority: Authority, clock: Clock, inbox: EventQueue) -> None:
        self._directory = directory
        self._authority = authority
        self._clock = clock
        self._inbox = inbox
        self._reported: set[str] = set()
        self._doubtful: dict[str, str | None] | None = None  # of the look before; None before the first one

    async def run(self) -> None:
        """Watch until cancelled."""
        for turn in count():
            await asyncio.sleep(_MET_EVERY_SECONDS)
            if turn % _MET_BETWEEN_LOOKS in {0, 1}:  # twice: what is being written is gone from the second
                await self.look(all_tables=turn < _MET_BETWEEN_LOOKS)
            self.report()

    async def look(self, *, all_tables: bool) -> None:
        """Hold the rows that are there against what is vouched for; what is doubtful twice is refused."""
        before = self._doubtful
        find = partial(not_vouched_for, self._directory, self._authority, all_tables=all_tables)
        try:
            self._doubtful = await asyncio.to_thread(find)
        except (LablineError, sqlite3.Error) as error:
            log.debug("rows that give authority cannot be looked at", error=str(error))
            return
        for name, digest in self._doubtful.items():
            if before is not None and name in before and before[name] == digest:
                what = "is missing or changed" if digest is None else "is not as an audit line vouches for it"
                self._authority.refuse(name, f"{name} {what}: it gives no authority")

    def report(self) -> None:
        """Put on record what was refused since the last report."""
        refused = dict(self._authority.refused)
        new = [why for name, why in sorted(refused.items()) if name not in self._reported]
        self._reported |= refused.keys()
        if not new:
            return
        log.critical("the store holds rows that nobody here has written: they give no authority", rows=new)
        at = self._clock.now()
        event = StoreChecked(
            event_id=identity_of("authority-refused", at.wall_ns, at.boot_ns),
            at=at,
            rows=0,
            audit_lines=0,
            damaged=len(new),
            wrong=tuple(new[:_MOST_NAMED]),
        )
        self._inbox.put(event, Urgency.STOP_AND_RESPONSES)
