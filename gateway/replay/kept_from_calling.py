"""Which alarms were kept from calling, and when: it stands in a replay, in which no person and no condition is asked.

What calls nobody is not rationed and not grouped with others, so it decides what the messages of others say.
"""

import sqlite3
from dataclasses import replace
from typing import NamedTuple

from gateway.advice.alarm_states import GATEWAY, after
from gateway.events import Event
from gateway.records.alarms import Alarm, AlarmChange, AlarmChanged, Suppression, SuppressionInForce, SuppressionOver
from gateway.records.guidance import Severity
from gateway.store.queries.alarms import alarm_of
from gateway.store.statements import SQL
from gateway.store.transaction.records.alarms import alarm_changed, suppression_in_force, suppression_over

_CHANGES = frozenset(
    {
        AlarmChange.SHELVED,
        AlarmChange.UNSHELVED,
        AlarmChange.SUPPRESSED,
        AlarmChange.UNSUPPRESSED,
        AlarmChange.TAKEN_OUT_OF_SERVICE,
        AlarmChange.RETURNED_TO_SERVICE,
    }
)


class SuppressionStep(NamedTuple):
    """An alarm was kept from calling or no longer (``change``); or a rule of suppression began or ended (None)."""

    at_ns: int
    name: str  # of the alarm, or of the rule
    change: AlarmChange | None
    begins: bool = False


def suppression_steps(connection: sqlite3.Connection) -> list[SuppressionStep]:
    """Return what kept alarms of the line from calling, in its order; what happened to alarms is kept for a time."""
    alarms = (
        SuppressionStep(row["at_ns"], row["alarm_id"], AlarmChange(row["change"]))
        for row in connection.execute(SQL["changes_of_alarms"])
        if row["change"] in _CHANGES and not row["alarm_id"].startswith(f"{GATEWAY}/")
    )
    rules = (
        SuppressionStep(row["at_ns"], row["subject"], None, begins=row["kind"] == "alarm_suppression_begun")
        for row in connection.execute(SQL["suppressions_on_record"])
    )
    return sorted((*rules, *alarms), key=lambda step: step.at_ns)


def let_stand(connection: sqlite3.Connection, step: SuppressionStep, event: Event) -> None:
    """Write a step as it was; an alarm that is normal in the replay is kept from calling all the same."""
    if step.change is None:
        if step.begins:
            suppression_in_force(connection, event, SuppressionInForce(name=step.name, since_ns=step.at_ns))
        else:
            suppression_over(connection, event, SuppressionOver(name=step.name))
        return
    alarm = alarm_of(connection, step.name) or _normal(step.name)
    now = after(alarm, step.change, at_ns=step.at_ns)
    if now is not None:
        alarm_changed(connection, event, AlarmChanged(alarm=replace(now, until_ns=None), change=step.change))


def _normal(alarm_id: str) -> Alarm:
    return Alarm(alarm_id=alarm_id, title="", severity=Severity.WARNING, position="", suppression=Suppression.NONE)
