"""The full check of the store, once a day and after a doubt."""

import asyncio
from functools import partial
from pathlib import Path

import structlog

from gateway.clock import Clock
from gateway.contract.identity import identity_of
from gateway.errors import LablineError
from gateway.events import StoreChecked
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.store.care.checking import check

log = structlog.get_logger()

_CHECK_EVERY_SECONDS = 86_400.0
_AGAIN_SECONDS = 60.0


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
