"""A deviation: what a person needs who investigates results that failed, gathered from what is on record. Pure.

It is a draft. It says what was unusual and what similar cases were followed by; the cause is for people to find. There
is one for each lot, and one for each episode of a series (``gateway.lab.episodes``); it grows with each result.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from gateway.contract.identity import identity_of
from gateway.history.windows import TagWindow, segments
from gateway.lab.causes import FEWEST_REFERENCES, Candidate, Cause, CauseKind, Usual, probable_causes, usual_of
from gateway.lab.fingerprints import OF_A_LOT, Fingerprint, MaterialUse, at_stage, means_of_stretches
from gateway.line.definition import Limits, TagDefinition
from gateway.records.guidance import Instruction
from gateway.records.laboratory import LabResult, Specification
from gateway.records.verdicts import Reason
from gateway.time_units import SECOND_NS

_MOST_POINTS = 120  # of a tag in a chart
MOST_CHARTED = 12  # tags whose course is kept
MOST_RESULTS = 60  # in a draft: the first, and the newest
_MOST_SIMILAR = 5
# the least that a scatter between lots may count as, for one lot to be called unusual
_OF_NOISE, _OF_SPAN, _OF_VALUE = (
    0.1,
    0.001,
    0.001,
)  # of the scatter within the lot, of the validated range, of the value


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineEntry:
    """One line of a timeline."""

    at_ns: int
    what: str
    subject: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """A tag before the sample: its mean, and where lots in control lay, in sigmas between lots; and its course.

    ``low`` and ``high``: the smallest and largest mean of the lots in control. ``validated``: the tag's own limits.
    """

    tag: str
    unit: str
    mean: float
    usual: float | None
    z: float | None
    course: tuple[tuple[int, float], ...]
    low: float | None = None
    high: float | None = None
    sigma: float | None = None
    validated: Limits | None = None


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


class Scope(StrEnum):
    """What a deviation is about."""

    LOT = "lot"
    SERIES = "series"  # an episode of one product's analyte


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedResult:
    """A result that belongs to a deviation. ``was``: its values before corrections, which failed too."""

    result_id: str
    sample_id: str
    test_id: str
    analyte: str
    replicate: int
    value_text: str
    value: float | None
    unit: str | None
    material_lot_id: str | None
    sampled_ns: int | None
    joined_ns: int
    limits: str
    reasons: tuple[Reason, ...]
    failed: bool  # out of specification; else only out of trend
    was: tuple[str, ...] = ()

    @property
    def measurement(self) -> tuple[str, str, int]:
        """Return what corrections of the same measurement have in common."""
        return self.sample_id, self.analyte, self.replicate


@dataclass(frozen=True, kw_only=True, slots=True)
class AnalyteSeries:
    """The last results of the product's analyte, with the limits that hold of it."""

    analyte: str
    test_id: str
    unit: str | None
    lower: float | None
    upper: float | None
    limits: str
    points: tuple[tuple[int, float], ...]


class Basis(StrEnum):
    """How the process before the sample was compared with that of lots in control."""

    SAME_STAGE = "same_stage"  # with what they were when they had run for as long
    WHOLE_LOTS = "whole_lots"
    TOO_FEW_LOTS = "too_few_lots"  # to say what is usual
    NO_PROCESS_DATA = "no_process_data"  # of the time before the sample


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """How, with how many lots, and over which time before the sample the process was compared."""

    basis: Basis
    lots: int
    from_ns: int
    until_ns: int
    begins_with_lot: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """The draft. ``result``: the newest that joined it, before whose sample the process is looked at."""

    deviation_id: str
    at_ns: int
    result: LabResult
    reasons: tuple[Reason, ...]
    specification: Specification | None
    equipment_id: str | None
    timeline: tuple[TimelineEntry, ...]
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
    version: int = 1
    scope: Scope = Scope.LOT
    opened_ns: int | None = None
    results: tuple[FailedResult, ...] = ()
    result_count: int = 1
    comparison: Comparison | None = None
    time_zone: str = "UTC"
    series: tuple[AnalyteSeries, ...] = ()  # of the analytes that failed, that of the newest result first

    @property
    def draft_id(self) -> str:
        """Return the id of this version of it."""
        return draft_id(self.deviation_id, self.version)


def draft_id(deviation_id: str, version: int) -> str:
    """Return the id of a deviation's version; that of the first is the deviation's own."""
    return deviation_id if version == 1 else identity_of("deviation-version", deviation_id, version)


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


# --- the process before the sample ----------------------------------------------------------------------


def compared_lots(own: Fingerprint, references: Sequence[Fingerprint]) -> tuple[Comparison, tuple[Fingerprint, ...]]:
    """Return how a lot's process is compared, and with which lots: none where they are too few to say what is usual."""
    staged = at_stage(own, references, fewest=FEWEST_REFERENCES)
    usable = tuple(references) if staged is None else staged
    basis = Basis.WHOLE_LOTS if staged is None else Basis.SAME_STAGE
    if len(usable) < FEWEST_REFERENCES:
        basis = Basis.TOO_FEW_LOTS
    if not own.values:
        basis = Basis.NO_PROCESS_DATA
    comparison = Comparison(
        basis=basis,
        lots=len(usable),
        from_ns=own.from_ns,
        until_ns=own.until_ns,
        begins_with_lot=own.begins_with_lot,
    )
    return comparison, usable if basis in {Basis.SAME_STAGE, Basis.WHOLE_LOTS} else ()


