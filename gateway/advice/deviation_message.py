"""A deviation's draft as the message on ``deviation/{id}``. Pure."""

from gateway.advice.documents import markdown, title_of
from gateway.contract.payloads.deviation import (
    CausePart,
    ComparisonPart,
    DeviationPayload,
    DeviationResultPart,
    HappeningPart,
    SimilarPart,
    TracePart,
)
from gateway.contract.payloads.parts import InstructionPart, MeasuredPart, ReasonPart, SpecificationPart
from gateway.contract.times import rfc3339
from gateway.lab.deviations import Comparison, Deviation, FailedResult


def deviation_payload(deviation: Deviation, *, line: str, cause: str, at_ns: int) -> DeviationPayload:
    """Return the payload of a draft."""
    result = deviation.result
    return DeviationPayload(
        schema="labline.deviation/1",
        id=deviation.deviation_id,
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line,
        state="draft",
        version=deviation.version,
        scope=deviation.scope.value,
        opened_at=rfc3339(deviation.at_ns if deviation.opened_ns is None else deviation.opened_ns),
        result_count=deviation.result_count,
        results=[_result_part(each) for each in deviation.results],
        title=title_of(deviation),
        analyte=result.analyte,
        sample_id=result.sample_id,
        material_lot_id=result.material_lot_id,
        job_order_id=result.job_order_id,
        material_definition_id=result.material_definition_id,
        client_id=result.client_id,
        equipment_id=deviation.equipment_id,
        reasons=ReasonPart.of(deviation.reasons),
        specification=SpecificationPart.of(deviation.specification),
        measured=MeasuredPart.of(result),
        timeline=[
            HappeningPart(at=rfc3339(each.at_ns), what=each.what, subject=each.subject) for each in deviation.timeline
        ],
        process=[
            TracePart(tag=each.tag, unit=each.unit, mean=each.mean, usual=each.usual, z=each.z, low=each.low,
                      high=each.high, sigma=each.sigma)
            for each in deviation.process
        ],
        causes=[
            CausePart(
                name=each.name, kind=each.kind, unit=each.unit, own=each.own, own_z=each.own_z, affected=each.affected,
                usual=each.usual, low=each.low, high=each.high, z=each.z, score=each.score,
                moves_with=list(each.moves_with), effect=each.effect, text=each.text,
            )
            for each in deviation.causes
        ],
        comparison=_comparison_part(deviation.comparison),
        compared_with_lots=deviation.compared_with,
        affected_lots_compared=deviation.affected,
        similar=[
            SimilarPart(
                id=each.deviation_id, material_lot_id=each.material_lot_id, at=rfc3339(each.at_ns),
                nearness=each.nearness, causes=list(each.causes), done=list(each.done), helped=each.helped,
            )
            for each in deviation.similar
        ],
        affected_lots=list(deviation.affected_lots),
        gaps=list(deviation.gaps),
        instructions=InstructionPart.of(deviation.instructions),
        document=markdown(deviation),
    )  # fmt: skip


def _result_part(result: FailedResult) -> DeviationResultPart:
    return DeviationResultPart(
        result_id=result.result_id,
        sample_id=result.sample_id,
        test_id=result.test_id,
        analyte=result.analyte,
        replicate=result.replicate,
        value_text=result.value_text,
        value=result.value,
        unit=result.unit,
        was=list(result.was),
        limits=result.limits,
        failed=result.failed,
        material_lot_id=result.material_lot_id,
        sampled_at=None if result.sampled_ns is None else rfc3339(result.sampled_ns),
        joined_at=rfc3339(result.joined_ns),
        reasons=ReasonPart.of(result.reasons),
    )


def _comparison_part(comparison: Comparison | None) -> ComparisonPart | None:
    if comparison is None:
        return None
    return ComparisonPart(
        basis=comparison.basis.value,
        lots=comparison.lots,
        since=rfc3339(comparison.from_ns),
        until=rfc3339(comparison.until_ns),
        begins_with_lot=comparison.begins_with_lot,
    )
