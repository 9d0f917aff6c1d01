"""The newest samples of a series, read backwards from its last chunk until there are enough.

Chunks are in the order of arrival, so an older one may hold what counts from later (a hole that was filled late): more
are read until none can hold anything that belongs among the newest samples.
"""

import sqlite3
from collections.abc import Iterable, Iterator

import numpy as np

from gateway.history.clock_steps import NO_CLOCK_STEPS, ClockSteps
from gateway.history.columns import Columns, Reach
from gateway.history.file.integrity import AFTER_ALL, Damage, are_integers, loss_mark
from gateway.history.file.statements import SQL
from gateway.history.reader.chunks import checked_chunk

EVERY_SAMPLE = 2**62  # more than any series has
_NEVER_REACHED = 2**61  # by a chunk's number, or an arrival


def newest(connection: sqlite3.Connection, series_id: int, *, most: int, damage: Damage) -> Columns:
    """Return at least the newest ``most`` samples sealed of a series, ordered by when they count."""
    parts: list[Columns | None] = []
    for _number, part in _backwards(connection, series_id, damage):
        parts.insert(0, part)
        if sum(len(part) for part in parts if part is not None) >= most:
            break
    return Columns.joined(_with_holes(parts)).in_time_order()


def newest_valid_samples(
    connection: sqlite3.Connection, series_id: int | None, waiting: Columns, *, reach: Reach, damage: Damage,
    clock_steps: ClockSteps = NO_CLOCK_STEPS,
) -> tuple[Columns, bool]:  # fmt: skip
    """Return (the newest samples of a series, as far as ``reach`` says; whether there are others).

    They come ordered by when they count, and from the first on nothing is missing.
    ``waiting``: the samples that are not sealed.
    """
    parts: list[Columns | None] = []
    kept, unread_below = clock_steps.valid_rows(waiting).in_time_order(), _NEVER_REACHED
    if series_id is None:
        return _newest_of_all(kept, reach)
    backwards = _backwards(connection, series_id, damage)
    while True:
        latest_ns = _latest_ns(connection, series_id, unread_below, clock_steps)
        complete = kept.where(slice(0 if latest_ns is None else int(np.searchsorted(kept.held_ns, latest_ns)), None))
        if latest_ns is not None and reach.is_reached_by(complete):
            return reach.newest(complete).copied(), True
        chunk = next(backwards, None)
        if chunk is None:
            return _newest_of_all(kept, reach)
        number, part = chunk
        parts.insert(0, part)
        unread_below = unread_below if number is None else number
        kept = clock_steps.valid_rows(Columns.joined([*_with_holes(parts), waiting])).in_time_order()


def _newest_of_all(columns: Columns, reach: Reach) -> tuple[Columns, bool]:
    newest_columns = reach.newest(columns).copied()
    return newest_columns, len(newest_columns) < len(columns)


def _latest_ns(connection: sqlite3.Connection, series_id: int, below: int, clock_steps: ClockSteps) -> int | None:
    """Return the latest time of any sample in the chunks with lower numbers, None if it is not known.

    Samples dated later than where a clock was set back to are void and do not count.
    """
    below_number = {"series_id": series_id, "below": below}
    if not clock_steps:
        row = connection.execute(SQL["latest_of_chunks"], below_number).fetchone()
        return None if row is None else int(row[0])
    ends = [
        min([last_ns, *(step.until_ns for step in clock_steps.steps_back() if last_arrival < step.arrival)])
        for last_ns, last_arrival in connection.execute(SQL["ends_of_chunks"], below_number)
        if are_integers(last_ns, last_arrival)
    ]
    return max(ends, default=None)


def _backwards(
    connection: sqlite3.Connection, series_id: int, damage: Damage
) -> Iterator[tuple[int | None, Columns | None]]:
    """Yield (number, columns) of the chunks of a series, the newest first; None for a chunk that is lost."""
    following = None
    for (number,) in connection.execute(SQL["newest_chunks_of_series"], {"series_id": series_id}):
        if not are_integers(number) or number >= _NEVER_REACHED:  # a lost chunk with an unreadable number
            damage.chunks += 1
            yield None, None
            continue
        if following is not None and number != following - 1:
            damage.chunks += following - 1 - number
            yield None, None
        following = number
        yield number, checked_chunk(connection, series_id, number, damage, None)


def sealed_until(columns: Columns) -> tuple[int, int] | None:
    """Return (the latest time, the last arrival) of the samples read from chunks; None if there are none."""
    read = columns.where(columns.arrival < AFTER_ALL)
    return (int(columns.held_ns.max()), int(read.arrival.max())) if len(read) else None


def _with_holes(parts: Iterable[Columns | None]) -> Iterator[Columns]:
    """Yield the parts; where one is missing, the mark that nothing is known after the one before."""
    known_until_ns = None
    for part in parts:
        if part is not None:
            yield part
            known_until_ns = int(part.held_ns.max())
        elif known_until_ns is not None:
            yield loss_mark(known_until_ns)
