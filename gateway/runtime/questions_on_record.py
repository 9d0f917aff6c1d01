"""Puts questions on record: the audit line of an answer is committed before the answer goes out.

A question is decided when nothing more urgent waits. One that is not committed in time is taken back and not answered.
"""

import asyncio
from pathlib import Path

from gateway.clock import Clock
from gateway.contract.asked_by_command import asked_by_command, on_record_line
from gateway.copilot.record import answered_by_command
from gateway.events import PhrasingNoted, QuestionAnswered
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.runtime.identification import of_account
from gateway.runtime.live_values import AnswersLine

_COMMIT_SECONDS = 5.0
_MOST_WAITING = 32


class QuestionsOnRecord:
    """Has questions committed to the audit trail; at most ``_MOST_WAITING`` wait."""

    def __init__(self, inbox: EventQueue, *, commit_seconds: float = _COMMIT_SECONDS) -> None:
        self._inbox = inbox
        self._commit_seconds = commit_seconds
        self._waiting = 0

    async def put(self, event: QuestionAnswered | PhrasingNoted) -> bool:
        """Return whether a question, or what a model is asked of its answer, is committed."""
        if self._waiting >= _MOST_WAITING:
            return False
        self._waiting += 1
        committed = asyncio.Event()
        try:
            self._inbox.put(event, Urgency.LATER, committed.set)
            if await _is_set(committed, self._commit_seconds):
                return True
            if self._inbox.withdraw(event.event_id):
                return False
            return await _is_set(committed, self._commit_seconds)  # it is in the batch that is being committed
        finally:
            self._waiting -= 1


async def _is_set(event: asyncio.Event, seconds: float) -> bool:
    """Return whether an event comes in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


class AskedByCommands:
    """Puts on record what commands were asked, and leaves every other line to what takes acts."""

    def __init__(self, on_record: QuestionsOnRecord, *, clock: Clock, directory: Path, acts: AnswersLine) -> None:
        self._on_record = on_record
        self._clock = clock
        self._directory = directory
        self._acts = acts

    async def answer(self, line: bytes, account: int) -> bytes:
        """Return the answer to a line; ``account``: the number of the operating system's user."""
        asked = asked_by_command(line)
        if asked is None:
            return await self._acts(line, account)
        who = of_account(account, self._directory).subject
        return on_record_line(await self._on_record.put(answered_by_command(asked, who=who, at=self._clock.now())))
