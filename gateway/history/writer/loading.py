"""At a start: the history of earlier runs, read on the reading thread.

First where the chunks of each series end, then what only the journal holds, then the newest samples of each series, as
many as memory keeps of it.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.history.clock_steps import CLOCK_SERIES, ClockSteps
from gateway.history.columns import Columns, Reach
from gateway.history.file.integrity import Damage
from gateway.history.file.statements import SQL
from gateway.history.reader.chunks import read_series
from gateway.history.reader.journal import read_unsealed
from gateway.history.reader.newest_samples import EVERY_SAMPLE, newest, newest_valid_samples, sealed_until
from gateway.history.writer.unsealed import Unsealed

_NONE = Columns.of(())


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What an earlier run has left: the newest samples by series, and how far arrivals were counted."""

    series: Mapping[str, tuple[Columns, bool]]  # with whether older ones are on disk
    arrival: int
    damage: Damage
    ids: dict[str, int]  # of the series in the file
    next_numbers: dict[str, int]  # of the chunks of each series
    clock_steps: ClockSteps


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ends:
    """Where the chunks end: by series from when the last sealed sample counts and its arrival; the last arrival."""

    last_sealed: Mapping[str, tuple[int, int]]
    next_numbers: dict[str, int]
    clock_steps: Columns
    arrival: int


def load(reach: Callable[[str], Reach], unsealed: Unsealed, connection: sqlite3.Connection) -> Loaded:
    """Return the newest samples of every series, of each as much as ``reach`` says.

    What no chunk holds goes into ``unsealed``, which nothing else may touch meanwhile.
    """
    damage = Damage()
    ids = read_series(connection)
    ends = _read_ends(connection, ids, damage)
    damaged_ends = damage.chunks
    pending, arrival = read_unsealed(connection, ends.last_sealed, damage)
    clock_steps = ClockSteps.recorded(Columns.joined([ends.clock_steps, *pending.get(CLOCK_SERIES, ())]))
    unsealed.clock_steps = clock_steps
    series, damage_again = {}, Damage()
    for name in {*ids, *pending}:
        waiting = Columns.joined(pending.pop(name, ()))
        if name != CLOCK_SERIES:
            series[name] = newest_valid_samples(
                connection, ids.get(name), waiting, reach=reach(name), damage=damage_again, clock_steps=clock_steps
            )
        if len(waiting):
            unsealed.load(name, waiting)
    damage.chunks += max(damage_again.chunks - damaged_ends, 0)  # the newest chunks were read twice
    return Loaded(
        series=series,
        arrival=max(arrival, ends.arrival),
        damage=damage,
        ids=ids,
        next_numbers=ends.next_numbers,
        clock_steps=clock_steps,
    )


def _read_ends(connection: sqlite3.Connection, ids: Mapping[str, int], damage: Damage) -> _Ends:
    """Return where the chunks of each series end, and the numbers with which they go on."""
    last_sealed, next_numbers, clock_steps = dict[str, tuple[int, int]](), dict[str, int](), _NONE
    arrivals = [0]  # as the rows state them, damaged or not: no arrival number is used twice
    names = {series_id: name for name, series_id in ids.items()}
    for series_id, number, last_arrival, unnumbered in connection.execute(SQL["newest_chunks"]).fetchall():
        name = names.get(series_id)
        if name is None:  # the series' own row is damaged
            damage.chunks += 1
            continue
        next_numbers[name] = (number or 0) + 1 + unnumbered  # in the numbers, too, there stays a hole
        if number is None or last_arrival is None:  # nothing of it can be read
            damage.chunks += 1
        arrivals.append(last_arrival or 0)
        most = EVERY_SAMPLE if name == CLOCK_SERIES else 1
        columns = newest(connection, series_id, most=most, damage=damage)
        clock_steps = columns if name == CLOCK_SERIES else clock_steps
        until = sealed_until(columns)
        if until is not None:
            last_sealed[name] = until
    return _Ends(last_sealed=last_sealed, next_numbers=next_numbers, clock_steps=clock_steps, arrival=max(arrivals))