def scatter_floors(windows: Iterable[TagWindow], tags: Mapping[str, TagDefinition]) -> dict[str, float]:
    """Return by tag the least that its scatter between lots counts as, in its unit.

    Lots whose means agree better than that agree by chance, or because the sensor resolves no more: a tenth of the
    scatter within the lot, half the smallest step of the signal, and a thousandth of the validated range (without one,
    of the value) are no difference between lots.
    """
    floors = {}
    for window in windows:
        held = segments(window)
        if not len(held.values):
            continue
        steps = np.abs(np.diff(held.values))
        resolution = float(steps[steps > 0].min()) if (steps > 0).any() else 0.0
        mean = float(np.average(held.values, weights=held.duration_seconds))
        noise = float(np.sqrt(np.average((held.values - mean) ** 2, weights=held.duration_seconds)))
        validated = tags[window.tag].validated if window.tag in tags else None
        least = _OF_VALUE * abs(mean) if validated is None else _OF_SPAN * (validated[1] - validated[0])
        floors[window.tag] = max(_OF_NOISE * noise, resolution / 2, least)
    return floors


def causes_of(
    affected: Sequence[Fingerprint],
    references: Sequence[Fingerprint],
    tags: Mapping[str, TagDefinition],
    *,
    sensitivities: Mapping[str, float],
    floors: Mapping[str, float],
) -> tuple[Cause, ...]:
    """Return what was unusual of affected lots, the first of them our own, against in-control ones of the product."""
    names = sorted(set(affected[0].values))
    counted = Counter(thing for each in (*affected, *references) for thing in each.present)
    things = sorted(thing for thing, count in counted.items() if count > 1 or not thing[1].startswith(OF_A_LOT))
    candidates = [
        *(Candidate(name=name, kind=CauseKind.TAG, unit=tags[name].unit if name in tags else "") for name in names),
        *(Candidate(name=name, kind=CauseKind(kind)) for kind, name in things),
    ]

    def row(lot: Fingerprint) -> list[float]:
        there = set(lot.present)
        return [*(lot.values.get(name, np.nan) for name in names), *(float(thing in there) for thing in things)]

    shape = (-1, len(candidates))
    return probable_causes(
        candidates,
        np.array([row(each) for each in references], np.float64).reshape(shape),
        np.array([row(each) for each in affected], np.float64).reshape(shape),
        sensitivities=sensitivities,
        floors=floors,
    )


def traces(
    windows: Iterable[TagWindow],
    references: Sequence[Fingerprint],
    tags: Mapping[str, TagDefinition],
    *,
    floors: Mapping[str, float],
    telling: Iterable[str] = (),
) -> tuple[Trace, ...]:
    """Return the tags before the sample, the most unusual first; of the others those first that are ``telling``."""
    first = list(telling)
    known = [
        _trace(window, mean, _usual(window.tag, references, floors), tags.get(window.tag))
        for window in windows
        if (mean := means_of_stretches(window, segments(window), 1)[0]) is not None
    ]
    ranks = {tag: rank for rank, tag in enumerate(first)}
    known.sort(key=lambda trace: (-abs(trace.z or 0.0), ranks.get(trace.tag, len(first)), trace.tag))
    return tuple(trace if place < MOST_CHARTED else replace(trace, course=()) for place, trace in enumerate(known))


def _usual(tag: str, references: Sequence[Fingerprint], floors: Mapping[str, float]) -> Usual | None:
    values = [lot.values[tag] for lot in references if tag in lot.values]
    return usual_of(values, floor=floors.get(tag, 0.0)) if len(values) >= FEWEST_REFERENCES else None


def _trace(window: TagWindow, mean: float, usual: Usual | None, tag: TagDefinition | None) -> Trace:
    return Trace(
        tag=window.tag,
        unit="" if tag is None else tag.unit,
        mean=mean,
        usual=None if usual is None else usual.center,
        z=None if usual is None else usual.sigmas(mean),
        course=_course(window),
        low=None if usual is None else usual.low,
        high=None if usual is None else usual.high,
        sigma=None if usual is None else usual.sigma,
        validated=None if tag is None else tag.validated,
    )


def _course(window: TagWindow) -> tuple[tuple[int, float], ...]:
    """Return a tag's course in at most so many means of equal stretches, each at its middle."""
    means = means_of_stretches(window, segments(window), _MOST_POINTS)
    length_ns = window.end_ns - window.start_ns
    return tuple(
        (window.start_ns + (2 * place + 1) * length_ns // (2 * _MOST_POINTS), mean)
        for place, mean in enumerate(means)
        if mean is not None
    )


# --- earlier cases, and the genealogy -------------------------------------------------------------------


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


def spread_of(references: Sequence[Fingerprint], floors: Mapping[str, float]) -> dict[str, float]:
    """Return one sigma between lots of each tag."""
    names = sorted({name for each in references for name in each.values})
    found = {}
    for name in names:
        values = [lot.values[name] for lot in references if name in lot.values]
        if len(values) > 1:
            found[name] = usual_of(values, floor=floors.get(name, 0.0)).sigma
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


def time_span_ns(comparison: Comparison) -> int:
    """Return over which time before the sample the process was looked at, in nanoseconds."""
    return max(comparison.until_ns - comparison.from_ns, SECOND_NS)
