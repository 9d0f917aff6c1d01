"""The nouns: what travels between rooms. Frozen, keyword-only, times as int64 nanoseconds UTC (``*_ns``).

A record is a fact or a decision, never a connection, a setting or a library's object. What a line *is*
(its tags, specifications and models) stands in ``gateway.definitions``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Any, Literal

from gateway.moments import Deadline

SECOND_NS = 1_000_000_000


def seconds_to_ns(seconds: float) -> int:
    """Return a duration in whole nanoseconds."""
    return round(seconds * SECOND_NS)


# --- reasons -------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why: a stable code, its parameters, and a sentence with the numbers in it."""

    code: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Accepted, or abstained with the reasons."""

    reasons: tuple[Reason, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether nothing spoke against it."""
        return not self.reasons


ACCEPTED = Verdict()


# --- process values ------------------------------------------------------------------------------------


class Quality(IntEnum):
    """The top two bits of an OPC UA status code (OPC 10000-4, 7.39)."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


def quality_of(status: int) -> Quality:
    """Return the quality class of an OPC UA status code; the reserved class counts as bad."""
    return Quality(min(status >> 30 & 0b11, Quality.BAD))


@dataclass(frozen=True, kw_only=True, slots=True)
class TagSample:
    """One value of a tag as its server reported it; ``time_from``: whose clock ``source_ns`` is."""

    tag: str
    value: float
    status: int
    source_ns: int
    server_ns: int
    time_from: Literal["source", "server", "gateway"] = "source"


class GapKind(StrEnum):
    """Why data is missing."""

    DISCONNECTED = "disconnected"  # a source was away
    OVERFLOW = "overflow"  # a server's queue overflowed
    SEQUENCE = "sequence"  # a server's notification was lost on the way
    EVICTED = "evicted"  # given up for want of space
    DROPPED = "dropped"  # could not be written in time
    DAMAGED = "damaged"  # no longer what was written
    CLOCK_SET = "clock_set"  # the gateway's wall clock was set: from what it would have shown to what it shows


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A known hole in data. ``subject``: a source, a tag, ``history`` or a lane; ``until_ns`` None: still open."""

    gap_id: str
    kind: GapKind
    subject: str
    from_ns: int
    until_ns: int | None
    details: Mapping[str, Any] = field(default_factory=dict)


# --- laboratory ----------------------------------------------------------------------------------------


class ResultStatus(StrEnum):
    """How far a result has come in the laboratory."""

    ENTERED = "entered"
    VALIDATED = "validated"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bands:
    """Percent of target: inside ``release`` release, inside ``review`` review, outside hold."""

    release: tuple[float, float]
    review: tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Specification:
    """Limits of one analyte of one product, or those that came with a result."""

    analyte: str
    lower: float | None
    upper: float | None
    product: str | None = None
    target: float | None = None
    unit: str | None = None
    version: str | None = None
    inclusive: bool = True
    bands: Bands | None = None
    lower_inclusive: bool | None = None  # None: as ``inclusive``
    upper_inclusive: bool | None = None
    decimals: int | None = None  # results are rounded to so many before they are compared
    client_id: str | None = None  # None: for all
    effective_from_ns: int | None = None
    effective_until_ns: int | None = None
    required: bool = False  # whether a lot may be released without it
    accepts: tuple[str, ...] = ()  # texts that are inside; whole ones, in any case
    rejects: tuple[str, ...] = ()  # texts that are outside
    non_negative: bool | None = None  # whether no value can lie below 0; None: where the limits begin at 0
    assume_unit: bool = False  # whether a number without a unit is in the specification's

    def includes(self, side: Literal["lower", "upper"]) -> bool:
        """Return whether a value on that limit is inside."""
        own = self.lower_inclusive if side == "lower" else self.upper_inclusive
        return self.inclusive if own is None else own


