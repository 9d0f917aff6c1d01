"""The one writing thread. Work is a function of the connection; each piece runs in a transaction of its own.

The thread owns the connection from opening to closing. Callers await the outcome; the queue is bounded, and a
caller that finds it full waits, which is how pressure reaches the brokers and servers.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self, TypeVar

from gateway.errors import LablineError, StoreUnavailableError
from gateway.store.database import open_for_writing

Outcome = TypeVar("Outcome")
Work = Callable[[sqlite3.Connection], Any]

_LONGEST_QUEUE = 64
_CLOSE_TIMEOUT_SECONDS = 30.0


class Writer:
    """Runs work on the writing thread; an async context manager."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._queue: queue.Queue[tuple[Work, Future[Any]] | None] = queue.Queue()
        self._room = asyncio.Semaphore(_LONGEST_QUEUE)
        self._opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="labline-store-writer", daemon=True)

    async def __aenter__(self) -> Self:
        self._thread.start()
        await asyncio.wrap_future(self._opened)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, _CLOSE_TIMEOUT_SECONDS)
        if self._thread.is_alive():
            raise StoreUnavailableError("the store's writing thread did not end in time")

    async def run(self, work: Callable[[sqlite3.Connection], Outcome]) -> Outcome:
        """Run the work in one transaction and return its outcome once that is committed.

        Raises StoreUnavailableError where SQLite could not do it: then nothing of it is durable. Once begun the
        work runs to its end even if the caller is cancelled.
        """
        async with self._room:
            outcome: Future[Outcome] = Future()
            self._queue.put((work, outcome))
            return await asyncio.shield(asyncio.wrap_future(outcome))

    def _run(self) -> None:
        try:
            connection = open_for_writing(self._directory)
        except LablineError as error:
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        try:
            while (item := self._queue.get()) is not None:
                work, outcome = item
                _carry_out(connection, work, outcome)
        finally:
            connection.close()


def _carry_out(connection: sqlite3.Connection, work: Work, outcome: Future[Any]) -> None:
    try:
        result = _in_transaction(connection, work)
    except sqlite3.Error as error:
        unavailable = StoreUnavailableError(
            f"the store could not commit: {error}", hint="check the disk's space and health"
        )
        unavailable.__cause__ = error
        outcome.set_exception(unavailable)
    except BaseException as error:  # noqa: BLE001 - it belongs to the caller, who gets it; the thread goes on
        outcome.set_exception(error)
    else:
        outcome.set_result(result)


def _in_transaction(connection: sqlite3.Connection, work: Work) -> Any:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return result
