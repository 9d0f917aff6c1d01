"""What is on record of tags, read by others than the running gateway: for exports, and to know again what was known."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.database.opening import one_state
from gateway.history.clock_steps import CLOCK_SERIES, NO_CLOCK_STEPS, ClockSteps
from gateway.history.columns import Columns
from gateway.history.file.integrity import Damage
from gateway.history.reader.chunks import in_stretch, read_chunks, read_series
from gateway.history.reader.journal import read_unsealed
from gateway.history.reader.newest_samples import EVERY_SAMPLE, newest, sealed_until
from gateway.history.windows import TagWindow, WindowRequest, cut

_BACK_AT_ONCE = 64
_FOR_EVER_NS = 2**62  # a clock that was ahead has confirmed what was said of any time


class RecordedHistory:
    """Reads a history file, whether a gateway is writing to it or not. ``damage`` counts what could not be used."""

    def __init__(self, connection: sqlite3.Connection, series: Iterable[str]) -> None:
        """``series``: the tags, or sources as ``@name``, that will be asked for."""
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
        """Return a series' samples of a stretch that hold, and the one at its start, ordered by when they count."""
        samples = self.clock_steps.kept(
            self.around(name, start_ns=start_ns, end_ns=end_ns, clock_steps=self.clock_steps)
        )
        return in_stretch(samples, start_ns=start_ns, end_ns=end_ns)

    def around(self, name: str, *, start_ns: int, end_ns: int, clock_steps: ClockSteps = NO_CLOCK_STEPS) -> Columns:
        """Return at least the samples of a stretch and what held at its start, ordered by when they count.

        Of what held at its start all that came earlier is there, too, as far as chunks are read for it: what came last
        was not known at first. What was found void since is there as well, but for whole chunks of ``clock_steps``.
        """
        sealed, last_arrival = list[Columns](), 0
        if name in self._ids:
            with one_state(self._connection):  # what is forgotten meanwhile is no damage
                sealed, last_arrival = read_chunks(
                    self._connection,
                    self._ids[name],
                    start_ns=start_ns,
                    end_ns=end_ns,
                    damage=self.damage,
                    clock_steps=clock_steps,
                )
        waiting = self._unsealed.get(name, Columns.of(()))
        return Columns.joined([*sealed, waiting.where(waiting.arrival > last_arrival)]).in_time()


@dataclass(frozen=True, kw_only=True)
class _Loaded:
    start_ns: int
    end_ns: int
    columns: Columns


class KnownThen:
    """Windows as they were known when so many notifications had come: nothing that arrived later is in them."""

    def __init__(self, history: RecordedHistory, sources: Mapping[str, str], *, start_ns: int, end_ns: int) -> None:
        """``sources``: each tag's source; the stretch is kept in memory, what lies before it is read when asked for."""
        self._history = history
        self._source_of = dict(sources)
        self._loaded = {
            tag: _Loaded(
                start_ns=start_ns, end_ns=end_ns, columns=history.around(tag, start_ns=start_ns, end_ns=end_ns)
            )
            for tag in sources
        }
        confirmations = {
            source: history.around(f"@{source}", start_ns=0, end_ns=_FOR_EVER_NS) for source in {*sources.values()}
        }
        self._confirmed = {source: _Confirmed(columns) for source, columns in confirmations.items()}

    def arrival_at(self, at_ns: int) -> int:
        """Return how many notifications had come by an instant, of records that do not say it themselves."""
        return max((confirmed.arrival_at(at_ns) for confirmed in self._confirmed.values()), default=0)

    def windows(self, requests: Iterable[WindowRequest], *, arrival: int) -> dict[WindowRequest, TagWindow]:
        """Return the windows asked for."""
        return {request: self._window(request, arrival) for request in requests}

    def _window(self, request: WindowRequest, arrival: int) -> TagWindow:
        loaded = self._loaded[request.tag]
        columns = loaded.columns
        if not loaded.start_ns <= request.start_ns <= request.end_ns <= loaded.end_ns:
            columns = self._history.around(request.tag, start_ns=request.start_ns, end_ns=request.end_ns)
        clock_steps = self._history.clock_steps.as_of(arrival)
        known = _known(columns, request, arrival, clock_steps)
        while len(columns) and not (len(known) and columns.held_ns[known[0]] <= request.start_ns):
            # what lies just before the window came later, or does not hold: further back
            further = self._history.around(request.tag, start_ns=int(columns.held_ns[0]) - 1, end_ns=request.end_ns)
            if not len(further) or further.held_ns[0] >= columns.held_ns[0]:
                break
            columns, known = further, _known(further, request, arrival, clock_steps)
        confirmed_ns = self._confirmed[self._source_of[request.tag]].confirmed_ns(arrival)
        return cut(
            request,
            held_ns=columns.held_ns[known],
            values=columns.values[known],
            statuses=columns.statuses[known],
            confirmed_ns=confirmed_ns,
            arrival=arrival,
        )


def _known(columns: Columns, request: WindowRequest, arrival: int, clock_steps: ClockSteps) -> NDArray[np.intp]:
    """Return the rows that had arrived and held: of the window, and back to one that holds at its start."""

    def had_come(begin: int, end: int) -> NDArray[np.bool_]:
        come = columns.arrival[begin:end] <= arrival
        return come & clock_steps.holds(columns.where(slice(begin, end))) if clock_steps else come

    held_until = int(np.searchsorted(columns.held_ns, request.start_ns, side="right"))
    stop = int(np.searchsorted(columns.held_ns, request.end_ns, side="right"))
    begin = max(held_until - 1, 0)
    while begin > 0 and not had_come(begin, held_until).any():
        begin = max(begin - _BACK_AT_ONCE, 0)
    return begin + np.flatnonzero(had_come(begin, stop))


class _Confirmed:
    """Until when a source had confirmed its values, by arrival."""

    def __init__(self, columns: Columns) -> None:
        order = np.argsort(columns.arrival, kind="stable")
        self._arrivals = columns.arrival[order]
        self._held_ns = columns.held_ns[order]
        self._latest_ns = np.maximum.accumulate(self._held_ns) if len(columns) else self._held_ns

    def confirmed_ns(self, arrival: int) -> int:
        """Return until when the values were confirmed, 0 where they never were."""
        at = int(np.searchsorted(self._arrivals, arrival, side="right"))
        return int(self._held_ns[at - 1]) if at else 0

    def arrival_at(self, at_ns: int) -> int:
        """Return the last arrival that had come by an instant, 0 where none had."""
        at = int(np.searchsorted(self._latest_ns, at_ns, side="right"))
        return int(self._arrivals[at - 1]) if at else 0
