"""How long chunks are kept: old ones are deleted, and the oldest of all if they take too much disk space."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.history.clock_steps import ClockStep, ClockSteps
from gateway.history.file.history_file import HistoryFile
from gateway.history.file.statements import SQL

_DELETE_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Evictable:
    """The oldest chunks, which would go next."""

    chunks: tuple[tuple[int, int], ...]
    samples: int
    from_ns: int
    until_ns: int


class ChunkRetention:
    """Deletes chunks on the writing thread, in small pieces."""

    def __init__(self, file: HistoryFile, *, now_ns: Callable[[], int], clock_steps: Callable[[], ClockSteps]) -> None:
        """``clock_steps``: returns the steps of the wall clock so far."""
        self._file = file
        self._now_ns = now_ns
        self._clock_steps = clock_steps
        self._deleted_for = set[ClockStep]()

    async def forget_before(self, before_ns: int) -> int:
        """Delete chunks that end before an instant, in small pieces; return how many."""
        deleted = 0
        for clock_step in self._clock_steps().steps_back():
            if clock_step.until_ns < before_ns and clock_step not in self._deleted_for:
                deleted += await self._file.write(partial(_delete_void_chunks, clock_step, self._now_ns()))
                self._deleted_for.add(clock_step)
        while True:
            count = await self._file.write(partial(_delete_before, before_ns))
            deleted += count
            if count < _DELETE_AT_ONCE:
                return deleted

    async def bytes_used(self) -> int:
        """Return how many bytes the history takes, without pages that are free again."""
        return await self._file.write(lambda connection: int(connection.execute(SQL["size"]).fetchone()[0]))

    async def evictable(self) -> Evictable | None:
        """Return the oldest chunks, which may have to go, or None where there is none."""
        return await self._file.write(_evictable)

    async def evict(self, evictable: Evictable) -> None:
        """Delete these chunks; their gap is on record already."""
        await self._file.write(partial(_delete, evictable.chunks))


def _delete_before(before_ns: int, connection: sqlite3.Connection) -> int:
    return connection.execute(SQL["delete_chunks_before"], {"before_ns": before_ns, "most": _DELETE_AT_ONCE}).rowcount


def _delete_void_chunks(clock_step: ClockStep, now_ns: int, connection: sqlite3.Connection) -> int:
    before = {"now_ns": now_ns, "arrival": clock_step.arrival}
    return connection.execute(SQL["delete_void_chunks"], before).rowcount


def _evictable(connection: sqlite3.Connection) -> Evictable | None:
    rows = connection.execute(SQL["oldest_chunks"], {"most": _DELETE_AT_ONCE}).fetchall()
    if not rows:
        return None
    return Evictable(
        chunks=tuple((row["series_id"], row["number"]) for row in rows),
        samples=sum(row["count"] for row in rows),
        from_ns=min(row["first_ns"] for row in rows),
        until_ns=max(row["last_ns"] for row in rows),
    )


def _delete(chunks: Sequence[tuple[int, int]], connection: sqlite3.Connection) -> None:
    connection.executemany(
        SQL["delete_chunk"], [{"series_id": series_id, "number": number} for series_id, number in chunks]
    )
