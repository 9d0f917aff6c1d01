"""Tag history on disk: what arrives goes into the journal every second, and is sealed into chunks series by series.

Invariants:

1. A sample is in the journal or in a chunk within a flush (one second) of its arrival; what a kill loses before that is
   not more, and the restart marks it as unknown.
2. A journal entry goes only when each of its samples is in a chunk, in the transaction that proves it.
3. Chunks of a series are numbered without a hole, so that a missing one is noticed; each carries its hash.
4. Samples are kept as they arrived (arrival numbers rise within a chunk), and as they counted. Samples that a
   clock that was ahead has dated into the future stay, too, and are left out on reading (``clock_steps``).
5. What waits to be written is bounded; samples that have to be dropped are counted and reported as a gap.

The buffers belong to the event loop, the database to the writing thread, reading to a thread of its own.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from gateway.errors import LablineError, StoreUnavailableError
from gateway.history.clock_steps import CLOCK_SERIES, NO_CLOCK_STEPS, ClockStep, ClockSteps
from gateway.history.codec.chunk import encode
from gateway.history.codec.journal_entry import Batch, pack
from gateway.history.columns import Columns, HeldSample, Reach, mark
from gateway.history.file.history_file import HistoryFile
from gateway.history.file.integrity import Damage, chunk_hash, journal_hash
from gateway.history.file.retention import ChunkRetention
from gateway.history.file.statements import SQL
from gateway.history.reader.chunks import DecodedChunks
from gateway.history.windows import WindowRequest
from gateway.history.writer.loading import Loaded, load
from gateway.history.writer.series_buffer import SeriesBuffer
from gateway.history.writer.stretches import Pending, read_stretches
from gateway.history.writer.unsealed import Unsealed

FLUSH_SECONDS = 1.0
_MOST_WAITING = 200_000
_READ_AT_ONCE = 64  # windows
_MOST_DECODED = 128  # chunks kept for the next window, some 6 MiB


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """What a flush has done on the writing thread."""

    ids: dict[str, int]  # of all series, as they are once it is committed
    packed: Mapping[str, bytes]


class Historian:
    """Writes and reads ``history.db``; an async context manager. ``run`` flushes until cancelled.

    ``retention`` deletes what is too old or too much.
    """

    def __init__(
        self,
        directory: Path,
        *,
        now_ns: Callable[[], int],
        on_trouble: Callable[[str | None], None] = lambda _why: None,
        on_dropped: Callable[[int, int, int], None] = lambda _count, _from_ns, _until_ns: None,
    ) -> None:
        """``on_trouble`` hears why history cannot be written, None once it can; ``on_dropped`` what was dropped."""
        self._on_trouble = on_trouble
        self._on_dropped = on_dropped
        self._file = HistoryFile(directory)
        self._unsealed = Unsealed(now_ns=now_ns)
        self._decoded = DecodedChunks(most=_MOST_DECODED)
        self._clock_steps = NO_CLOCK_STEPS
        self._fresh: list[HeldSample] = []
        self._being_written: Batch | None = None
        self._next_numbers: dict[str, int] = {}
        self._series: dict[str, int] = {}
        self._flushing = asyncio.Lock()
        self.retention = ChunkRetention(self._file, now_ns=now_ns, clock_steps=lambda: self._clock_steps)
        self.samples_written = 0

    async def __aenter__(self) -> Self:
        await self._file.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        with suppress(LablineError):  # on_trouble has heard; leaving must go on
            await self.flush()
        await self._file.__aexit__(*exception)

    # --- writing

    def record(self, samples: Iterable[HeldSample]) -> None:
        """Take samples to be written with the next flush."""
        self._fresh += samples
        if len(self._fresh) > _MOST_WAITING:
            dropped = self._fresh[: _MOST_WAITING // 10]
            self._fresh[: len(dropped)] = _holes_for(dropped)
            self._on_dropped(len(dropped), dropped[0].held_ns, dropped[-1].held_ns)

    def record_clock_step(self, clock_step: ClockStep) -> None:
        """Leave out from now on the samples that the step makes void; the step is written with the next flush."""
        self.record([clock_step.sample()])
        self._use_clock_steps(self._clock_steps.with_steps([clock_step]))

    def _use_clock_steps(self, clock_steps: ClockSteps) -> None:
        self._clock_steps = self._unsealed.clock_steps = clock_steps
        self._decoded = DecodedChunks(most=_MOST_DECODED, arrivals=bool(clock_steps))

    @property
    def has_backlog(self) -> bool:
        """Return whether so much waits to be written that a caller who can wait should."""
        return len(self._fresh) > _MOST_WAITING // 4

    async def run(self) -> None:
        """Flush every second until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            with suppress(StoreUnavailableError):  # on_trouble has heard; what waits is written later
                await self.flush()

    async def flush(self) -> None:
        """Write the samples that have arrived, and seal the buffers that are ready.

        Raises StoreUnavailableError where it cannot be written now: it stays and is written later.
        """
        async with self._flushing:
            writing = asyncio.create_task(self._flush(), name="history-flush")
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await asyncio.wait({writing})  # the buffers must agree with what was committed
                writing.exception()  # looked at: on_trouble has heard
                raise

    async def _flush(self) -> None:
        if not self._fresh:
            return
        await self._unsealed.distribute()
        fresh, self._fresh = self._fresh, []
        arrived = self._being_written = Batch.of(fresh)
        sealing = self._unsealed.to_be_sealed()
        packing = self._unsealed.to_be_packed(sealing)
        work = partial(self._write, arrived, sealing, packing, self._unsealed.oldest_pending(sealing, arrived))
        try:
            written = await self._file.write(work)
        except LablineError as error:
            self._fresh = fresh + self._fresh
            self._on_trouble(str(error))
            raise
        finally:
            self._being_written = None
        self._series = written.ids
        self._unsealed.add_journalled(arrived)
        for series, packed in written.packed.items():
            packing[series].replace_unpacked(packed)
        for series in sealing:
            self._unsealed.discard(series)
            self._next_numbers[series] = self._next_numbers.get(series, 1) + 1
        self.samples_written += len(fresh)
        self._on_trouble(None)

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
            _seal(connection, ids[series], self._next_numbers.get(series, 1), buffer.buffered().columns())
        connection.execute(SQL["prune_journal"], {"oldest_pending": oldest_pending})
        packed = {series: buffer.packed() for series, buffer in packing.items()}
        return _Written(ids=ids, packed=packed)

    # --- reading

    async def load(self, reach: Callable[[str], Reach]) -> Loaded:
        """Return the newest samples of every series, of each as much as ``reach`` says."""
        loaded = await self._file.read(partial(load, reach, self._unsealed))
        self._series, self._next_numbers = loaded.ids, loaded.next_numbers
        self._use_clock_steps(loaded.clock_steps)
        return loaded

    async def stretches(self, requests: Sequence[WindowRequest]) -> tuple[dict[WindowRequest, Columns], Damage]:
        """Return for each request the samples on disk and in the buffers, in the order of time, and the damage.

        Many requests are read some at a time, so that another caller need not wait for all of them.
        """
        read, damage = dict[WindowRequest, Columns](), Damage()
        for first in range(0, len(requests), _READ_AT_ONCE):
            some = requests[first : first + _READ_AT_ONCE]
            pending = self._pending({request.tag for request in some})
            part, damaged = await self._file.read(
                partial(read_stretches, some, pending, self._clock_steps, self._decoded)
            )
            read |= part
            damage.add(damaged)
        return read, damage

    def _pending(self, names: AbstractSet[str]) -> dict[str, Pending]:
        being_written = () if self._being_written is None else (self._being_written,)
        journalled = (*self._unsealed.recent(), *being_written)
        fresh: dict[str, list[HeldSample]] = {name: [] for name in names}
        for sample in self._fresh:
            if sample.series in fresh:
                fresh[sample.series].append(sample)
        return {
            name: Pending(
                series=name,
                series_id=self._series.get(name),
                buffered=self._unsealed.buffered(name),
                journalled=journalled,
                fresh=tuple(fresh[name]),
            )
            for name in names
        }


def _holes_for(dropped: Sequence[HeldSample]) -> list[HeldSample]:
    """Return a mark for each series that loses samples, at the first of them: from there on nothing is known."""
    settings = [sample for sample in dropped if sample.series == CLOCK_SERIES]  # without them void samples would hold
    first = {sample.series: sample for sample in reversed(dropped)}
    return settings + [
        mark(series, sample.held_ns, arrival=sample.arrival)
        for series, sample in first.items()
        if not series.startswith("@")  # until when a source has confirmed: less of it only says less
    ]


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
