"""What a lot's place in production asks for: its samples, its name, its parent lots, its context. Pure."""

from collections.abc import Iterator

from gateway.lab.phrases import LabPhrase, lab_phrase
from gateway.lab.release.assessment import Assessment, Subject, assessment_of_lot, points_of
from gateway.lab.release.lot_knowledge import LotKnowledge, Parent, SampleLots
from gateway.lab.release.open_points import OpenPoint, for_review, open_and_settled
from gateway.records.laboratory import Recommendation

MOST_NAMED = 5  # lots, in a sentence


def by_samples(lot: LotKnowledge) -> Iterator[Assessment]:
    """Return that results name a sample as of this lot and as of others: the measured lot may be any of them."""
    return (_sample(lot, sample) for sample in lot.samples if lot.lot in sample.contradicting)


def _sample(lot: LotKnowledge, sample: SampleLots) -> Assessment:
    lots = sample.contradicting
    others = ", ".join(name for name in lots if name != lot.lot)
    finding = for_review(
        OpenPoint.SAMPLE_OF_SEVERAL_LOTS,
        {"sample": sample.sample_id, "others": others},
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
    sentence = {"lot": lot.lot, "others": ", ".join(lot.alike)}
    yield assessment_of_lot(lot, Subject.NAME, for_review(OpenPoint.LOT_NAME_UNCLEAR, sentence, lots=list(lot.alike)))


def by_likeness(lot: LotKnowledge) -> Iterator[Assessment]:
    """Return that other lots have names that only look like this one's; a person settles it once, for all of them."""
    alike = lot.named_alike
    if alike is None:
        return
    others = [name for name in alike.names if name != lot.lot]
    more = alike.count - 1 - len(others[:MOST_NAMED])
    named = ", ".join(others[:MOST_NAMED])
    shown = lab_phrase(LabPhrase.AND_MORE, texts=named, more=more) if more > 0 else named
    finding = for_review(
        OpenPoint.LOT_NAME_ALIKE,
        {"lot": lot.lot, "others": shown},
        lots=list(alike.names),
        count=alike.count,
    )
    points = open_and_settled(
        (finding,), lot.settled, lot="", subject=Subject.LIKENESS, evidence={"held_by": alike.evidence}
    )
    yield Assessment(material_lot_id=lot.lot, subject=Subject.LIKENESS, kind=Subject.LIKENESS, **points)


def by_parents(lot: LotKnowledge) -> Iterator[Assessment]:
    """Return what the lots that went into this one ask for, which are themselves in question."""
    return (_parent(lot, parent) for parent in lot.parents)


def _parent(lot: LotKnowledge, parent: Parent) -> Assessment:
    finding = for_review(
        OpenPoint.PARENT_IN_QUESTION,
        {"variant": "hold" if parent.asks is Recommendation.HOLD else "review"},
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
        {
            "variant": "of_lot",
            "values": ", ".join(lab_phrase(LabPhrase(name.upper())) for name in context.contradictions),
        },
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
    finding = for_review(OpenPoint.NOT_JUDGED_AGAIN, {}, results=lot.left_out)
    yield assessment_of_lot(lot, Subject.UNFINISHED, finding)
