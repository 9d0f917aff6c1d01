"""Alarms: the gateway's own come and go, and people acknowledge, shelve and take out of service (ISA-18.2)."""

from dataclasses import replace

from gateway.advice.alarm_acts import always_calls
from gateway.advice.alarm_states import after
from gateway.advice.gateway_alarm_groups import head_of, stands_for_others
from gateway.advice.gateway_alarms import gateway_alarm
from gateway.advice.lifecycle import moved
from gateway.advice.suppression import covers
from gateway.decision import Decision
from gateway.decisions.changes import audit_entry, guidance_changes
from gateway.events import ActRequested, GatewayAlarmChanged, TimerDue
from gateway.facts.alarms import AlarmActFacts, AlarmFacts, ShelvesFacts
from gateway.line.alarm_rules import SuppressionRule
from gateway.people.answers import may_answer
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import (
    Acknowledge,
    AlarmAct,
    Answer,
    ReturnToService,
    Shelve,
    TakeOutOfService,
    Unshelve,
    done,
    refused,
)
from gateway.records.alarms import Alarm, AlarmChange, AlarmChanged, Suppression
from gateway.records.guidance import GuidanceState, RejectionOver
from gateway.records.people import Act
from gateway.time_units import SECOND_NS, seconds_to_ns


def on_gateway_alarm(event: GatewayAlarmChanged, facts: AlarmFacts) -> Decision:
    """Put on record that an alarm of the gateway stands, or no longer does.

    One of a server or of the broker, of which another has just called, stands below that one; it calls once it is left
    alone.
    """
    alarm = facts.alarm or gateway_alarm(event.code, latched=event.latched)
    if event.stands == alarm.active and not (event.stands and _is_left_alone(alarm, facts)):
        return Decision()
    rule = next((rule for rule in facts.suppressing if covers(rule, alarm)), None)
    period_ns = facts.line.rationing.period_ns
    head = None if alarm.active else head_of(alarm, facts.others, at_ns=event.at_ns, period_ns=period_ns)
    calls = alarm.suppression is Suppression.NONE and rule is None and head is None
    begins = AlarmChange.RAISED if calls else AlarmChange.ACTIVE
    change = begins if event.stands else AlarmChange.RETURNED
    now = after(alarm, change, at_ns=event.at_ns)
    if now is None:
        return Decision()
    if head is not None:
        now = replace(now, group_id=head.alarm_id)
    if alarm.latched and not event.stands:  # a person has taken it down, and so has seen it
        now = replace(now, acknowledged=True)
    changed = AlarmChanged(alarm=now, change=change)
    kept_back = suppressed(now, rule, at_ns=event.at_ns) if event.stands and rule is not None else None
    return Decision(records=(changed,)) + (kept_back or Decision())


def _is_left_alone(alarm: Alarm, facts: AlarmFacts) -> bool:
    """Return whether the alarm below which one stands no longer calls for it."""
    head = next((other for other in facts.others if other.alarm_id == alarm.group_id), None)
    return alarm.group_id is not None and not stands_for_others(head)


def on_end_shelves(_event: TimerDue, facts: ShelvesFacts) -> Decision:
    """Take alarms from the shelf whose time is over; active ones call, unless suppressed by design."""
    decided = Decision()
    for alarm in facts.ended:
        rule = next((rule for rule in facts.suppressing if covers(rule, alarm)), None)
        off_shelf = after(alarm, AlarmChange.UNSHELVED, at_ns=_event.at_ns)
        kept_back = None if rule is None or off_shelf is None else suppressed(off_shelf, rule, at_ns=_event.at_ns)
        if kept_back is not None and off_shelf is not None:
            decided += Decision(records=(AlarmChanged(alarm=off_shelf, change=AlarmChange.UNSHELVED),)) + kept_back
        else:
            decided += unsuppressed(alarm, AlarmChange.UNSHELVED, at_ns=_event.at_ns)
        decided += Decision(audit=(audit_entry("alarm_unshelved", alarm.alarm_id, because="its time is over"),))
    for name in facts.rejections:
        decided += Decision(records=(RejectionOver(name=name),), audit=(audit_entry("rejection_over", name),))
    return decided


def on_acknowledge(event: ActRequested, facts: AlarmActFacts) -> Decision:
    """Note that a person has seen an alarm; of a guidance, the guidance is acknowledged."""
    act = _alarm_act(event)
    alarm = facts.alarm
    if alarm is None:
        return Decision(answer=_unknown(act))
    if alarm.latched and alarm.active:
        return Decision(answer=refused(ActRefusal.ALARM_UNTIL_TAKEN_DOWN, alarm=alarm.alarm_id))
    now = after(alarm, AlarmChange.ACKNOWLEDGED, at_ns=event.at_ns)
    if now is None:
        return Decision(answer=refused(ActRefusal.ALARM_ACKNOWLEDGED_ALREADY, alarm=alarm.alarm_id))
    entry = audit_entry("alarm_acknowledged", alarm.alarm_id, person=event.person, reason=event.reason)
    guidance = facts.guidance
    roles = () if facts.actor is None else facts.actor.roles
    if guidance is not None and not may_answer(guidance.kind, Act.ACKNOWLEDGE, required=guidance.role, roles=roles):
        return Decision(answer=refused(ActRefusal.ALARM_OF_THE_LINE, alarm=alarm.alarm_id))
    if guidance is not None and guidance.state is GuidanceState.PROPOSED:
        seen = moved(guidance, GuidanceState.ACKNOWLEDGED)
        changed = guidance_changes(() if seen is None else (seen,), event, facts)
        return changed + Decision(audit=(entry,), answer=done(state=now.state.value))
    by_person = replace(now, person=event.person)
    record = AlarmChanged(alarm=by_person, change=AlarmChange.ACKNOWLEDGED)
    seen_with_it = _acknowledged_below(event, facts)
    return Decision(records=(record,), audit=(entry,), answer=done(state=now.state.value)) + seen_with_it


