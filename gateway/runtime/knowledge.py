"""Keeps the index of all records: in small steps on a thread of its own, when there is time for it.

It reads what is committed, on a connection of its own. Where it fails it is tried again, and searches say how far the
index is behind; nothing else of the gateway depends on it.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import structlog

from gateway.database.opening import SQLITE_ERRORS
from gateway.errors import LablineError
from gateway.knowledge.catching_up import Behind, step
from gateway.knowledge.index import KnowledgeIndex, open_index
from gateway.line.procedures import Procedure
from gateway.store.database import read_state

log = structlog.get_logger()
_ROWS_AT_ONCE = 25  # some milliseconds: results must not wait for it
_BETWEEN_STEPS_SECONDS, _IDLE_SECONDS, _AGAIN_SECONDS = 0.05, 1.0, 30.0


class KnowledgeKeeper:
    """The loop that keeps the index."""

    def __init__(
        self,
        directory: Path,
        procedures: Sequence[Procedure],
        *,
        most_bytes: int,
        begin_after_seconds: float = 5.0,
    ) -> None:
        self._directory = directory
        self._procedures = procedures
        self._most_bytes = most_bytes
        self._begin_after_seconds = begin_after_seconds

    async def run(self) -> None:
        """Keep the index until cancelled."""
        await asyncio.sleep(self._begin_after_seconds)  # a start has other things to do
        thread = ThreadPoolExecutor(1, thread_name_prefix="labline-knowledge")
        try:
            while True:
                try:
                    await self._kept(thread)
                except (LablineError, OSError, *SQLITE_ERRORS) as error:
                    log.warning("the index for searches is not kept for now", error=str(error))
                await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            thread.shutdown(wait=False)

    async def _kept(self, thread: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        opened = ExitStack()
        try:
            state, index = await loop.run_in_executor(thread, _opened, self._directory, opened)
            work: Callable[[], Behind] = partial(
                step, state, index, self._procedures, most=_ROWS_AT_ONCE, most_bytes=self._most_bytes
            )
            while True:
                left = await loop.run_in_executor(thread, work)
                await asyncio.sleep(_IDLE_SECONDS if left.caught_up else _BETWEEN_STEPS_SECONDS)
        finally:
            thread.submit(opened.close)


def _opened(directory: Path, opened: ExitStack) -> tuple[sqlite3.Connection, KnowledgeIndex]:
    state = opened.enter_context(closing(read_state(directory)))
    return state, opened.enter_context(open_index(directory))
