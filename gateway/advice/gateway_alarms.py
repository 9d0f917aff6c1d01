"""The gateway's own alarms: what each code says to people, and how urgent it is. Pure.

Codes of sources, servers and models end with a name: CLOCK_SKEW_PLC1 is CLOCK_SKEW of plc1.
"""

from collections.abc import Mapping
from enum import StrEnum

from gateway.advice.alarm_states import gateway_alarm_id
from gateway.records.alarms import Alarm
from gateway.records.guidance import Severity
from gateway.records.users import Role
from gateway.texts.catalogue import text, title


class GatewayAlarm(StrEnum):
    """Kinds of alarms of the gateway itself."""

    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    STORE_UNREADABLE = "STORE_UNREADABLE"
    STORE_SPACE_LOW = "STORE_SPACE_LOW"
    STORE_FULL_SOON = "STORE_FULL_SOON"
    STORE_QUARANTINED = "STORE_QUARANTINED"
    STORE_ROLLED_BACK = "STORE_ROLLED_BACK"
    STORE_RESTORED = "STORE_RESTORED"
    STORE_DAMAGED = "STORE_DAMAGED"
    STORE_UNCHECKED = "STORE_UNCHECKED"
    EVIDENCE_DAMAGED = "EVIDENCE_DAMAGED"
    AUDIT_BEHIND_WITNESS = "AUDIT_BEHIND_WITNESS"
    DECISION_FAILED = "DECISION_FAILED"
    LABORATORY_PLAN_FAILED = "LABORATORY_PLAN_FAILED"
    EFFECT_TO_CHECK = "EFFECT_TO_CHECK"
    GUIDANCE_WITHHELD = "GUIDANCE_WITHHELD"
    PUBLISH_REFUSED = "PUBLISH_REFUSED"
    SUBSCRIPTION_REFUSED = "SUBSCRIPTION_REFUSED"
    CLIENT_ID_TAKEN_OVER = "CLIENT_ID_TAKEN_OVER"
    CONNECTION_UNSTABLE = "CONNECTION_UNSTABLE"
    SOURCE_DISCONNECTED = "SOURCE_DISCONNECTED"
    CERTIFICATE_EXPIRES = "CERTIFICATE_EXPIRES"
    CERTIFICATE_UNTRUSTED = "CERTIFICATE_UNTRUSTED"
    CERTIFICATE_QUESTIONED = "CERTIFICATE_QUESTIONED"
    CERTIFICATE_NOT_PRINTED = "CERTIFICATE_NOT_PRINTED"
    CERTIFICATE_NOT_MAILED = "CERTIFICATE_NOT_MAILED"
    CERTIFICATE_MAIL_UNAVAILABLE = "CERTIFICATE_MAIL_UNAVAILABLE"
    CLOCK_SKEW = "CLOCK_SKEW"
    TAG_CLOCK_SKEW = "TAG_CLOCK_SKEW"
    NODES_REFUSED = "NODES_REFUSED"
    TAGS_UNREADABLE = "TAGS_UNREADABLE"
    ITEMS_SILENT = "ITEMS_SILENT"
    HISTORY_DROPPED = "HISTORY_DROPPED"
    HISTORY_DAMAGED = "HISTORY_DAMAGED"
    HISTORY_UNAVAILABLE = "HISTORY_UNAVAILABLE"
    HISTORY_QUARANTINED = "HISTORY_QUARANTINED"
    WEBHOOK_UNAVAILABLE = "WEBHOOK_UNAVAILABLE"
    CONSOLE_UNAVAILABLE = "CONSOLE_UNAVAILABLE"
    CONFIGURATION_REFUSED = "CONFIGURATION_REFUSED"
    MONITORING_UNAVAILABLE = "MONITORING_UNAVAILABLE"
    OPCUA_SERVER_UNAVAILABLE = "OPCUA_SERVER_UNAVAILABLE"
    CONTROL_SOCKET_UNAVAILABLE = "CONTROL_SOCKET_UNAVAILABLE"
    MODEL_DRIFT = "MODEL_DRIFT"
    MODEL_TOO_SLOW = "MODEL_TOO_SLOW"
    MODEL_OUTSIDE_DOMAIN = "MODEL_OUTSIDE_DOMAIN"
    SETPOINT_MISMATCH = "SETPOINT_MISMATCH"
    SETPOINT_NOT_FOLLOWED = "SETPOINT_NOT_FOLLOWED"
    SETPOINT_WRITER_AWAY = "SETPOINT_WRITER_AWAY"
    SETPOINT_WRITES_STOPPED = "SETPOINT_WRITES_STOPPED"
    NOTIFY_UNAVAILABLE = "NOTIFY_UNAVAILABLE"
    SINK_UNAVAILABLE = "SINK_UNAVAILABLE"
    SINK_REFUSED = "SINK_REFUSED"
    PHRASING_UNAVAILABLE = "PHRASING_UNAVAILABLE"
    MES_PULL_UNAVAILABLE = "MES_PULL_UNAVAILABLE"
    SPARKPLUG_UNAVAILABLE = "SPARKPLUG_UNAVAILABLE"
    PASSWORD_GUESSED_AT = "PASSWORD_GUESSED_AT"  # noqa: S105 - the name of an alarm
    PASSWORD_SET = "PASSWORD_SET"  # noqa: S105 - the name of an alarm
    OTHER = "OTHER"


