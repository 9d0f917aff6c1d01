"""A deviation's draft as the message on ``deviation/{id}``. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.advice.documents import markdown, title_of
from gateway.contract.payloads.deviation import (
    ActionClosedPart,
    CausePart,
    ClosingPart,
    ComparisonPart,
    DeviationPayload,
    DeviationResultPart,
    HappeningPart,
    ReopeningPart,
    SimilarPart,
    TracePart,
)
from gateway.contract.payloads.parts import InstructionPart, MeasuredPart, ReasonPart, SpecificationPart
from gateway.contract.times import rfc3339
from gateway.lab.causes import Cause
from gateway.lab.deviations import Comparison, Deviation, FailedResult, Similar, TimelineEntry, Trace
from gateway.lab.effectiveness import ActionOnRecord
from gateway.records.deviation_states import DeviationClosed, DeviationReopened


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What has become of a deviation besides a new version: it is closed, with these actions, or open again."""

    closed: DeviationClosed | None = None
    actions: Sequence[ActionOnRecord] = ()
    reopened: DeviationReopened | None = None


NO_NEWS = News()


def deviation_payload(
    deviation: Deviation, *, line: str, cause: str, at_ns: int, news: News = NO_NEWS
) -> DeviationPayload:
    """Return the payload of a draft, or of its closing."""
    result, closed = deviation.result, news.closed
    return DeviationPayload(
        schema="labline.deviation/1",
        id=deviation.deviation_id,
        cause=cause,
        issued_at=rfc3339(at_ns),
        line=line,
        state="draft" if closed is None else "closed",
        closing=None if closed is None else _closing_part(closed),
        reopening=None if news.reopened is None else _reopening_part(news.reopened, deviation),
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
        document=markdown(deviation, actions=news.actions, closed=closed),
    )


def _closing_part(closed: DeviationClosed) -> ClosingPart:
    return ClosingPart(
        signed_by=list(closed.signed_by),
        role=closed.role.value,
        meaning=closed.meaning,
        at=rfc3339(closed.at_ns),
        reason=closed.conclusion,
        no_action=closed.no_action or None,
        check_by=closed.check_by,
        actions=[
            ActionClosedPart(
                id=item.action_id, kind=item.kind.value, action=item.action, owner=item.owner, done_by=item.done_by,
                done_at=rfc3339(item.done_ns), effectiveness=item.effectiveness,
                failed_lots=item.failed_lots, lots=item.lots,
            )
            for item in closed.actions
        ],
        signature_id=closed.signature_id,
    )  # fmt: skip


def _reopening_part(reopened: DeviationReopened, deviation: Deviation) -> ReopeningPart:
    return ReopeningPart(
        at=rfc3339(reopened.at_ns),
        result_id=reopened.result_id,
        reason=deviation.reasons[0].text if deviation.reasons else title_of(deviation),
        closed_version=reopened.version - 1,
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
