"""What a language model was asked to phrase, and what it wrote. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.records.record import Record


class PhrasingOutcome(StrEnum):
    """What came of a phrasing; but for the first the computed answer was shown alone."""

    SHOWN = "shown"
    SAYS_SOMETHING_ELSE = "says_something_else"
    TOO_LONG = "too_long"
    NOT_UNDERSTOOD = "not_understood"  # no answer of the interface
    REFUSED = "refused"  # by the server's status
    NOT_REACHED = "not_reached"
    NOT_IN_TIME = "not_in_time"


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrasing(Record):
    """A phrasing that was asked for; ``prompt``: the whole request; ``reply``: the answer, as far as it is read."""

    model: str
    prompt_version: str
    outcome: PhrasingOutcome
    prompt: str
    reply: str
    why: str = ""
