"""What people outside the plant are told of alarms, when, and in which words. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.advice.alarm_states import GATEWAY
from gateway.advice.gateway_alarms import what_to_do
from gateway.contract.identity import identity_of
from gateway.contract.times import rfc3339
from gateway.records.alarms import AlarmChange, AlarmEvent
from gateway.records.guidance import Severity
from gateway.texts.catalogue import text
from gateway.time_units import DAY_NS, SECOND_NS
from gateway.transport.notices import Notice

OLDEST_NS = DAY_NS  # what nobody could be told for longer is on the board, and no news any more
_MOST_NAMED = 200  # in the text of one notice; its document names all


class NoticeText(StrEnum):
    """Sentences of notices."""

    SUBJECT = "SUBJECT"
    SUBJECT_ENDED = "SUBJECT_ENDED"
    RAISED = "RAISED"
    ENDED = "ENDED"
    WHICH = "WHICH"
    SUBJECT_QUIET = "SUBJECT_QUIET"
    QUIET = "QUIET"
    QUIET_STANDS = "QUIET_STANDS"
    QUIET_OVER = "QUIET_OVER"
    QUIET_TIMES = "QUIET_TIMES"
    QUIET_MORE = "QUIET_MORE"


_BEGINS = frozenset({AlarmChange.RAISED, AlarmChange.ESCALATED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Who is told of what, and how; ``quiet``: between these times of day at once only of what is critical."""

    name: str
    severities: frozenset[Severity]
    positions: frozenset[str]  # empty: all
    ended: bool
    quiet: tuple[time, time] | None
    zone: ZoneInfo
    line: str
    send: Callable[[Notice], None]


def is_wanted(event: AlarmEvent, target: Target, *, now_ns: int) -> bool:
    """Return whether an event is one for a target at all: that an alarm calls, becomes critical, or ends."""
    ends = event.change is AlarmChange.RETURNED and event.group_id is None  # one below another has never called
    wanted = event.change in _BEGINS or ends
    if not wanted or event.severity not in target.severities or now_ns - event.at_ns > OLDEST_NS:
        return False
    return not target.positions or event.position in target.positions


def is_news(event: AlarmEvent, target: Target, *, now_ns: int) -> bool:
    """Return whether a target is told of an event at once."""
    told = target.ended or event.change is not AlarmChange.RETURNED
    return told and is_wanted(event, target, now_ns=now_ns) and not _is_put_off(event, target)


def comes_in_quiet_hours(event: AlarmEvent, target: Target, *, now_ns: int) -> bool:
    """Return whether a target is told of an event only after its quiet hours."""
    return is_wanted(event, target, now_ns=now_ns) and _is_put_off(event, target)


def _is_put_off(event: AlarmEvent, target: Target) -> bool:
    return event.severity is not Severity.CRITICAL and is_quiet(event.at_ns, target)


def is_quiet(at_ns: int, target: Target) -> bool:
    """Return whether an instant is within the quiet hours of a target."""
    if target.quiet is None:
        return False
    begin, end = target.quiet
    now = _local(at_ns, target).time()
    return begin <= now < end if begin <= end else now >= begin or now < end


def _local(at_ns: int, target: Target) -> datetime:
    return datetime.fromtimestamp(at_ns / SECOND_NS, UTC).astimezone(target.zone)


def _shown_time(at_ns: int, target: Target) -> str:
    return _local(at_ns, target).strftime("%Y-%m-%d %H:%M:%S %Z")


