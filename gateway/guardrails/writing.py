"""The gates of a write to the PLC, all judged again at the instant of the write. Pure.

Two halves: what the records say (``judge_permission``, also within the transaction that begins the write), and what the
plant shows at that instant (``judge_plant``). The value may only lie in the intersection of every limit that is known:
the bundle's, the tag's, the server's EURange and the PLC's own live minimum and maximum. Anything that should be known
and is not refuses the write.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.deadlines import ClockReading
from gateway.guardrails.reasons import Abstention, abstain
from gateway.guardrails.setpoint_gates import ROUNDING, judge_interlocks
from gateway.guardrails.stages import effective_stage
from gateway.latches import mismatch_latch, not_followed_latch
from gateway.line.definition import LineDefinition, ManipulatedTag, ModelAssignment, Stage
from gateway.line.limits import Limits
from gateway.line.setpoint_writes import SetpointWrite
from gateway.records.guidance import Guidance, GuidanceState
from gateway.records.setpoints import SetpointIntent, WriteState
from gateway.records.verdicts import Reason
from gateway.time_units import SECOND_NS


@dataclass(frozen=True, kw_only=True, slots=True)
class Permission:
    """What the records say at an instant.

    ``since_move_ns``: since the gateway last wrote the tag. ``automatic_moves``: of the tag, within the last hour.
    """

    line: LineDefinition
    at: ClockReading
    latches: tuple[str, ...]
    stopped: bool
    guidance: Guidance | None
    since_move_ns: int | None
    automatic_moves: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PlantNow:
    """What the PLC shows at an instant; only values of good quality are in it.

    ``to_write``: the intent's value in the node's exact type, None where the type cannot hold it. ``tags``: setpoint,
    interlocks and stop tag. ``external``: None where the profile names no such node. ``limits_declared``: whether the
    PLC's own minimum and maximum are named by the profile; ``minimum``, ``maximum``: None where not read.
    """

    to_write: float | None
    tags: Mapping[str, float]
    eu_range: Limits | None = None
    external: bool | None = None
    external_declared: bool = False
    limits_declared: tuple[bool, bool] = (False, False)
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Why an intent is not written, and the state that it comes into."""

    state: WriteState
    reason: Reason


def judge_permission(intent: SetpointIntent, permission: Permission) -> Refused | None:
    """Return why the records do not let a move be written now, or None."""
    for gate in (_not_stopped, _not_latched, _not_expired, _approved, _of_a_stage_that_may, _not_too_soon, _in_budget):
        refused = gate(intent, permission)
        if refused is not None:
            return refused
    return None


def judge_plant(intent: SetpointIntent, line: LineDefinition, plant: PlantNow) -> Refused | None:
    """Return why the plant does not let a move be written at this instant, or None."""
    write, manipulated = line.writes.by_tag.get(intent.tag), manipulated_of(intent, line)
    if write is None or manipulated is None:
        return _refuse(Abstention.NOT_WITHIN_LINE, tag=intent.tag)
    case = _Case(intent=intent, line=line, write=write, manipulated=manipulated, plant=plant)
    for gate in PLANT_GATES:
        refused = gate(case)
        if refused is not None:
            return refused
    return None


def limits_of_write(case: "_Case") -> list[Limits]:
    """Return every limit that a value has to keep; the intersection holds."""
    of_tag = case.line.tags[case.intent.tag].validated if case.intent.tag in case.line.tags else None
    plant = case.plant
    of_plc = (
        -math.inf if plant.minimum is None else plant.minimum,
        math.inf if plant.maximum is None else plant.maximum,
    )
    return [limits for limits in (case.manipulated.validated, of_tag, plant.eu_range, of_plc) if limits is not None]


def manipulated_of(intent: SetpointIntent, line: LineDefinition) -> ManipulatedTag | None:
    """Return the intent's tag as the bundle in service names it, None where it does not."""
    model = _model_of(intent, line)
    return None if model is None else next((item for item in model.bundle.manipulated if item.tag == intent.tag), None)


def _model_of(intent: SetpointIntent, line: LineDefinition) -> ModelAssignment | None:
    model = line.model_named(intent.model)
    return model if model is not None and model.bundle.identity.sha256 == intent.model_sha256 else None


def _refuse(code: Abstention, state: WriteState = WriteState.REFUSED, /, **parameters: object) -> Refused:
    return Refused(state=state, reason=abstain(code, **parameters))


# --- what the records say ------------------------------------------------------------------------------------


def _not_stopped(_intent: SetpointIntent, permission: Permission) -> Refused | None:
    return _refuse(Abstention.WRITES_STOPPED, WriteState.STOPPED) if permission.stopped else None


def _not_latched(intent: SetpointIntent, permission: Permission) -> Refused | None:
    codes = (mismatch_latch(intent.tag), not_followed_latch(intent.tag))
    standing = next((code for code in codes if code in permission.latches), None)
    return None if standing is None else _refuse(Abstention.ALARM_STANDS, alarm=standing)


def _not_expired(intent: SetpointIntent, permission: Permission) -> Refused | None:
    if not permission.at.is_past(intent.expires):
        return None
    return _refuse(Abstention.APPROVAL_EXPIRED, WriteState.EXPIRED, tag=intent.tag)


def _approved(intent: SetpointIntent, permission: Permission) -> Refused | None:
    guidance = permission.guidance
    suggestion = None if guidance is None else guidance.suggestion
    if guidance is None or suggestion is None or guidance.guidance_id != intent.guidance_id:
        return _refuse(Abstention.NOT_APPROVED, tag=intent.tag, state="unknown")
    if guidance.state is not GuidanceState.APPROVED:
        return _refuse(Abstention.NOT_APPROVED, tag=intent.tag, state=guidance.state.value)
    if (suggestion.tag, suggestion.proposed, suggestion.current) != (intent.tag, intent.to_value, intent.from_value):
        return _refuse(Abstention.NOT_APPROVED, tag=intent.tag, state="another move")
    return None


