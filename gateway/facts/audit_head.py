"""What decisions on the audit trail's head stand on."""

from dataclasses import dataclass

from gateway.facts.base import Facts
from gateway.records.outgoing import SignedHead


@dataclass(frozen=True, kw_only=True, slots=True)
class SignHeadFacts(Facts):
    """The trail's head, signed; None where it has not grown since it was last signed, or nobody signs."""

    signed_head: SignedHead | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WitnessFacts(Facts):
    """Whether the trail still contains the head that was published at the broker earlier."""

    head_holds: bool
