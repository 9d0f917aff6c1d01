"""The kinds of events: whatever happens is one of them, and all take the same path to a decision.

``event_id`` is stable: the store gives it to messages from outside; that of the gateway's own follows from content.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gateway.event_base import EventBase
from gateway.records.acts import Act
from gateway.records.deliveries import Origin
from gateway.records.follow_ups import FollowUp
from gateway.records.laboratory import LabResult, ResultReference, Specification
from gateway.records.outgoing import Head
from gateway.records.people import Response
from gateway.records.phrasing import Phrasing
from gateway.records.process import Gap
from gateway.records.production import ContextChange
from gateway.records.setpoints import WriteState
from gateway.records.signatures import Signed
from gateway.records.timers import Timer
from gateway.records.users import Credential
from gateway.records.verdicts import Reason
from gateway.records.workload import LaboratoryPlan


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultArrived(EventBase):
    """A laboratory result came in."""

    kind: ClassVar[str] = "ResultArrived"
    origin: Origin
    result: LabResult
    payload: bytes

    @property
    def measured_ns(self) -> int:
        """Return when it was measured, in ns UTC: its analysis, else a control's sampling, else its arrival."""
        taken_ns = self.result.sampled_ns if self.result.control_id is not None else None
        known = (instant_ns for instant_ns in (self.result.analysed_ns, taken_ns) if instant_ns is not None)
        return next(known, self.at_ns)


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
    """Another system stated a version of a specification, or withdrew it."""

    kind: ClassVar[str] = "SpecificationStated"
    origin: Origin
    specification: Specification
    withdrawn: bool
    payload: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseArrived(EventBase):
    """A person at a terminal answered a guidance."""

    kind: ClassVar[str] = "ResponseArrived"
    origin: Origin
    response: Response
    payload: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageRefused(EventBase):
    """A message came in that cannot be understood; ``about``: the lots or the sample that it names, if any.

    ``of_terminal``: it was meant as a response. Anybody may send these, so only some of them are kept.
    """

    kind: ClassVar[str] = "MessageRefused"
    origin: Origin
    payload: bytes
    reasons: tuple[Reason, ...]
    about: ResultReference | None = None
    contradicts: LabResult | None = None  # its result, if another one is on record under the same version
    of_terminal: bool = False

    @property
    def variant(self) -> object:
        """Return by which limit it is kept."""
        return "terminal" if self.of_terminal else None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDue(EventBase):
    """A model is to predict now."""

    kind: ClassVar[str] = "ModelDue"
    model: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TimerDue(EventBase):
    """A timer ran out."""

    kind: ClassVar[str] = "TimerDue"
    timer: Timer

    @property
    def variant(self) -> object:
        """Return which one it is."""
        return self.timer


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUpDue(EventBase):
    """A follow-up is to be done now."""

    kind: ClassVar[str] = "FollowUpDue"
    follow_up: FollowUp

    @property
    def variant(self) -> object:
        """Return which one it is."""
        return self.follow_up.kind


