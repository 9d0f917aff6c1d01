"""Tag history on disk: what arrives goes into the journal every second, and is sealed into chunks series by series.

Invariants:

1. A sample is in the journal or in a chunk within a flush (one second) of its arrival; what a kill loses before that is
   not more, and the restart marks it as unknown.
2. A journal entry goes only when each of its samples is in a chunk, in the transaction that proves it.
3. Chunks of a series are numbered without a hole, so that a missing one is noticed; each carries its hash.
4. Samples are kept as they arrived (arrival numbers rise within a chunk), and as they counted. What a clock that was
   ahead has dated into a future that was none stays, too, and is left out on reading (``voids``).
5. What waits to be written is bounded; what has to be given up is counted and told as a gap.

The buffers belong to the event loop, the database to the writing thread, reading to a thread of its own.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self, TypeVar
from zlib import crc32

import structlog

from gateway.database.opening import (
    SQLITE_ERRORS,
    one_state,
    open_for_reading,
    open_for_writing,
    still_wrong,
    translated,
)
from gateway.database.writer import Writer
from gateway.errors import LablineError, StoreCorruptError, StoreUnavailableError
from gateway.history.buffer import Buffered, SeriesBuffer
from gateway.history.chunk import encode
from gateway.history.columns import Columns, HeldSample, Reach, mark
from gateway.history.journal import Batch, pack
from gateway.history.sealed import (
    EVERY_SAMPLE,
    Damage,
    DecodedChunks,
    chunk_hash,
    in_stretch,
    journal_hash,
    newest,
    newest_that_hold,
    read_chunks,
    read_series,
    read_unsealed,
    sealed_until,
)
from gateway.history.statements import HISTORY, HISTORY_FILE, SQL
from gateway.history.voids import CLOCK_SERIES, NOTHING_VOID, ClockSet, Voids
from gateway.history.windows import WindowRequest

log = structlog.get_logger()

FLUSH_SECONDS = 1.0
SEAL_SAMPLES = 2048  # fewer to a chunk take a third more of the disk
RECENT_BATCHES = 16  # flushes until what they wrote is sorted by series; sooner where it is much
SEAL_AGE_NS = 30 * 60 * 1_000_000_000
SUSPECT_FILE = "history.suspect"
_RECENT_SAMPLES = 2**15
_MOST_WAITING = 200_000
_PACKED_SAMPLES = 128
_DELETE_AT_ONCE = 256
_READ_AT_ONCE = 64  # windows
_AT_ONCE, _SERIES_AT_ONCE = 2, 64  # a flush seals and packs two, and one more for each 64 series there are
_MOST_DECODED = 128  # chunks kept for the next window, some 6 MiB

_NONE = Columns.of(())
Answer = TypeVar("Answer")


def set_aside_if_corrupt(directory: Path, *, at_ns: int, on_damage: Callable[[], None]) -> None:
    """Set a history file aside that SQLite cannot read, so that a new one begins; ``on_damage`` hears of it."""
    path, note = directory / HISTORY_FILE, directory / SUSPECT_FILE
    why = still_wrong(lambda: _why_unsound(path, suspected=note.exists()))
    note.unlink(missing_ok=True)
    if why is not None:
        folder = directory / "quarantine" / str(at_ns)
        folder.mkdir(parents=True, exist_ok=True)
        for suffix in ("", "-wal", "-shm"):
            file = directory / f"{HISTORY_FILE}{suffix}"
            if file.exists():
                file.rename(folder / file.name)
        log.critical("tag history is corrupt and was set aside; a new one begins", error=why)
        on_damage()


def _why_unsound(path: Path, *, suspected: bool) -> str | None:
    """Return why SQLite cannot use the file, or None; raises StoreUnavailableError where the disk does not serve."""
    try:
        with closing(open_for_writing(path, HISTORY)) as connection:
            if suspected:
                (told,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
                if told != "ok":
                    return str(told)
            for statement in ("series", "journal", "newest_chunks", "oldest_chunks"):
                for _row in connection.execute(SQL[statement], {"most": _DELETE_AT_ONCE}):
                    pass
    except StoreCorruptError as error:
        return str(error)
    except SQLITE_ERRORS as error:
        found = translated(error, "the history cannot be read")
        if isinstance(found, StoreUnavailableError):
            raise found from error
        return str(found)
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pending:
    """What is not sealed of a series, as it is at one moment; it is put together where it is read."""

    series: str
    buffered: tuple[Buffered, ...]
    journalled: tuple[Batch, ...]
    fresh: tuple[HeldSample, ...]

    def columns(self) -> Columns:
        """Return all of it, in the order of arrival."""
        return Columns.joined(
            [
                *(each.columns() for each in self.buffered),
                *(batch.of_series(self.series) for batch in self.journalled if self.series in batch.counts),
                Columns.of(self.fresh),
            ]
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """What a flush has done on the writing thread."""

    ids: dict[str, int]  # of all series, as they are once it is committed
    packed: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What an earlier run has left: the newest samples by series, and how far arrivals were counted."""

    series: Mapping[str, tuple[Columns, bool]]  # with whether older ones are on disk
    arrival: int
    damage: Damage


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ends:
    """Where the chunks end: by series from when the last sealed sample counts and its arrival; the last arrival."""

    last_sealed: Mapping[str, tuple[int, int]]
    clock_sets: Columns
    arrival: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Evictable:
    """The oldest chunks, which would go next."""

    chunks: tuple[tuple[int, int], ...]
    samples: int
    from_ns: int
    until_ns: int


