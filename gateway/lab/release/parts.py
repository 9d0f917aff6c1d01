"""A part of a lot: all that is known of the lot counts for it, with what is known of the part itself. Pure.

The assessments of the lot, as they stand, are copied into those of each of its parts. So whatever would end a person's
decision on the lot ends the one on a part, by the same rule; and nothing of a part is an assessment of the lot.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from gateway.lab.lot_reasons import LotReason, lot_reason
from gateway.lab.release.assessment import Assessment, Subject, assessment_of_lot
from gateway.lab.release.lot_knowledge import LotKnowledge
from gateway.lab.release.open_points import OpenPoint, for_review
from gateway.records.lot_parts import LotDivided

OF_WHOLE_LOT = "lot "  # before the subject of what is known of the whole lot, among the assessments of a part


def is_of_whole_lot(item: Assessment) -> bool:
    """Return whether an assessment of a part is one of the whole lot: a person settles its points there."""
    return item.subject.startswith(OF_WHOLE_LOT)


def is_reported(item: Assessment) -> bool:
    """Return whether an assessment of a part is of what was reported for the part itself."""
    return not is_of_whole_lot(item) and item.kind not in {Subject.PART, Subject.DECISION, Subject.SPECIFICATION}


def revived(part: LotDivided | None, before: Iterable[str], assessed: Iterable[Assessment]) -> str | None:
    """Return the lot into which a part was put back, where something else is known of the part by itself now.

    ``before``: the subjects of what was assessed of the part until now.
    """
    if part is None or not part.undone:
        return None
    own = {item.subject for item in assessed if not is_of_whole_lot(item)}
    return part.material_lot_id if own != {name for name in before if not name.startswith(OF_WHOLE_LOT)} else None


def about_of(item: Assessment) -> Assessment:
    """Return an assessment of a part as the one of the whole lot that it is copied of, where it is."""
    return replace(item, subject=item.subject.removeprefix(OF_WHOLE_LOT)) if is_of_whole_lot(item) else item


@dataclass(frozen=True, kw_only=True, slots=True)
class Misfit:
    """How much the parts of a lot are, where that is more than production says the lot is, or cannot be compared."""

    parts: str
    total: str
    comparable: bool


def by_parts(lot: LotKnowledge, misfit: Misfit | None) -> Iterator[Assessment]:
    """Return that the parts of a lot do not fit in it, or may not: which material is which is not certain then."""
    if misfit is not None:
        code = OpenPoint.PARTS_EXCEED_LOT if misfit.comparable else OpenPoint.PARTS_NOT_COMPARABLE
        yield assessment_of_lot(lot, Subject.PARTS, for_review(code, {}, parts=misfit.parts, total=misfit.total))


def with_whole_lot(
    own: Iterable[Assessment], part: LotDivided, whole_lot: Collection[Assessment]
) -> tuple[Assessment, ...]:
    """Return what is assessed of a part of a lot.

    Args:
        own: what is assessed by what names the part itself.
        part: the part as it was declared; another quantity is another fact.
        whole_lot: how the lot's own assessments stand.
    """
    own = tuple(own)
    known = {item.subject for item in own}
    inherited = (item for item in whole_lot if not _is_the_same_for_all(item) or item.subject not in known)
    return (*own, _as_declared(part), *(_of_whole_lot(item, part) for item in inherited))


def _is_the_same_for_all(item: Assessment) -> bool:
    """Return whether an assessment is of a message that is settled once, for every lot that it concerns."""
    return item.kind is Subject.SPECIFICATION


def _of_whole_lot(item: Assessment, part: LotDivided) -> Assessment:
    """Return an assessment of the whole lot as one of a part: a decision on the lot is a fact for the part."""
    kind = Subject.WHOLE_LOT if item.kind is Subject.DECISION else item.kind
    subject = item.subject if _is_the_same_for_all(item) else f"{OF_WHOLE_LOT}{item.subject}"
    return replace(item, material_lot_id=part.part_id, subject=subject, kind=kind, states_lot=False, retest=False)


def _as_declared(part: LotDivided) -> Assessment:
    reason = lot_reason(LotReason.PART_OF_LOT, lot=part.material_lot_id, part=part.name, quantity=part.amount)
    return Assessment(
        material_lot_id=part.part_id, subject=Subject.PART.value, kind=Subject.PART, inside=(reason,), at_ns=part.at_ns
    )
