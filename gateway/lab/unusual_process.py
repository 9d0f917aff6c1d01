"""What was unusual of the process before a sample: the comparison with lots in control. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gateway.history.windows import TagWindow, segments
from gateway.lab.cause_names import OF_A_LOT
from gateway.lab.causes import FEWEST_REFERENCES, Candidate, Cause, CauseKind, probable_causes
from gateway.lab.deviations import Basis, Comparison, Trace
from gateway.lab.fingerprints import Fingerprint, at_stage, means_of_stretches
from gateway.lab.usual import Usual, usual_of
from gateway.line.definition import TagDefinition
from gateway.time_units import SECOND_NS

_MOST_POINTS = 120  # of a tag in a chart
MOST_CHARTED = 12  # tags whose course is kept
# the least that a scatter between lots may count as, for one lot to be called unusual
_OF_NOISE = 0.1  # of the scatter within the lot
_OF_SPAN = 0.001  # of the validated range
_OF_VALUE = 0.001


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
    """Return by tag the smallest scatter between lots that is assumed of it, in its unit.

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
    counted = Counter(thing for lot in (*affected, *references) for thing in lot.present)
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
        np.array([row(lot) for lot in references], np.float64).reshape(shape),
        np.array([row(lot) for lot in affected], np.float64).reshape(shape),
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
    """Return the tags before the sample, the most unusual first; among equals the ``telling`` ones first."""
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


def time_span_ns(comparison: Comparison) -> int:
    """Return over which time before the sample the process was looked at, in nanoseconds."""
    return max(comparison.until_ns - comparison.from_ns, SECOND_NS)
