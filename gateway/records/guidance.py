"""Guidance for operators, with its suggestion and instruction, and what became of it when people rejected it."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.deadlines import Deadline
from gateway.records.laboratory import LabResult, Specification
from gateway.records.prediction import Prediction, Sensitivity
from gateway.records.record import Record
from gateway.records.scope import OF_THE_PLANT, Scope
from gateway.records.verdicts import Reason


class GuidanceKind(StrEnum):
    """What sort of advice it is."""

    WARNING = "warning"
    HOLD = "hold"
    REVIEW = "review"
    RELEASE = "release"
    SETPOINT = "setpoint"
    INSTRUCTION = "instruction"


class GuidanceState(StrEnum):
    """Where a guidance stands in its life; see ``gateway.advice.lifecycle``."""

    PROPOSED = "proposed"
    ACKNOWLEDGED = "acknowledged"
    APPROVED = "approved"
    REJECTED = "rejected"
    APPLIED = "applied"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How urgent it is for the person who reads it."""

    INFORMATION = "information"
    WARNING = "warning"
    CRITICAL = "critical"


class AskedAgain(StrEnum):
    """Why a person is asked again for what was rejected."""

    REJECTED_NOW_CRITICAL = "REJECTED_NOW_CRITICAL"
    REJECTED_OTHER_LIMIT = "REJECTED_OTHER_LIMIT"
    REJECTED_GROWN = "REJECTED_GROWN"
    REJECTED_LONG_AGO = "REJECTED_LONG_AGO"


class Attention(StrEnum):
    """How operators are called to a guidance."""

    NEW = "new"  # a message of its own
    QUIET = "quiet"  # sent as a part of what its group's message has called them to
    SHELVED = "shelved"  # on the board only, while its alarm is shelved or out of service
    SUPPRESSED = "suppressed"  # on the board only, while its alarm is suppressed by design
    WAITING = "waiting"  # on the board only, until it is summarised: the equipment has had its messages


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointSuggestion:
    """A move of one manipulated tag and what it is expected to do."""

    tag: str
    current: float
    proposed: float
    unit: str
    validated: tuple[float, float]
    max_step: float
    expected_value: float
    expected_low: float
    expected_high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """The steps of a procedure that applies."""

    procedure: str
    title: str
    steps: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Guidance(Record):
    """One piece of advice to people, in one state of its life."""

    guidance_id: str
    kind: GuidanceKind
    state: GuidanceState
    severity: Severity
    title: str
    reasons: tuple[Reason, ...]
    issued_ns: int
    expires: Deadline | None
    material_lot_id: str | None = None
    job_order_id: str | None = None
    material_definition_id: str | None = None
    equipment_id: str | None = None
    client_id: str | None = None
    analyte: str | None = None
    specification: Specification | None = None
    measured: LabResult | None = None
    predicted: Prediction | None = None
    suggestion: SetpointSuggestion | None = None
    role: str = "operator"
    signature: bool = False
    supersedes: str | None = None
    attention: Attention = Attention.NEW
    announced_ns: int | None = None  # when operators were called to it by a message of its own
    group: str | None = None  # the id of the guidance whose message stands for it, too
    lowest: float | None = None  # of the predicted values while it stood, to about the half width of the interval
    highest: float | None = None
    sensitivities: tuple[Sensitivity, ...] = ()  # of the prediction, the strongest first
    instructions: tuple[Instruction, ...] = ()  # of the plant's procedures that apply

    @property
    def scope(self) -> Scope:
        """Return whose lot or sample it is about: the client and study of its result, where it is about one."""
        of_result = OF_THE_PLANT if self.measured is None else self.measured.scope
        return Scope(client_id=self.client_id or of_result.client_id, study_id=of_result.study_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectedAdvice:
    """Advice that a person has rejected while its condition stands."""

    guidance: Guidance
    at_ns: int
    person: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectionOver(Record):
    """A rejection counts no longer; ``name``: of the advice, see ``gateway.advice.rejection``."""

    name: str
