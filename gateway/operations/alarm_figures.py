"""The figures of ISA-18.2 and EEMUA 191 about alarms, from when each one has called whom. Pure."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.records.alarms import Alarm, Raised, Suppression
from gateway.records.guidance import Severity
from gateway.time_units import DAY_NS, SECOND_NS

TOO_MANY = 10  # in a period: more than an operator can look at (EEMUA 191)
CHATTERS = 3  # times within a minute
STANDARD_SHARES = {Severity.INFORMATION: 0.80, Severity.WARNING: 0.15, Severity.CRITICAL: 0.05}  # low, medium, high
_MINUTE_NS = 60 * SECOND_NS
_TOP = 10


def alarm_figures(
    raised: Sequence[Raised],
    standing: Sequence[Alarm],
    *,
    from_ns: int,
    until_ns: int,
    period_ns: int,
) -> dict[str, Any]:
    """Return the figures of a time as a document.

    Args:
        raised: what has called people in it, the oldest first.
        standing: the alarms that are not normal at its end.
        from_ns: its begin.
        until_ns: its end.
        period_ns: ten minutes; less only where the plant runs faster than time.
    """
    periods = max(1.0, (until_ns - from_ns) / period_ns)
    positions = sorted({item.position for item in raised})
    by_alarm = Counter(item.alarm_id for item in raised)
    return {
        "alarms": len(raised),
        "days": round((until_ns - from_ns) / DAY_NS, 3),
        "by_position": {
            position: _load([item.at_ns for item in raised if item.position == position], from_ns, period_ns, periods)
            for position in positions
        },
        "top": [
            {"alarm": alarm_id, "count": count, "share": round(count / len(raised), 4)}
            for alarm_id, count in by_alarm.most_common(_TOP)
        ],
        "top_share": round(sum(count for _, count in by_alarm.most_common(_TOP)) / len(raised), 4) if raised else 0.0,
        "chattering": chattering(raised),
        "stale": sorted(alarm.alarm_id for alarm in standing if _is_stale(alarm, until_ns)),
        "severities": _shares(Counter(item.severity for item in raised)),
        "standing": _counts(standing),
    }


def _is_stale(alarm: Alarm, until_ns: int) -> bool:
    """Return whether an alarm has been shown to people for more than a day; one that is kept from calling is not."""
    shown = alarm.active and alarm.suppression is Suppression.NONE
    return shown and until_ns - alarm.since_ns > DAY_NS


def _load(at_ns: Sequence[int], from_ns: int, period_ns: int, periods: float) -> dict[str, float | int]:
    per_period = Counter((instant - from_ns) // period_ns for instant in at_ns)
    over = sum(count > TOO_MANY for count in per_period.values())
    return {
        "per_10_minutes": round(len(at_ns) / periods, 4),
        "peak_per_10_minutes": max(per_period.values(), default=0),
        "share_of_10_minutes_over_10": round(over / math.ceil(periods), 6),
    }


def chattering(raised: Sequence[Raised]) -> list[str]:
    """Return the alarms that have called at least three times within a minute."""
    latest: dict[str, list[int]] = {}
    chatters = set()
    for item in raised:
        times = latest.setdefault(item.alarm_id, [])
        times.append(item.at_ns)
        del times[:-CHATTERS]
        if len(times) == CHATTERS and times[-1] - times[0] <= _MINUTE_NS:
            chatters.add(item.alarm_id)
    return sorted(chatters)


def _shares(counts: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """Return how often alarms of each priority have called, their share, and the one that the standard recommends."""
    total = sum(counts.values()) or 1
    return {
        severity.value: {
            "count": counts.get(severity, 0),
            "share": round(counts.get(severity, 0) / total, 4),
            "standard": STANDARD_SHARES[severity],
        }
        for severity in Severity
    }


def _counts(standing: Sequence[Alarm]) -> dict[str, int]:
    return dict(sorted(Counter(alarm.state.value for alarm in standing).items()))
