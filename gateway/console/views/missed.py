"""Missed: the guidance that ended while a page could not hear the gateway."""

import sqlite3
from datetime import datetime

from pydantic import Field

from gateway.advice.alarm_states import GATEWAY
from gateway.advice.gateway_alarms import is_of_the_plant
from gateway.console.snapshot import Snapshot
from gateway.console.views.guidance import guidance_views
from gateway.console.views.parts import GuidanceView, View, instant
from gateway.contract.times import rfc3339
from gateway.contract.words import SeverityWord
from gateway.store.facts.reading import Reading
from gateway.store.queries.seen import Seen
from gateway.store.statements import SQL
from gateway.time_units import SECOND_NS

_DAY_NS = 24 * 3600 * SECOND_NS
_MOST = 50
_LAST_NS = 2**62


class MissedAlarmView(View):
    """An alarm of the gateway that has called; ``until_at`` null: it still stands."""

    alarm_id: str
    text: str
    severity: SeverityWord
    since_at: str
    until_at: str | None
    count: int = Field(description="how often it has called")


class MissedView(View):
    """GET /api/missed?since=."""

    since: str
    guidance: list[GuidanceView] = Field(description="what has ended since then, the newest first; at most 50")
    alarms: list[MissedAlarmView] = Field(description="of the gateway, that have called since then; at most 50")


def instant_of(text: str) -> int:
    """Return the nanoseconds of an instant as pages write it (RFC 3339); raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant has an offset from UTC")
    at_ns = int(at.timestamp() * SECOND_NS)
    if not 0 <= at_ns <= _LAST_NS:
        raise ValueError("an instant lies after 1970, and the store's clock reaches it")
    return at_ns


def missed_view(connection: sqlite3.Connection, snapshot: Snapshot, *, since: str) -> MissedView:
    """Return the guidance that has ended since an instant, of what was issued at most a day before it."""
    reading, since_ns = Reading(connection, snapshot.line, {}), instant_of(since)
    ended = reading.guidance("console_ended_guidance", since_ns=since_ns, issued_ns=since_ns - _DAY_NS, most=_MOST)
    return MissedView(
        since=since,
        guidance=guidance_views(connection, ended, snapshot),
        alarms=_alarms(connection, since_ns, snapshot.seen(connection)),
    )


def _alarms(connection: sqlite3.Connection, since_ns: int, seen: Seen) -> list[MissedAlarmView]:
    """Return the gateway's alarms that have called since an instant, the newest first; over or not."""
    return [
        MissedAlarmView(
            alarm_id=row["alarm_id"],
            text=row["title"],
            severity=row["severity"],
            since_at=rfc3339(row["first_ns"]),
            until_at=instant(row["returned_ns"]),
            count=row["calls"],
        )
        for row in connection.execute(SQL["console_missed_alarms"], {"since_ns": since_ns, "most": _MOST})
        if not seen.limited or is_of_the_plant(row["alarm_id"].removeprefix(f"{GATEWAY}/"))
    ]