@dataclass(frozen=True, kw_only=True, slots=True)
class LabResult:
    """One version of one result. ``<x`` is never the number x: then ``value`` is None, ``censored_at`` is x."""

    result_id: str
    source: str
    sample_id: str
    test_id: str
    analyte: str
    replicate: int
    value_text: str
    value: float | None
    qualifier: str | None
    unit: str | None
    status: ResultStatus
    result_version: int | None  # None: the message had none; the store counts
    censored_at: float | None = None
    specification: Specification | None = None
    lod: float | None = None
    loq: float | None = None
    retest_of: str | None = None
    sampled_ns: int | None = None
    received_ns: int | None = None
    analysed_ns: int | None = None
    approved_ns: int | None = None
    material_lot_id: str | None = None
    job_order_id: str | None = None
    material_definition_id: str | None = None
    equipment_id: str | None = None
    client_id: str | None = None
    study_id: str | None = None
    analyst: str | None = None
    instrument_id: str | None = None
    method_id: str | None = None
    supplier: str | None = None  # of incoming material
    control_id: str | None = None  # of a control sample: the material that was measured; it belongs to no lot
    run_id: str | None = None  # what was measured together
    foreign_id: str | None = None  # the laboratory's own id of it, by which a retest may name it
    other_lots: tuple[str, ...] = ()  # of a composite: the lots that it speaks of besides material_lot_id
    unread: tuple[Reason, ...] = ()  # what of the message could not be understood: its lots are for a person
    context_from: tuple[str, ...] = ()  # fields that the message left open and production filled in when it came
    flags: tuple[str, ...] = ()

    @property
    def lots(self) -> tuple[str, ...]:
        """Return every lot that the result speaks of."""
        return (() if self.material_lot_id is None else (self.material_lot_id,)) + self.other_lots

    def to_be_numbered(self) -> "LabResult":
        """Return the result without an id and a version, as a message that has neither."""
        return replace(self, result_id="", result_version=None)

    def in_its_own_words(self) -> "LabResult":
        """Return the result as its message told it, without what production has filled in."""
        if not self.context_from:
            return self
        empty: dict[str, Any] = {name: () if name == "other_lots" else None for name in self.context_from}
        return replace(self, **empty, context_from=())


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductReference:
    """What a refused message names of a product: of which lots it may speak that it does not name.

    Without a product it speaks of any; without an analyte, of all of them. ``version`` and ``from_ns`` are of the
    specification that it tells, as far as they can be read.
    """

    product: str | None = None
    analyte: str | None = None
    client_id: str | None = None
    version: str | None = None
    from_ns: int | None = None  # UTC, from when it says that it is in force
    states_limits: bool = True  # whether it is about a specification
    may_require: bool = True  # whether it could say that no lot is released without the analyte


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultReference:
    """What can be said of a refused message: which lots, which sample and which test it speaks of, and of where.

    Order and equipment count where it names no lot, and where it speaks of others besides.
    """

    source: str
    lots: tuple[str, ...] = ()
    sample_id: str | None = None
    test_id: str | None = None
    job_order_id: str | None = None
    equipment_id: str | None = None
    sampled_ns: int | None = None
    others_besides: bool = False  # whether it also speaks of lots on its equipment that it does not name
    products: tuple[ProductReference, ...] = ()

    @property
    def says_something(self) -> bool:
        """Return whether it names anything by which a lot could be found."""
        return bool(self.lots or self.sample_id or self.job_order_id or self.equipment_id or self.products)


# --- production context --------------------------------------------------------------------------------


class ContextKind(StrEnum):
    """What a manufacturing execution system tells about orders, lots and equipment."""

    ORDER_STARTED = "order_started"
    ORDER_ENDED = "order_ended"
    LOT_STARTED = "lot_started"
    LOT_ENDED = "lot_ended"
    LOT_CLOSED = "lot_closed"
    MATERIAL_CONSUMED = "material_consumed"
    EQUIPMENT_STATE = "equipment_state"


@dataclass(frozen=True, kw_only=True, slots=True)
class ContextChange:
    """One message of the manufacturing execution system, checked."""

    kind: ContextKind
    at_ns: int
    equipment_id: str | None = None
    material_lot_id: str | None = None
    job_order_id: str | None = None
    material_definition_id: str | None = None
    client_id: str | None = None
    consumed_lot_id: str | None = None
    consumed_definition_id: str | None = None
    supplier: str | None = None
    state: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """Which order, lot and product hold on an equipment, or for a lot."""

    equipment_id: str | None = None
    material_lot_id: str | None = None
    job_order_id: str | None = None
    material_definition_id: str | None = None
    client_id: str | None = None


