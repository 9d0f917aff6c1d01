"""The figures of ISA-18.2 and EEMUA 191 about alarms, from when each one has called whom. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.records.alarms import Alarm, Raised
from gateway.time_units import DAY_NS, SECOND_NS

TOO_MANY = 10  # in a period: more than an operator can look at (EEMUA 191)
CHATTERS = 3  # times within a minute
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
    periods = max(1, -(-(until_ns - from_ns) // period_ns))
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
        "chattering": chattering(raised),
        "stale": sorted(alarm.alarm_id for alarm in standing if alarm.active and until_ns - alarm.since_ns > DAY_NS),
        "severities": _shares(Counter(item.severity for item in raised)),
        "standing": _counts(standing),
    }


def _load(at_ns: Sequence[int], from_ns: int, period_ns: int, periods: int) -> dict[str, float | int]:
    per_period = Counter((instant - from_ns) // period_ns for instant in at_ns)
    over = sum(count > TOO_MANY for count in per_period.values())
    return {
        "per_10_minutes": round(len(at_ns) / periods, 4),
        "peak_per_10_minutes": max(per_period.values(), default=0),
        "share_of_10_minutes_over_10": round(over / periods, 6),
    }


def chattering(raised: Sequence[Raised]) -> list[str]:
    """Return the alarms that have called at least three times within a minute."""
    latest: dict[str, list[int]] = {}
    chatters = set()
    for item in raised:
        times = latest.setdefault(item.alarm_id, [])
        times.append(item.at_ns)
        del times[:-CHATTERS]
        if len(times) == CHATTERS and times[-1] - times[0] < _MINUTE_NS:
            chatters.add(item.alarm_id)
    return sorted(chatters)


def _shares(counts: Mapping[str, int]) -> dict[str, dict[str, float]]:
    total = sum(counts.values())
    return {severity: {"count": count, "share": round(count / total, 4)} for severity, count in sorted(counts.items())}


def _counts(standing: Sequence[Alarm]) -> dict[str, int]:
    return dict(sorted(Counter(alarm.state.value for alarm in standing).items()))
