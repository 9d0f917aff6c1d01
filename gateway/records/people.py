"""What people answer at terminals and do by commands, and what becomes of it."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.records.record import Record


class Act(StrEnum):
    """What a person at a terminal may do with a guidance."""

    ACKNOWLEDGE = "acknowledge"
    APPROVE = "approve"
    REJECT = "reject"


class Outcome(StrEnum):
    """The outcome of a response."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """A person has settled an open point: when (UTC ns) and why."""

    point_id: str
    person: str
    reason: str
    at_ns: int


class VersionAct(StrEnum):
    """What a person did with a version of a model."""

    PROMOTE = "promote"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionChange(Record):
    """Which bundle of a model was put into service, or taken out of it, by whom, when (UTC ns) and why."""

    model: str
    act: VersionAct
    version: str
    bundle_sha256: str
    folder: str
    at_ns: int
    person: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedBias(Record):
    """A correction in force from ``signed_ns`` on; ``newest_ns``: the drawn time of the newest result it rests on."""

    bundle_sha256: str
    analyte: str
    bias: float
    newest_ns: int
    signed_ns: int
    approver: str
    meaning: str
    public_key: str = ""
    signature: str = ""


OF_ALL_LOTS = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PointSettled(Record):
    """A person settles an open point of a lot; the lot is judged again.

    ``material_lot_id``: ``OF_ALL_LOTS`` where the point is of a message that speaks against many; then each of them is.
    """

    material_lot_id: str
    settlement: Settlement


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageUnparked(Record):
    """A message that the broker has refused is to be sent again."""

    message_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterRetry(Record):
    """A dead letter is to be tried again."""

    dead_letter_id: str
    person: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditArchived(Record):
    """The trail's lines up to a number are in an archive, and leave the store."""

    first_seq: int
    last_seq: int
    last_hash: str
    file_sha256: str
