"""A lot that production begins again after its end: what a person has released is not all of it any more. Pure."""

from collections.abc import Iterator

from gateway.contract.times import rfc3339
from gateway.lab.release.assessment import Assessment, Subject, assessment_of_lot
from gateway.lab.release.lot_knowledge import LotKnowledge
from gateway.lab.release.open_points import OpenPoint, for_review


def by_production(lot: LotKnowledge, begun_again_ns: int | None) -> Iterator[Assessment]:
    """Return that production has begun a lot again since a person released it; who settles that settles this time."""
    if begun_again_ns is not None:
        yield assessment_of_lot(
            lot, Subject.PRODUCTION, for_review(OpenPoint.LOT_GOES_ON, {}, at=rfc3339(begun_again_ns))
        )
