"""Reading what the historian has written: sealed chunks and the journal, each held against its hash.

Plain functions of a connection, used by the historian's own reading thread and by commands. A chunk that is damaged
or missing is not skipped in silence: in its place stands a mark, from which on nothing is known.
"""

import hashlib
import json
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from gateway.database.opening import SQLITE_ERRORS
from gateway.history.chunk import decode
from gateway.history.chunk_parts import ChunkError
from gateway.history.clock_steps import NOTHING_VOID, Voids
from gateway.history.columns import Columns, Reach, mark
from gateway.history.journal import Batch, unpack
from gateway.history.statements import SQL

EVERY_SAMPLE = 2**62  # more than any series has
_AFTER_ALL = 2**62  # of an arrival: behind every sample of the same instant
_NEVER_REACHED = 2**61  # by a chunk's number, or an arrival
_JOINED_SAMPLES = 2**18  # of the journal at once: some 10 MiB


def chunk_hash(*, series_id: int, number: int, first_ns: int, last_ns: int, last_arrival: int, payload: bytes) -> str:
    """Return the SHA-256 of a chunk and of what its row says about it."""
    head = struct.pack("<qqqqq", series_id, number, first_ns, last_ns, last_arrival)
    return hashlib.sha256(head + payload).hexdigest()


def journal_hash(last_arrival: int, payload: bytes) -> str:
    """Return the SHA-256 of a journal entry."""
    return hashlib.sha256(struct.pack("<q", last_arrival) + payload).hexdigest()


@dataclass(slots=True)
class Damage:
    """How much of what was read could not be used."""

    chunks: int = 0
    journal_entries: int = 0

    def __bool__(self) -> bool:
        return bool(self.chunks or self.journal_entries)

    def add(self, other: "Damage") -> None:
        """Count what another reading could not use, too."""
        self.chunks += other.chunks
        self.journal_entries += other.journal_entries


