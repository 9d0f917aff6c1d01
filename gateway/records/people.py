"""What people answer at terminals and do by commands, and what becomes of it."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.records.record import Record
from gateway.records.users import CredentialKind, Role


class Act(StrEnum):
    """What a person at a terminal may do with a guidance."""

    ACKNOWLEDGE = "acknowledge"
    APPROVE = "approve"
    REJECT = "reject"


class Outcome(StrEnum):
    """The outcome of a response."""

    ACKNOWLEDGED = "ACKNOWLEDGED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    ALREADY_SO = "ALREADY_SO"
    EXPIRED = "EXPIRED"
    STAGE_TOO_LOW = "STAGE_TOO_LOW"
    WRITE_UNDER_WAY = "WRITE_UNDER_WAY"
    SIGNATURE_REQUIRED = "SIGNATURE_REQUIRED"
    PERSON_REQUIRED = "PERSON_REQUIRED"
    NO_LONGER_ADVISED = "NO_LONGER_ADVISED"
    UNKNOWN_GUIDANCE = "UNKNOWN_GUIDANCE"
    NOTHING_TO_APPROVE = "NOTHING_TO_APPROVE"
    REASON_REQUIRED = "REASON_REQUIRED"
    ROLE_NOT_ENTITLED = "ROLE_NOT_ENTITLED"
    TOKEN_REQUIRED = "TOKEN_REQUIRED"
    TOKEN_UNREADABLE = "TOKEN_UNREADABLE"
    TOKEN_KEY_UNKNOWN = "TOKEN_KEY_UNKNOWN"
    TOKEN_SIGNATURE_WRONG = "TOKEN_SIGNATURE_WRONG"
    TOKEN_KEY_REVOKED = "TOKEN_KEY_REVOKED"
    TOKEN_USER_DISABLED = "TOKEN_USER_DISABLED"
    TOKEN_OF_OTHER_LINE = "TOKEN_OF_OTHER_LINE"
    TOKEN_OF_OTHER_TERMINAL = "TOKEN_OF_OTHER_TERMINAL"
    TOKEN_OF_OTHER_GUIDANCE = "TOKEN_OF_OTHER_GUIDANCE"
    TOKEN_OF_OTHER_ACT = "TOKEN_OF_OTHER_ACT"
    TOKEN_FROM_THE_FUTURE = "TOKEN_FROM_THE_FUTURE"
    TOKEN_VALID_TOO_LONG = "TOKEN_VALID_TOO_LONG"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"
    TOKEN_USED_BEFORE = "TOKEN_USED_BEFORE"
    TOO_MANY_RESPONSES = "TOO_MANY_RESPONSES"
    NOT_POSSIBLE_WHEN_ACKNOWLEDGED = "NOT_POSSIBLE_WHEN_ACKNOWLEDGED"
    NOT_POSSIBLE_WHEN_APPROVED = "NOT_POSSIBLE_WHEN_APPROVED"
    NOT_POSSIBLE_WHEN_REJECTED = "NOT_POSSIBLE_WHEN_REJECTED"
    NOT_POSSIBLE_WHEN_APPLIED = "NOT_POSSIBLE_WHEN_APPLIED"
    NOT_POSSIBLE_WHEN_EXPIRED = "NOT_POSSIBLE_WHEN_EXPIRED"
    NOT_POSSIBLE_WHEN_SUPERSEDED = "NOT_POSSIBLE_WHEN_SUPERSEDED"
    NOT_POSSIBLE_WHEN_WITHDRAWN = "NOT_POSSIBLE_WHEN_WITHDRAWN"
    NOT_POSSIBLE_WHEN_RESOLVED = "NOT_POSSIBLE_WHEN_RESOLVED"


EFFECTIVE = frozenset({Outcome.ACKNOWLEDGED, Outcome.APPROVED, Outcome.REJECTED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """A person's act on a guidance, as it was sent.

    ``terminal``: None where it came by a command or from the console. ``person``: the name that the sender states;
    who it really was, says ``Answerer``. ``token``: the signed token, an empty text where it cannot be one.
    """

    response_id: str
    guidance_id: str
    act: Act
    terminal: str | None
    person: str | None
    reason: str | None
    at_ns: int | None
    token: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answerer:
    """Who answers a guidance. Without a user nobody is identified, and ``name`` is only what the message states."""

    name: str | None
    user_id: str | None = None
    roles: tuple[Role, ...] = ()
    credential: CredentialKind | None = None

    @property
    def identified(self) -> bool:
        """Return whether it is known who answers."""
        return self.user_id is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerOnRecord:
    """The newest answer that changed a guidance: which, by whom, when (UTC ns)."""

    act: Act
    name: str | None
    identified: bool
    at_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseRecorded(Record):
    """A response is put on record; ``outcome``: its effect. ``by``: who has answered.

    ``key_id`` and ``nonce``: of the signed token by which they were identified, where it was by one.
    """

    response: Response
    outcome: Outcome
    by: Answerer
    key_id: str | None = None
    nonce: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedResponses(Record):
    """Messages of terminals that changed nothing, in a period that began at an instant (UTC ns).

    ``recorded``: how many are on record one by one; ``counted``: how many more came, of which only the number is.
    """

    begun_ns: int
    recorded: int
    counted: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """A person has settled an open point: when (UTC ns) and why; ``event_id``: of the act by which it was settled."""

    point_id: str
    person: str
    reason: str
    at_ns: int
    event_id: str


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
class StageChanged(Record):
    """How far a version of a model may go from now on; ``record_id``: what was signed, ``signed_by``: printed names."""

    model: str
    bundle_sha256: str
    stage: str
    at_ns: int
    record_id: str
    signed_by: tuple[str, ...]
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
