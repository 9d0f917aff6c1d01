"""Closings whose day has come: on it the effect of the actions is looked at, and it is not there yet."""

import sqlite3
from dataclasses import dataclass
from datetime import date

from gateway.lab.effectiveness import ActionOnRecord, Effectiveness
from gateway.records.deviation_states import DeviationClosed
from gateway.store.queries.corrective_actions import actions_of
from gateway.store.queries.deviation_states import closing_of
from gateway.store.statements import SQL

_MOST = 500
_STILL_OPEN = frozenset({Effectiveness.TOO_EARLY, Effectiveness.NOT_EFFECTIVE})


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosingToCheck:
    """A closing that stands, its day, and the action that was done last, with its effect as it is now."""

    closed: DeviationClosed
    check_by: str
    last: ActionOnRecord


def closings_to_check(connection: sqlite3.Connection, today: date) -> tuple[ClosingToCheck, ...]:
    """Return the closings whose effect is to be looked at, the longest due first; ``today``: at the plant."""
    rows = connection.execute(SQL["deviations_to_check"], {"today": today.isoformat(), "most": _MOST}).fetchall()
    due = (_due(connection, row["deviation_id"], today) for row in rows)
    return tuple(sorted((item for item in due if item is not None), key=lambda item: item.check_by))


def _due(connection: sqlite3.Connection, deviation_id: str, today: date) -> ClosingToCheck | None:
    closed = closing_of(connection, deviation_id)
    if closed is None or closed.check_by is None or closed.check_by > today.isoformat():
        return None
    done = [item for item in actions_of(connection, deviation_id) if item.done_ns is not None]
    last = max(done, key=lambda item: item.done_ns or 0, default=None)
    if last is None or last.effect.effectiveness not in _STILL_OPEN:
        return None
    return ClosingToCheck(closed=closed, check_by=closed.check_by, last=last)
