"""A deviation: what a person needs who investigates a result that failed, gathered from what is on record. Pure.

It is a draft. It says what was unusual and what similar cases were followed by; the cause is for people to find.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from gateway.definitions import Aggregate, TagDefinition
from gateway.history.windows import TagWindow, aggregate, segments
from gateway.lab.causes import Candidate, Cause, CauseKind, probable_causes
from gateway.records import SECOND_NS, Instruction, LabResult, Reason, Specification

_LEAST_KNOWN = 0.5  # of a window, for its mean to speak for it
_MOST_POINTS = 120  # of a tag in a chart
_MOST_SIMILAR = 5
_EARLY, _LATE, _NIGHT = 6, 14, 22  # hours at which shifts begin
_OF_A_LOT = "lot "  # a material lot: one that is in a single lot of ours says nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint:
    """What a lot was made by: the means of its equipment's tags, and what was there (materials, equipment, shift)."""

    material_lot_id: str
    product: str | None
    equipment_id: str | None
    from_ns: int
    until_ns: int
    values: Mapping[str, float] = field(default_factory=dict)
    present: tuple[tuple[str, str], ...] = ()  # (kind, name)


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialUse:
    """Which material went into a lot."""

    material_lot_id: str
    consumed_lot_id: str
    consumed_definition_id: str | None
    supplier: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """One line of a timeline."""

    at_ns: int
    what: str
    subject: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """A tag around the sample: its mean, what is usual, by how many sigmas it differs, and its course."""

    tag: str
    unit: str
    mean: float
    usual: float | None
    z: float | None
    course: tuple[tuple[int, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Similar:
    """An earlier deviation: how near it was (0 to 1), what was done, and whether the value came back."""

    deviation_id: str
    material_lot_id: str | None
    at_ns: int
    nearness: float
    causes: tuple[str, ...]
    done: tuple[str, ...]
    helped: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """The draft."""

    deviation_id: str
    at_ns: int
    result: LabResult
    reasons: tuple[Reason, ...]
    specification: Specification | None
    equipment_id: str | None
    timeline: tuple[Happening, ...]
    process: tuple[Trace, ...]
    history: tuple[tuple[int, float], ...]
    causes: tuple[Cause, ...]
    similar: tuple[Similar, ...]
    affected_lots: tuple[str, ...]
    instructions: tuple[Instruction, ...]
    fingerprint: Fingerprint
    compared_with: int  # in-control lots
    affected: int  # lots that failed alike, this one among them
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftedResult:
    """Of the result of an earlier draft, whose it was."""

    material_lot_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Drafted:
    """The part of a deviation on record that later ones are compared with: read without all the rest of it."""

    deviation_id: str
    at_ns: int
    result: DraftedResult
    causes: tuple[Cause, ...]
    fingerprint: Fingerprint


def fingerprint(
    material_lot_id: str,
    *,
    product: str | None,
    equipment_id: str | None,
    windows: Iterable[TagWindow],
    uses: Iterable[MaterialUse],
    zone: ZoneInfo,
    from_ns: int,
    until_ns: int,
) -> Fingerprint:
    """Return what a lot was made by; a tag that is known for less than half of it is left out."""
    values = {}
    for window in windows:
        mean, known = aggregate(Aggregate.MEAN, window)
        if mean is not None and known >= _LEAST_KNOWN:
            values[window.tag] = mean
    present = [
        (CauseKind.MATERIAL.value, f"{use.consumed_definition_id or 'material'} of {use.supplier}")
        for use in uses
        if use.supplier is not None
    ]
    present += [(CauseKind.MATERIAL.value, f"{_OF_A_LOT}{use.consumed_lot_id}") for use in uses]
    if equipment_id is not None:
        present.append((CauseKind.EQUIPMENT.value, equipment_id))
    present.append((CauseKind.SHIFT.value, shift_of((from_ns + until_ns) // 2, zone)))
    return Fingerprint(
        material_lot_id=material_lot_id,
        product=product,
        equipment_id=equipment_id,
        from_ns=from_ns,
        until_ns=until_ns,
        values=values,
        present=tuple(dict.fromkeys(present)),
    )


def shift_of(at_ns: int, zone: ZoneInfo) -> str:
    """Return which shift worked at an instant, by the plant's clock: early from 6, late from 14, night from 22."""
    hour = datetime.fromtimestamp(at_ns / SECOND_NS, zone).hour
    return "early shift" if _EARLY <= hour < _LATE else "late shift" if _LATE <= hour < _NIGHT else "night shift"


def causes_of(
    affected: Sequence[Fingerprint],
    references: Sequence[Fingerprint],
    tags: Mapping[str, TagDefinition],
    *,
    sensitivities: Mapping[str, float],
) -> tuple[Cause, ...]:
    """Return what was unusual of affected lots against in-control ones of the same product."""
    names = sorted(set(affected[0].values))
    counted = Counter(thing for each in (*affected, *references) for thing in each.present)
    things = sorted(thing for thing, count in counted.items() if count > 1 or not thing[1].startswith(_OF_A_LOT))
    candidates = [
        *(Candidate(name=name, kind=CauseKind.TAG, unit=tags[name].unit if name in tags else "") for name in names),
        *(Candidate(name=name, kind=CauseKind(kind)) for kind, name in things),
    ]

    def row(found: Fingerprint) -> list[float]:
        there = set(found.present)
        return [*(found.values.get(name, np.nan) for name in names), *(float(thing in there) for thing in things)]

    shape = (-1, len(candidates))
    return probable_causes(
        candidates,
        np.array([row(each) for each in references], np.float64).reshape(shape),
        np.array([row(each) for each in affected], np.float64).reshape(shape),
        sensitivities=sensitivities,
    )


def traces(
    windows: Iterable[TagWindow], references: Sequence[Fingerprint], tags: Mapping[str, TagDefinition]
) -> tuple[Trace, ...]:
    """Return the tags around the sample, the most unusual first."""
    found = []
    for window in windows:
        mean, known = aggregate(Aggregate.MEAN, window)
        if mean is None or known <= 0:
            continue
        others = np.array([each.values[window.tag] for each in references if window.tag in each.values])
        usual, z = None, None
        if len(others) > 1:
            usual, spread = float(np.median(others)), float(others.std(ddof=1))
            z = (mean - usual) / spread if spread > 0 else None
        unit = tags[window.tag].unit if window.tag in tags else ""
        found.append(Trace(tag=window.tag, unit=unit, mean=mean, usual=usual, z=z, course=_course(window)))
    return tuple(sorted(found, key=lambda each: (-abs(each.z or 0.0), each.tag)))


def _course(window: TagWindow) -> tuple[tuple[int, float], ...]:
    """Return a tag's course in at most so many means of equal stretches, each at its middle."""
    held = segments(window)
    if not len(held.values):
        return ()
    length = (window.end_ns - window.start_ns) / SECOND_NS
    edges = np.linspace(0.0, length, _MOST_POINTS + 1)
    knots = np.column_stack([held.start_seconds, held.start_seconds + held.duration_seconds]).ravel()

    def up_to_edges(per_second: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the integral from the window's start to each edge; what is unknown adds nothing."""
        whole = np.cumsum(per_second * held.duration_seconds)
        sums = np.column_stack([np.concatenate([[0.0], whole[:-1]]), whole]).ravel()
        found: NDArray[np.float64] = np.interp(edges, knots, sums, left=0.0)
        return found

    known, sums = np.diff(up_to_edges(np.ones(len(held.values)))), np.diff(up_to_edges(held.values))
    middles = window.start_ns + ((edges[:-1] + edges[1:]) / 2 * SECOND_NS).astype(np.int64)
    return tuple(
        (int(at_ns), float(total / seconds))
        for at_ns, total, seconds in zip(middles, sums, known, strict=True)
        if seconds > 0
    )


def nearest(
    own: Fingerprint, earlier: Iterable[tuple[Drafted, tuple[str, ...], bool | None]], spread: Mapping[str, float]
) -> tuple[Similar, ...]:
    """Return the earlier deviations that were made most alike, each with what was done and whether it helped.

    ``spread``: by tag, one sigma between lots; nearness is 1 over 1 plus the root mean square distance in sigmas.
    """
    found = []
    for deviation, done, helped in earlier:
        common = [name for name in own.values if name in deviation.fingerprint.values and spread.get(name, 0.0) > 0]
        if not common:
            continue
        apart = [(own.values[name] - deviation.fingerprint.values[name]) / spread[name] for name in common]
        found.append(
            Similar(
                deviation_id=deviation.deviation_id,
                material_lot_id=deviation.result.material_lot_id,
                at_ns=deviation.at_ns,
                nearness=1.0 / (1.0 + float(np.sqrt(np.mean(np.square(apart))))),
                causes=tuple(cause.name for cause in deviation.causes[:3]),
                done=done,
                helped=helped,
            )
        )
    return tuple(sorted(found, key=lambda each: (-each.nearness, -each.at_ns)))[:_MOST_SIMILAR]


def spread_of(references: Sequence[Fingerprint]) -> dict[str, float]:
    """Return one sigma between lots of each tag."""
    names = {name for each in references for name in each.values}
    found = {}
    for name in sorted(names):
        values = [each.values[name] for each in references if name in each.values]
        if len(values) > 1:
            found[name] = float(np.std(values, ddof=1))
    return found


def relatives(lot: str, uses: Sequence[MaterialUse]) -> tuple[str, ...]:
    """Return the lots that share a material with a lot, or that it went into, at any distance; loops end.

    ``uses``: what is known of the genealogy around it.
    """
    went_into: dict[str, set[str]] = {}
    made_of: dict[str, set[str]] = {}
    for use in uses:
        went_into.setdefault(use.consumed_lot_id, set()).add(use.material_lot_id)
        made_of.setdefault(use.material_lot_id, set()).add(use.consumed_lot_id)
    found = _reached({lot}, went_into)
    for material in made_of.get(lot, set()):
        found |= _reached({material}, went_into)
    return tuple(sorted(found - {lot}))


def _reached(start: set[str], follows: Mapping[str, set[str]]) -> set[str]:
    reached, waiting = set[str](), list(start)
    while waiting:
        for each in follows.get(waiting.pop(), set()):
            if each not in reached:
                reached.add(each)
                waiting.append(each)
    return reached
