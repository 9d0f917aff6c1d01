"""What a file says was made at an instant: its batches, phases and products, as production would have reported them.

A batch begins at its first row and ends at the first row of another one (or of none); so do phases within it. The same
rules hold as in service: at the instant of its end a batch still counts, at that of its start not yet.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from gateway.records.production import PhaseEvent, ProductionThen


@dataclass(frozen=True, kw_only=True)
class FileBatch:
    """A batch of a file; ``ended_ns`` None: the file ends before it does."""

    name: str
    started_ns: int
    ended_ns: int | None
    product: str | None
    phases: tuple[PhaseEvent, ...]


class FileProduction:
    """The batches and products of rows in the order of time; what has no column is not known."""

    def __init__(
        self,
        at_ns: NDArray[np.int64],
        *,
        batches: Sequence[str] | None = None,
        phases: Sequence[str] | None = None,
        products: Sequence[str] | None = None,
    ) -> None:
        self._at_ns = at_ns.tolist()
        self._products = products
        self.batches = tuple(_batches(self._at_ns, batches, phases, products)) if batches is not None else ()
        self._starts = [batch.started_ns for batch in self.batches]

    @property
    def stretches(self) -> tuple[FileBatch, ...]:
        """Return the batches, or where there are none the stretches of one product: what production would tell."""
        if self.batches or self._products is None:
            return self.batches
        return tuple(_batches(self._at_ns, self._products, None, self._products))

    @property
    def longest_ns(self) -> int:
        """Return how long the longest batch lasts, as far as the file shows it."""
        last_ns = self._at_ns[-1] if self._at_ns else 0
        return max(((batch.ended_ns or last_ns) - batch.started_ns for batch in self.batches), default=0)

    def then(self, now_ns: int) -> ProductionThen:
        """Return what was made at an instant, as known of then."""
        number = bisect_left(self._starts, now_ns) - 1
        batch = self.batches[number] if number >= 0 else None
        if batch is None or (batch.ended_ns is not None and batch.ended_ns < now_ns):
            return ProductionThen(product=self._product(now_ns))
        phases = tuple(event for event in batch.phases if event.at_ns <= now_ns)
        return ProductionThen(product=batch.product, batch_started_ns=batch.started_ns, phases=phases)

    def _product(self, now_ns: int) -> str | None:
        row = bisect_right(self._at_ns, now_ns) - 1
        return (self._products[row] or None) if self._products is not None and row >= 0 else None


def _batches(
    at_ns: list[int], batches: Sequence[str], phases: Sequence[str] | None, products: Sequence[str] | None
) -> list[FileBatch]:
    known = []
    for name, group in groupby(range(len(at_ns)), key=lambda row: batches[row]):
        rows = [*group]
        if not name:
            continue
        after = rows[-1] + 1
        ended_ns = at_ns[after] if after < len(at_ns) else None
        product = None if products is None else next((products[row] for row in rows if products[row]), None)
        events = () if phases is None else tuple(_phases(at_ns, rows, phases, ended_ns))
        known.append(FileBatch(name=name, started_ns=at_ns[rows[0]], ended_ns=ended_ns, product=product, phases=events))
    return known


def _phases(at_ns: list[int], rows: list[int], phases: Sequence[str], ended_ns: int | None) -> list[PhaseEvent]:
    events = []
    for name, group in groupby(rows, key=lambda row: phases[row]):
        within = [*group]
        if not name:
            continue
        events.append(PhaseEvent(phase=name, started=True, at_ns=at_ns[within[0]]))
        after_ns = at_ns[within[-1] + 1] if within[-1] < rows[-1] else ended_ns
        if after_ns is not None:
            events.append(PhaseEvent(phase=name, started=False, at_ns=after_ns))
    return events
