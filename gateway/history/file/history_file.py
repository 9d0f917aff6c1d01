"""The file of the history and its two threads: one that writes, one that reads.

A history that turns out corrupt costs only itself: it is noted for the next start, which sets it aside, and until then
it counts as a store that does not serve.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from gateway.database.opening import SQLITE_ERRORS, open_for_reading, open_for_writing, translated
from gateway.database.writer import Writer
from gateway.errors import StoreCorruptError, StoreUnavailableError
from gateway.history.file.statements import HISTORY, HISTORY_FILE

SUSPECT_FILE = "history.suspect"

Answer = TypeVar("Answer")


class HistoryFile:
    """``history.db``, open; an async context manager."""

    def __init__(self, directory: Path) -> None:
        """``directory``: where the file is, and the note for the next start."""
        self._path = directory / HISTORY_FILE
        self.writer = Writer(partial(open_for_writing, self._path, HISTORY), name="history")
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="labline-history-reader")
        self._connection: sqlite3.Connection | None = None  # of the reading thread

    async def __aenter__(self) -> Self:
        await self.writer.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._on_reading_thread(self._close_reading)
        self._reading.shutdown()
        await self.writer.__aexit__(*exception)

    async def write(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Return what work returns on the writing thread; raises StoreUnavailableError where it cannot be done."""
        try:
            return await self.writer.run(work)
        except StoreCorruptError as error:
            raise self._noted(error) from error

    async def read(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Return what work returns on the reading thread; raises StoreUnavailableError where it cannot be done."""
        return await self._on_reading_thread(lambda: work(self._open_reading()))

    async def _on_reading_thread(self, work: Callable[[], Answer]) -> Answer:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reading, _translating(work))
        except StoreCorruptError as error:
            raise self._noted(error) from error

    def _open_reading(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = open_for_reading(self._path, HISTORY)
        return self._connection

    def _close_reading(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _noted(self, error: StoreCorruptError) -> StoreUnavailableError:
        """Note for the next start that the file is corrupt; nothing but the history suffers from it."""
        with suppress(OSError):  # a disk that takes no note is reported elsewhere
            self._path.with_name(SUSPECT_FILE).write_text(f"{error}\n", encoding="utf-8")
        return StoreUnavailableError(str(error), hint="a restart sets the file aside and begins a new history")


def _translating(work: Callable[[], Answer]) -> Callable[[], Answer]:
    def run() -> Answer:
        try:
            return work()
        except SQLITE_ERRORS as error:
            raise translated(error, "the history cannot be read") from error

    return run
