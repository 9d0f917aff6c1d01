"""Reading the journal: samples that were not sealed when the journal was last pruned.

Entries come in the order of arrival, each checked against its hash. Which series a damaged entry held is not known, so
after it every series is unknown until its next sample.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from gateway.history.codec.journal_entry import Batch, unpack
from gateway.history.codec.parts import ChunkError
from gateway.history.columns import Columns, mark
from gateway.history.file.integrity import AFTER_ALL, Damage, are_integers, journal_hash
from gateway.history.file.statements import SQL

_JOINED_SAMPLES = 2**18  # of the journal at once: some 10 MiB


@dataclass(frozen=True, slots=True)
class _DamagedEntry:
    """A journal entry that is damaged; ``last_arrival`` is what its row says, as far as that can be."""

    last_arrival: int


def _read_journal(connection: sqlite3.Connection, damage: Damage) -> Iterator[Batch | _DamagedEntry]:
    """Yield the samples of the journal, many entries at once, and each damaged entry."""
    entries = list[Batch]()
    for last_arrival, stated, payload in connection.execute(SQL["journal"]):
        entry = None
        if are_integers(last_arrival) and isinstance(payload, bytes) and stated == journal_hash(last_arrival, payload):
            with suppress(ChunkError):
                entry = unpack(payload)
        if entry is not None:
            entries.append(entry)
        if entries and (entry is None or sum(map(len, entries)) >= _JOINED_SAMPLES):
            yield Batch.joined(entries)
            entries = []
        if entry is None:
            damage.journal_entries += 1
            yield _DamagedEntry(last_arrival if are_integers(last_arrival) and 0 < last_arrival < AFTER_ALL else 0)
    if entries:
        yield Batch.joined(entries)


def read_unsealed(
    connection: sqlite3.Connection, sealed_until: Mapping[str, tuple[int, int]], damage: Damage
) -> tuple[dict[str, list[Columns]], int]:
    """Return (by series the samples that only the journal holds, in pieces; the last arrival among them).

    After a damaged entry every series is unknown until its next sample. ``sealed_until``: by series the time of its
    last sealed sample, and the last sealed arrival.
    """
    pending: dict[str, list[Columns]] = {}
    last_known, unknown, last_arrival = dict(sealed_until), set[str](), 0
    for stretch in _read_journal(connection, damage):
        if isinstance(stretch, _DamagedEntry):
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
        last_arrival = max(last_arrival, last_known[name][1] + 1)  # that of the mark; live samples come after it
    return pending, last_arrival


def _unknown_from(name: str, held_ns: int, arrival: int) -> Columns:
    return Columns.of((mark(name, held_ns, arrival=arrival + 1),))  # after the sealed samples, before the next ones
