"""Times that were none: what a wall clock that was ahead has dated later than where it was set back to. Pure.

Such samples stay on disk as they counted, for a replay knows what was known then; but from the setting back on they
hold no more, and are left out wherever columns are put in order. Where the clock is soon set forward by as much as it
was set back, it was the setting back that was wrong: what came in between is left out, and what came before holds. Of a
clock that is found behind at a start nobody knows which was right: nothing becomes void by it.

Each setting that matters is a sample of a series of its own, which is never deleted: ``held_ns`` is the instant from
which later samples that had arrived before do not hold, ``value`` the arrival of the setting that it takes back, or 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gateway.history.columns import Columns, HeldSample, SampleFlag

CLOCK_SERIES = "@"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockSet:
    """The wall clock was set back to ``until_ns``, or with ``takes_back`` forward again."""

    arrival: int
    until_ns: int
    takes_back: int = 0  # the arrival of the first setting that it takes back

    def sample(self) -> HeldSample:
        """Return it as it is recorded."""
        return HeldSample(
            series=CLOCK_SERIES,
            arrival=self.arrival,
            source_ns=self.until_ns,
            held_ns=self.until_ns,
            value=float(self.takes_back),
            status=0,
        )


@dataclass(frozen=True, slots=True)
class Voids:
    """What holds no more after all settings of the clock."""

    sets: tuple[ClockSet, ...] = ()

    @classmethod
    def recorded(cls, columns: Columns) -> Self:
        """Return what the samples of the clock's series say."""
        said = columns.where(columns.flags & np.uint8(SampleFlag.MARK) == 0)  # of what is damaged, nothing is known
        rows = zip(said.arrival.tolist(), said.held_ns.tolist(), said.values.tolist(), strict=True)
        found = (ClockSet(arrival=arrival, until_ns=held, takes_back=int(value)) for arrival, held, value in rows)
        return cls(tuple(sorted(found, key=lambda each: each.arrival)))

    def __bool__(self) -> bool:
        return bool(self.sets)

    def with_sets(self, more: Iterable[ClockSet]) -> "Voids":
        """Return these and more."""
        return Voids((*self.sets, *more))

    def as_of(self, arrival: int) -> "Voids":
        """Return those that had been set when so many notifications had come."""
        return Voids(tuple(each for each in self.sets if each.arrival <= arrival))

    def set_back(self) -> list[ClockSet]:
        """Return the settings back that stand."""
        taken_back = [(each.takes_back, each.arrival) for each in self.sets if each.takes_back]
        return [
            each
            for each in self.sets
            if not each.takes_back and not any(first <= each.arrival < last for first, last in taken_back)
        ]

    def kept(self, columns: Columns) -> Columns:
        """Return the rows that hold."""
        if not self.sets:
            return columns
        holds = self.holds(columns)
        return columns if holds.all() else columns.where(holds)

    def holds(self, columns: Columns) -> NDArray[np.bool_]:
        """Return of each row whether it holds."""
        void = np.zeros(len(columns), np.bool_)
        for each in self.set_back():
            void |= (columns.arrival < each.arrival) & (columns.held_ns > each.until_ns)
        for each in self.sets:
            if each.takes_back:
                void |= (columns.arrival >= each.takes_back) & (columns.arrival < each.arrival)
        return ~void


NOTHING_VOID = Voids()
