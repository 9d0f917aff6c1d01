"""``lot-part/{lot}/{part}``: the disposition of a part of a lot, which says nothing of the lot."""

from pydantic import Field

from gateway.contract.payloads.disposition import DecisionPart, RestsOnResult, decision_part
from gateway.contract.payloads.parts import PayloadWithTexts, ReasonPart
from gateway.contract.times import rfc3339
from gateway.contract.words import RecommendationWord
from gateway.records.laboratory import Disposition
from gateway.records.lot_decisions import LotDecided
from gateway.records.lot_parts import LotDivided


class LotPartPayload(PayloadWithTexts):
    """What is recommended for a part of a lot, and what a person has decided on it.

    Whoever reads only dispositions of lots reads nothing here: topic, schema and fields have names of their own.
    """

    part_id: str = Field(description="the name by which messages call the part: its samples are of this lot")
    part: str = Field(description="the part, as people call it")
    part_of_lot: str = Field(description="the lot that it is a part of; nothing here is a disposition of that lot")
    quantity: str = Field(description="a decimal number")
    unit: str
    part_recommendation: RecommendationWord
    part_decision: DecisionPart | None = Field(description="of a person on the part alone; null: nobody has decided")
    part_reasons: list[ReasonPart]
    rests_on_results: list[RestsOnResult]
    missing_tests: list[str]
    flags: list[str]


def lot_part_payload(
    part: LotDivided, disposition: Disposition, decision: LotDecided | None, *, line: str, cause: str, at_ns: int
) -> LotPartPayload:
    """Return the payload of a part's disposition; ``decision``: a person's on the part."""
    return LotPartPayload(
        schema="labline.lot-part/1",
        id=disposition.disposition_id,
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line,
        part_id=part.part_id,
        part=part.name,
        part_of_lot=part.material_lot_id,
        quantity=part.quantity,
        unit=part.unit,
        part_recommendation=disposition.recommendation,
        part_decision=None if decision is None else decision_part(decision),
        part_reasons=ReasonPart.of(disposition.reasons),
        rests_on_results=[
            RestsOnResult(sample_id=result.sample_id, test_id=result.test_id, result_version=result.result_version)
            for result in disposition.rests_on_results
        ],
        missing_tests=list(disposition.missing_tests),
        flags=list(disposition.flags),
    )
