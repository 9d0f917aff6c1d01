"""Samples of one series as columns, in the order in which they arrived. Pure.

``held_ns`` is the instant from which a value counts. It is the source time, except for values that the server resends
after a loss, and for marks of a loss. ``source_ns`` is always the source time as the server sent it.
A series is a tag, or a source (``@plc1``), whose samples are the instants at which it confirmed its values.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from enum import IntFlag
from typing import Self

import numpy as np
from numpy.typing import NDArray


class SampleFlag(IntFlag):
    """How a sample came. The names stand in exports."""

    NONE = 0
    SERVER_TIME = 1  # it came without a source time: the server time is used
    GATEWAY_TIME = 2  # it came without any time: the time of receipt is used
    BACKFILLED = 4  # read from the server's history after a gap
    TOLD_AGAIN = 8  # resent by the server after a loss; counts from the time of resending
    MARK = 16  # no sample: from here on nothing is known


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldSample:
    """One sample as it counts."""

    series: str
    arrival: int
    source_ns: int
    held_ns: int
    value: float
    status: int
    flags: SampleFlag = SampleFlag.NONE


BAD_NO_COMMUNICATION = 0x80310000  # OPC 10000-6, A.2


def mark(series: str, held_ns: int, *, arrival: int) -> HeldSample:
    """Return the mark that nothing is known of a series from an instant on."""
    return HeldSample(
        series=series,
        arrival=arrival,
        source_ns=held_ns,
        held_ns=held_ns,
        value=float("nan"),
        status=BAD_NO_COMMUNICATION,
        flags=SampleFlag.MARK,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Samples of one series; all arrays have the same length."""

    arrival: NDArray[np.int64]
    source_ns: NDArray[np.int64]
    held_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    statuses: NDArray[np.uint32]
    flags: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.arrival)

    @classmethod
    def of(cls, samples: Sequence[HeldSample]) -> Self:
        """Return the columns of samples, in their order."""
        return cls(
            arrival=np.array([sample.arrival for sample in samples], np.int64),
            source_ns=np.array([sample.source_ns for sample in samples], np.int64),
            held_ns=np.array([sample.held_ns for sample in samples], np.int64),
            values=np.array([sample.value for sample in samples], np.float64),
            statuses=np.array([sample.status for sample in samples], np.uint32),
            flags=np.array([sample.flags for sample in samples], np.uint8),
        )

    @classmethod
    def joined(cls, parts: Iterable["Columns"]) -> Self:
        """Return the parts as one, in their order."""
        present = [*parts]
        if not present:
            return cls.of(())
        if len(present) == 1:
            return cls(**{name: getattr(present[0], name) for name in _NAMES})
        return cls(**{name: np.concatenate([getattr(part, name) for part in present]) for name in _NAMES})

    def copied(self) -> "Columns":
        """Return a copy: a view of a few rows would keep all other rows in memory."""
        return Columns(**{name: getattr(self, name).copy() for name in _NAMES})

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Columns":
        """Return the chosen rows."""
        return Columns(**{name: getattr(self, name)[chosen] for name in _NAMES})

    def around(self, start_ns: int, end_ns: int) -> "Columns":
        """Return at least the rows of a stretch and the row that held at its start; all rows if not in order."""
        if not self._in_order():
            return self
        first = max(int(np.searchsorted(self.held_ns, start_ns, side="right")) - 1, 0)
        return self.where(slice(first, max(first + 1, int(np.searchsorted(self.held_ns, end_ns, side="right")))))

    def _in_order(self) -> bool:
        return bool((self.held_ns[1:] >= self.held_ns[:-1]).all() and (self.arrival[1:] >= self.arrival[:-1]).all())

    def in_time_order(self) -> "Columns":
        """Return the rows ordered by when they count, later arrivals last."""
        if self._in_order():
            return self
        return self.where(np.lexsort((self.arrival, self.held_ns)))


_NAMES = tuple(field.name for field in fields(Columns))


@dataclass(frozen=True, slots=True)
class Reach:
    """How much of a series memory keeps: samples up to ``back_ns`` before the newest, at most ``samples`` of them."""

    samples: int
    back_ns: int | None = None

    def newest(self, columns: Columns) -> Columns:
        """Return the newest part of ordered samples, with the sample that held at its beginning; not a copy."""
        first = max(len(columns) - self.samples, 0)
        if self.back_ns is not None and len(columns):
            begins_ns = int(columns.held_ns[-1]) - self.back_ns
            first = max(first, int(np.searchsorted(columns.held_ns, begins_ns, side="right")) - 1)
        return columns.where(slice(first, None))

    def is_reached_by(self, columns: Columns) -> bool:
        """Return whether ordered samples reach as far back, or are as many, as memory keeps."""
        if not len(columns):
            return False
        back_ns = int(columns.held_ns[-1]) - int(columns.held_ns[0])
        return len(columns) >= self.samples or (self.back_ns is not None and back_ns >= self.back_ns)
