"""Reading sealed chunks, each checked against its hash: plain functions of a connection.

Used by the historian's own reading thread and by commands. Chunks of a series are numbered without a hole: a chunk that
is damaged or missing is not skipped in silence: a mark in its place says that nothing is known from there on.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from gateway.database.opening import SQLITE_ERRORS
from gateway.history.clock_steps import NO_CLOCK_STEPS, ClockSteps
from gateway.history.codec.chunk import decode
from gateway.history.codec.parts import ChunkError
from gateway.history.columns import Columns
from gateway.history.file.integrity import Damage, are_integers, chunk_hash, loss_mark
from gateway.history.file.statements import SQL

EVERYTHING = -(2**62)  # earlier than any sample


def read_series(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the ids of all series by name."""
    rows = connection.execute(SQL["series"]).fetchall()
    return {name: series_id for series_id, name in rows if are_integers(series_id) and isinstance(name, str)}


class DecodedChunks:
    """The chunks that were read last, checked and decoded: sealed ones never change."""

    def __init__(self, *, most: int, arrivals: bool = False) -> None:
        """``arrivals``: whether they come with arrivals and flags, which take memory and are seldom looked at."""
        self._most = most
        self.arrivals = arrivals
        self._chunks: dict[tuple[int, int], Columns] = {}

    def get(self, series_id: int, number: int) -> Columns | None:
        """Return a chunk that is kept, which then stays longest, or None."""
        columns = self._chunks.pop((series_id, number), None)
        if columns is not None:
            self._chunks[series_id, number] = columns
        return columns

    def keep(self, series_id: int, number: int, columns: Columns) -> None:
        """Keep a chunk; the one used longest ago gives way."""
        self._chunks[series_id, number] = columns
        if len(self._chunks) > self._most:
            del self._chunks[next(iter(self._chunks))]


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedStretch:
    """The chunks that a stretch needs, in the order of their sealing, with the one before its start."""

    chunks: Sequence[Columns] = ()
    last_arrival: int = 0  # the last arrival number in them
    complete_from_ns: int = EVERYTHING  # every sealed sample from here to the end of the stretch is in them


def read_chunks(
    connection: sqlite3.Connection,
    series_id: int,
    *,
    start_ns: int,
    end_ns: int,
    damage: Damage,
    decoded: DecodedChunks | None = None,
    clock_steps: ClockSteps = NO_CLOCK_STEPS,
) -> SealedStretch:
    """Return the chunks that overlap a stretch, and of those before its start the one that ends last.

    With ``decoded`` they come as it keeps them. Void samples are left out only where whole chunks are void.
    """
    steps_back = json.dumps([(step.arrival, step.until_ns) for step in clock_steps.steps_back()])
    when = {"series_id": series_id, "start_ns": start_ns, "end_ns": end_ns, "steps_back": steps_back}
    first, last, before = connection.execute(SQL["chunks_of_stretch"], when).fetchone()
    numbers = [number for number in (first, last, before) if number is not None]
    if not numbers:
        return SealedStretch()
    chunks = []
    expected, known_until_ns, last_arrival, complete_from_ns = min(numbers), start_ns, 0, EVERYTHING
    rows = connection.execute(
        SQL["chunk_numbers"], {"series_id": series_id, "first_number": min(numbers), "last_number": max(numbers)}
    ).fetchall()
    for number, last_ns, arrival in rows:
        if number != expected:
            damage.chunks += number - expected
            chunks.append(loss_mark(known_until_ns))
        expected = number + 1
        if number == before:
            complete_from_ns = int(last_ns)
        columns = checked_chunk(connection, series_id, number, damage, decoded)
        chunks.append(loss_mark(known_until_ns) if columns is None else columns)
        if columns is not None:
            known_until_ns, last_arrival = int(columns.held_ns.max()), arrival
    return SealedStretch(chunks=chunks, last_arrival=last_arrival, complete_from_ns=complete_from_ns)


def checked_chunk(
    connection: sqlite3.Connection, series_id: int, number: int, damage: Damage, decoded: DecodedChunks | None
) -> Columns | None:
    """Return a chunk that was checked against its hash, or None where it is damaged, which is counted."""
    kept = None if decoded is None else decoded.get(series_id, number)
    if kept is not None:
        return kept
    try:
        row = connection.execute(SQL["chunk"], {"series_id": series_id, "number": number}).fetchone()
    except SQLITE_ERRORS:  # a page of its payload: the chunk is lost, not the others
        row = None
    if row is None:
        damage.chunks += 1
        return None
    columns = _checked(series_id, row, damage, arrivals=decoded is None or decoded.arrivals)
    if columns is not None and decoded is not None:
        decoded.keep(series_id, number, columns)
    return columns


def _checked(series_id: int, row: sqlite3.Row, damage: Damage, *, arrivals: bool = True) -> Columns | None:
    """Return a row's columns, or None if they do not match their hash."""
    cells = (row["number"], row["first_ns"], row["last_ns"], row["last_arrival"])
    if not are_integers(*cells) or not isinstance(row["payload"], bytes):
        damage.chunks += 1
        return None
    stated = chunk_hash(
        series_id=series_id,
        number=row["number"],
        first_ns=row["first_ns"],
        last_ns=row["last_ns"],
        last_arrival=row["last_arrival"],
        payload=row["payload"],
    )
    if stated == row["hash"]:
        with suppress(ChunkError):
            return decode(row["payload"], arrivals=arrivals)
    damage.chunks += 1
    return None


def in_stretch(columns: Columns, *, start_ns: int, end_ns: int) -> Columns:
    """Return the samples of a stretch, and before it the one that held at its start."""
    ordered = columns.in_time_order()
    first = max(int(np.searchsorted(ordered.held_ns, start_ns, side="right")) - 1, 0)
    stop = int(np.searchsorted(ordered.held_ns, end_ns, side="right"))
    return ordered.where(slice(min(first, stop), stop))
