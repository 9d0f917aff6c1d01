"""What a language model was asked to phrase, and what it wrote. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.records.record import Record


class PhrasingOutcome(StrEnum):
    """What came of a phrasing; only where it is ``shown`` more than the computed answer is."""

    ASKED = "asked"  # on record before the server is sent anything
    SHOWN = "shown"
    SAYS_SOMETHING_ELSE = "says_something_else"
    TOO_LONG = "too_long"
    NOT_UNDERSTOOD = "not_understood"  # no answer of the interface
    REFUSED = "refused"  # by the server's status
    NOT_REACHED = "not_reached"
    NOT_IN_TIME = "not_in_time"


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrasing(Record):
    """A phrasing that is asked for, or what came of it.

    ``prompt``: the whole request; ``reply``: the answer, as far as it is read.
    ``question_id``: the event of the question.
    """

    model: str
    prompt_version: str
    outcome: PhrasingOutcome
    prompt: str
    reply: str
    why: str = ""
    question_id: str = ""
