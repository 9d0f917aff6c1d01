"""A stretch of a series: sealed samples, those in the journal and those waiting to be written, as one.

The waiting samples are taken at one moment, on the event loop; chunks are read on the reading thread afterwards. A
sample that was sealed in between is in both: of the waiting samples only those count that arrived after the last chunk.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.database.opening import one_state
from gateway.history.clock_steps import ClockSteps
from gateway.history.codec.journal_entry import Batch
from gateway.history.columns import Columns, HeldSample
from gateway.history.file.integrity import Damage
from gateway.history.reader.chunks import DecodedChunks, SealedStretch, in_stretch, read_chunks
from gateway.history.windows import WindowRequest
from gateway.history.writer.series_buffer import Buffered


@dataclass(frozen=True, kw_only=True, slots=True)
class Pending:
    """The samples of a series that are not sealed, at one moment; ``columns`` joins them on the reading thread."""

    series: str
    series_id: int | None  # None: no chunk of it was written yet
    buffered: tuple[Buffered, ...]
    journalled: tuple[Batch, ...]
    fresh: tuple[HeldSample, ...]

    def columns(self) -> Columns:
        """Return all of it, in the order of arrival."""
        return Columns.joined(
            [
                *(buffered.columns() for buffered in self.buffered),
                *(batch.of_series(self.series) for batch in self.journalled if self.series in batch.counts),
                Columns.of(self.fresh),
            ]
        )


def read_stretches(
    requests: Sequence[WindowRequest],
    pending: Mapping[str, Pending],
    clock_steps: ClockSteps,
    decoded: DecodedChunks,
    connection: sqlite3.Connection,
) -> tuple[dict[WindowRequest, Columns], Damage]:
    """Return for each request its samples in the order of time, and the damage; ``pending``: by tag."""
    damage, read = Damage(), {}
    unsealed = {tag: waiting.columns() for tag, waiting in pending.items()}
    for request in requests:
        series_id = pending[request.tag].series_id
        sealed = SealedStretch()
        if series_id is not None:
            stretch = {"start_ns": request.start_ns, "end_ns": request.end_ns}
            with one_state(connection):  # chunks deleted meanwhile are no damage
                sealed = read_chunks(
                    connection, series_id, **stretch, damage=damage, decoded=decoded, clock_steps=clock_steps
                )
        waiting = unsealed[request.tag]  # some of it may have been sealed in the meantime
        near = [clock_steps.valid_rows(part).around(request.start_ns, request.end_ns) for part in sealed.chunks]
        columns = Columns.joined([*near, clock_steps.valid_rows(waiting.where(waiting.arrival > sealed.last_arrival))])
        read[request] = in_stretch(columns, start_ns=request.start_ns, end_ns=request.end_ns)
    return read, damage