def _acknowledged_below(event: ActRequested, facts: AlarmActFacts) -> Decision:
    """Return the alarms below one as acknowledged with it: it has called for them, and they are shown below it."""
    decided = Decision()
    for alarm in facts.below:
        now = after(alarm, AlarmChange.ACKNOWLEDGED, at_ns=event.at_ns)
        if now is not None and alarm.suppression is Suppression.NONE:
            entry = audit_entry("alarm_acknowledged", alarm.alarm_id, person=event.person, reason=event.reason,
                                below=alarm.group_id)  # fmt: skip
            changed = AlarmChanged(alarm=replace(now, person=event.person), change=AlarmChange.ACKNOWLEDGED)
            decided += Decision(records=(changed,), audit=(entry,))
    return decided


def on_shelve(event: ActRequested, facts: AlarmActFacts) -> Decision:
    """Keep an alarm from calling for a time."""
    act = _alarm_act(event)
    assert isinstance(act, Shelve)  # noqa: S101 - its row in the table says so
    longest = facts.line.rationing.longest_shelve_ns / SECOND_NS
    if not 0 < act.seconds <= longest:
        return Decision(answer=refused(ActRefusal.SHELVE_NEEDS_END, longest_seconds=longest))
    until_ns = event.at_ns + seconds_to_ns(act.seconds)
    return _suppressed(event, facts, AlarmChange.SHELVED, until_ns=until_ns)


def on_take_out_of_service(event: ActRequested, facts: AlarmActFacts) -> Decision:
    """Keep an alarm from calling until somebody returns it to service."""
    return _suppressed(event, facts, AlarmChange.TAKEN_OUT_OF_SERVICE, until_ns=None)


def on_unshelve(event: ActRequested, facts: AlarmActFacts) -> Decision:
    """Take an alarm from the shelf."""
    return _restored(event, facts, AlarmChange.UNSHELVED)


def on_return_to_service(event: ActRequested, facts: AlarmActFacts) -> Decision:
    """Return an alarm to service."""
    return _restored(event, facts, AlarmChange.RETURNED_TO_SERVICE)


def _suppressed(event: ActRequested, facts: AlarmActFacts, change: AlarmChange, *, until_ns: int | None) -> Decision:
    act, alarm = _alarm_act(event), facts.alarm
    if alarm is None:
        return Decision(answer=_unknown(act))
    if always_calls(alarm):
        return Decision(answer=refused(ActRefusal.CRITICAL_NOT_SUPPRESSED, alarm=alarm.alarm_id))
    now = after(alarm, change, at_ns=event.at_ns)
    if now is None:
        return Decision(answer=_in_other_state(alarm))
    now = replace(now, until_ns=until_ns, reason=event.reason, person=event.person)
    entry = audit_entry(f"alarm_{change.value}", alarm.alarm_id, person=event.person, reason=event.reason,
                        until_ns=until_ns)  # fmt: skip
    return Decision(
        records=(AlarmChanged(alarm=now, change=change),), audit=(entry,), answer=done(state=now.state.value)
    )


def _restored(event: ActRequested, facts: AlarmActFacts, change: AlarmChange) -> Decision:
    act, alarm = _alarm_act(event), facts.alarm
    if alarm is None:
        return Decision(answer=_unknown(act))
    decided = unsuppressed(alarm, change, at_ns=event.at_ns)
    if not decided.records:
        return Decision(answer=_in_other_state(alarm))
    entry = audit_entry(f"alarm_{change.value}", alarm.alarm_id, person=event.person, reason=event.reason)
    return decided + Decision(audit=(entry,), answer=done())


def suppressed(alarm: Alarm, rule: SuppressionRule, *, at_ns: int) -> Decision | None:
    """Return an active alarm as a rule suppresses it by design; None where it already is kept back, or not active."""
    now = after(alarm, AlarmChange.SUPPRESSED, at_ns=at_ns) if alarm.active else None
    if now is None:
        return None
    record = AlarmChanged(alarm=replace(now, reason=rule.name), change=AlarmChange.SUPPRESSED)
    return Decision(records=(record,), audit=(audit_entry("alarm_suppressed", alarm.alarm_id, rule=rule.name),))


def unsuppressed(alarm: Alarm, change: AlarmChange, *, at_ns: int) -> Decision:
    """Return an alarm as it is no longer kept from calling; one of the gateway that is active calls at once.

    A warning calls by its guidance, which is made known with what else waits.
    """
    now = after(alarm, change, at_ns=at_ns)
    if now is None:
        return Decision()
    records = [AlarmChanged(alarm=now, change=change)]
    if now.active and now.guidance_id is None:
        records.append(AlarmChanged(alarm=now, change=AlarmChange.RAISED))
    return Decision(records=tuple(records))


def _alarm_act(event: ActRequested) -> AlarmAct:
    act = event.act
    assert isinstance(act, Acknowledge | Shelve | Unshelve | TakeOutOfService | ReturnToService)  # noqa: S101 - its row
    return act


def _unknown(act: AlarmAct) -> Answer:
    return refused(ActRefusal.ALARM_NOT_STANDING, alarm=act.alarm_id)


def _in_other_state(alarm: Alarm) -> Answer:
    return refused(ActRefusal.ALARM_IN_OTHER_STATE, alarm=alarm.alarm_id, alarm_state=alarm.state.value)
