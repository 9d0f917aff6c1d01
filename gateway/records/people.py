"""What people answer, and what becomes of it."""

from dataclasses import dataclass
from enum import StrEnum


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
