"""Which delivery a message came by."""

from dataclasses import dataclass

PULLED = "pulled"  # the session of what was fetched: it comes with each answer, and is known by its content


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The delivery that brought a message; by it a message that the broker sends again is recognised."""

    session: str
    topic: str
    message_number: int
    redelivered: bool
    payload_sha256: str