_CRITICAL = frozenset(
    {
        GatewayAlarm.STORE_UNAVAILABLE,
        GatewayAlarm.STORE_SPACE_LOW,
        GatewayAlarm.STORE_QUARANTINED,
        GatewayAlarm.STORE_DAMAGED,
        GatewayAlarm.EVIDENCE_DAMAGED,
        GatewayAlarm.AUDIT_BEHIND_WITNESS,
        GatewayAlarm.CERTIFICATE_QUESTIONED,
        GatewayAlarm.SETPOINT_MISMATCH,
        GatewayAlarm.SETPOINT_NOT_FOLLOWED,
    }
)
OF_A_SOURCE = frozenset(
    {
        GatewayAlarm.SOURCE_DISCONNECTED,
        GatewayAlarm.CLOCK_SKEW,
        GatewayAlarm.NODES_REFUSED,
        GatewayAlarm.TAGS_UNREADABLE,
        GatewayAlarm.ITEMS_SILENT,
    }
)  # whose code ends with a source's name
_POSITIONS: Mapping[GatewayAlarm, Role] = {
    GatewayAlarm.SETPOINT_MISMATCH: Role.OPERATOR,
    GatewayAlarm.SETPOINT_NOT_FOLLOWED: Role.OPERATOR,
    GatewayAlarm.MODEL_OUTSIDE_DOMAIN: Role.OPERATOR,
    GatewayAlarm.SETPOINT_WRITES_STOPPED: Role.SUPERVISOR,
    GatewayAlarm.AUDIT_BEHIND_WITNESS: Role.QUALITY,
    GatewayAlarm.SINK_REFUSED: Role.QUALITY,
    GatewayAlarm.CERTIFICATE_QUESTIONED: Role.QUALITY,
    GatewayAlarm.CERTIFICATE_NOT_PRINTED: Role.QUALITY,
    GatewayAlarm.CERTIFICATE_NOT_MAILED: Role.QUALITY,
    GatewayAlarm.EFFECT_TO_CHECK: Role.QUALITY,
    GatewayAlarm.EVIDENCE_DAMAGED: Role.QUALITY,
    GatewayAlarm.PASSWORD_GUESSED_AT: Role.ADMINISTRATOR,
    GatewayAlarm.PASSWORD_SET: Role.QUALITY,
}
# what they name is the plant's own: its store, its servers, tags, models and setpoints; none names a client's system,
# a certificate, a lot or a user
_OF_THE_PLANT = frozenset(GatewayAlarm) - {
    GatewayAlarm.CERTIFICATE_QUESTIONED,
    GatewayAlarm.CERTIFICATE_NOT_PRINTED,
    GatewayAlarm.CERTIFICATE_NOT_MAILED,
    GatewayAlarm.CERTIFICATE_EXPIRES,
    GatewayAlarm.CERTIFICATE_UNTRUSTED,
    GatewayAlarm.NOTIFY_UNAVAILABLE,
    GatewayAlarm.SINK_UNAVAILABLE,
    GatewayAlarm.SINK_REFUSED,
    GatewayAlarm.MES_PULL_UNAVAILABLE,
    GatewayAlarm.PASSWORD_GUESSED_AT,
    GatewayAlarm.PASSWORD_SET,
    GatewayAlarm.EFFECT_TO_CHECK,
    GatewayAlarm.OTHER,
}
_SOURCE, _DISCONNECTED = "SOURCE_", "_DISCONNECTED"


def kind_of(code: str) -> tuple[GatewayAlarm, str]:
    """Return the kind of a code, and the name that it ends with, in small letters."""
    if code.startswith(_SOURCE) and code.endswith(_DISCONNECTED):
        return GatewayAlarm.SOURCE_DISCONNECTED, code[len(_SOURCE) : -len(_DISCONNECTED)].lower()
    if code in GatewayAlarm.__members__:
        return GatewayAlarm(code), ""
    kinds = [kind for kind in GatewayAlarm if code.startswith(f"{kind}_")]
    kind = max(kinds, key=len, default=GatewayAlarm.OTHER)
    return kind, (code if kind is GatewayAlarm.OTHER else code[len(kind) + 1 :]).lower()


def guessing_of(user_id: str) -> str:
    """Return the code of the alarm that somebody guesses a user's password; it returns by itself."""
    return f"{GatewayAlarm.PASSWORD_GUESSED_AT}_{user_id.upper()}"


def password_set_of(user_id: str) -> str:
    """Return the code of the alarm that somebody else has set a user's password; it returns by itself."""
    return f"{GatewayAlarm.PASSWORD_SET}_{user_id.upper()}"


def outside_domain_of(equipment_id: str) -> str:
    """Return the code of the alarm that the process is outside what the models of an equipment have learned."""
    return f"{GatewayAlarm.MODEL_OUTSIDE_DOMAIN}_{equipment_id.upper()}"


def title_of(code: str) -> str:
    """Return what is wrong, in at most 60 characters where names allow."""
    kind, name = kind_of(code)
    return title("gateway_alarm_title", kind, name=name)


def what_to_do(code: str) -> str:
    """Return what a person does about it, as a sentence."""
    kind, name = kind_of(code)
    return text("gateway_alarm_action", kind, name=name)


def is_of_the_plant(code: str) -> bool:
    """Return whether an alarm says nothing of a client, so that people of every client may see it."""
    return kind_of(code)[0] in _OF_THE_PLANT


def is_critical(code: str) -> bool:
    """Return whether an alarm of the gateway is critical."""
    return kind_of(code)[0] in _CRITICAL


def gateway_alarm(code: str, *, latched: bool) -> Alarm:
    """Return the alarm of a code before anything has happened to it."""
    kind, _name = kind_of(code)
    return Alarm(
        alarm_id=gateway_alarm_id(code),
        title=title_of(code),
        severity=Severity.CRITICAL if is_critical(code) else Severity.WARNING,
        position=_POSITIONS.get(kind, Role.ENGINEER).value,
        latched=latched,
    )