def read_series(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the ids of all series by name."""
    rows = connection.execute(SQL["series"]).fetchall()
    return {name: series_id for series_id, name in rows if _whole(series_id) and isinstance(name, str)}


@dataclass(frozen=True, slots=True)
class _Lost:
    """A journal entry that is damaged; ``last_arrival`` is what its row says, as far as that can be."""

    last_arrival: int


def _read_journal(connection: sqlite3.Connection, damage: Damage) -> Iterator[Batch | _Lost]:
    """Yield what is not sealed yet, or was not when the journal was last pruned, many entries at once."""
    entries = list[Batch]()
    for last_arrival, stated, payload in connection.execute(SQL["journal"]):
        entry = None
        if _whole(last_arrival) and isinstance(payload, bytes) and stated == journal_hash(last_arrival, payload):
            with suppress(ChunkError):
                entry = unpack(payload)
        if entry is not None:
            entries.append(entry)
        if entries and (entry is None or sum(map(len, entries)) >= _JOINED_SAMPLES):
            yield Batch.joined(entries)
            entries = []
        if entry is None:
            damage.journal_entries += 1
            yield _Lost(last_arrival if _whole(last_arrival) and 0 < last_arrival < _AFTER_ALL else 0)
    if entries:
        yield Batch.joined(entries)


def read_unsealed(
    connection: sqlite3.Connection, sealed_until: Mapping[str, tuple[int, int]], damage: Damage
) -> tuple[dict[str, list[Columns]], int]:
    """Return (per series what only the journal holds, piece by piece; an arrival behind which none of it lies).

    What a damaged entry held, and of which series, nobody can say: after it every series is unknown until its next
    sample. ``sealed_until``: per series from when its last sealed sample counts, and the last sealed arrival.
    """
    pending: dict[str, list[Columns]] = {}
    last_known, unknown, last_arrival = dict(sealed_until), set[str](), 0
    for stretch in _read_journal(connection, damage):
        if isinstance(stretch, _Lost):
            unknown |= last_known.keys()
            last_arrival = max(last_arrival, stretch.last_arrival)
            continue
        last_arrival = max(last_arrival, int(stretch.columns.arrival.max(initial=0)))
        for name, columns in stretch.by_series():
            sealed = int(np.searchsorted(columns.arrival, sealed_until.get(name, (0, 0))[1], side="right"))
            fresh = columns.where(slice(sealed, None))  # no copy: of many tags it would be many small ones
            if not len(fresh):
                continue
            if name in unknown:
                pending.setdefault(name, []).append(_unknown_from(name, *last_known[name]))
                unknown.discard(name)
            pending.setdefault(name, []).append(fresh)
            held_ns, _arrival = last_known.get(name, (0, 0))
            last_known[name] = max(held_ns, int(fresh.held_ns.max())), int(fresh.arrival.max())
    for name in unknown:
        pending.setdefault(name, []).append(_unknown_from(name, *last_known[name]))
        last_arrival = max(last_arrival, last_known[name][1] + 1)  # the mark's own: what comes live comes after it
    return pending, last_arrival


def _unknown_from(name: str, held_ns: int, arrival: int) -> Columns:
    return Columns.of((mark(name, held_ns, arrival=arrival + 1),))  # after what is sealed, before what comes next


class DecodedChunks:
    """The chunks that were read last, checked and decoded: sealed ones never change."""

    def __init__(self, *, most: int, arrivals: bool = False) -> None:
        """``arrivals``: whether they come with arrivals and flags, which take memory and are seldom looked at."""
        self._most = most
        self.arrivals = arrivals
        self._chunks: dict[tuple[int, int], Columns] = {}

    def get(self, series_id: int, number: int) -> Columns | None:
        """Return a chunk that is kept, which then stays longest, or None."""
        found = self._chunks.pop((series_id, number), None)
        if found is not None:
            self._chunks[series_id, number] = found
        return found

    def keep(self, series_id: int, number: int, columns: Columns) -> None:
        """Keep a chunk; the one used longest ago gives way."""
        self._chunks[series_id, number] = columns
        if len(self._chunks) > self._most:
            del self._chunks[next(iter(self._chunks))]


def read_chunks(
    connection: sqlite3.Connection,
    series_id: int,
    *,
    start_ns: int,
    end_ns: int,
    damage: Damage,
    decoded: DecodedChunks | None = None,
    voids: Voids = NOTHING_VOID,
) -> tuple[list[Columns], int]:
    """Return (the chunks that a stretch needs, with the one that holds at its start; the last arrival in them).

    The chunks are in the order of their sealing. With ``decoded`` they come as it keeps them. What is void is left out
    only where whole chunks are.
    """
    gone = json.dumps([(each.arrival, each.until_ns) for each in voids.set_back()])
    when = {"series_id": series_id, "start_ns": start_ns, "end_ns": end_ns, "voids": gone}
    first, last, before = connection.execute(SQL["chunks_of_stretch"], when).fetchone()
    numbers = [number for number in (first, last, before) if number is not None]
    if not numbers:
        return [], 0
    found = []
    expected, known_until_ns, last_arrival = min(numbers), start_ns, 0
    rows = connection.execute(
        SQL["chunk_numbers"], {"series_id": series_id, "first_number": min(numbers), "last_number": max(numbers)}
    ).fetchall()
    for number, arrival in rows:
        if number != expected:
            damage.chunks += number - expected
            found.append(_hole(known_until_ns))
        expected = number + 1
        columns = _chunk(connection, series_id, number, damage, decoded)
        found.append(_hole(known_until_ns) if columns is None else columns)
        if columns is not None:
            known_until_ns, last_arrival = int(columns.held_ns.max()), arrival
    return found, last_arrival


def _chunk(
    connection: sqlite3.Connection, series_id: int, number: int, damage: Damage, decoded: DecodedChunks | None
) -> Columns | None:
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
    """Return a row's columns, or None where they are not what was written."""
    cells = (row["number"], row["first_ns"], row["last_ns"], row["last_arrival"])
    if not _whole(*cells) or not isinstance(row["payload"], bytes):
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


def _whole(*cells: object) -> bool:
    """Return whether cells are the whole numbers they were written as: a damaged page may say anything."""
    return all(type(cell) is int for cell in cells)


def _hole(since_ns: int) -> Columns:
    return Columns.of((mark("", since_ns, arrival=_AFTER_ALL),))


def newest(connection: sqlite3.Connection, series_id: int, *, most: int, damage: Damage) -> Columns:
    """Return at least the newest ``most`` samples sealed of a series, ordered by when they count."""
    parts: list[Columns | None] = []
    for _number, part in _backwards(connection, series_id, damage):
        parts.insert(0, part)
        if sum(len(each) for each in parts if each is not None) >= most:
            break
    return Columns.joined(_with_holes(parts)).in_time()


def newest_that_hold(
    connection: sqlite3.Connection, series_id: int | None, waiting: Columns, *, reach: Reach, damage: Damage,
    voids: Voids = NOTHING_VOID,
) -> tuple[Columns, bool]:  # fmt: skip
    """Return (the newest samples of a series, as far as ``reach`` says; whether there are others).

    They come ordered by when they count, and from the first on nothing is missing: chunks are in the order of arrival,
    so an older one may hold what counts from later (a hole that was filled late), and then more are read.
    ``waiting``: what is not sealed.
    """
    parts: list[Columns | None] = []
    kept, unread_below = voids.kept(waiting).in_time(), _NEVER_REACHED
    if series_id is None:
        return _newest_of_all(kept, reach)
    backwards = _backwards(connection, series_id, damage)
    while True:
        latest_ns = _latest_ns(connection, series_id, unread_below, voids)
        complete = kept.where(slice(0 if latest_ns is None else int(np.searchsorted(kept.held_ns, latest_ns)), None))
        if latest_ns is not None and reach.is_met_by(complete):
            return reach.newest(complete).copied(), True
        chunk = next(backwards, None)
        if chunk is None:
            return _newest_of_all(kept, reach)
        number, part = chunk
        parts.insert(0, part)
        unread_below = unread_below if number is None else number
        kept = voids.kept(Columns.joined([*_with_holes(parts), waiting])).in_time()


def _newest_of_all(columns: Columns, reach: Reach) -> tuple[Columns, bool]:
    newest_columns = reach.newest(columns).copied()
    return newest_columns, len(newest_columns) < len(columns)


def _latest_ns(connection: sqlite3.Connection, series_id: int, below: int, voids: Voids) -> int | None:
    """Return until when the chunks with lower numbers reach at the latest, None where nobody can say.

    Where a clock was set back, what such a chunk holds of later than that does not hold.
    """
    below_number = {"series_id": series_id, "below": below}
    if not voids:
        row = connection.execute(SQL["latest_of_chunks"], below_number).fetchone()
        return None if row is None else int(row[0])
    ends = [
        min([last_ns, *(each.until_ns for each in voids.set_back() if last_arrival < each.arrival)])
        for last_ns, last_arrival in connection.execute(SQL["ends_of_chunks"], below_number)
        if _whole(last_ns, last_arrival)
    ]
    return max(ends, default=None)


def _backwards(
    connection: sqlite3.Connection, series_id: int, damage: Damage
) -> Iterator[tuple[int | None, Columns | None]]:
    """Yield (number, columns) of the chunks of a series, the newest first; None for what is lost."""
    following = None
    for (number,) in connection.execute(SQL["newest_chunks_of_series"], {"series_id": series_id}):
        if not _whole(number) or number >= _NEVER_REACHED:  # a chunk that is lost, and nobody can say which
            damage.chunks += 1
            yield None, None
            continue
        if following is not None and number != following - 1:
            damage.chunks += following - 1 - number
            yield None, None
        following = number
        yield number, _chunk(connection, series_id, number, damage, None)


def sealed_until(columns: Columns) -> tuple[int, int] | None:
    """Return (until when, the last arrival) of what was read of a series' chunks; None where nothing was."""
    read = columns.where(columns.arrival < _AFTER_ALL)
    return (int(columns.held_ns.max()), int(read.arrival.max())) if len(read) else None


def _with_holes(parts: Iterable[Columns | None]) -> Iterator[Columns]:
    """Yield the parts; where one is missing, the mark that nothing is known after the one before."""
    known_until_ns = None
    for part in parts:
        if part is not None:
            yield part
            known_until_ns = int(part.held_ns.max())
        elif known_until_ns is not None:
            yield _hole(known_until_ns)


def in_stretch(columns: Columns, *, start_ns: int, end_ns: int) -> Columns:
    """Return the samples of a stretch, and before it the one that held at its start."""
    ordered = columns.in_time()
    first = max(int(np.searchsorted(ordered.held_ns, start_ns, side="right")) - 1, 0)
    stop = int(np.searchsorted(ordered.held_ns, end_ns, side="right"))
    return ordered.where(slice(min(first, stop), stop))
