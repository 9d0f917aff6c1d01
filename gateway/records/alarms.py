"""An alarm after ISA-18.2: whether it is active, whether somebody has acknowledged it, whether it may call."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.records.guidance import Severity
from gateway.records.record import Record


class Suppression(StrEnum):
    """Why an alarm calls nobody, although its cause may stand."""

    NONE = "none"
    SHELVED = "shelved"  # by a person, for a time
    BY_DESIGN = "suppressed_by_design"  # by a configured condition of the plant
    OUT_OF_SERVICE = "out_of_service"  # by a person, until they take it into service again


class AlarmState(StrEnum):
    """The state that people are shown, after ISA-18.2."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    LATCHED_UNACKNOWLEDGED = "latched_unacknowledged"  # stands until a person takes it down
    SHELVED = "shelved"
    SUPPRESSED_BY_DESIGN = "suppressed_by_design"
    OUT_OF_SERVICE = "out_of_service"


class AlarmChange(StrEnum):
    """What happened to an alarm."""

    RAISED = "raised"  # it is active, and calls
    ACTIVE = "active"  # it is active, and calls nobody
    ESCALATED = "escalated"
    RETURNED = "returned"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    TAKEN_OUT_OF_SERVICE = "taken_out_of_service"
    RETURNED_TO_SERVICE = "returned_to_service"


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarm:
    """One alarm as it stands; ``position``: the role that is called. Times in ns UTC.

    ``group_id``: the alarm below which it stands, and which has called for it, too.
    """

    alarm_id: str
    title: str
    severity: Severity
    position: str
    active: bool = False
    acknowledged: bool = True
    latched: bool = False
    suppression: Suppression = Suppression.NONE
    until_ns: int | None = None  # of a shelved alarm
    reason: str = ""  # why it is suppressed, and by whom
    person: str = ""
    since_ns: int = 0  # when it became active last
    guidance_id: str | None = None
    group_id: str | None = None

    @property
    def state(self) -> AlarmState:
        """Return the state that people are shown."""
        if self.suppression is not Suppression.NONE:
            return AlarmState(self.suppression.value)
        if self.latched and self.active and not self.acknowledged:
            return AlarmState.LATCHED_UNACKNOWLEDGED
        return _SHOWN[self.active, self.acknowledged]


_SHOWN = {
    (False, True): AlarmState.NORMAL,
    (True, False): AlarmState.UNACKNOWLEDGED,
    (True, True): AlarmState.ACKNOWLEDGED,
    (False, False): AlarmState.RETURNED_UNACKNOWLEDGED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmChanged(Record):
    """An alarm as it stands after a change."""

    alarm: Alarm
    change: AlarmChange


@dataclass(frozen=True, kw_only=True, slots=True)
class SuppressionInForce(Record):
    """A rule of suppression whose condition holds; ``used_up``: for longer than it may, so it keeps nothing back."""

    name: str
    since_ns: int
    used_up: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SuppressionOver(Record):
    """A rule of suppression whose condition no longer holds, or is not known."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Raised:
    """An alarm that has called people of a position."""

    at_ns: int
    alarm_id: str
    severity: str
    position: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmEvent:
    """What happened to an alarm, as it is on record."""

    seq: int
    at_ns: int
    alarm_id: str
    change: AlarmChange
    title: str
    severity: Severity
    position: str
    person: str
    reason: str
    guidance_id: str | None
    group_id: str | None = None
