"""Writes to the PLC: begun only where the records still let them, ended with what was read back, followed, stopped."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from gateway.advice.lifecycle import OPEN, moved, withdrawn
from gateway.contract.times import rfc3339
from gateway.decision import Decision, Latched
from gateway.decisions.changes import audit_entry, guidance_changes
from gateway.events import ActRequested, ResponseArrived, SetpointWriteBegun, SetpointWriteEnded, TimerDue
from gateway.facts.setpoint_write import FollowFacts, StopFacts, WriteFacts
from gateway.guardrails.writing import Permission, judge_permission
from gateway.latches import mismatch_latch, not_followed_latch
from gateway.people.rights import RIGHTS
from gateway.records.act_kinds import ActKind
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ResumeWrites, done, refused
from gateway.records.guidance import Guidance, GuidanceState
from gateway.records.people import Act, Answerer, Outcome
from gateway.records.setpoints import (
    FOLLOWING_WRITES,
    OPEN_WRITES,
    IntentMoved,
    SetpointIntent,
    SetpointOutcome,
    WritesSwitched,
    WriteState,
)

_ALARMS: Mapping[WriteState, Callable[[str], str]] = {
    WriteState.MISMATCH: mismatch_latch,
    WriteState.NOT_TAKEN: mismatch_latch,
    WriteState.NOT_FOLLOWED: not_followed_latch,
}

_STANDS = frozenset({WriteState.FOLLOWING, WriteState.WRITTEN})  # the setpoint stands at the proposed value


def on_write_begun(event: SetpointWriteBegun, facts: WriteFacts) -> Decision:
    """Let a write begin, where everything on record allows it at this instant; else close the intent.

    Only after this is committed may the PLC be written: a crash later leaves an intent that says so.
    """
    intent = facts.intent
    if intent is None or facts.state is not WriteState.OPEN:
        return Decision()
    refusal = judge_permission(intent, _permission(event, facts))
    if refusal is not None:
        closed = IntentMoved(
            intent_id=intent.intent_id, tag=intent.tag, state=refusal.state, before=event.before, reason=refusal.reason
        )
        return _moved(closed, intent, event, facts)
    begun = IntentMoved(intent_id=intent.intent_id, tag=intent.tag, state=WriteState.WRITING, before=event.before)
    return _moved(begun, intent, event, facts)


def on_write_ended(event: SetpointWriteEnded, facts: WriteFacts) -> Decision:
    """Put on record what came of a write; the guidance is applied or withdrawn, and a mismatch latches an alarm."""
    intent, state = facts.intent, facts.state
    if intent is None or state is None or event.state not in FOLLOWING_WRITES.get(state, frozenset()):
        return Decision()
    write = facts.line.writes.by_tag.get(intent.tag)
    followed = event.state is WriteState.FOLLOWING and write is not None
    record = IntentMoved(
        intent_id=intent.intent_id,
        tag=intent.tag,
        state=event.state,
        before=event.before,
        written=event.written,
        read_back=event.read_back,
        feedback=event.feedback,
        follow_until=event.at.after(write.feedback_within_ns) if followed and write is not None else None,
        reason=event.reason,
    )
    return _moved(record, intent, event, facts)


def _permission(event: SetpointWriteBegun, facts: WriteFacts) -> Permission:
    return Permission(
        line=facts.line,
        at=event.at,
        latches=facts.latches,
        stopped=facts.stopped,
        guidance=facts.guidance,
        since_move_ns=facts.since_move_ns,
        automatic_moves=facts.automatic_moves,
    )


def _moved(
    record: IntentMoved, intent: SetpointIntent, event: SetpointWriteBegun | SetpointWriteEnded, facts: WriteFacts
) -> Decision:
    entry = audit_entry(
        "setpoint_write",
        intent.intent_id,
        tag=intent.tag,
        state=record.state.value,
        approved_by=intent.approved_by,
        guidance=intent.guidance_id,
        wanted=intent.to_value,
        before=record.before,
        written=record.written,
        read_back=record.read_back,
        feedback=record.feedback,
        reason=None if record.reason is None else record.reason.text,
    )
    decided = Decision(records=(record,), audit=(entry,)) + _alarm(record, facts)
    changed = _guidance_after(record, facts.guidance)
    return decided + guidance_changes((changed,) if changed else (), event, facts)


def _alarm(record: IntentMoved, facts: WriteFacts) -> Decision:
    """Return the alarm that stands until a person has looked, where a state asks for one and it does not stand yet."""
    code = _ALARMS[record.state](record.tag) if record.state in _ALARMS else None
    if code is None or code in facts.latches:
        return Decision()
    details = {"intent": record.intent_id, "written": record.written, "read_back": record.read_back}
    details |= {} if record.feedback is None else {"feedback": record.feedback}
    return Decision(records=(Latched(code=code, details=details),))


def _guidance_after(record: IntentMoved, guidance: Guidance | None) -> Guidance | None:
    """Return the guidance as it is after its write, None where it stays as it is."""
    if guidance is None or guidance.state not in OPEN:
        return None
    if record.state in _STANDS:
        return moved(guidance, GuidanceState.APPLIED)
    if record.state in OPEN_WRITES:
        return None
    stands = guidance.state is GuidanceState.APPLIED and record.state is not WriteState.NOT_FOLLOWED
    return None if stands else withdrawn(guidance, record.reason)


# --- followed ----------------------------------------------------------------------------------------------


def on_follow_due(_event: TimerDue, facts: FollowFacts) -> Decision:
    """Put on record what came of moves: whether prediction and laboratory say what was expected."""
    outcomes = tuple(
        SetpointOutcome(
            intent_id=move.intent.intent_id,
            followed=move.followed,
            by=move.by,
            expected=move.intent.expected_value,
            value=move.value,
            as_expected=move.intent.expected_low <= move.value <= move.intent.expected_high,
        )
        for move in facts.moves
    )
    audit = tuple(audit_entry("setpoint_outcome", item.intent_id, **_without_id(item)) for item in outcomes)
    return Decision(records=outcomes, audit=audit)


def _without_id(outcome: SetpointOutcome) -> dict[str, Any]:
    return {name: value for name, value in asdict(outcome).items() if name != "intent_id"}


# --- stopped -----------------------------------------------------------------------------------------------


def on_stop_writes(event: ActRequested, facts: StopFacts) -> Decision:
    """Stop all writing at once. What has not begun is not written any more; advice goes on.

    A stop that stands is joined by another: who it was, and why, is on record and shown before writing goes on.
    """
    if facts.stop is None:
        return _switched(event, stopped=True)
    joined = (facts.stop.person, facts.stop.reason) != (event.person, event.reason)
    on_record = _switched(event, stopped=True) if joined else Decision()
    return replace(on_record, answer=done(already=True))


def on_resume_writes(event: ActRequested, facts: StopFacts) -> Decision:
    """Allow writing again; what was refused meanwhile stays refused, and no stop is lifted that was not shown."""
    act, stop = event.act, facts.stop
    assert isinstance(act, ResumeWrites)  # noqa: S101 - its row in the table says so
    if stop is None:
        return Decision(answer=refused(ActRefusal.WRITING_NOT_STOPPED))
    at = rfc3339(stop.at_ns)
    if act.stopped_at != at:
        return Decision(answer=refused(ActRefusal.OTHER_STOP_STANDS, person=stop.person, at=at, reason=stop.reason))
    return _switched(event, stopped=False)


def stopped_by_response(event: ResponseArrived, by: Answerer) -> tuple[Outcome, Decision]:
    """Return the outcome of a terminal's answer to all writing, and what follows: a signed rejection stops it."""
    response = event.response
    if not by.identified:
        return Outcome.TOKEN_REQUIRED, Decision()
    if response.act is not Act.REJECT:
        return Outcome.UNKNOWN_GUIDANCE, Decision()
    if RIGHTS[ActKind.STOP_WRITES].isdisjoint(by.roles):
        return Outcome.ROLE_NOT_ENTITLED, Decision()
    if not (response.reason or "").strip():
        return Outcome.REASON_REQUIRED, Decision()
    record = WritesSwitched(stopped=True, person=by.name or "", reason=response.reason or "")
    entry = audit_entry("writes_stopped", "setpoints", person=by.name, user=by.user_id, reason=response.reason,
                        terminal=response.terminal, credential=by.credential)  # fmt: skip
    return Outcome.REJECTED, Decision(records=(record,), audit=(entry,))


def _switched(event: ActRequested, *, stopped: bool) -> Decision:
    record = WritesSwitched(stopped=stopped, person=event.person, reason=event.reason)
    kind = "writes_stopped" if stopped else "writes_resumed"
    return Decision(
        records=(record,),
        audit=(audit_entry(kind, "setpoints", person=event.person, reason=event.reason),),
        answer=done(),
    )
