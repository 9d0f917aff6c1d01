"""The calls of alarms while a lot was made, each with when and by whom it was acknowledged. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.lab.review.facts import AlarmRow
from gateway.records.alarms import AlarmChange


class AlarmCall(NamedTuple):
    """An alarm that has called people; ``acknowledged_ns`` None: nobody has acknowledged it in the time looked at."""

    seq: int
    at_ns: int
    alarm_id: str
    title: str
    acknowledged_ns: int | None
    person: str


def calls_of(rows: Sequence[AlarmRow], *, until_ns: int | None) -> tuple[AlarmCall, ...]:
    """Return the calls until an instant; ``rows``: in the order of time, also of later."""
    calls: dict[str, list[AlarmCall]] = {}
    for row in rows:
        of_alarm = calls.setdefault(row.alarm_id, [])
        if row.change == AlarmChange.RAISED and (until_ns is None or row.at_ns <= until_ns):
            of_alarm.append(AlarmCall(row.seq, row.at_ns, row.alarm_id, row.title, None, ""))
        elif row.change == AlarmChange.ACKNOWLEDGED:
            calls[row.alarm_id] = [
                call
                if call.acknowledged_ns is not None
                else call._replace(acknowledged_ns=row.at_ns, person=row.person)
                for call in of_alarm
            ]
    return tuple(sorted((call for of_alarm in calls.values() for call in of_alarm), key=lambda call: call.seq))
