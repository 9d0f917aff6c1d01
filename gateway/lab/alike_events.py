"""How alike two events are: by what was unusual when their lots were made, and by how they failed. Pure.

What was usual in both says nothing: of many tags most are as always, and by chance never quite the same. So tags count
by how far they lay beyond what is usual, with the rest as zero, and directions are compared (the cosine of both).
"""

from collections.abc import Iterable, Mapping, Sequence
from math import copysign, sqrt

from gateway.lab.fingerprints import Fingerprint
from gateway.lab.usual import Usual, usual_of
from gateway.records.verdicts import Reason

Symptom = tuple[str, str]
"""An analyte, and the side on which it failed."""

_USUAL_SIGMAS = 1.5  # so far from the median a tag of a lot in control often lies
_RARE = 0.1  # of the lots in control: a material or equipment that fewer have is unusual
_RARE_SIGMAS = 2.0  # as what it counts
_NOTHING_UNUSUAL = 0.3  # how alike two are of which neither had anything unusual
_OTHER_SIDE = 0.3  # how alike the symptoms of one analyte above and below its limits are
_OTHER_REASON = "other"
_SIDES = {"above": "upper", "below": "lower"}  # of a trend


def alike_by_process(own: Fingerprint, other: Fingerprint, references: Sequence[Fingerprint]) -> float | None:
    """Return how alike two lots were made, 0 to 1; None where they cannot be compared with lots in control.

    ``references``: how lots in control were made.
    """
    usual = {
        name: usual_of([lot.values[name] for lot in references if name in lot.values])
        for name in own.values.keys() & other.values.keys()
        if sum(name in lot.values for lot in references) > 1
    }
    things = _rare_things(own, other, references)
    if not usual and not things:
        return None
    first, second = (_unusual(lot, usual, things) for lot in (own, other))
    lengths = [sqrt(sum(value * value for value in part.values())) for part in (first, second)]
    if not any(lengths):
        return _NOTHING_UNUSUAL
    if not all(lengths):
        return 0.0
    along = sum(value * second.get(name, 0.0) for name, value in first.items())
    return max(0.0, along / (lengths[0] * lengths[1]))


def _unusual(lot: Fingerprint, usual: Mapping[str, Usual], things: frozenset[tuple[str, str]]) -> dict[str, float]:
    """Return by how much each tag lay beyond what is usual, with its sign, and what was there that seldom is."""
    beyond = {}
    for name, of_tag in usual.items():
        sigmas = of_tag.sigmas(lot.values[name])
        far = _USUAL_SIGMAS + _RARE_SIGMAS if sigmas is None else abs(sigmas)
        if far > _USUAL_SIGMAS:
            beyond[name] = copysign(far - _USUAL_SIGMAS, lot.values[name] - of_tag.center)
    return beyond | {f"{kind} {name}": _RARE_SIGMAS for kind, name in things.intersection(lot.present)}


def _rare_things(own: Fingerprint, other: Fingerprint, references: Sequence[Fingerprint]) -> frozenset[tuple[str, str]]:
    """Return what few lots in control had, and both of the two, or one of them and another lot.

    What one lot alone has, such as the lots of its material, tells it from every other one.
    """
    rare = set()
    both = set(own.present) & set(other.present)
    for thing in {*own.present, *other.present}:
        lots = sum(thing in lot.present for lot in references)
        if (lots or thing in both) and lots <= _RARE * len(references):
            rare.add(thing)
    return frozenset(rare)


def symptoms_of(reasons: Iterable[tuple[str, Reason]]) -> frozenset[Symptom]:
    """Return how something failed, by the analytes of its results with their reasons."""
    return frozenset((analyte, _side(reason)) for analyte, reason in reasons)


def _side(reason: Reason) -> str:
    given = reason.parameters
    for side in ("lower", "upper"):
        if side in given and given.get("limit") == given[side]:
            return side
    return _SIDES.get(str(given.get("side")), _OTHER_REASON)


def alike_by_symptoms(own: frozenset[Symptom], other: frozenset[Symptom]) -> float:
    """Return how alike two events failed, 0 to 1: by the analytes that failed, and on which side."""
    if not own or not other:
        return 0.0
    analytes = {analyte for analyte, _side_of in own} & {analyte for analyte, _side_of in other}
    same = len(own & other) + _OTHER_SIDE * len(analytes - {analyte for analyte, _side_of in own & other})
    return same / max(len(own), len(other))
