"""What a lot's place in production asks for: its samples, its name, its parent lots, its context. Pure."""

from collections.abc import Iterator

from gateway.lab.release.assessment import Assessment, Subject, assessment_of_lot, points_of
from gateway.lab.release.lot_knowledge import LotKnowledge, Parent, SampleLots
from gateway.lab.release.open_points import OpenPoint, for_review
from gateway.records.laboratory import Recommendation


def by_samples(lot: LotKnowledge) -> Iterator[Assessment]:
    """Return that results name a sample as of this lot and as of others: the measured lot may be any of them."""
    return (_sample(lot, sample) for sample in lot.samples if lot.lot in sample.contradicting)


def _sample(lot: LotKnowledge, sample: SampleLots) -> Assessment:
    lots = sample.contradicting
    others = ", ".join(name for name in lots if name != lot.lot)
    finding = for_review(
        OpenPoint.SAMPLE_OF_SEVERAL_LOTS,
        f"Results of sample {sample.sample_id} name this lot and {others}, and none of them names it as a composite.",
        sample_id=sample.sample_id,
        source=sample.source,
        lots=list(lots),
    )
    subject = f"{Subject.SAMPLE} {sample.source} {sample.sample_id}"
    return Assessment(
        material_lot_id=lot.lot,
        subject=subject,
        kind=Subject.SAMPLE,
        **points_of(lot, subject, (finding,)),
        source=sample.source,
        sample_id=sample.sample_id,
    )


def by_name(lot: LotKnowledge) -> Iterator[Assessment]:
    """Return that the lot's name may mean other known lots, or theirs this one: ``L-1|L-2`` beside ``L-1``."""
    if not lot.alike:
        return
    text = f"The lots {lot.lot} and {', '.join(lot.alike)} are known: | may stand between two lots."
    yield assessment_of_lot(lot, Subject.NAME, for_review(OpenPoint.LOT_NAME_UNCLEAR, text, lots=list(lot.alike)))


def by_parents(lot: LotKnowledge) -> Iterator[Assessment]:
    """Return what the lots that went into this one ask for, which are themselves in question."""
    return (_parent(lot, parent) for parent in lot.parents)


def _parent(lot: LotKnowledge, parent: Parent) -> Assessment:
    stands = "on hold" if parent.asks is Recommendation.HOLD else "for review"
    finding = for_review(
        OpenPoint.PARENT_IN_QUESTION,
        f"Lot {parent.material_lot_id}, which went into this one, is {stands}.",
        parent=parent.material_lot_id,
        recommendation=parent.asks.value,
    )
    subject = f"{Subject.PARENT} {parent.material_lot_id}"
    points = points_of(lot, subject, (finding,), evidence={"held_by": parent.evidence})
    return Assessment(material_lot_id=lot.lot, subject=subject, kind=Subject.PARENT, **points)


def by_context(lot: LotKnowledge) -> Iterator[Assessment]:
    """Return that production, or the results, have named several products, clients or equipments of the lot."""
    context = lot.context
    if not context.contradictions:
        return
    finding = for_review(
        OpenPoint.CONTEXT_CONTRADICTED,
        f"Production has told several values of this lot's {', '.join(context.contradictions)}.",
        fields=list(context.contradictions),
        products=list(context.products),
        client_id=context.client_id,
        equipment_id=context.equipment_id,
    )
    yield assessment_of_lot(lot, Subject.CONTEXT, finding, evidence=dict(context.stated))


def by_unjudged_results(lot: LotKnowledge) -> Iterator[Assessment]:
    """Return that the lot has too many results for all of them to be judged again."""
    if not lot.left_out:
        return
    text = f"The lot has so many results that {lot.left_out} of them were not judged again."
    finding = for_review(OpenPoint.NOT_JUDGED_AGAIN, text, results=lot.left_out)
    yield assessment_of_lot(lot, Subject.UNFINISHED, finding)
