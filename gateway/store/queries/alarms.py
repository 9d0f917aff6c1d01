"""Alarms as they stand, and what happened to them."""

import sqlite3
from dataclasses import fields, replace

from gateway.advice.alarm_states import gateway_alarm_id
from gateway.advice.gateway_alarms import gateway_alarm
from gateway.records.alarms import Alarm, Raised, Suppression
from gateway.records.guidance import Severity
from gateway.store.statements import SQL

MOST_ALARMS = 1000
_FIELDS = tuple(field.name for field in fields(Alarm))


def alarm_of(connection: sqlite3.Connection, alarm_id: str) -> Alarm | None:
    """Return an alarm, None where it is normal."""
    row = connection.execute(SQL["alarm"], {"alarm_id": alarm_id}).fetchone()
    return None if row is None else read_alarm(row)


def read_alarm(row: sqlite3.Row) -> Alarm:
    """Return the alarm of a row."""
    values = {name: row[name] for name in _FIELDS}
    alarm = Alarm(**values | {"severity": Severity(row["severity"]), "suppression": Suppression(row["suppression"])})
    return replace(alarm, active=bool(alarm.active), acknowledged=bool(alarm.acknowledged), latched=bool(alarm.latched))


def standing_alarms(connection: sqlite3.Connection) -> tuple[Alarm, ...]:
    """Return all alarms that are not normal, the newest first; latched ones of the gateway, too."""
    alarms = [read_alarm(row) for row in connection.execute(SQL["alarms"], {"most": MOST_ALARMS})]
    known = {alarm.alarm_id for alarm in alarms}
    for (code,) in connection.execute(SQL["latches"]):
        if gateway_alarm_id(code) not in known:
            alarms.append(replace(gateway_alarm(code, latched=True), active=True, acknowledged=False))
    return tuple(alarms)


def watched_since_ns(connection: sqlite3.Connection, from_ns: int) -> int:
    """Return an instant, or a later one from which on the line has been watched, so that figures rest on what was seen.

    A trail whose oldest lines are archived is older than any figure asks for.
    """
    (first_ns,) = connection.execute(SQL["first_line_of_trail_ns"]).fetchone()
    return from_ns if first_ns is None else max(from_ns, int(first_ns) - 1)  # what is counted comes after it


def raised_alarms(connection: sqlite3.Connection, *, from_ns: int, until_ns: int) -> tuple[Raised, ...]:
    """Return when alarms have called people between two instants, the oldest first."""
    rows = connection.execute(SQL["raised_alarms"], {"from_ns": from_ns, "until_ns": until_ns})
    return tuple(
        Raised(at_ns=row["at_ns"], alarm_id=row["alarm_id"], severity=row["severity"], position=row["position"])
        for row in rows
    )
