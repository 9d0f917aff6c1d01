"""Alarms of one server, or of the broker, are one call: what comes while it is new stands below it. Pure.

Each stays an alarm of its own, with its states, and names in ``group_id`` the one below which it stands. While a server
is away, what else is wrong with it follows from that, whoever has seen it. What is critical always calls by itself, and
what outlives the alarm below which it stood calls then.
"""

from collections.abc import Iterable

from gateway.advice.alarm_states import GATEWAY
from gateway.advice.gateway_alarms import OF_A_SOURCE, GatewayAlarm, kind_of
from gateway.records.alarms import Alarm, Suppression
from gateway.records.guidance import Severity

_BROKER = "broker"
_SESSIONS_WITH_BROKER = frozenset({"broker", "broker_in"})
_OF_BROKER = frozenset(
    {
        GatewayAlarm.CONNECTION_UNSTABLE,
        GatewayAlarm.CLIENT_ID_TAKEN_OVER,
        GatewayAlarm.SUBSCRIPTION_REFUSED,
        GatewayAlarm.PUBLISH_REFUSED,
    }
)
_OF_SERVER = OF_A_SOURCE | {GatewayAlarm.SETPOINT_WRITER_AWAY}


def counterpart_of(code: str) -> str | None:
    """Return of which server, or of the broker, an alarm of the gateway is; None where of neither."""
    kind, name = kind_of(code)
    if kind in _OF_BROKER or (kind is GatewayAlarm.SOURCE_DISCONNECTED and name in _SESSIONS_WITH_BROKER):
        return _BROKER
    return f"server {name}" if kind in _OF_SERVER else None


def head_of(alarm: Alarm, others: Iterable[Alarm], *, at_ns: int, period_ns: int) -> Alarm | None:
    """Return the alarm below which one that begins stands, None where it calls by itself.

    It is one of the same server, or of the broker, that is active and has called: within the period and not
    acknowledged yet, or that the connection is lost.
    """
    of = _counterpart(alarm)
    if of is None or alarm.severity is Severity.CRITICAL:
        return None
    heads = [
        other
        for other in others
        if other.alarm_id != alarm.alarm_id
        and _counterpart(other) == of
        and stands_for_others(other)
        and (_is_lost(other) or (not other.acknowledged and at_ns - other.since_ns < period_ns))
    ]
    return max(heads, key=lambda head: (_is_lost(head), head.since_ns, head.alarm_id), default=None)


def stands_for_others(head: Alarm | None) -> bool:
    """Return whether an alarm still calls for those below it."""
    return head is not None and head.active and head.group_id is None and head.suppression is Suppression.NONE


def _counterpart(alarm: Alarm) -> str | None:
    kind, _, code = alarm.alarm_id.partition("/")
    return counterpart_of(code) if kind == GATEWAY else None


def _is_lost(alarm: Alarm) -> bool:
    return kind_of(alarm.alarm_id.partition("/")[2])[0] is GatewayAlarm.SOURCE_DISCONNECTED