def notice_of(event: AlarmEvent, target: Target) -> Notice:
    """Return what people are told of an event."""
    ended = event.change is AlarmChange.RETURNED
    shown = {"title": event.title, "line": target.line, "at": _shown_time(event.at_ns, target)}
    severity = text("notice_severity", event.severity.name)
    of_gateway = event.alarm_id.startswith(f"{GATEWAY}/")
    to_do = what_to_do(event.alarm_id.removeprefix(f"{GATEWAY}/")) if of_gateway and not ended else ""
    lines: Sequence[str] = (
        text("notice", NoticeText.ENDED if ended else NoticeText.RAISED, severity=severity, **shown),
        to_do,
        text("notice", NoticeText.WHICH, alarm=event.alarm_id),
    )
    return Notice(
        notice_id=identity_of("notice", target.name, event.alarm_id, event.change, event.at_ns),
        subject=text("notice", NoticeText.SUBJECT_ENDED if ended else NoticeText.SUBJECT, severity=severity, **shown),
        lines=tuple(line for line in lines if line),
        document={
            "schema": "labline.notice/1",
            "line": target.line,
            "alarm": event.alarm_id,
            "change": event.change.value,
            "active": not ended,
            "title": event.title,
            "severity": event.severity.value,
            "position": event.position,
            "what_to_do": to_do or None,
            "guidance_id": event.guidance_id,
            "at": rfc3339(event.at_ns),
        },
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _OfQuietHours:
    """What happened to one alarm in quiet hours, the oldest first."""

    events: tuple[AlarmEvent, ...]

    @property
    def begins(self) -> tuple[AlarmEvent, ...]:
        return tuple(event for event in self.events if event.change in _BEGINS)

    @property
    def over(self) -> bool:
        return self.events[-1].change is AlarmChange.RETURNED


def summary_of(events: Sequence[AlarmEvent], target: Target) -> Notice | None:
    """Return the one notice that names every alarm of quiet hours; None where there is nothing to tell."""
    by_alarm: dict[str, list[AlarmEvent]] = {}
    for event in events:
        by_alarm.setdefault(event.alarm_id, []).append(event)
    alarms = [_OfQuietHours(events=tuple(several)) for several in by_alarm.values()]
    alarms = [alarm for alarm in alarms if alarm.begins or target.ended]
    if not alarms:
        return None
    alarms.sort(key=lambda alarm: alarm.over)  # what stands first
    standing = sum(not alarm.over for alarm in alarms)
    shown = {"count": len(alarms), "standing": standing, "line": target.line}
    more = len(alarms) - _MOST_NAMED
    lines = (
        text("notice", NoticeText.QUIET, begin=_shown_time(events[0].at_ns, target), **shown),
        *(_line_of(alarm, target) for alarm in alarms[:_MOST_NAMED]),
        *((text("notice", NoticeText.QUIET_MORE, count=more),) if more > 0 else ()),
    )
    return Notice(
        notice_id=identity_of("notice-summary", target.name, events[0].seq, events[-1].seq),
        subject=text("notice", NoticeText.SUBJECT_QUIET, **shown),
        lines=lines,
        document={
            "schema": "labline.notice-summary/1",
            "line": target.line,
            "from": rfc3339(events[0].at_ns),
            "until": rfc3339(events[-1].at_ns),
            "alarms": [_document_of(alarm) for alarm in alarms],
        },
    )


def _line_of(alarm: _OfQuietHours, target: Target) -> str:
    newest, first = alarm.events[-1], alarm.events[0]
    code = NoticeText.QUIET_OVER if alarm.over else NoticeText.QUIET_STANDS
    severity = text("notice_severity", newest.severity.name)
    line = text("notice", code, severity=severity, title=newest.title, alarm=newest.alarm_id,
                at=_shown_time(newest.at_ns if alarm.over else first.at_ns, target))  # fmt: skip
    times = len(alarm.begins)
    return line if times < 2 else f"{line} {text('notice', NoticeText.QUIET_TIMES, count=times)}"  # noqa: PLR2004


def _document_of(alarm: _OfQuietHours) -> dict[str, object]:
    newest, begins = alarm.events[-1], alarm.begins
    return {
        "alarm": newest.alarm_id,
        "title": newest.title,
        "severity": newest.severity.value,
        "position": newest.position,
        "active": not alarm.over,
        "times": len(begins),
        "begun_at": rfc3339(begins[0].at_ns) if begins else None,
        "ended_at": rfc3339(newest.at_ns) if alarm.over else None,
        "guidance_id": newest.guidance_id,
    }
