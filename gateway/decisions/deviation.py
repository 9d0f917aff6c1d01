"""The draft of a deviation: what failed, what the process did, probable causes. Pure."""

from dataclasses import dataclass, replace

from gateway.advice.deviation_message import News
from gateway.advice.publication import deviation_message
from gateway.contract.identity import identity_of
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry
from gateway.decisions.fingerprint import fingerprint_of
from gateway.decisions.follow_ups import follow_ups_of_certificates
from gateway.events import FollowUpDue
from gateway.facts.deviation import DeviationFacts
from gateway.lab.causes import Cause
from gateway.lab.deviations import AnalyteSeries, Comparison, Deviation, FailedResult, Similar, Trace
from gateway.lab.disposition import TREND_FLAGS, Judged, judge_result
from gateway.lab.episodes import Joined, join, mended
from gateway.lab.fingerprints import Fingerprint
from gateway.lab.genealogy import relatives
from gateway.lab.phrases import limits_text, with_version
from gateway.lab.procedures import instructions_for
from gateway.lab.similar_deviations import nearest, spread_of
from gateway.lab.unusual_process import causes_of, compared_lots, scatter_floors, traces
from gateway.records.deviation_states import DeviationReopened
from gateway.records.guidance import Instruction
from gateway.records.laboratory import LabResult, Recommendation, Specification
from gateway.records.outgoing import AuditEntry

_MOST_SERIES = 6  # analytes of one lot in a draft


