"""The gateway's store without threads: written and read by the loop itself, and without waiting for a disk."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.database.writer import Writer
from gateway.store.database import open_state
from gateway.store.queries.readers import Reader
from gateway.store.statements import SQL

Outcome = TypeVar("Outcome")


def open_at_once(directory: Path) -> sqlite3.Connection:
    """Return a connection to a new store that keeps nothing over a power cut."""
    connection = open_state(directory)
    connection.execute("PRAGMA journal_mode = MEMORY")
    connection.execute("PRAGMA synchronous = OFF")
    return connection


class WriterInPlace(Writer):
    """Does each piece of work at once, in a transaction of its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(lambda: connection, name="virtual store")
        self._connection = connection

    async def run(self, work: Callable[[sqlite3.Connection], Outcome]) -> Outcome:
        """Run the work in one transaction and return its outcome."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            outcome = work(self._connection)
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        return outcome


class ReaderInPlace(Reader):
    """Reads on the writer's connection."""

    def __init__(self, directory: Path, connection: sqlite3.Connection) -> None:
        self._in_place = connection
        super().__init__(directory)

    async def _all(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        return [tuple(row) for row in self._in_place.execute(SQL[statement], parameters)]
