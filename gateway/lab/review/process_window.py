"""How the tags of an equipment ran while a lot was made: what its review holds against their ranges. Pure.

It is put on record when the lot has ended, with the same windows that its fingerprint is made of: the samples are in
another database and go by age, and a review of a year later must find what was seen then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.history.windows import TagWindow, usable
from gateway.line.definition import TagDefinition
from gateway.records.record import Record
from gateway.time_units import SECOND_NS


@dataclass(frozen=True, kw_only=True, slots=True)
class TagRun:
    """A tag over the time of a lot; times in seconds. ``low`` and ``high``: its validated range then.

    ``held_seconds``: the longest time with the very same value; ``stuck_after_seconds``: from when on that is a stuck
    sensor, None where a value may stay the same.
    """

    tag: str
    unit: str
    low: float | None
    high: float | None
    minimum: float | None
    maximum: float | None
    outside_seconds: float
    unknown_seconds: float
    longest_unknown_seconds: float
    held_seconds: float
    stuck_after_seconds: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRun:
    """How often a model was asked while a lot was made, and how often it gave no prediction."""

    model: str
    predictions: int
    abstained: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LotProcess(Record):
    """How a lot's equipment ran between two instants; ``begins_with_lot``: whether the first is when it was begun."""

    material_lot_id: str
    from_ns: int
    until_ns: int
    begins_with_lot: bool
    tags: tuple[TagRun, ...]
    models: tuple[ModelRun, ...] = ()


def tag_runs(windows: Iterable[TagWindow], tags: Mapping[str, TagDefinition]) -> tuple[TagRun, ...]:
    """Return how each tag ran, in the order of their names."""
    known = [(window, tags[window.tag]) for window in windows if window.tag in tags]
    return tuple(_run(window, tag) for window, tag in sorted(known, key=lambda pair: pair[0].tag))


def _run(window: TagWindow, tag: TagDefinition) -> TagRun:
    starts_ns = window.held_ns.clip(window.start_ns, window.end_ns)
    edges_ns = np.append(starts_ns, window.end_ns)
    seconds: NDArray[np.float64] = np.diff(edges_ns) / SECOND_NS
    lasting = seconds > 0
    seconds, values = seconds[lasting], window.values[lasting]
    known = usable(window.statuses[lasting], values, accept_uncertain=tag.accept_uncertain)
    # before the first sample nothing is known
    before = float(edges_ns[0] - window.start_ns) / SECOND_NS
    low, high = (None, None) if tag.validated is None else tag.validated
    outside = np.zeros(len(values), dtype=bool)
    if low is not None and high is not None:
        outside = known & ((values < low) | (values > high))
    good = values[known]
    return TagRun(
        tag=window.tag,
        unit=tag.unit,
        low=low,
        high=high,
        minimum=float(good.min()) if len(good) else None,
        maximum=float(good.max()) if len(good) else None,
        outside_seconds=float(seconds[outside].sum()),
        unknown_seconds=before + float(seconds[~known].sum()),
        longest_unknown_seconds=max(before, _longest(seconds, ~known)),
        held_seconds=_longest_same(seconds, values, known),
        stuck_after_seconds=None if tag.frozen_after_ns is None else tag.frozen_after_ns / SECOND_NS,
    )


def _longest(seconds: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
    """Return the longest time without a break over which stretches are chosen."""
    longest = current = 0.0
    for length, is_chosen in zip(seconds.tolist(), chosen.tolist(), strict=True):
        current = current + length if is_chosen else 0.0
        longest = max(longest, current)
    return longest


def _longest_same(seconds: NDArray[np.float64], values: NDArray[np.float64], known: NDArray[np.bool_]) -> float:
    """Return the longest time over which a known value stayed the very same."""
    longest, current, last = 0.0, 0.0, None
    for length, value, is_known in zip(seconds.tolist(), values.tolist(), known.tolist(), strict=True):
        current = (current + length if value == last else length) if is_known else 0.0
        last = value if is_known else None
        longest = max(longest, current)
    return longest
