"""From windows to a feature vector. Training and service run this same code. Pure."""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gateway.history.windows import TagWindow, WindowRequest, aggregate, usable, within
from gateway.line.definition import InputDefinition, TagDefinition
from gateway.line.derived_inputs import Category, Missing, Stretch, level_of, quotient, transformed
from gateway.records.prediction import FeatureVector, InputEvidence
from gateway.records.production import NOTHING_MADE, ProductionThen
from gateway.time_units import SECOND_NS

_TIMES_TIME: Mapping[str, int] = {  # the power of time in an aggregate's unit, turned round
    "slope": 1, "integral": -1, "time_above": -1, "time_below": -1, "duration": -1,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class InputReading:
    """One input as read: its value, the extremes of its samples, how much was known, and how fresh it was.

    ``steepest_per_second``: the fastest change between two samples, steps of less than a second counted as of one.
    ``unchanged_seconds``: for how long the newest value has been the very same, as far as was looked.
    ``parts``: of an input of several windows the reading of each, in the order of ``parts_of``. ``missing``: why one
    that stands on production or a category has no value; ``text``: what a category is.
    """

    value: float | None
    extremes: tuple[float, float] | None
    steepest_per_second: float | None
    unchanged_seconds: float
    coverage: float
    age_ns: int | None
    last_status: int | None
    evidence: InputEvidence | None  # None: of no tag
    parts: tuple["InputReading", ...] = ()
    missing: Missing | None = None
    text: str | None = None


_NOTHING = InputReading(
    value=None, extremes=None, steepest_per_second=None, unchanged_seconds=0.0, coverage=0.0, age_ns=None,
    last_status=None, evidence=None,
)  # fmt: skip
_OF_NO_TAG = replace(_NOTHING, coverage=1.0, age_ns=0, last_status=0)


def parts_of(definition: InputDefinition) -> tuple[InputDefinition, ...]:
    """Return the plain inputs, each one window of one tag, that an input is computed from.

    They are the tag and the one that it is divided by, and of a difference the same again of earlier; of the product as
    a category none. Any finite value of a part will do: what is validated is the range of the input.
    """
    return (definition,) if definition.is_plain else _parts(definition)


@lru_cache(maxsize=4096)
def _parts(definition: InputDefinition) -> tuple[InputDefinition, ...]:
    plain = replace(
        definition, over=None, over_frozen_after_ns=None, transform=None, difference_ns=None, category=None,
        validated=(-np.inf, np.inf),
    )  # fmt: skip
    if definition.category is not None and not definition.tag:
        return ()
    now = [plain]
    if definition.over is not None:
        now.append(replace(plain, tag=definition.over, frozen_after_ns=definition.over_frozen_after_ns))
    if definition.difference_ns is None:
        return tuple(now)
    earlier = (replace(part, lag_ns=part.lag_ns + definition.difference_ns) for part in now)
    return (*now, *earlier)


def window_request(definition: InputDefinition, end_ns: int) -> WindowRequest:
    """Return which window an input needs for the instant ``end_ns``."""
    end = end_ns - definition.lag_ns
    return WindowRequest(tag=definition.tag, start_ns=end - definition.window_ns, end_ns=end)


def watch_request(definition: InputDefinition, end_ns: int) -> WindowRequest | None:
    """Return which window shows whether an input's sensor is stuck, or None where nobody wants to know."""
    if definition.frozen_after_ns is None:
        return None
    end = end_ns - definition.lag_ns
    return WindowRequest(tag=definition.tag, start_ns=end - definition.frozen_after_ns, end_ns=end)


def windows_of(definitions: tuple[InputDefinition, ...], end_ns: int) -> tuple[WindowRequest, ...]:
    """Return every window that reading these inputs at an instant looks at."""
    parts = [part for definition in definitions for part in parts_of(definition) if part.tag]
    watched = (watch_request(part, end_ns) for part in parts)
    return (
        *(window_request(part, end_ns) for part in parts),
        *(request for request in watched if request is not None),
    )


def aggregated(definition: InputDefinition, tag: TagDefinition, window: TagWindow) -> tuple[float | None, float]:
    """Return (value, coverage 0 to 1) of one window as an input has it."""
    value, covered = aggregate(
        definition.aggregate, window, accept_uncertain=tag.accept_uncertain, level=definition.level
    )
    if value is not None and definition.time_unit_seconds != 1.0:
        value = _in_time_units(definition, value)
    return value, covered


def _in_time_units(definition: InputDefinition, value: float) -> float:
    """Return a value that holds seconds in the input's unit of time."""
    return value * definition.time_unit_seconds ** _TIMES_TIME.get(definition.aggregate, 0)


def _value_alone(value: float | None, covered: float) -> InputReading:
    return InputReading(
        value=value, extremes=None, steepest_per_second=None, unchanged_seconds=0.0, coverage=covered, age_ns=None,
        last_status=None, evidence=None,
    )  # fmt: skip


def read_input(
    definition: InputDefinition, tag: TagDefinition, window: TagWindow, watched: TagWindow | None = None
) -> InputReading:
    """Return one input read from its window, and from the one that shows whether its sensor is stuck.

    The age is the time from when the value was last known to hold (its source time, or a later confirmation
    by its server) to the window's end: a dead-banded value that its server still vouches for is not old.
    """
    value, covered = aggregated(definition, tag, window)
    known = len(window) > 0
    kept = usable(window.statuses, window.values, accept_uncertain=tag.accept_uncertain)
    used = window.values[kept]
    return InputReading(
        value=value,
        extremes=(float(used.min()), float(used.max())) if len(used) else None,
        steepest_per_second=_steepest(window.held_ns[kept], used),
        unchanged_seconds=0.0 if watched is None else _unchanged(watched, accept_uncertain=tag.accept_uncertain),
        coverage=covered,
        age_ns=max(window.end_ns - max(int(window.held_ns[-1]), window.confirmed_ns), 0) if known else None,
        last_status=int(window.statuses[-1]) if known else None,
        evidence=InputEvidence(
            tag=definition.tag,
            count=len(window),
            first_ns=int(window.held_ns[0]) if known else None,
            last_ns=int(window.held_ns[-1]) if known else None,
            worst_status=int(window.statuses.max()) if known else 0,
            samples_sha256=window.sha256(),
        ),
    )


def _steepest(held_ns: NDArray[np.int64], values: NDArray[np.float64]) -> float | None:
    if len(values) < 2:  # noqa: PLR2004 - a change needs two
        return None
    seconds = np.maximum(np.diff(held_ns) / SECOND_NS, 1.0)
    return float(np.max(np.abs(np.diff(values)) / seconds))


def _unchanged(window: TagWindow, *, accept_uncertain: bool) -> float:
    """Return for how many seconds up to its end all usable values of a window have been the very same.

    What was not usable in between does not make a stuck sensor move.
    """
    kept = usable(window.statuses, window.values, accept_uncertain=accept_uncertain)
    held_ns, values = window.held_ns[kept], window.values[kept]
    if not len(values):
        return 0.0
    other = np.flatnonzero(values != values[-1])
    first = int(other[-1]) + 1 if len(other) else 0
    since_ns = max(int(held_ns[first]), window.start_ns)
    return max(window.end_ns - since_ns, 0) / SECOND_NS  # how old the newest is, the gate of age has looked at


def read_inputs(
    definitions: tuple[InputDefinition, ...],
    tags: Mapping[str, TagDefinition],
    windows: Mapping[WindowRequest, TagWindow],
    end_ns: int,
    production: ProductionThen = NOTHING_MADE,
    *,
    values_only: bool = False,
) -> tuple[InputReading, ...]:
    """Return all inputs of a model at the instant ``end_ns``, in the bundle's order.

    ``values_only``: values and coverages, the same ones, without what gates and the record need: for training.
    """
    instant = _Instant(tags=tags, windows=windows, end_ns=end_ns, production=production, values_only=values_only)
    return tuple(
        instant.read(definition)
        if definition.is_plain
        else _computed(definition, tuple(instant.read(part) for part in parts_of(definition)), production)
        for definition in definitions
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Instant:
    """What is known of an instant."""

    tags: Mapping[str, TagDefinition]
    windows: Mapping[WindowRequest, TagWindow]
    end_ns: int
    production: ProductionThen
    values_only: bool

    def read(self, part: InputDefinition) -> InputReading:
        """Return the reading of one window of one tag, or of none."""
        if part.stretch is not None:
            return self._read_stretch(part, part.stretch)
        return self._read_window(part, self.windows[window_request(part, self.end_ns)])

    def _read_window(self, part: InputDefinition, window: TagWindow) -> InputReading:
        if self.values_only:
            value, covered = aggregated(part, self.tags[part.tag], window)
            return _value_alone(value, covered)
        watched = watch_request(part, self.end_ns)
        return read_input(part, self.tags[part.tag], window, None if watched is None else self.windows[watched])

    def _read_stretch(self, part: InputDefinition, stretch: Stretch) -> InputReading:
        """Return the reading of a stretch of the batch, out of the longest window that it may be."""
        end_ns = self.end_ns - part.lag_ns
        span = stretch.within(self.production, end_ns)
        if isinstance(span, Missing):
            return replace(_NOTHING, missing=span)
        begin_ns, until_ns = span
        if begin_ns < end_ns - part.window_ns:
            return replace(_NOTHING, missing=Missing.BATCH_TOO_LONG)
        if not part.tag:
            return replace(_OF_NO_TAG, value=_in_time_units(part, (until_ns - begin_ns) / SECOND_NS))
        longest = self.windows[window_request(part, self.end_ns)]
        return self._read_window(part, within(longest, start_ns=begin_ns, end_ns=until_ns))


def _computed(definition: InputDefinition, parts: tuple[InputReading, ...], production: ProductionThen) -> InputReading:
    """Return the reading of an input of several windows: known as well as the part that is known least."""
    if definition.category is not None:
        return _category(definition.category, parts, production)
    values = [part.value for part in parts]
    half = len(parts) if definition.difference_ns is None else len(parts) // 2
    value = level_of_parts(definition, values[:half])
    if definition.difference_ns is not None:
        earlier = level_of_parts(definition, values[half:])
        value = None if value is None or earlier is None else value - earlier
    return replace(parts[0], value=value, coverage=min(part.coverage for part in parts), parts=parts)


def _category(category: Category, parts: tuple[InputReading, ...], production: ProductionThen) -> InputReading:
    """Return whether the tag (or without one the product) is of a level; no value where no model has learned it."""
    base = parts[0] if parts else _OF_NO_TAG
    text = production.product if not parts else None if base.value is None else level_of(base.value)
    if text not in category.levels:
        return replace(base, value=None, parts=parts, missing=Missing.UNKNOWN_CATEGORY, text=text)
    return replace(base, value=float(text == category.value), parts=parts, text=text)


def level_of_parts(definition: InputDefinition, values: Sequence[float | None]) -> float | None:
    """Return the ratio and transform of the values of one instant, or None where one lacks or they are not defined."""
    value, least = values[0], definition.smallest_divisor
    if definition.over is not None:
        divisor = values[1]
        value = None if value is None or divisor is None else quotient(value, divisor, at_least=least)
    if value is None or definition.transform is None:
        return value
    return transformed(value, definition.transform, at_least=least)


def feature_vector(
    definitions: tuple[InputDefinition, ...], readings: tuple[InputReading, ...], end_ns: int
) -> FeatureVector | None:
    """Return the vector, or None where any input has no value."""
    values = tuple(reading.value for reading in readings if reading.value is not None)
    if len(values) != len(definitions):
        return None
    names = tuple(definition.name for definition in definitions)
    digest = hashlib.sha256("\n".join(names).encode() + struct.pack(f"<{len(values)}d", *values))
    return FeatureVector(
        end_ns=end_ns,
        names=names,
        values=values,
        evidence=tuple(
            part.evidence for reading in readings for part in reading.parts or (reading,) if part.evidence is not None
        ),
        sha256=digest.hexdigest(),
    )
