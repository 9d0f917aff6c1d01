"""Electronic signatures: what was signed, by whom, as whom, when and with which meaning (21 CFR 11.50, 11.70)."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.deadlines import Deadline
from gateway.records.record import Record
from gateway.records.users import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class SignaturePolicy:
    """How many signatures an act needs, and of which roles; ``count`` 0: none.

    ``author_signs``: whether the signature of the person who asks for the act is one of them.
    ``expires_after_seconds``: how long an act waits for the others.
    """

    roles: tuple[Role, ...]
    count: int
    author_signs: bool = True
    expires_after_seconds: float = 24 * 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Author:
    """Who has asked for an act: the user's id, and the printed name at that time."""

    user_id: str
    printed_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedRecord(Record):
    """What is signed: an act with what it rests on, as canonical JSON; ``sha256``: of ``body``.

    ``kind`` is the act's, ``subject`` what it is about (a lot, a model), ``version`` counts the acts on this subject.
    ``reason``: the author's. ``expires``: how long it waits for signatures.
    """

    record_id: str
    kind: str
    subject: str
    version: int
    body: str
    sha256: str
    author: Author
    made_ns: int
    expires: Deadline


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature(Record):
    """A person's signature over a version of a record, by its SHA-256; it is given once and never changes."""

    signature_id: str
    record_kind: str
    record_id: str
    record_version: int
    record_sha256: str
    user_id: str
    printed_name: str
    role: Role
    meaning: str
    signed_ns: int
    event_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """A record with all the signatures that it needs."""

    record: SignedRecord
    signatures: tuple[Signature, ...]


class SigningState(StrEnum):
    """What has become of an act that needs signatures."""

    WAITING = "waiting"
    DONE = "done"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"  # rejected by a person who was to sign, or what it is about had changed before that


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningStateChanged(Record):
    """The state of a signed record from now on, by whom, and why."""

    record_id: str
    state: SigningState
    at_ns: int
    person: str
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedOnRecord:
    """A signed record as it stands: its state and the signatures that are bound to it.

    ``holds``: whether the record, its state and every signature that names it are as they were written.
    """

    record: SignedRecord
    state: SigningState
    signatures: tuple[Signature, ...]
    holds: bool
    why: str = ""


def is_bound(signature: Signature, record: SignedRecord) -> bool:
    """Return whether a signature is one of this record in this version with this content."""
    return (signature.record_kind, signature.record_id, signature.record_version, signature.record_sha256) == (
        record.kind,
        record.record_id,
        record.version,
        record.sha256,
    )
