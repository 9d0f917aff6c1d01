"""Reading for the console: on connections and threads of its own, so that it never waits for a result, nor one for it.

A piece of reading has few seconds: what would take longer is broken off. Answers are kept for a second, or until
something is committed, so that many pages cost as much as one.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Self, TypeVar

from gateway.database.opening import SQLITE_ERRORS, translated
from gateway.errors import StoreUnavailableError
from gateway.store.database import read_state

Outcome = TypeVar("Outcome")
_LONGEST_SECONDS = 5.0
_LOOK_EVERY_INSTRUCTIONS = 20_000
_MOST_WAITING = 32


class ConsoleReader:
    """One read connection, on a thread of its own; an async context manager."""

    def __init__(self, directory: Path, *, name: str) -> None:
        self._directory = directory
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"labline-console-{name}")
        self._connection: sqlite3.Connection | None = None
        self._waiting = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        with suppress(RuntimeError):
            self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    async def read(self, work: Callable[[sqlite3.Connection], Outcome]) -> Outcome:
        """Return what the work reads; raises StoreUnavailableError where too much waits or it takes too long."""
        if self._waiting >= _MOST_WAITING:
            raise StoreUnavailableError("too much waits to be read", hint="ask again in a second")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, work)
        except SQLITE_ERRORS as error:
            raise translated(error, "the store cannot be read") from error
        finally:
            self._waiting -= 1

    def _read(self, work: Callable[[sqlite3.Connection], Outcome]) -> Outcome:
        connection = self._connection or read_state(self._directory)
        self._connection = connection
        until = time.monotonic() + _LONGEST_SECONDS
        connection.set_progress_handler(lambda: time.monotonic() > until, _LOOK_EVERY_INSTRUCTIONS)
        try:
            connection.execute("BEGIN")  # all that one answer shows is of one instant
            return work(connection)
        except BaseException:
            self._connection = None  # a new one reads again whatever this one had begun
            connection.close()
            raise
        finally:
            if self._connection is not None and connection.in_transaction:
                connection.execute("ROLLBACK")

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass(slots=True)
class _Kept(Generic[Outcome]):
    answer: "asyncio.Future[Outcome]"
    counter: int
    until: float


class Answers:
    """Answers that many ask for at once: made once, and kept while nothing was committed, for a second at most."""

    def __init__(self, *, counter: Callable[[], int], most: int = 64, seconds: float = 1.0) -> None:
        """``counter``: of what has been committed."""
        self._counter = counter
        self._most = most
        self._seconds = seconds
        self._kept: dict[Hashable, _Kept[bytes]] = {}

    async def answer(
        self, key: Hashable, make: Callable[[], Awaitable[bytes]], *, seconds: float | None = None
    ) -> bytes:
        """Return the answer of a key: one that is kept, else a new one. ``seconds``: kept so long whatever happens."""
        kept = self._kept.get(key)
        if kept is None or time.monotonic() > kept.until or (seconds is None and kept.counter != self._counter()):
            until = time.monotonic() + (self._seconds if seconds is None else seconds)
            kept = _Kept(asyncio.ensure_future(make()), self._counter(), until)
            self._kept.pop(key, None)
            self._kept[key] = kept
            if len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
        try:
            return await asyncio.shield(kept.answer)
        except BaseException:
            if kept.answer.done() and self._kept.get(key) is kept:
                del self._kept[key]
            raise
