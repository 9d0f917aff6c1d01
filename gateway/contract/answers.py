"""Questions of terminals as they are read, and where their answers go."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.contract.received_schemas import LONGEST_QUESTION_READ
from gateway.people.terminal_tokens import LONGEST_TOKEN

LONGEST_MESSAGE = 16 * 1024


class QuestionMessage(BaseModel):
    """A question; ``id``: of the terminal's own, which the answer repeats; ``token``, ``proof``: of a person."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: str = Field(max_length=LONGEST_QUESTION_READ)
    id: str | None = Field(default=None, max_length=200)
    person: str | None = Field(default=None, max_length=200)
    token: str | None = Field(default=None, max_length=LONGEST_TOKEN)
    proof: str | None = Field(default=None, max_length=200)


def read_question(payload: bytes) -> QuestionMessage | None:
    """Return the question in a message, which may also be the bare text; None where it is none."""
    if len(payload) > LONGEST_MESSAGE:
        return None
    try:
        return QuestionMessage.model_validate_json(payload)
    except ValidationError:
        pass
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    return (
        None if text.lstrip()[:1] in {"{", "["} or len(text) > LONGEST_QUESTION_READ else QuestionMessage(question=text)
    )


def answer_topic(root: str, terminal: str, asked_for: str | None) -> str:
    """Return where an answer goes: where it is asked for, if that is below the terminal's own topic; else there.

    Whoever may ask must not have the gateway publish elsewhere with its rights.
    """
    own = f"{root}/answer/{terminal}"  # the level as it came: what a broker lets through is a level
    if asked_for is None or not asked_for.startswith(f"{own}/") or any(sign in asked_for for sign in "+#\0"):
        return own
    return asked_for
