"""Alarms into their tables: what decisions change of them, and what follows for them from guidance.

The alarm of a guidance is a projection: it follows from the guidance alone, so that no decision can forget it.
"""

import sqlite3
from dataclasses import asdict, replace

from gateway.advice.alarm_states import after, alarm_id_of, changes_of_guidance
from gateway.events import Event
from gateway.records.alarms import AlarmChange, AlarmChanged, AlarmState, SuppressionInForce, SuppressionOver
from gateway.records.guidance import Guidance, GuidanceState
from gateway.store.facts.rejected import rejection_of
from gateway.store.queries.alarms import alarm_of
from gateway.store.statements import SQL
from gateway.time_units import DAY_NS

KEPT_NS = 90 * DAY_NS  # what happened to alarms


def alarm_changed(connection: sqlite3.Connection, event: Event, record: AlarmChanged) -> None:
    """Write an alarm as it stands now, and what happened to it; one that is normal again leaves the table."""
    alarm = record.alarm
    if alarm.state is AlarmState.NORMAL:
        connection.execute(SQL["delete_alarm"], {"alarm_id": alarm.alarm_id})
    else:
        row = asdict(alarm) | {"severity": alarm.severity.value, "suppression": alarm.suppression.value}
        connection.execute(SQL["write_alarm"], row)
    happened = {
        "at_ns": event.at_ns,
        "alarm_id": alarm.alarm_id,
        "change": record.change.value,
        "title": alarm.title,
        "severity": alarm.severity.value,
        "position": alarm.position,
        "person": alarm.person,
        "reason": alarm.reason,
        "guidance_id": alarm.guidance_id,
        "group_id": alarm.group_id,
    }
    connection.execute(SQL["insert_alarm_event"], happened)
    connection.execute(SQL["prune_alarm_events"], {"before_ns": event.at_ns - KEPT_NS})


def suppression_in_force(connection: sqlite3.Connection, _event: Event, held: SuppressionInForce) -> None:
    """Write that the condition of a rule holds by which alarms are suppressed."""
    connection.execute(SQL["write_suppression"], asdict(held))


def suppression_over(connection: sqlite3.Connection, _event: Event, over: SuppressionOver) -> None:
    """Note that the condition of a rule holds no longer."""
    connection.execute(SQL["delete_suppression"], {"name": over.name})


def follow_guidance(connection: sqlite3.Connection, event: Event, guidance: Guidance) -> None:
    """Write what a guidance, as it is now, changes of its alarm."""
    alarm_id = alarm_id_of(guidance)
    if alarm_id is None:
        return
    for changed in changes_of_guidance(alarm_of(connection, alarm_id), guidance, at_ns=event.at_ns):
        alarm = changed.alarm
        if guidance.state is GuidanceState.REJECTED and changed.change is AlarmChange.ACKNOWLEDGED:
            person, reason = rejection_of(connection, guidance.guidance_id)
            changed = replace(changed, alarm=replace(alarm, person=person, reason=reason))  # noqa: PLW2901
        alarm_changed(connection, event, changed)


def end_of_rejected(connection: sqlite3.Connection, event: Event, alarm_id: str) -> None:
    """Write that the alarm of a rejected warning has returned: its condition has ended, and a person knows of it."""
    alarm = alarm_of(connection, alarm_id)
    if alarm is None or not alarm.active:
        return
    returned = after(alarm, AlarmChange.RETURNED, at_ns=event.at_ns)
    if returned is not None:
        now = replace(returned, acknowledged=True, person="", reason="")
        alarm_changed(connection, event, AlarmChanged(alarm=now, change=AlarmChange.RETURNED))
