"""What leaves the gateway or is kept as proof: messages, audit entries, heads, dead letters."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from gateway.deadlines import Deadline
from gateway.records.record import Record
from gateway.records.scope import OF_THE_PLANT, Scope
from gateway.records.verdicts import Reason


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
    """One line of the audit trail: a change of state, an advice or an act.

    ``scope``: the client and study that it concerns; the body that is stored names them.
    """

    kind: str
    subject: str
    body: Mapping[str, Any]
    scope: Scope = OF_THE_PLANT


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The newest line of the audit chain: its number and its hash."""

    seq: int
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedHead(Record):
    """A head with an Ed25519 signature; key and signature in hexadecimal."""

    head: Head
    line: str
    at_ns: int
    public_key: str
    signature: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter(Record):
    """A message that could not be understood, whole, with why."""

    dead_letter_id: str
    topic: str
    payload: bytes
    reasons: tuple[Reason, ...]
