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
from gateway.lab.causes import Cause
from gateway.lab.deviations import Comparison, Deviation, FailedResult, Similar, TimelineEntry, Trace


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
        results=[_result_part(result) for result in deviation.results],
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
        timeline=[_timeline_part(entry) for entry in deviation.timeline],
        process=[_trace_part(trace) for trace in deviation.process],
        causes=[_cause_part(cause) for cause in deviation.causes],
        comparison=_comparison_part(deviation.comparison),
        compared_with_lots=deviation.compared_with,
        affected_lots_compared=deviation.affected,
        similar=[_similar_part(case) for case in deviation.similar],
        affected_lots=list(deviation.affected_lots),
        gaps=list(deviation.gaps),
        instructions=InstructionPart.of(deviation.instructions),
        document=markdown(deviation),
    )


def _timeline_part(entry: TimelineEntry) -> HappeningPart:
    return HappeningPart(at=rfc3339(entry.at_ns), what=entry.what, subject=entry.subject)


def _trace_part(trace: Trace) -> TracePart:
    return TracePart(
        tag=trace.tag,
        unit=trace.unit,
        mean=trace.mean,
        usual=trace.usual,
        z=trace.z,
        low=trace.low,
        high=trace.high,
        sigma=trace.sigma,
    )


def _cause_part(cause: Cause) -> CausePart:
    return CausePart(
        name=cause.name,
        kind=cause.kind,
        unit=cause.unit,
        own=cause.own,
        own_z=cause.own_z,
        affected=cause.affected,
        usual=cause.usual,
        low=cause.low,
        high=cause.high,
        z=cause.z,
        score=cause.score,
        moves_with=list(cause.moves_with),
        effect=cause.effect,
        text=cause.text,
    )


def _similar_part(case: Similar) -> SimilarPart:
    return SimilarPart(
        id=case.deviation_id,
        material_lot_id=case.material_lot_id,
        at=rfc3339(case.at_ns),
        nearness=case.nearness,
        causes=list(case.causes),
        done=list(case.done),
        helped=case.helped,
    )


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
