"""One writing thread per database. Work is a function of the connection; each piece is one transaction.

The thread owns the connection from opening to closing. Callers await the outcome; the queue is bounded, and a
caller that finds it full waits, which is how pressure reaches the brokers and servers.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Self, TypeVar

from gateway.database.opening import SQLITE_ERRORS, translated
from gateway.errors import LablineError, StoreUnavailableError

Outcome = TypeVar("Outcome")
Work = Callable[[sqlite3.Connection], Any]

_LONGEST_QUEUE = 64
_CLOSE_TIMEOUT_SECONDS = 30.0


class Writer:
    """Runs work on the writing thread; an async context manager."""

    def __init__(
        self,
        open_connection: Callable[[], sqlite3.Connection],
        *,
        name: str,
        after_commit: Callable[[sqlite3.Connection], None] = lambda _connection: None,
    ) -> None:
        """``open_connection`` is called on the thread; ``name`` is the database's, for errors and the thread.

        ``after_commit`` is called on the thread, too; where it raises OSError, the disk has failed in the moment of the
        commit, and nobody may rely on it.
        """
        self.reliable = True  # whether what was committed last may be relied on
        self._after_commit = after_commit
        self._open_connection = open_connection
        self._name = name
        self._queue: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(_LONGEST_QUEUE)
        self._opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name=f"labline-{name}-writer", daemon=True)

    async def __aenter__(self) -> Self:
        self._thread.start()
        await asyncio.wrap_future(self._opened)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, _CLOSE_TIMEOUT_SECONDS)
        if self._thread.is_alive():
            raise StoreUnavailableError(f"the {self._name}'s writing thread did not end in time")

    async def run(self, work: Callable[[sqlite3.Connection], Outcome]) -> Outcome:
        """Run the work in one transaction and return its outcome once that is committed.

        Raises StoreUnavailableError where SQLite could not do it, StoreCorruptError where the file is damaged: then
        nothing of it may be relied on. Once begun the work runs to its end even if the caller is cancelled.
        """
        async with self._room:
            order = _Order(work)
            self._queue.put(order)
            outcome: Outcome = await order.outcome
            return outcome

    def _run(self) -> None:
        try:
            connection: sqlite3.Connection | None = self._open_connection()
        except LablineError as error:
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        while (order := self._queue.get()) is not None:
            try:
                connection = connection or self._open_connection()
                order.done(self._committed(connection, order.work), None)
            except StoreUnavailableError as error:
                order.done(None, error)
                _close(connection)
                connection = None
            except SQLITE_ERRORS as error:
                unavailable = translated(error, f"the {self._name} could not commit")
                unavailable.__cause__ = error
                order.done(None, unavailable)
                if _is_input_output(error):
                    _close(connection)
                    connection = None
            except BaseException as error:  # noqa: BLE001 - it belongs to the caller, who gets it; the thread goes on
                order.done(None, error)
        _close(connection)

    def _committed(self, connection: sqlite3.Connection, work: Work) -> Any:
        """Return what came of a piece of work whose commit may be relied on."""
        result = _in_transaction(connection, work)
        try:
            self._after_commit(connection)
        except OSError as error:
            self.reliable = False
            what = f"the {self._name} is on a disk that failed as it committed: {error}"
            raise StoreUnavailableError(what, hint="check the disk's health; see operations.md") from error
        self.reliable = True
        return result


class _Order:
    """Work for the thread, and the future in which its caller awaits what comes of it."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Any] = self._loop.create_future()

    def done(self, result: Any, error: BaseException | None) -> None:
        """Hand over the outcome; called on the writing thread. A loop that has closed has no callers left."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settle, result, error)

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if self.outcome.done():  # the caller was cancelled
            return
        if error is None:
            self.outcome.set_result(result)
        else:
            self.outcome.set_exception(error)


def _is_input_output(error: Exception) -> bool:
    """Return whether the file failed beneath SQLite: then nothing that the connection remembers is trusted."""
    kind = getattr(error, "sqlite_errorname", None) or ""
    return kind.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY"))


def _close(connection: sqlite3.Connection | None) -> None:
    """Close a connection; what it had not committed is gone, and a new one recovers from the files."""
    if connection is not None:
        with contextlib.suppress(sqlite3.Error):
            connection.close()


def _in_transaction(connection: sqlite3.Connection, work: Work) -> Any:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return result
