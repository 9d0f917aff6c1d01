"""The states of an alarm as a table, after ISA-18.2: active and acknowledged are two memories. Pure.

That an alarm is shelved, suppressed by design or out of service is a third one: meanwhile the two go on, and when it
ends, an alarm that is active calls as if it were new.
"""

from collections.abc import Mapping
from dataclasses import replace

from gateway.advice.lifecycle import OPEN
from gateway.records.alarms import Alarm, AlarmChange, AlarmChanged, Suppression
from gateway.records.guidance import Attention, Guidance, GuidanceKind, GuidanceState, Severity

GATEWAY, WARNING, HOLD = "gateway", "warning", "hold"

_Memories = tuple[bool, bool]  # active, acknowledged
_NORMAL, _NEW, _SEEN, _GONE = (False, True), (True, False), (True, True), (False, False)
# what follows from each state; what is not named changes nothing
MEMORIES: Mapping[tuple[_Memories, AlarmChange], _Memories] = {
    (_NORMAL, AlarmChange.RAISED): _NEW,
    (_GONE, AlarmChange.RAISED): _NEW,
    (_SEEN, AlarmChange.RAISED): _NEW,
    (_NEW, AlarmChange.RAISED): _NEW,
    (_NORMAL, AlarmChange.ACTIVE): _NEW,
    (_GONE, AlarmChange.ACTIVE): _NEW,
    (_NEW, AlarmChange.ACKNOWLEDGED): _SEEN,
    (_GONE, AlarmChange.ACKNOWLEDGED): _NORMAL,
    (_NEW, AlarmChange.RETURNED): _GONE,
    (_SEEN, AlarmChange.RETURNED): _NORMAL,
}
SUPPRESSIONS: Mapping[tuple[Suppression, AlarmChange], Suppression] = {
    (Suppression.NONE, AlarmChange.SHELVED): Suppression.SHELVED,
    (Suppression.SHELVED, AlarmChange.SHELVED): Suppression.SHELVED,  # for another time
    (Suppression.SHELVED, AlarmChange.UNSHELVED): Suppression.NONE,
    (Suppression.NONE, AlarmChange.SUPPRESSED): Suppression.BY_DESIGN,
    (Suppression.BY_DESIGN, AlarmChange.UNSUPPRESSED): Suppression.NONE,
    (Suppression.NONE, AlarmChange.TAKEN_OUT_OF_SERVICE): Suppression.OUT_OF_SERVICE,
    (Suppression.SHELVED, AlarmChange.TAKEN_OUT_OF_SERVICE): Suppression.OUT_OF_SERVICE,
    (Suppression.BY_DESIGN, AlarmChange.TAKEN_OUT_OF_SERVICE): Suppression.OUT_OF_SERVICE,
    (Suppression.OUT_OF_SERVICE, AlarmChange.RETURNED_TO_SERVICE): Suppression.NONE,
}


def after(alarm: Alarm, change: AlarmChange, *, at_ns: int) -> Alarm | None:
    """Return an alarm after a change, None where the change is not possible in its state.

    What becomes unsuppressed while it is active is new to people; what has returned meanwhile needs nobody any more.
    """
    memories = MEMORIES.get(((alarm.active, alarm.acknowledged), change))
    if memories is not None:
        active, acknowledged = memories
        began = at_ns if active and not alarm.active else alarm.since_ns
        group_id = None if change is AlarmChange.RAISED else alarm.group_id
        return replace(alarm, active=active, acknowledged=acknowledged, since_ns=began, group_id=group_id)
    suppression = SUPPRESSIONS.get((alarm.suppression, change))
    if suppression is None:
        return None
    if suppression is Suppression.NONE:
        return replace(
            alarm, suppression=suppression, until_ns=None, reason="", person="", acknowledged=not alarm.active
        )
    return replace(alarm, suppression=suppression)


def alarm_id_of(guidance: Guidance) -> str | None:
    """Return by which name the alarm of a guidance is kept; None where it is no alarm."""
    if guidance.kind is GuidanceKind.WARNING and guidance.predicted is not None:
        return f"{WARNING}/{guidance.equipment_id}/{guidance.predicted.model.name}/{guidance.analyte}"
    if guidance.kind is GuidanceKind.HOLD:
        subject = guidance.material_lot_id or (None if guidance.measured is None else guidance.measured.sample_id)
        return f"{HOLD}/{subject}/{guidance.analyte}"
    return None


def gateway_alarm_id(code: str) -> str:
    """Return by which name an alarm of the gateway itself is kept."""
    return f"{GATEWAY}/{code}"


def changes_of_guidance(before: Alarm | None, guidance: Guidance, *, at_ns: int) -> tuple[AlarmChanged, ...]:
    """Return what a guidance, as it is now, changes of its alarm."""
    alarm_id = alarm_id_of(guidance)
    if alarm_id is None:
        return ()
    alarm = Alarm(alarm_id=alarm_id, title=guidance.title, severity=guidance.severity, position=guidance.role)
    if before is not None:
        alarm = replace(before, title=guidance.title, severity=guidance.severity, position=guidance.role)
    alarm = replace(alarm, guidance_id=guidance.guidance_id)
    if guidance.state not in OPEN:
        return _ended(before, alarm, guidance, at_ns)
    changed = []
    critical = guidance.severity is Severity.CRITICAL
    if critical and alarm.suppression is not Suppression.NONE:  # what is critical is not kept from calling
        by_design = alarm.suppression is Suppression.BY_DESIGN
        alarm = replace(alarm, suppression=Suppression.NONE, until_ns=None, reason="", person="")
        ended = AlarmChange.UNSUPPRESSED if by_design else AlarmChange.UNSHELVED
        changed.append(AlarmChanged(alarm=alarm, change=ended))
    calls = guidance.attention is Attention.NEW and guidance.announced_ns == at_ns
    if guidance.state is GuidanceState.PROPOSED and (calls or not alarm.active):
        change = AlarmChange.RAISED if calls else AlarmChange.ACTIVE
    elif critical and before is not None and before.severity is not Severity.CRITICAL:
        changed.append(AlarmChanged(alarm=alarm, change=AlarmChange.ESCALATED))
        return tuple(changed)
    else:
        change = AlarmChange.ACKNOWLEDGED
        if guidance.state is GuidanceState.PROPOSED:
            return tuple(changed)
    now = after(alarm, change, at_ns=at_ns)
    return (*changed, AlarmChanged(alarm=now, change=change)) if now is not None else tuple(changed)


def _ended(before: Alarm | None, alarm: Alarm, guidance: Guidance, at_ns: int) -> tuple[AlarmChanged, ...]:
    """Return that an alarm has returned; one whose guidance is replaced goes on, and a hold needs no second look."""
    others = before is None or before.guidance_id != guidance.guidance_id
    if others or not alarm.active or guidance.state is GuidanceState.SUPERSEDED:
        return ()
    if guidance.state is GuidanceState.REJECTED:  # its condition stands, and a person knows of it
        known = after(alarm, AlarmChange.ACKNOWLEDGED, at_ns=at_ns) or alarm
        return (AlarmChanged(alarm=known, change=AlarmChange.ACKNOWLEDGED),)
    returned = after(alarm, AlarmChange.RETURNED, at_ns=at_ns)
    if returned is None:
        return ()
    seen = guidance.kind is GuidanceKind.HOLD or returned.acknowledged
    return (AlarmChanged(alarm=replace(returned, acknowledged=seen), change=AlarmChange.RETURNED),)