def _of_a_stage_that_may(intent: SetpointIntent, permission: Permission) -> Refused | None:
    model = _model_of(intent, permission.line)
    write = permission.line.writes.by_tag.get(intent.tag)
    if model is None:
        return _refuse(Abstention.MODEL_NOT_IN_SERVICE, model=intent.model)
    stage = effective_stage(model, permission.latches)
    needed = Stage.AUTOMATIC if intent.automatic else Stage.APPROVE
    if stage < needed or (intent.automatic and (write is None or not write.low_risk)):
        return _refuse(Abstention.STAGE_TOO_LOW, stage=stage.name.lower())
    return None


def _not_too_soon(intent: SetpointIntent, permission: Permission) -> Refused | None:
    manipulated = manipulated_of(intent, permission.line)
    elapsed_ns = permission.since_move_ns
    if manipulated is None or elapsed_ns is None:
        return None
    if elapsed_ns >= manipulated.minimum_interval_ns:
        return None
    return _refuse(
        Abstention.TOO_SOON,
        tag=intent.tag,
        elapsed_seconds=elapsed_ns / SECOND_NS,
        minimum_seconds=manipulated.minimum_interval_ns / SECOND_NS,
    )


def _in_budget(intent: SetpointIntent, permission: Permission) -> Refused | None:
    write = permission.line.writes.by_tag.get(intent.tag)
    most = 0 if write is None else write.moves_per_hour
    if not intent.automatic or permission.automatic_moves < most:
        return None
    return _refuse(Abstention.BUDGET_SPENT, tag=intent.tag, moves=permission.automatic_moves, most=most)


# --- what the plant shows --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    intent: SetpointIntent
    line: LineDefinition
    write: SetpointWrite
    manipulated: ManipulatedTag
    plant: PlantNow


def _stop_tag_is_off(case: _Case) -> Refused | None:
    stop_tag = case.line.writes.stop_tag
    if stop_tag is None or case.plant.tags.get(stop_tag) == 0.0:
        return None
    return _refuse(Abstention.STOP_TAG, WriteState.STOPPED, tag=stop_tag)


def _plc_listens(case: _Case) -> Refused | None:
    if not case.plant.external_declared or case.plant.external is True:
        return None
    return _refuse(Abstention.OPERATOR_MODE, WriteState.OVERRIDDEN, tag=case.intent.tag)


def _not_moved_by_others(case: _Case) -> Refused | None:
    tag, current = case.intent.tag, case.plant.tags.get(case.intent.tag)
    if current is None or not math.isfinite(current):
        return _refuse(Abstention.SETPOINT_UNKNOWN, tag=tag)
    if abs(current - case.intent.from_value) <= case.manipulated.resolution / 2:
        return None
    return _refuse(
        Abstention.MOVED_BY_OTHERS, WriteState.OVERRIDDEN, tag=tag, current=current, expected=case.intent.from_value
    )


def _suggested_at_all(case: _Case) -> Refused | None:
    return None if case.manipulated.may_suggest else _refuse(Abstention.REACTION_NOT_SHOWN, tag=case.intent.tag)


def _interlocks_hold(case: _Case) -> Refused | None:
    reason = judge_interlocks(case.manipulated, case.plant.tags)
    return None if reason is None else Refused(state=WriteState.REFUSED, reason=reason)


def _fits_the_type(case: _Case) -> Refused | None:
    value = case.plant.to_write
    if value is None or not math.isfinite(value):
        return _refuse(Abstention.TYPE_DOES_NOT_FIT, tag=case.intent.tag, proposed=case.intent.to_value)
    # a type of fewer digits may round, but never to another move
    if abs(value - case.intent.to_value) > min(case.write.tolerance, case.manipulated.resolution / 2):
        return _refuse(Abstention.TYPE_DOES_NOT_FIT, tag=case.intent.tag, proposed=case.intent.to_value)
    return None


def _plc_limits_known(case: _Case) -> Refused | None:
    plant = case.plant
    read = zip(plant.limits_declared, (plant.minimum, plant.maximum), strict=True)
    if all(not declared or (value is not None and math.isfinite(value)) for declared, value in read):
        return None
    return _refuse(Abstention.PLC_LIMITS_UNKNOWN, tag=case.intent.tag)


def _within_every_limit(case: _Case) -> Refused | None:
    value = math.nan if case.plant.to_write is None else case.plant.to_write
    for lower, upper in limits_of_write(case):
        if not lower <= value <= upper:
            return _refuse(
                Abstention.SETPOINT_OUTSIDE_RANGE, tag=case.intent.tag, proposed=value, lower=lower, upper=upper
            )
    return None


def _step_small_enough(case: _Case) -> Refused | None:
    step = abs((case.plant.to_write or 0.0) - case.plant.tags[case.intent.tag])
    if step <= case.manipulated.max_step * (1 + ROUNDING):
        return None
    return _refuse(Abstention.STEP_TOO_LARGE, tag=case.intent.tag, step=step, max_step=case.manipulated.max_step)


PLANT_GATES: tuple[Callable[[_Case], Refused | None], ...] = (
    _stop_tag_is_off, _plc_listens, _not_moved_by_others, _suggested_at_all, _interlocks_hold, _fits_the_type,
    _plc_limits_known, _within_every_limit, _step_small_enough,
)  # fmt: skip
