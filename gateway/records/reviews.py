"""What people say of the exceptions in the review of a lot's record, and the review that is signed."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.records.record import Record
from gateway.records.users import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class ExceptionAnswered(Record):
    """A person comments on an exception; ``settled``: and it is settled with that. ``code``: of the exception."""

    event_id: str
    exception_id: str
    material_lot_id: str
    code: str
    settled: bool
    person: str
    role: Role
    comment: str
    at_ns: int


class ReviewState(StrEnum):
    """Whether a signed review still rests on the facts that are known."""

    SIGNED = "signed"
    LAPSED = "lapsed"  # something new is known since: it is asked for again


@dataclass(frozen=True, kw_only=True, slots=True)
class LotReviewed(Record):
    """A signed review of a lot's record; ``record_id``: what was signed, ``sha256``: of the list of what was looked at.

    ``basis_sha256``: of the facts that only change when something new is known; ``exceptions``: the ids of those that
    were looked at. Who and when are those of the last signature.
    """

    record_id: str
    material_lot_id: str
    sha256: str
    basis_sha256: str
    exceptions: tuple[str, ...]
    data_points: int
    printed_name: str
    role: Role
    meaning: str
    signature_id: str
    signed_by: tuple[str, ...]
    reason: str
    at_ns: int
    state: ReviewState