class Historian:
    """Writes and reads ``history.db``; an async context manager. ``run`` flushes until cancelled."""

    def __init__(
        self,
        directory: Path,
        *,
        now_ns: Callable[[], int],
        on_trouble: Callable[[str | None], None] = lambda _why: None,
        on_dropped: Callable[[int, int, int], None] = lambda _count, _from_ns, _until_ns: None,
    ) -> None:
        """``on_trouble`` hears why history cannot be written, None once it can; ``on_dropped`` what was given up."""
        self._path = directory / HISTORY_FILE
        self._now_ns = now_ns
        self._on_trouble = on_trouble
        self._on_dropped = on_dropped
        self._writer = Writer(partial(open_for_writing, self._path, HISTORY), name="history")
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="labline-history-reader")
        self._connection: sqlite3.Connection | None = None
        self._decoded = DecodedChunks(most=_MOST_DECODED)
        self._voids = NOTHING_VOID
        self._void_deleted = set[ClockSet]()
        self._fresh: list[HeldSample] = []
        self._being_written: Batch | None = None
        self._recent: list[Batch] = []  # journalled, and not yet in the buffers of their series
        self._buffers: dict[str, list[SeriesBuffer]] = {}  # of each series: those to be sealed first, then the open one
        self._next_number: dict[str, int] = {}
        self._sealed_once = set[str]()  # by this run
        self._series: dict[str, int] = {}
        self._flushing = asyncio.Lock()
        self.samples_written = 0

    async def __aenter__(self) -> Self:
        await self._writer.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        with suppress(LablineError):  # on_trouble has heard; leaving must go on
            await self.flush()
        await self._read(self._close_reading)
        self._reading.shutdown()
        await self._writer.__aexit__(*exception)

    # --- writing

    def record(self, samples: Iterable[HeldSample]) -> None:
        """Take samples to be written with the next flush."""
        self._fresh += samples
        if len(self._fresh) > _MOST_WAITING:
            given_up = self._fresh[: _MOST_WAITING // 10]
            self._fresh[: len(given_up)] = _holes_for(given_up)
            self._on_dropped(len(given_up), given_up[0].held_ns, given_up[-1].held_ns)

    def clock_was_set(self, clock_set: ClockSet) -> None:
        """Leave out from now on what that makes void; it is written with the next flush."""
        self.record([clock_set.sample()])
        self._leave_out(self._voids.with_sets([clock_set]))

    def _leave_out(self, voids: Voids) -> None:
        self._voids, self._decoded = voids, DecodedChunks(most=_MOST_DECODED, arrivals=bool(voids))

    @property
    def waits_long(self) -> bool:
        """Return whether so much waits to be written that whoever can wait should."""
        return len(self._fresh) > _MOST_WAITING // 4

    async def run(self) -> None:
        """Flush every second until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            with suppress(StoreUnavailableError):  # on_trouble has heard; what waits is written later
                await self.flush()

    async def flush(self) -> None:
        """Write what has arrived, and seal what is ready.

        Raises StoreUnavailableError where it cannot be written now: it stays and is written later.
        """
        async with self._flushing:
            writing = asyncio.create_task(self._flush(), name="history-flush")
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await asyncio.wait({writing})  # what is committed must be known as committed
                writing.exception()  # looked at: on_trouble has heard
                raise

    async def _flush(self) -> None:
        if not self._fresh:
            return
        await self._distribute()
        fresh, self._fresh = self._fresh, []
        arrived = self._being_written = Batch.of(fresh)
        sealing = self._fullest(
            {series: buffers[0] for series, buffers in self._buffers.items() if self._is_full(series, buffers)}
        )
        packing = self._fullest(
            {
                series: buffers[-1]
                for series, buffers in self._buffers.items()
                if self._is_to_be_packed(series, buffers[-1]) and buffers[-1] is not sealing.get(series)
            }
        )
        work = partial(self._write, arrived, sealing, packing, self._oldest_pending(sealing, arrived))
        try:
            written = await self._write_history(work)
        except LablineError as error:
            self._fresh = fresh + self._fresh
            self._on_trouble(str(error))
            raise
        finally:
            self._being_written = None
        self._series = written.ids
        self._recent.append(arrived)
        for series, packed in written.packed.items():
            packing[series].replace_unpacked(packed)
        for series in sealing:
            self._buffers[series] = self._buffers[series][1:] or [SeriesBuffer()]
            self._next_number[series] = self._next_number.get(series, 1) + 1
            self._sealed_once.add(series)
        self.samples_written += len(fresh)
        self._on_trouble(None)

    async def _distribute(self) -> None:
        """Put what was journalled lately into the buffers of its series, once there is enough of it."""
        recent = self._recent
        if len(recent) < RECENT_BATCHES and sum(map(len, recent)) < _RECENT_SAMPLES:
            return
        joined = await asyncio.to_thread(Batch.joined, recent)
        for series, columns in joined.by_series():
            self._add(series, columns)
        self._recent = []

    def _add(self, series: str, columns: Columns) -> None:
        """Buffer what was journalled; what arrived before a setting of the clock gets no chunk with what came after."""
        buffers = self._buffers.setdefault(series, [SeriesBuffer()])
        for each in self._voids.sets:
            before = columns.arrival < each.arrival
            if before.any():
                buffers[-1].add(columns.where(before))
                columns = columns.where(~before)
            if len(columns) and buffers[-1].begun_before(each.arrival):
                buffers.append(SeriesBuffer())
        if len(columns):
            buffers[-1].add(columns)

    def _is_full(self, series: str, buffers: Sequence[SeriesBuffer]) -> bool:
        return len(buffers) > 1 or buffers[0].count >= SEAL_SAMPLES or self._is_old(series, buffers[0])

    def _is_old(self, series: str, buffer: SeriesBuffer) -> bool:
        """Return whether a buffer has been filled for long, or by a clock that is far ahead.

        Of many series the first chunk in a run ends earlier, each at another age: else all would be nearly full at once
        ever after, and memory would have to hold twice as much. Of few it is not worth the longer journal.
        """
        in_step = series in self._sealed_once or len(self._buffers) <= _SERIES_AT_ONCE
        allowed = SEAL_AGE_NS if in_step else round(SEAL_AGE_NS * _phase(series))
        return buffer.count > 0 and abs(self._now_ns() - buffer.first_ns) > allowed

    @staticmethod
    def _is_to_be_packed(series: str, buffer: SeriesBuffer) -> bool:
        return buffer.unpacked >= _PACKED_SAMPLES * (1 if buffer.packed_before else _phase(series))

    def _fullest(self, ready: Mapping[str, SeriesBuffer]) -> dict[str, SeriesBuffer]:
        """Return of the buffers that are ready those with the most samples, and only some of them.

        Tags fill up together, and all of them in one second would take memory and time for all at once.
        """
        most = _AT_ONCE + len(self._buffers) // _SERIES_AT_ONCE
        return {series: ready[series] for series in sorted(ready, key=lambda each: -ready[each].count)[:most]}

    def _oldest_pending(self, sealing: Mapping[str, SeriesBuffer], arrived: Batch) -> int:
        """Return the oldest arrival that only the journal will hold."""
        buffered = [
            buffer.first_arrival
            for series, buffers in self._buffers.items()
            for buffer in buffers
            if buffer is not sealing.get(series) and buffer.first_arrival is not None
        ]
        return min([*buffered, *(int(batch.columns.arrival.min()) for batch in (*self._recent, arrived))])

    def _write(
        self,
        arrived: Batch,
        sealing: Mapping[str, SeriesBuffer],
        packing: Mapping[str, SeriesBuffer],
        oldest_pending: int,
        connection: sqlite3.Connection,
    ) -> _Written:
        """Runs on the writing thread, while nothing changes the buffers."""
        ids = dict(self._series)
        payload = pack(arrived)
        last_arrival = int(arrived.columns.arrival.max())
        connection.execute(
            SQL["append_journal"],
            {"last_arrival": last_arrival, "hash": journal_hash(last_arrival, payload), "payload": payload},
        )
        for series, buffer in sealing.items():
            if series not in ids:
                (ids[series],) = connection.execute(SQL["add_series"], {"name": series}).fetchone()
            _seal(connection, ids[series], self._next_number.get(series, 1), buffer.buffered().columns())
        connection.execute(SQL["prune_journal"], {"oldest_pending": oldest_pending})
        packed = {series: buffer.packed() for series, buffer in packing.items()}
        return _Written(ids=ids, packed=packed)

    async def _write_history(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Run work on the writing thread; a corrupt history is noted for the next start, and costs only itself."""
        try:
            return await self._writer.run(work)
        except StoreCorruptError as error:
            raise self._noted(error) from error

    def _noted(self, error: StoreCorruptError) -> StoreUnavailableError:
        """Note for the next start that the file is corrupt; nothing but the history suffers from it."""
        with suppress(OSError):  # a disk that takes no note has said so elsewhere
            self._path.with_name(SUSPECT_FILE).write_text(f"{error}\n", encoding="utf-8")
        return StoreUnavailableError(str(error), hint="a restart sets the file aside and begins a new history")

    # --- reading

    async def load(self, reach: Callable[[str], Reach]) -> Loaded:
        """Return the newest samples of every series, of each as much as ``reach`` says."""
        return await self._read(partial(self._load, reach))

    def _load(self, reach: Callable[[str], Reach]) -> Loaded:
        connection, damage = self._open_reading(), Damage()
        self._series = read_series(connection)
        ends = self._read_ends(connection, damage)
        damaged_ends = damage.chunks
        unsealed, arrival = read_unsealed(connection, ends.last_sealed, damage)
        self._leave_out(Voids.recorded(Columns.joined([ends.clock_sets, *unsealed.get(CLOCK_SERIES, ())])))
        series, again = {}, Damage()
        for name in {*self._series, *unsealed}:
            waiting = Columns.joined(unsealed.pop(name, ()))
            if name != CLOCK_SERIES:
                series[name] = newest_that_hold(
                    connection, self._series.get(name), waiting, reach=reach(name), damage=again, voids=self._voids
                )
            if len(waiting):
                self._add(name, waiting)
                self._pack_what_is_much(name)
        damage.chunks += max(again.chunks - damaged_ends, 0)  # the newest chunks have been looked at twice
        return Loaded(series=series, arrival=max(arrival, ends.arrival), damage=damage)

    def _pack_what_is_much(self, series: str) -> None:
        for buffer in self._buffers[series]:
            if buffer.unpacked >= _PACKED_SAMPLES:
                buffer.replace_unpacked(buffer.packed())

    def _read_ends(self, connection: sqlite3.Connection, damage: Damage) -> _Ends:
        """Return where the chunks of each series end, and note the numbers with which they go on."""
        last_sealed, clock_sets = dict[str, tuple[int, int]](), _NONE
        arrivals = [0]  # as the rows say it: none is given again, whether they hold or not
        names = {series_id: name for name, series_id in self._series.items()}
        for series_id, number, last_arrival, unnumbered in connection.execute(SQL["newest_chunks"]).fetchall():
            name = names.get(series_id)
            if name is None:  # the series' own row is damaged
                damage.chunks += 1
                continue
            self._next_number[name] = (number or 0) + 1 + unnumbered  # in the numbers, too, there stays a hole
            if number is None or last_arrival is None:  # nothing of it can be read
                damage.chunks += 1
            arrivals.append(last_arrival or 0)
            most = EVERY_SAMPLE if name == CLOCK_SERIES else 1
            columns = newest(connection, series_id, most=most, damage=damage)
            clock_sets = columns if name == CLOCK_SERIES else clock_sets
            until = sealed_until(columns)
            if until is not None:
                last_sealed[name] = until
        return _Ends(last_sealed=last_sealed, clock_sets=clock_sets, arrival=max(arrivals))

    async def stretches(self, requests: Sequence[WindowRequest]) -> tuple[dict[WindowRequest, Columns], Damage]:
        """Return for each request what the disk and the buffers hold of it, in time, and what was damaged.

        Many are read some at a time, so that what another asks for meanwhile need not wait for all of them.
        """
        read, damage = dict[WindowRequest, Columns](), Damage()
        for first in range(0, len(requests), _READ_AT_ONCE):
            some = requests[first : first + _READ_AT_ONCE]
            pending = self._pending({request.tag for request in some})
            part, damaged = await self._read(partial(self._stretches, some, pending, self._voids, self._decoded))
            read |= part
            damage.add(damaged)
        return read, damage

    def _pending(self, names: AbstractSet[str]) -> dict[str, _Pending]:
        journalled = (*self._recent, *([self._being_written] if self._being_written is not None else []))
        fresh: dict[str, list[HeldSample]] = {name: [] for name in names}
        for sample in self._fresh:
            if sample.series in fresh:
                fresh[sample.series].append(sample)
        return {
            name: _Pending(
                series=name,
                buffered=tuple(buffer.buffered() for buffer in self._buffers.get(name, ())),
                journalled=journalled,
                fresh=tuple(fresh[name]),
            )
            for name in names
        }

    def _stretches(
        self,
        requests: Sequence[WindowRequest],
        pending: Mapping[str, _Pending],
        voids: Voids,
        decoded: DecodedChunks,
    ) -> tuple[dict[WindowRequest, Columns], Damage]:
        connection, damage, read = self._open_reading(), Damage(), {}
        unsealed = {name: each.columns() for name, each in pending.items()}
        for request in requests:
            series_id = self._series.get(request.tag)
            sealed, last_arrival = list[Columns](), 0
            if series_id is not None:
                stretch = {"start_ns": request.start_ns, "end_ns": request.end_ns}
                with one_state(connection):  # what is forgotten meanwhile is no damage
                    sealed, last_arrival = read_chunks(
                        connection, series_id, **stretch, damage=damage, decoded=decoded, voids=voids
                    )
            waiting = unsealed[request.tag]  # some of it may have been sealed in the meantime
            near = [voids.kept(part).around(request.start_ns, request.end_ns) for part in sealed]
            columns = Columns.joined([*near, voids.kept(waiting.where(waiting.arrival > last_arrival))])
            read[request] = in_stretch(columns, start_ns=request.start_ns, end_ns=request.end_ns)
        return read, damage

    async def _read(self, work: Callable[[], Answer]) -> Answer:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reading, self._translated(work))
        except StoreCorruptError as error:
            raise self._noted(error) from error

    @staticmethod
    def _translated(work: Callable[[], Answer]) -> Callable[[], Answer]:
        def run() -> Answer:
            try:
                return work()
            except SQLITE_ERRORS as error:
                raise translated(error, "the history cannot be read") from error

        return run

    def _open_reading(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = open_for_reading(self._path, HISTORY)
        return self._connection

    def _close_reading(self) -> None:
        if self._connection is not None:
            self._connection.close()

    # --- how long, how much

    async def forget_before(self, before_ns: int) -> int:
        """Delete chunks that end before an instant, in small pieces; return how many."""
        deleted = 0
        for each in self._voids.set_back():
            if each.until_ns < before_ns and each not in self._void_deleted:
                deleted += await self._write_history(partial(_delete_void, each, self._now_ns()))
                self._void_deleted.add(each)
        while True:
            count = await self._write_history(partial(_delete_before, before_ns))
            deleted += count
            if count < _DELETE_AT_ONCE:
                return deleted

    async def bytes_used(self) -> int:
        """Return how many bytes the history takes, without pages that are free again."""
        return await self._write_history(lambda connection: int(connection.execute(SQL["size"]).fetchone()[0]))

    async def evictable(self) -> Evictable | None:
        """Return the oldest chunks, which may have to go, or None where there is none."""
        return await self._write_history(_evictable)

    async def evict(self, evictable: Evictable) -> None:
        """Delete these chunks; their gap is on record already."""
        await self._write_history(partial(_delete, evictable.chunks))


def _holes_for(given_up: Sequence[HeldSample]) -> list[HeldSample]:
    """Return a mark for each series that loses samples, at the first of them: from there on nothing is known."""
    settings = [sample for sample in given_up if sample.series == CLOCK_SERIES]  # without them void samples would hold
    first = {sample.series: sample for sample in reversed(given_up)}
    return settings + [
        mark(series, sample.held_ns, arrival=sample.arrival)
        for series, sample in first.items()
        if not series.startswith("@")  # until when a source has confirmed: less of it only says less
    ]


def _phase(series: str) -> float:
    """Return where in their common cycle a series stands, 1/4 to 1, evenly spread over all series."""
    return 0.25 + 0.75 * crc32(series.encode()) / 2**32


def _seal(connection: sqlite3.Connection, series_id: int, number: int, columns: Columns) -> None:
    payload = encode(columns)
    about = {
        "series_id": series_id,
        "number": number,
        "first_ns": int(columns.held_ns.min()),
        "last_ns": int(columns.held_ns.max()),
        "last_arrival": int(columns.arrival.max()),
    }
    sealed = {**about, "count": len(columns), "payload": payload, "hash": chunk_hash(**about, payload=payload)}
    connection.execute(SQL["seal"], sealed)


def _delete_before(before_ns: int, connection: sqlite3.Connection) -> int:
    return connection.execute(SQL["delete_chunks_before"], {"before_ns": before_ns, "most": _DELETE_AT_ONCE}).rowcount


def _delete_void(clock_set: ClockSet, now_ns: int, connection: sqlite3.Connection) -> int:
    before = {"now_ns": now_ns, "arrival": clock_set.arrival}
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
    connection.executemany(SQL["delete_chunk"], [{"series_id": each, "number": number} for each, number in chunks])
