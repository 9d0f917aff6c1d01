"""What an approval leaves to be written, and what stage ``automatic`` approves by itself. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from gateway.contract.identity import identity_of
from gateway.deadlines import ClockReading, Deadline
from gateway.guardrails.stages import effective_stage
from gateway.line.definition import LineDefinition, ModelAssignment, Stage
from gateway.line.setpoint_writes import SetpointWrite
from gateway.records.guidance import AskedAgain, Guidance, GuidanceKind, GuidanceState
from gateway.records.setpoints import AUTOMATIC, SetpointIntent, WritesOfModel
from gateway.setpoints.kept_back import is_kept_back

_ASKED_AGAIN = frozenset(why.value for why in AskedAgain)


def intent_of(
    guidance: Guidance,
    *,
    approved_by: str,
    approval: str,
    at: ClockReading,
    line: LineDefinition,
    latches: Iterable[str],
) -> SetpointIntent | None:
    """Return the intent that an approved suggestion leaves; None where the gateway does not write it.

    It is made once for a guidance: its id follows from the guidance's.
    """
    suggestion, predicted = guidance.suggestion, guidance.predicted
    if guidance.state is not GuidanceState.APPROVED or suggestion is None or predicted is None:
        return None
    write, model = line.writes.by_tag.get(suggestion.tag), line.model_named(predicted.model.name)
    needed = Stage.AUTOMATIC if approved_by == AUTOMATIC else Stage.APPROVE
    if write is None or model is None or effective_stage(model, latches) < needed:
        return None
    return SetpointIntent(
        intent_id=identity_of("setpoint-intent", guidance.guidance_id),
        guidance_id=guidance.guidance_id,
        tag=suggestion.tag,
        unit=suggestion.unit,
        from_value=suggestion.current,
        to_value=suggestion.proposed,
        model=model.name,
        model_sha256=predicted.model.sha256,
        analyte=predicted.analyte,
        expected_value=suggestion.expected_value,
        expected_low=suggestion.expected_low,
        expected_high=suggestion.expected_high,
        approved_by=approved_by,
        approval=approval,
        issued_ns=at.wall_ns,
        expires=_sooner(guidance.expires, at.after(write.valid_ns), at),
    )


def _sooner(first: Deadline | None, second: Deadline, at: ClockReading) -> Deadline:
    return first if first is not None and at.remaining_ns(first) < at.remaining_ns(second) else second


def approved_by_itself(
    guidance: tuple[Guidance, ...], model: ModelAssignment, line: LineDefinition, writes: WritesOfModel
) -> tuple[Guidance, ...]:
    """Return guidance in which new suggestions are approved that stage ``automatic`` may write without a person.

    Only those of tags declared as low risk, within the budget, while nothing is stopped or under way; and none that a
    person has rejected before, or that speaks against what an operator or the plant did with the last one.
    ``model``: with its effective stage.
    """
    if model.stage < Stage.AUTOMATIC or writes.stopped:
        return guidance
    return tuple(
        replace(item, state=GuidanceState.APPROVED) if _may_go(item, model, line, writes) else item for item in guidance
    )


def _may_go(guidance: Guidance, model: ModelAssignment, line: LineDefinition, writes: WritesOfModel) -> bool:
    suggestion = guidance.suggestion
    if guidance.kind is not GuidanceKind.SETPOINT or guidance.state is not GuidanceState.PROPOSED or suggestion is None:
        return False
    write: SetpointWrite | None = line.writes.by_tag.get(suggestion.tag)
    if write is None or not write.low_risk or guidance.signature or suggestion.tag in writes.under_way:
        return False
    if suggestion.tag in writes.alarmed or any(reason.code in _ASKED_AGAIN for reason in guidance.reasons):
        return False
    manipulated = next((item for item in model.bundle.manipulated if item.tag == suggestion.tag), None)
    if manipulated is None or is_kept_back(writes.last.get(suggestion.tag), guidance, manipulated):
        return False
    return writes.automatic_moves.get(suggestion.tag, 0) < write.moves_per_hour
