"""What happens: every kind of event takes the same path.

An event's ``event_id`` is stable: for messages from outside it is given by the store, which counts deliveries; for the
gateway's own events it follows from their content.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from gateway.deadlines import ClockReading
from gateway.records.acts import Act
from gateway.records.laboratory import LabResult, ResultReference, Specification
from gateway.records.outgoing import Head
from gateway.records.people import Response
from gateway.records.process import Gap
from gateway.records.production import ContextChange
from gateway.records.users import Credential
from gateway.records.verdicts import Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Which delivery a message came by: enough to recognise it when the broker sends it again."""

    session: str
    topic: str
    message_number: int
    redelivered: bool
    payload_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EventBase:
    """What every event has: a stable id, and the moment at which it came to be processed."""

    kind: ClassVar[str]  # as the store writes it; it never changes, whatever the class is called
    event_id: str = ""
    at: ClockReading

    @property
    def at_ns(self) -> int:
        """Return the wall time, in nanoseconds UTC."""
        return self.at.wall_ns

    @property
    def variant(self) -> object:
        """Return which one it is of a kind of event that has several; None of the others."""
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultArrived(EventBase):
    """A laboratory result came in."""

    kind: ClassVar[str] = "ResultArrived"
    origin: Origin
    result: LabResult
    payload: bytes

    @property
    def measured_ns(self) -> int:
        """When it was measured: as it says, of a control when it was taken, else when it came."""
        taken_ns = self.result.sampled_ns if self.result.control_id is not None else None
        return next(
            instant_ns for instant_ns in (self.result.analysed_ns, taken_ns, self.at_ns) if instant_ns is not None
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextChanged(EventBase):
    """An order, lot, material or equipment changed."""

    kind: ClassVar[str] = "ContextChanged"
    origin: Origin
    change: ContextChange
    payload: bytes

    @property
    def variant(self) -> object:
        """Return which one it is."""
        return self.change.kind


@dataclass(frozen=True, kw_only=True, slots=True)
class SpecificationStated(EventBase):
    """Master data stated a version of a specification, or withdrew it."""

    kind: ClassVar[str] = "SpecificationStated"
    origin: Origin
    specification: Specification
    withdrawn: bool
    payload: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseArrived(EventBase):
    """A person at a terminal answered."""

    kind: ClassVar[str] = "ResponseArrived"
    origin: Origin
    response: Response
    payload: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageRefused(EventBase):
    """A message came in that cannot be understood; ``about``: of which lots or sample it speaks, if known."""

    kind: ClassVar[str] = "MessageRefused"
    origin: Origin
    payload: bytes
    reasons: tuple[Reason, ...]
    about: ResultReference | None = None
    contradicts: LabResult | None = None  # what it says, where something else is on record under its version


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDue(EventBase):
    """A model is to predict now."""

    kind: ClassVar[str] = "ModelDue"
    model: str


class Timer(StrEnum):
    """What the gateway does by the clock, and every how many seconds."""

    every_seconds: float

    EXPIRE_GUIDANCE = "expire_guidance", 1.0
    REFRESH_BOARD = "refresh_board", 30.0
    SIGN_HEAD = "sign_head", 15.0

    def __new__(cls, name: str, every_seconds: float) -> Self:
        """Make a timer of its name, which is stored, and its period."""
        timer = str.__new__(cls, name)
        timer._value_ = name
        timer.every_seconds = every_seconds
        return timer


@dataclass(frozen=True, kw_only=True, slots=True)
class TimerDue(EventBase):
    """A timer ran out."""

    kind: ClassVar[str] = "TimerDue"
    timer: Timer

    @property
    def variant(self) -> object:
        """Return which one it is."""
        return self.timer


class FollowUpKind(StrEnum):
    """What follows a decision, later and apart from it."""

    FINGERPRINT = "fingerprint"  # of a lot that has ended: what it was made by
    DEVIATION = "deviation"  # of a result that failed: the draft of an investigation
    SAMPLE_REQUEST = "sample_request"  # of a lot that has ended: which tests the laboratory is asked for
    JUDGE_AGAIN = "judge_again"  # of very many lots that are to be judged again: the next ones


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUp:
    """Work that a decision leaves for later, committed with it: slow work never delays a disposition.

    ``subject``: the lot, or the result's id; the process window is of that equipment's tags between the two instants.
    """

    kind: FollowUpKind
    subject: str
    equipment_id: str | None
    from_ns: int
    until_ns: int
    begins_with_lot: bool = False  # whether the first instant is when the lot was begun
    material_lot_id: str | None = None  # of a result: for which lot it failed, where its own words do not say


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUpDue(EventBase):
    """A follow-up's turn has come."""

    kind: ClassVar[str] = "FollowUpDue"
    follow_up: FollowUp

    @property
    def variant(self) -> object:
        """Return which one it is."""
        return self.follow_up.kind


@dataclass(frozen=True, kw_only=True, slots=True)
class GapNoticed(EventBase):
    """Data is missing, and that is known."""

    kind: ClassVar[str] = "GapNoticed"
    gap: Gap


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadWitnessed(EventBase):
    """The broker still has a head of our audit chain that it was told earlier."""

    kind: ClassVar[str] = "HeadWitnessed"
    head: Head


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreChecked(EventBase):
    """The full check of the store has run."""

    kind: ClassVar[str] = "StoreChecked"
    rows: int
    audit_lines: int
    damaged: int
    wrong: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayStarted(EventBase):
    """The daemon came up with this configuration and these bundles."""

    kind: ClassVar[str] = "GatewayStarted"
    version: str
    configuration_sha256: str
    bundles: Mapping[str, str]
    stages: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionTaken(EventBase):
    """A version of a model that was promoted or rolled back to is in service from now on."""

    kind: ClassVar[str] = "VersionTaken"
    model: str
    version: str
    bundle_sha256: str
    stage: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AdviceWithheld(EventBase):
    """The second check kept a message back; ``refused``: by the id of each guidance in it that it refuses, why."""

    kind: ClassVar[str] = "AdviceWithheld"
    refused: Mapping[str, Reason]


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayStopped(EventBase):
    """The daemon is stopping in order."""

    kind: ClassVar[str] = "GatewayStopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class LotsJudgedAgain(EventBase):
    """What lots are judged by has changed: production context, a specification, a refused message, a parent lot."""

    kind: ClassVar[str] = "LotsJudgedAgain"
    lots: tuple[str, ...]
    because: str  # the event's id that has changed it


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInTried(EventBase):
    """A password was given for a user; ``succeeded``: it is theirs. ``via``: the command, the console, a terminal."""

    kind: ClassVar[str] = "SignInTried"
    user_id: str
    succeeded: bool
    via: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ActRequested(EventBase):
    """A person asks for an act, from a command, a terminal or the console.

    ``credential``: what has been verified of the person; who it is, and whether they may, is decided by the store's
    users. ``person``: the printed name, filled in there. ``reason`` goes into the audit trail.
    """

    kind: ClassVar[str] = "ActRequested"
    act: Act
    credential: Credential
    reason: str
    person: str = ""

    @property
    def variant(self) -> object:
        """Return which one it is."""
        return self.act.kind


Arrived = ResultArrived | ContextChanged | SpecificationStated | ResponseArrived | MessageRefused

Event = (
    Arrived | ModelDue | TimerDue | GapNoticed | HeadWitnessed | StoreChecked | GatewayStarted | GatewayStopped
    | VersionTaken | AdviceWithheld | FollowUpDue | LotsJudgedAgain | SignInTried | ActRequested
)  # fmt: skip