@dataclass(frozen=True, kw_only=True, slots=True)
class _Process:
    """What the process did before the sample, and how that compares with lots in control."""

    comparison: Comparison
    traces: tuple[Trace, ...]
    causes: tuple[Cause, ...]
    similar: tuple[Similar, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Failed:
    """The result under investigation, how it was judged, and how its lot was made."""

    result: LabResult
    judged: Judged
    specification: Specification | None
    fingerprint: Fingerprint


def on_deviation(event: FollowUpDue, facts: DeviationFacts) -> Decision:
    """Return the draft of a deviation as a record, an audit line and a message; nothing where its result is gone.

    A result that belongs to a deviation on record joins it: what comes is its next version.
    """
    known, result = facts.investigation, facts.investigation.result
    if result is None:
        return Decision()
    own = fingerprint_of(event, facts, known.uses, result.material_lot_id or result.sample_id)
    in_force = facts.specifications.in_force(
        result.analyte,
        event.follow_up.until_ns,
        product=result.material_definition_id,
        client_id=result.client_id,
    )
    trends = tuple(reason for reason in known.reasons if reason.code in TREND_FLAGS)  # with the figures of that time
    judged = judge_result(result, in_force, trends)
    specification = next(iter(in_force), result.specification)
    joined = _joined(event, facts, _failed_result(result, judged, specification, at_ns=event.at_ns))
    if joined is None:
        return Decision()
    deviation = _draft(
        event, facts, _Failed(result=result, judged=judged, specification=specification, fingerprint=own), joined
    )
    reopened = _reopened(deviation, facts, event)
    message = deviation_message(
        deviation, line=facts.line, cause=event.event_id, at_ns=event.at_ns, news=News(reopened=reopened)
    )
    recorded = (deviation,) if result.material_lot_id is None else (deviation, own)
    again = Decision() if reopened is None else _again(reopened, result)
    followed = follow_ups_of_certificates(result.material_lot_id, facts.line, ended_ns=0)
    return Decision(records=recorded, audit=(_audited(deviation),), messages=(message,), follow_ups=followed) + again


def _reopened(deviation: Deviation, facts: DeviationFacts, event: FollowUpDue) -> DeviationReopened | None:
    """Return that a deviation that was closed is open again, as something new belongs to it; None of an open one."""
    if deviation.deviation_id not in facts.investigation.closed:
        return None
    result = deviation.result
    return DeviationReopened(deviation_id=deviation.deviation_id, version=deviation.version,
                             result_id=result.result_id, at_ns=event.at_ns, scope=result.scope)  # fmt: skip


def _again(reopened: DeviationReopened, result: LabResult) -> Decision:
    entry = audit_entry("deviation_reopened", reopened.deviation_id, scope=reopened.scope, version=reopened.version,
                        result=reopened.result_id, lot=result.material_lot_id)  # fmt: skip
    return Decision(records=(reopened,), audit=(entry,))


def _draft(event: FollowUpDue, facts: DeviationFacts, failed: _Failed, joined: Joined) -> Deviation:
    known, result = facts.investigation, failed.result
    process = _process(failed.fingerprint, facts, joined)
    return Deviation(
        deviation_id=joined.deviation_id,
        at_ns=event.at_ns,
        result=result,
        reasons=failed.judged.reasons,
        specification=failed.specification,
        equipment_id=event.follow_up.equipment_id,
        timeline=known.timeline,
        process=process.traces,
        history=known.history,
        causes=process.causes,
        similar=process.similar,
        affected_lots=_affected_lots(result, facts),
        instructions=_instructions(event, facts, joined),
        fingerprint=failed.fingerprint,
        compared_with=process.comparison.lots,
        affected=1 + len(known.alike),
        gaps=facts.gaps,
        version=joined.version,
        scope=joined.scope,
        opened_ns=joined.opened_ns,
        results=joined.results,
        result_count=joined.result_count,
        comparison=process.comparison,
        time_zone=facts.line.time_zone.key,
        series=_series(result, failed.specification, facts, joined),
    )


def _joined(event: FollowUpDue, facts: DeviationFacts, result: FailedResult) -> Joined | None:
    """Return the deviation of a result; None of a correction that is inside, of what no deviation knows."""
    known = facts.investigation
    if not result.failed and not any(reason.code in TREND_FLAGS for reason in result.reasons):
        if event.follow_up.material_lot_id is None:
            return mended(result, of_lot=known.of_lot, of_series=known.of_series)
        result = replace(result, failed=True)  # as its lot was judged
    return join(
        result,
        of_lot=known.of_lot,
        of_series=known.of_series,
        in_line_since=known.in_line_since,
        new_id=identity_of("deviation", event.event_id),
    )


def _affected_lots(result: LabResult, facts: DeviationFacts) -> tuple[str, ...]:
    """Return the other lots that a result speaks of, and those that share a material with its lot."""
    lot = result.material_lot_id
    related = () if lot is None else relatives(lot, facts.investigation.uses)
    return tuple(name for name in dict.fromkeys((*result.other_lots, *related)) if name != lot)


def _failed_result(
    result: LabResult, judged: Judged, specification: Specification | None, *, at_ns: int
) -> FailedResult:
    return FailedResult(
        result_id=result.result_id,
        sample_id=result.sample_id,
        test_id=result.test_id,
        analyte=result.analyte,
        replicate=result.replicate,
        value_text=result.value_text,
        value=result.value,
        unit=result.unit,
        material_lot_id=result.material_lot_id,
        sampled_ns=result.sampled_ns,
        joined_ns=at_ns,
        limits=_limits(specification),
        reasons=judged.reasons,
        failed=judged.recommendation is Recommendation.HOLD,
    )


def _limits(specification: Specification | None) -> str:
    if specification is None:
        return ""
    return with_version(limits_text(specification), specification.version)


def _series(
    result: LabResult, specification: Specification | None, facts: DeviationFacts, joined: Joined
) -> tuple[AnalyteSeries, ...]:
    """Return the series of the result's analyte, then those that stood in the version before."""
    newest = AnalyteSeries(
        analyte=result.analyte,
        test_id=result.test_id,
        unit=result.unit,
        lower=None if specification is None else specification.lower,
        upper=None if specification is None else specification.upper,
        limits=_limits(specification),
        points=facts.investigation.history,
    )
    return (newest, *(series for series in joined.series if series.analyte != result.analyte))[:_MOST_SERIES]


def _instructions(event: FollowUpDue, facts: DeviationFacts, joined: Joined) -> tuple[Instruction, ...]:
    """Return the steps of the procedures that apply to any of the results, those of the newest first."""
    result = facts.investigation.result
    product = None if result is None else result.material_definition_id
    applying = (
        instruction
        for failed in reversed(joined.results)
        for instruction in instructions_for(
            facts.line.procedures,
            analyte=failed.analyte,
            product=product,
            failures=[reason.code for reason in failed.reasons],
            equipment=event.follow_up.equipment_id,
        )
    )
    return tuple({instruction.procedure: instruction for instruction in applying}.values())


def _process(own: Fingerprint, facts: DeviationFacts, joined: Joined) -> _Process:
    """Return how the process before the sample compares with that of lots in control, and with earlier deviations."""
    known, tags, windows = facts.investigation, facts.line.tags, tuple(facts.windows.values())
    floors = scatter_floors(windows, tags)
    comparison, lots = compared_lots(own, known.references)
    earlier = (case for case in known.earlier if case.deviation.deviation_id != joined.deviation_id)
    return _Process(
        comparison=comparison,
        traces=traces(windows, lots, tags, floors=floors, telling=known.sensitivities),
        causes=causes_of([own, *known.alike], lots, tags, sensitivities=known.sensitivities, floors=floors),
        similar=nearest(
            own, ((case.deviation, case.done, case.helped) for case in earlier), spread_of(known.references, floors)
        ),
    )


def _audited(deviation: Deviation) -> AuditEntry:
    return AuditEntry(
        kind="deviation_drafted" if deviation.version == 1 else "deviation_grown",
        subject=deviation.deviation_id,
        scope=deviation.result.scope,
        body={"version": deviation.version, "scope": deviation.scope.value, "results": deviation.result_count,
              "result": deviation.result.result_id, "lot": deviation.result.material_lot_id,
              "causes": [cause.name for cause in deviation.causes]},
    )  # fmt: skip
