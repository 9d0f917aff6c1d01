"""A lot's disposition."""

from typing import Literal

from pydantic import Field

from gateway.contract.payloads.parts import Part, PayloadWithTexts, ReasonPart
from gateway.contract.times import rfc3339
from gateway.contract.words import RecommendationWord
from gateway.records.laboratory import Disposition
from gateway.records.lot_decisions import DecisionState, LotDecided
from gateway.records.lot_parts import OF_REST_ALONE


class RestsOnResult(Part):
    """One result version a disposition rests on."""

    sample_id: str
    test_id: str
    result_version: int | None


class RestsOnPrediction(Part):
    """The prediction at a sample's drawn time, beside its result."""

    id: str
    analyte: str
    value: float | None
    low: float | None
    high: float | None
    accepted: bool


class RestsOn(Part):
    """Everything a disposition rests on."""

    results: list[RestsOnResult]
    predictions: list[RestsOnPrediction]
    trends: list[str]
    gaps: list[str]


class DecisionPart(Part):
    """The decision of a person on the lot; it counts while it stands."""

    decision: Literal["release", "reject", "hold"]
    by: str = Field(description="the printed name of who has signed last")
    signed_by: list[str] = Field(description="the printed names of all who have signed")
    role: str
    at: str = Field(description="when it was signed, RFC 3339, UTC")
    meaning: str
    reason: str
    signature_id: str
    record_id: str = Field(description="what was signed: labline signature export exports it")
    stands: bool = Field(description="false: the facts have changed since, so that a person decides again")


class DispositionPayload(PayloadWithTexts):
    """``disposition/{lot}``: release, review or hold, always a recommendation."""

    material_lot_id: str | None
    job_order_id: str | None
    recommendation: RecommendationWord
    provisional: bool
    latched: bool
    previous: RecommendationWord
    reasons: list[ReasonPart]
    rests_on: RestsOn
    missing_tests: list[str]
    flags: list[str]
    decision: DecisionPart | None = Field(
        description="of a person on the whole lot, the final word; null: nobody has decided that"
    )
    decision_on_rest: DecisionPart | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="a release of what is left beside parts that are not released; only there where it is so: the lot "
        "as a whole is not released",
    )


def decision_part(decision: LotDecided) -> DecisionPart:
    """Return a person's decision as a part of a payload."""
    return DecisionPart(
        decision=decision.verdict.value,
        by=decision.printed_name,
        signed_by=list(decision.signed_by),
        role=decision.role.value,
        at=rfc3339(decision.at_ns),
        meaning=decision.meaning,
        reason=decision.reason,
        signature_id=decision.signature_id,
        record_id=decision.record_id,
        stands=decision.state is DecisionState.STANDS,
    )


def disposition_payload(
    disposition: Disposition, decision: LotDecided | None = None, *, line: str, cause: str, at_ns: int
) -> DispositionPayload:
    """Return the payload of a disposition; ``decision``: a person's on the lot.

    A release that is of what is left beside parts stands in a field of its own: whoever knows of no parts reads none.
    """
    of_rest = OF_REST_ALONE in disposition.flags
    return DispositionPayload(
        schema="labline.disposition/1",
        id=disposition.disposition_id,
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line,
        material_lot_id=disposition.material_lot_id,
        job_order_id=disposition.job_order_id,
        recommendation=disposition.recommendation,
        provisional=disposition.provisional,
        latched=disposition.latched,
        previous=disposition.previous,
        reasons=ReasonPart.of(disposition.reasons),
        rests_on=RestsOn(
            results=[
                RestsOnResult(sample_id=result.sample_id, test_id=result.test_id, result_version=result.result_version)
                for result in disposition.rests_on_results
            ],
            predictions=[
                RestsOnPrediction(
                    id=prediction.prediction_id,
                    analyte=prediction.analyte,
                    value=prediction.value,
                    low=prediction.low,
                    high=prediction.high,
                    accepted=prediction.verdict.accepted,
                )
                for prediction in disposition.rests_on_predictions
            ],
            trends=list(disposition.trends),
            gaps=list(disposition.gaps),
        ),
        missing_tests=list(disposition.missing_tests),
        flags=list(disposition.flags),
        decision=None if decision is None or of_rest else decision_part(decision),
        decision_on_rest=decision_part(decision) if decision is not None and of_rest else None,
    )