# --- prediction ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class InputEvidence:
    """What one tag contributed to a feature vector: enough to recognise the samples again."""

    tag: str
    count: int
    first_ns: int | None
    last_ns: int | None
    worst_status: int
    samples_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureVector:
    """The inputs of a model at one instant, in the bundle's order, with their evidence."""

    end_ns: int
    names: tuple[str, ...]
    values: tuple[float, ...]
    evidence: tuple[InputEvidence, ...]
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelIdentity:
    """Which frozen model spoke."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """A predicted value with its interval; without numbers where the gates abstained before inference."""

    prediction_id: str
    at_ns: int
    equipment_id: str
    analyte: str
    unit: str
    model: ModelIdentity
    stage: str
    value: float | None
    low: float | None
    high: float | None
    coverage: float
    features: FeatureVector | None
    verdict: Verdict
    material_lot_id: str | None
    material_definition_id: str | None
    sample_result_id: str | None = None  # set where the instant is a sample's drawn time
    no_suggestion: tuple[Reason, ...] = ()  # why no move was suggested where one was wanted
    probability: float | None = None  # of being out of specification, where the model says that
    uncorrected: float | None = None  # what the model itself says, before the bias
    bias: float = 0.0
    bias_version: int = 0
    cause: str = ""  # the event's id
    arrival: int = 0  # how many notifications of sources were known, so that a replay knows no more


# --- advice --------------------------------------------------------------------------------------------


class Recommendation(StrEnum):
    """What the gateway recommends for a lot. People decide."""

    PENDING = "pending"
    RELEASE = "release"
    REVIEW = "review"
    HOLD = "hold"


@dataclass(frozen=True, kw_only=True, slots=True)
class RestedOn:
    """A result that a disposition rests on."""

    result_id: str
    sample_id: str
    test_id: str
    result_version: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Disposition:
    """The recommendation for a lot after one result version, and what it rests on."""

    disposition_id: str
    material_lot_id: str | None
    job_order_id: str | None
    recommendation: Recommendation
    previous: Recommendation
    latched: bool
    reasons: tuple[Reason, ...]
    rests_on_results: tuple["RestedOn", ...]
    rests_on_predictions: tuple[Prediction, ...]
    flags: tuple[str, ...]
    trends: tuple[str, ...] = ()  # which of its results were out of trend: sample, test and why
    gaps: tuple[str, ...] = ()  # known holes in what the process told while it was made
    missing_tests: tuple[str, ...] = ()  # required ones without an approved result
    provisional: bool = False  # before the laboratory's result, by what a model says
    results: int = 0  # how many current results it rests on; of very many, rests_on_results names the worst


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
class Sensitivity:
    """By how much a prediction changes per unit of one input, over a change by ``over`` around its value."""

    input: str
    tag: str
    unit: str
    per_unit: float
    over: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """The steps of a procedure that applies."""

    procedure: str
    title: str
    steps: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Guidance:
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
    sensitivities: tuple[Sensitivity, ...] = ()  # of the prediction, the strongest first
    instructions: tuple[Instruction, ...] = ()  # of the plant's procedures that apply


class Act(StrEnum):
    """What a person at a terminal may do with a guidance."""

    ACKNOWLEDGE = "acknowledge"
    APPROVE = "approve"
    REJECT = "reject"


class Outcome(StrEnum):
    """What came of a response."""

    ACKNOWLEDGED = "ACKNOWLEDGED"
    REJECTED = "REJECTED"
    ALREADY_SO = "ALREADY_SO"
    EXPIRED = "EXPIRED"
    STAGE_TOO_LOW = "STAGE_TOO_LOW"
    SIGNATURE_REQUIRED = "SIGNATURE_REQUIRED"
    PERSON_REQUIRED = "PERSON_REQUIRED"
    NO_LONGER_ADVISED = "NO_LONGER_ADVISED"
    UNKNOWN_GUIDANCE = "UNKNOWN_GUIDANCE"
    NOT_POSSIBLE_WHEN_ACKNOWLEDGED = "NOT_POSSIBLE_WHEN_ACKNOWLEDGED"
    NOT_POSSIBLE_WHEN_APPROVED = "NOT_POSSIBLE_WHEN_APPROVED"
    NOT_POSSIBLE_WHEN_REJECTED = "NOT_POSSIBLE_WHEN_REJECTED"
    NOT_POSSIBLE_WHEN_APPLIED = "NOT_POSSIBLE_WHEN_APPLIED"
    NOT_POSSIBLE_WHEN_EXPIRED = "NOT_POSSIBLE_WHEN_EXPIRED"
    NOT_POSSIBLE_WHEN_SUPERSEDED = "NOT_POSSIBLE_WHEN_SUPERSEDED"
    NOT_POSSIBLE_WHEN_WITHDRAWN = "NOT_POSSIBLE_WHEN_WITHDRAWN"
    NOT_POSSIBLE_WHEN_RESOLVED = "NOT_POSSIBLE_WHEN_RESOLVED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """A person's act on a guidance, as the terminal sent it."""

    response_id: str
    guidance_id: str
    act: Act
    terminal: str
    person: str | None
    reason: str | None
    at_ns: int | None


# --- what leaves ---------------------------------------------------------------------------------------


class Lane(IntEnum):
    """The outbox's lanes, in the order of their urgency."""

    GUIDANCE = 0
    EVIDENCE = 1
    TELEMETRY = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class OutgoingMessage:
    """Bytes for the broker. ``replaces``: unsent older messages of this topic in that lane are superseded."""

    message_id: str
    lane: Lane
    topic: str
    payload: bytes
    retain: bool = False
    expires: Deadline | None = None
    replaces: Lane | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One line of the audit trail: a change of state, an advice or an act."""

    kind: str
    subject: str
    body: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The newest line of the audit chain: its number and its hash."""

    seq: int
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedHead:
    """A head with an Ed25519 signature; key and signature in hexadecimal."""

    head: Head
    line: str
    at_ns: int
    public_key: str
    signature: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A message that could not be understood, whole, with why."""

    dead_letter_id: str
    topic: str
    payload: bytes
    reasons: tuple[Reason, ...]
