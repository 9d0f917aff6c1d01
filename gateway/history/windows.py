"""Time-weighted aggregates of irregular samples. Pure.

A sample holds from its source time until the next one (step interpolation), so a value from *before* the
window counts, and dead-banded data weigh by the time they held, not by how often they were sent. Time held
by an unusable sample counts for nothing and lowers the coverage.
"""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.line.definition import Aggregate
from gateway.records.process import Quality
from gateway.time_units import SECOND_NS


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowRequest:
    """A stretch of a tag, to be read."""

    tag: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TagWindow:
    """Samples of a tag in ``[start_ns, end_ns]`` and the one that held at the start, ordered by when they count.

    ``held_ns``: from when each value counts (see ``gateway.history.columns``).
    ``confirmed_ns``: until when its server has confirmed that the last value still holds.
    ``arrival``: how many notifications were known when it was cut, so that a replay knows no more.
    """

    tag: str
    start_ns: int
    end_ns: int
    held_ns: NDArray[np.int64]
    values: NDArray[np.float64]
    statuses: NDArray[np.uint32]
    confirmed_ns: int
    arrival: int = 0

    def __len__(self) -> int:
        return len(self.held_ns)

    def sha256(self) -> str:
        """Return a hash of the samples, to recognise them again."""
        digest = hashlib.sha256(self.held_ns.tobytes())
        digest.update(self.values.tobytes())
        digest.update(self.statuses.tobytes())
        return digest.hexdigest()


def cut(
    request: WindowRequest,
    *,
    held_ns: NDArray[np.int64],
    values: NDArray[np.float64],
    statuses: NDArray[np.uint32],
    confirmed_ns: int,
    arrival: int = 0,
) -> TagWindow:
    """Return the samples in a window and the one that held at its start, as copies, out of columns in order."""
    first = max(int(held_ns.searchsorted(request.start_ns, side="right")) - 1, 0)
    stop = int(held_ns.searchsorted(request.end_ns, side="right"))
    kept = slice(min(first, stop), stop)
    return TagWindow(
        tag=request.tag,
        start_ns=request.start_ns,
        end_ns=request.end_ns,
        held_ns=held_ns[kept].copy(),
        values=values[kept].copy(),
        statuses=statuses[kept].copy(),
        confirmed_ns=confirmed_ns,
        arrival=arrival,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Segments:
    """Stretches over which a usable value held: seconds from the window's start, and the values."""

    start_seconds: NDArray[np.float64]
    duration_seconds: NDArray[np.float64]
    values: NDArray[np.float64]


# the quality is a status code's two highest bits; by whether uncertain is accepted, the lowest code that is not
_FIRST_REFUSED = {
    accept_uncertain: np.uint32((int(worst) + 1) << 30)
    for accept_uncertain, worst in ((False, Quality.GOOD), (True, Quality.UNCERTAIN))
}


def usable(statuses: NDArray[np.uint32], values: NDArray[np.float64], *, accept_uncertain: bool) -> NDArray[np.bool_]:
    """Return which samples may be used: good (or uncertain, if accepted) and finite."""
    accepted: NDArray[np.bool_] = (statuses < _FIRST_REFUSED[accept_uncertain]) & np.isfinite(values)
    return accepted


def segments(window: TagWindow, *, accept_uncertain: bool = False) -> Segments:
    """Return the stretches of positive length over which usable values held within the window."""
    starts_ns = window.held_ns.clip(window.start_ns, window.end_ns)
    ends_ns = np.empty_like(starts_ns)
    ends_ns[:-1], ends_ns[-1:] = starts_ns[1:], window.end_ns
    durations_ns = ends_ns - starts_ns
    kept = (durations_ns > 0) & usable(window.statuses, window.values, accept_uncertain=accept_uncertain)
    return Segments(
        start_seconds=(starts_ns[kept] - window.start_ns) / SECOND_NS,
        duration_seconds=durations_ns[kept] / SECOND_NS,
        values=window.values[kept],
    )


def coverage(window: TagWindow, held: Segments) -> float:
    """Return the share of the window, 0 to 1, over which a usable value was known."""
    length_seconds = (window.end_ns - window.start_ns) / SECOND_NS
    return float(held.duration_seconds.sum() / length_seconds) if length_seconds > 0 else 0.0


def _mean(held: Segments) -> float:
    return float((held.values * held.duration_seconds).sum() / held.duration_seconds.sum())


def _standard_deviation(held: Segments) -> float:
    variance = np.average((held.values - _mean(held)) ** 2, weights=held.duration_seconds)
    return float(np.sqrt(variance))


def _slope(held: Segments) -> float:
    """Least-squares line through the step function, in units per second.

    slope = int (t - tm) x dt / int (t - tm)^2 dt over the time covered, each integral exact per segment.
    """
    middle = held.start_seconds + held.duration_seconds / 2
    offset = middle - np.average(middle, weights=held.duration_seconds)
    spread = np.sum(held.duration_seconds * (offset**2 + held.duration_seconds**2 / 12))
    return float(np.sum(held.duration_seconds * offset * (held.values - _mean(held))) / spread)


def _time(held: Segments, level: float | None, *, above: bool) -> float:
    beyond = held.values > _known(level) if above else held.values < _known(level)
    return float(held.duration_seconds[beyond].sum())


def _known(level: float | None) -> float:
    if level is None:
        raise ValueError("time above or below needs a level")
    return level


_AGGREGATES: Mapping[Aggregate, Callable[[Segments], float]] = {
    Aggregate.MEAN: _mean,
    Aggregate.MIN: lambda held: float(held.values.min()),
    Aggregate.MAX: lambda held: float(held.values.max()),
    Aggregate.STANDARD_DEVIATION: _standard_deviation,
    Aggregate.SLOPE: _slope,
    Aggregate.INTEGRAL: lambda held: float(np.sum(held.values * held.duration_seconds)),
}


_TIMES = frozenset({Aggregate.TIME_ABOVE, Aggregate.TIME_BELOW})


def within(window: TagWindow, *, start_ns: int, end_ns: int) -> TagWindow:
    """Return a part of a window, with the sample that held at its start."""
    return cut(
        WindowRequest(tag=window.tag, start_ns=start_ns, end_ns=end_ns),
        held_ns=window.held_ns,
        values=window.values,
        statuses=window.statuses,
        confirmed_ns=window.confirmed_ns,
        arrival=window.arrival,
    )


def aggregate(
    kind: Aggregate, window: TagWindow, *, accept_uncertain: bool = False, level: float | None = None
) -> tuple[float | None, float]:
    """Return (value, coverage 0 to 1) of a window; the value is None where nothing usable was known.

    ``LAST`` is the value that holds at the window's end, covered 1 or 0. ``level``: of the time above or below it.
    """
    if kind is Aggregate.LAST:
        return _last(window, accept_uncertain=accept_uncertain)
    held = segments(window, accept_uncertain=accept_uncertain)
    if not len(held.values):
        return None, 0.0
    if kind in _TIMES:
        return _time(held, level, above=kind is Aggregate.TIME_ABOVE), coverage(window, held)
    return _AGGREGATES[kind](held), coverage(window, held)


def _last(window: TagWindow, *, accept_uncertain: bool) -> tuple[float | None, float]:
    if not len(window):
        return None, 0.0
    value = float(window.values[-1])
    known = window.statuses[-1] < _FIRST_REFUSED[accept_uncertain] and math.isfinite(value)
    return (value, 1.0) if known else (None, 0.0)
