"""What people can do about an alarm in its state: one list for decisions, commands and pages. Pure."""

from gateway.advice.alarm_states import GATEWAY, HOLD, MEMORIES, SUPPRESSIONS
from gateway.records.act_kinds import ActKind
from gateway.records.alarms import Alarm, AlarmChange
from gateway.records.guidance import Severity

_BY_MEMORY = {ActKind.ACKNOWLEDGE: AlarmChange.ACKNOWLEDGED}
_KEEP_FROM_CALLING = {
    ActKind.SHELVE: AlarmChange.SHELVED,
    ActKind.TAKE_OUT_OF_SERVICE: AlarmChange.TAKEN_OUT_OF_SERVICE,
}
_LET_CALL_AGAIN = {
    ActKind.UNSHELVE: AlarmChange.UNSHELVED,
    ActKind.RETURN_TO_SERVICE: AlarmChange.RETURNED_TO_SERVICE,
}


def always_calls(alarm: Alarm) -> bool:
    """Return whether an alarm is never kept from calling: what is critical, latched, or a hold."""
    return alarm.latched or alarm.severity is Severity.CRITICAL or alarm.alarm_id.startswith(f"{HOLD}/")


def acts_possible(alarm: Alarm) -> tuple[ActKind, ...]:
    """Return the acts that the state of an alarm allows, the nearest first; who may do them is another question."""
    if alarm.latched and alarm.active:
        return (ActKind.ACKNOWLEDGE_ALARM,) if alarm.alarm_id.startswith(f"{GATEWAY}/") else ()
    memories = (alarm.active, alarm.acknowledged)
    possible = [kind for kind, change in _BY_MEMORY.items() if (memories, change) in MEMORIES]
    suppressing = {} if always_calls(alarm) else _KEEP_FROM_CALLING
    possible += [
        kind
        for kind, change in {**_LET_CALL_AGAIN, **suppressing}.items()
        if (alarm.suppression, change) in SUPPRESSIONS
    ]
    return tuple(possible)
