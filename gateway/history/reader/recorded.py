"""Recorded samples of tags, read from the file by others than the running gateway: exports, replay, training."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.database.opening import one_state
from gateway.history.clock_steps import CLOCK_SERIES, NO_CLOCK_STEPS, ClockSteps
from gateway.history.columns import Columns
from gateway.history.file.integrity import Damage
from gateway.history.reader.chunks import SealedStretch, in_stretch, read_chunks, read_series
from gateway.history.reader.journal import read_unsealed
from gateway.history.reader.newest_samples import EVERY_SAMPLE, newest, sealed_until


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedStretch:
    """Samples of a series, ordered by when they count; between the two times every recorded one is among them."""

    columns: Columns
    complete_from_ns: int
    complete_until_ns: int


class RecordedHistory:
    """Reads a history file, whether a gateway is writing to it or not. ``damage`` counts what could not be used."""

    def __init__(self, connection: sqlite3.Connection, series: Iterable[str]) -> None:
        """``series``: the tags, or sources as ``@name``, that will be read."""
        self.damage = Damage()
        self._connection = connection
        self._ids = read_series(connection)
        last_sealed: dict[str, tuple[int, int]] = {}
        clock = Columns.of(())
        for name in (*series, CLOCK_SERIES):
            if name in self._ids:
                most = EVERY_SAMPLE if name == CLOCK_SERIES else 1
                sealed = newest(connection, self._ids[name], most=most, damage=Damage())
                until = sealed_until(sealed)
                if until is not None:
                    last_sealed[name] = until
                clock = sealed if name == CLOCK_SERIES else clock
        unsealed, _last_arrival = read_unsealed(connection, last_sealed, self.damage)
        self._unsealed = {name: Columns.joined(parts) for name, parts in unsealed.items()}
        self.clock_steps = ClockSteps.recorded(
            Columns.joined([clock, self._unsealed.get(CLOCK_SERIES, Columns.of(()))])
        )

    def stretch(self, name: str, *, start_ns: int, end_ns: int) -> Columns:
        """Return a series' valid samples of a stretch, and the one at its start, ordered by when they count."""
        around = self.around(name, start_ns=start_ns, end_ns=end_ns, clock_steps=self.clock_steps)
        return in_stretch(self.clock_steps.valid_rows(around.columns), start_ns=start_ns, end_ns=end_ns)

    def around(
        self, name: str, *, start_ns: int, end_ns: int, clock_steps: ClockSteps = NO_CLOCK_STEPS
    ) -> RecordedStretch:
        """Return at least the samples of a stretch, and earlier ones as far as chunks are read for it.

        Void samples are among them, except for chunks that are void as a whole by ``clock_steps``.
        """
        sealed = SealedStretch()
        if name in self._ids:
            with one_state(self._connection):  # chunks deleted meanwhile are no damage
                sealed = read_chunks(
                    self._connection,
                    self._ids[name],
                    start_ns=start_ns,
                    end_ns=end_ns,
                    damage=self.damage,
                    clock_steps=clock_steps,
                )
        unsealed = self._unsealed.get(name, Columns.of(()))
        columns = Columns.joined(
            [*sealed.chunks, unsealed.where(unsealed.arrival > sealed.last_arrival)]
        ).in_time_order()
        return RecordedStretch(columns=columns, complete_from_ns=sealed.complete_from_ns, complete_until_ns=end_ns)
