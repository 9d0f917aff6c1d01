"""Steps of the wall clock, and the samples that are void because of them. Pure.

When a clock that was ahead is set back, samples that it dated later than the new time become void. They stay on disk,
because a replay needs what was known before the step; windows after the step leave them out. When the clock is soon
set forward again by as much, the step back was the mistake: samples between the two steps become void, and those from
before hold again. When the clock is behind at a start, nobody knows which time was right, and nothing becomes void.

Each step is recorded as a sample of a series of its own, which is never deleted. ``held_ns``: samples dated later that
arrived before the step are void. ``value``: the arrival number of the step that this one reverses, or 0.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gateway.history.columns import Columns, HeldSample, SampleFlag

CLOCK_SERIES = "@"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockStep:
    """The wall clock was set back to ``until_ns``, or with ``takes_back`` set forward again."""

    arrival: int
    until_ns: int
    takes_back: int = 0  # the arrival number of the step that it reverses

    def sample(self) -> HeldSample:
        """Return the step as a sample of the clock series."""
        return HeldSample(
            series=CLOCK_SERIES,
            arrival=self.arrival,
            source_ns=self.until_ns,
            held_ns=self.until_ns,
            value=float(self.takes_back),
            status=0,
        )


@dataclass(frozen=True, slots=True)
class ClockSteps:
    """All recorded steps of the wall clock, in the order of arrival."""

    steps: tuple[ClockStep, ...] = ()

    @classmethod
    def recorded(cls, columns: Columns) -> Self:
        """Return the steps that the clock series holds."""
        readable = columns.where(columns.flags & np.uint8(SampleFlag.MARK) == 0)  # a mark stands for a damaged chunk
        rows = zip(readable.arrival.tolist(), readable.held_ns.tolist(), readable.values.tolist(), strict=True)
        steps = (ClockStep(arrival=arrival, until_ns=held, takes_back=int(value)) for arrival, held, value in rows)
        return cls(tuple(sorted(steps, key=lambda step: step.arrival)))

    def __bool__(self) -> bool:
        return bool(self.steps)

    def with_steps(self, more: Iterable[ClockStep]) -> "ClockSteps":
        """Return these steps and more."""
        return ClockSteps((*self.steps, *more))

    def as_of(self, arrival: int) -> "ClockSteps":
        """Return the steps up to an arrival number."""
        return ClockSteps(tuple(step for step in self.steps if step.arrival <= arrival))

    def steps_back(self) -> list[ClockStep]:
        """Return the steps back that were not reversed."""
        reversed_ranges = [(step.takes_back, step.arrival) for step in self.steps if step.takes_back]
        return [
            step
            for step in self.steps
            if not step.takes_back and not any(first <= step.arrival < last for first, last in reversed_ranges)
        ]

    def valid_rows(self, columns: Columns) -> Columns:
        """Return the rows that are not void."""
        if not self.steps:
            return columns
        valid = self.valid(columns)
        return columns if valid.all() else columns.where(valid)

    def valid(self, columns: Columns) -> NDArray[np.bool_]:
        """Return for each row whether it is not void."""
        void = np.zeros(len(columns), np.bool_)
        for step in self.steps_back():
            void |= (columns.arrival < step.arrival) & (columns.held_ns > step.until_ns)
        for step in self.steps:
            if step.takes_back:
                void |= (columns.arrival >= step.takes_back) & (columns.arrival < step.arrival)
        return ~void


NO_CLOCK_STEPS = ClockSteps()