@dataclass(frozen=True, kw_only=True, slots=True)
class GapNoticed(EventBase):
    """Data of a source or tag is missing for a time, which is put on record."""

    kind: ClassVar[str] = "GapNoticed"
    gap: Gap


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayAlarmChanged(EventBase):
    """An alarm of the gateway itself stands, or no longer does; ``latched``: a person has to take it down."""

    kind: ClassVar[str] = "GatewayAlarmChanged"
    code: str
    stands: bool
    latched: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionAnswered(EventBase):
    """A person's question was answered from records; it decides nothing, and is put on record.

    ``place``: the console, or the terminal; ``known``: whether who asked has shown who they are. ``sources``: of it.
    """

    kind: ClassVar[str] = "QuestionAnswered"
    place: str
    who: str
    known: bool
    question: str
    length: int
    intent: str
    outcome: str
    language: str
    sources: tuple[str, ...]
    answer_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PhrasingNoted(EventBase):
    """A language model is asked to phrase an answer, or has answered; ``place`` and ``sources``: of the answer."""

    kind: ClassVar[str] = "PhrasingNoted"
    place: str
    sources: tuple[str, ...]
    phrasing: Phrasing


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadWitnessed(EventBase):
    """The broker has a head of our audit chain that was published earlier."""

    kind: ClassVar[str] = "HeadWitnessed"
    head: Head


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreChecked(EventBase):
    """The full check of the store has ended."""

    kind: ClassVar[str] = "StoreChecked"
    rows: int
    audit_lines: int
    damaged: int
    wrong: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayStarted(EventBase):
    """The daemon started with this configuration and these bundles."""

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
    """The second check kept a message back; ``refused``: the reason, by the id of each guidance that it refused."""

    kind: ClassVar[str] = "AdviceWithheld"
    refused: Mapping[str, Reason]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationReloaded(EventBase):
    """The running gateway works by a changed configuration from now on; ``changed``: the keys, the first of many."""

    kind: ClassVar[str] = "ConfigurationReloaded"
    configuration_sha256: str
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificatePrinted(EventBase):
    """The document of a signed certificate is made, or cannot be: ``problem``."""

    kind: ClassVar[str] = "CertificatePrinted"
    certificate_id: str
    version: int
    media_type: str
    content: bytes
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateMailed(EventBase):
    """A signed certificate was sent to its customer, or the server has refused it for good: ``problem``."""

    kind: ClassVar[str] = "CertificateMailed"
    certificate_id: str
    version: int
    to: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LaboratoryPlanned(EventBase):
    """A plan of the laboratory was made of what was on record a moment ago."""

    kind: ClassVar[str] = "LaboratoryPlanned"
    plan: LaboratoryPlan


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayStopped(EventBase):
    """The daemon is stopping as asked."""

    kind: ClassVar[str] = "GatewayStopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class LotsJudgedAgain(EventBase):
    """What lots are judged by has changed: production context, a specification, a refused message, a parent lot."""

    kind: ClassVar[str] = "LotsJudgedAgain"
    lots: tuple[str, ...]
    because: str  # the id of the event that changed it


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointWriteBegun(EventBase):
    """The writer is about to write an intent; ``before``: where the setpoint stands, None where that is not known."""

    kind: ClassVar[str] = "SetpointWriteBegun"
    intent_id: str
    before: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointWriteEnded(EventBase):
    """A write has ended, was not begun, was cut off, or is followed; values as in ``IntentMoved``."""

    kind: ClassVar[str] = "SetpointWriteEnded"
    intent_id: str
    state: WriteState
    before: float | None = None
    written: float | None = None
    read_back: float | None = None
    feedback: float | None = None
    reason: Reason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInTried(EventBase):
    """A password was given for a user; ``succeeded``: it is theirs. ``via``: the command, the console, a terminal.

    ``origin``: the address that it came from, ``command`` for this machine. ``code_step``: the step in time of the code
    of a second device that was used with it.
    """

    kind: ClassVar[str] = "SignInTried"
    user_id: str
    succeeded: bool
    via: str
    origin: str
    code_step: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ActRequested(EventBase):
    """A person asks for an act. ``credential``: what is verified of the person; the store's users say whether they may.

    ``person``: the printed name, filled in there. ``reason`` goes into the audit trail. ``signed``: what was signed and
    by whom, filled in where the act needs signatures and has them all.
    """

    kind: ClassVar[str] = "ActRequested"
    act: Act
    credential: Credential
    reason: str
    person: str = ""
    signed: Signed | None = None

    @property
    def variant(self) -> object:
        """Return which one it is."""
        return self.act.kind


Arrived = ResultArrived | ContextChanged | SpecificationStated | ResponseArrived | MessageRefused

Event = (
    Arrived | ModelDue | TimerDue | GapNoticed | QuestionAnswered | PhrasingNoted | HeadWitnessed
    | StoreChecked | GatewayStarted | GatewayStopped
    | GatewayAlarmChanged
    | ConfigurationReloaded
    | VersionTaken | AdviceWithheld | FollowUpDue | LotsJudgedAgain | SetpointWriteBegun | SetpointWriteEnded
    | SignInTried | ActRequested | CertificatePrinted | CertificateMailed | LaboratoryPlanned
)  # fmt: skip
