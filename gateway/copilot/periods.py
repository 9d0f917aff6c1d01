"""The time that a question speaks of: today, since yesterday, in the last 8 hours, in einer Woche. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, tzinfo

from gateway.copilot.question import Question
from gateway.time_units import SECOND_NS, seconds_to_ns

_UNITS: Mapping[str, float] = {
    "minute": 60.0, "minutes": 60.0, "minuten": 60.0, "hour": 3600.0, "hours": 3600.0, "stunde": 3600.0,
    "stunden": 3600.0, "day": 86400.0, "days": 86400.0, "tag": 86400.0, "tage": 86400.0, "tagen": 86400.0,
    "week": 604800.0, "weeks": 604800.0, "woche": 604800.0, "wochen": 604800.0,
    "month": 2592000.0, "months": 2592000.0, "monat": 2592000.0, "monate": 2592000.0, "monaten": 2592000.0,
}  # fmt: skip
_LAST = re.compile(r"(?:last|past|letzten?|vergangenen?|letzter)\s+(?P<number>\d{1,3})\s+(?P<unit>[a-z]+)")
_DAY = re.compile(r"\b(?P<day>\d{4}-\d{2}-\d{2})\b")
_NAMED: tuple[tuple[str, Callable[[date], tuple[date, date]]], ...] = (
    (r"\b(today|heute|heutigen?|heutiger)\b", lambda day: (day, day)),
    (r"\b(yesterday|gestern|gestrigen?)\b", lambda day: (day - timedelta(days=1), day - timedelta(days=1))),
    (r"\b(last|past|letzten?|letzter|vergangenen?) (week|woche)\b",
     lambda day: (day - timedelta(days=day.weekday() + 7), day - timedelta(days=day.weekday() + 1))),
    (r"\b(this|the|diese[rn]?|der) week\b|\bwoche\b", lambda day: (day - timedelta(days=day.weekday()), day)),
    (r"\b(this|diese[nm]?) (month|monat)\b", lambda day: (day.replace(day=1), day)),
    (r"\b(last|letzten?|vergangenen?) (month|monat)\b",
     lambda day: ((day.replace(day=1) - timedelta(days=1)).replace(day=1), day.replace(day=1) - timedelta(days=1))),
)  # fmt: skip


def period_of(question: Question, *, now_ns: int, zone: tzinfo) -> tuple[int | None, int | None]:
    """Return from when and until when a question speaks; None where it does not say."""
    text = " ".join(word.folded for word in question.words)
    counted = _LAST.search(text)
    if counted is not None and counted["unit"] in _UNITS:
        return now_ns - seconds_to_ns(int(counted["number"]) * _UNITS[counted["unit"]]), now_ns
    today = datetime.fromtimestamp(now_ns / SECOND_NS, tz=zone).date()
    given = _DAY.search(question.text)
    if given is not None:
        try:
            day = date.fromisoformat(given["day"])
        except ValueError:
            return None, None
        open_end = re.search(r"\b(since|seit|from|ab)\b", text) is not None
        return _begin(day, zone), now_ns if open_end else _begin(day + timedelta(days=1), zone) - 1
    for pattern, days in _NAMED:
        if re.search(pattern, text):
            first, last = days(today)
            return _begin(first, zone), min(now_ns, _begin(last + timedelta(days=1), zone) - 1)
    return None, None


def _begin(day: date, zone: tzinfo) -> int:
    return seconds_to_ns(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
