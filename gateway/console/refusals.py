"""Why the console does not answer a request: the codes, and the error that carries one with its parameters."""

from enum import StrEnum
from typing import Any

from gateway.console.views.parts import Refusal, message_of
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer
from gateway.texts.refusals import hint_of, why_of


class RequestRefusal(StrEnum):
    """Why a request is not answered, whatever it asks for."""

    NOT_SIGNED_IN = "NOT_SIGNED_IN"
    TOO_MANY_WITHOUT_SESSION = "TOO_MANY_WITHOUT_SESSION"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    TOO_MANY_SIGN_INS = "TOO_MANY_SIGN_INS"
    TOO_MANY_PAGES = "TOO_MANY_PAGES"
    TOKEN_OF_SESSION_MISSING = "TOKEN_OF_SESSION_MISSING"  # noqa: S105
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    NOT_UNDERSTOOD = "NOT_UNDERSTOOD"
    FAILED = "FAILED"
    NO_SUCH_PATH = "NO_SUCH_PATH"
    PATH_NOT_TEXT = "PATH_NOT_TEXT"
    WRONG_METHOD = "WRONG_METHOD"
    CONTRADICTING_LENGTHS = "CONTRADICTING_LENGTHS"
    HEADERS_TOO_LONG = "HEADERS_TOO_LONG"
    FOREIGN_NAME = "FOREIGN_NAME"
    FOREIGN_PAGE = "FOREIGN_PAGE"
    NOT_JSON = "NOT_JSON"
    BODY_TOO_LONG = "BODY_TOO_LONG"
    BODY_DID_NOT_COME = "BODY_DID_NOT_COME"
    PARAMETER_NOT_READABLE = "PARAMETER_NOT_READABLE"
    PARAMETER_OUT_OF_RANGE = "PARAMETER_OUT_OF_RANGE"
    NOT_AN_INSTANT = "NOT_AN_INSTANT"
    NOT_A_PLACE = "NOT_A_PLACE"
    NOTHING_ON_RECORD = "NOTHING_ON_RECORD"
    NO_SUCH_DEVIATION = "NO_SUCH_DEVIATION"
    SIGHT_IS_LIMITED = "SIGHT_IS_LIMITED"
    NO_TERMINALS = "NO_TERMINALS"
    DOCUMENT_NOT_MADE = "DOCUMENT_NOT_MADE"
    NO_MODEL_OF_THIS_NAME = "NO_MODEL_OF_THIS_NAME"
    NO_SIGNED_RECORD = "NO_SIGNED_RECORD"
    DAMAGED_NOT_EXPORTED = "DAMAGED_NOT_EXPORTED"
    ACT_NOT_DONE = "ACT_NOT_DONE"
    NO_SUCH_ACT = "NO_SUCH_ACT"
    FOR_ADMINISTRATORS = "FOR_ADMINISTRATORS"
    OWN_PASSWORD = "OWN_PASSWORD"  # noqa: S105
    LINK_BY_WHO_IS_SIGNED_IN = "LINK_BY_WHO_IS_SIGNED_IN"
    LINK_SIGNS_NOBODY_IN = "LINK_SIGNS_NOBODY_IN"
    SETUP_LINK_INVALID = "SETUP_LINK_INVALID"
    PASSWORD_BY_ITS_USER = "PASSWORD_BY_ITS_USER"  # noqa: S105


class RefusedError(Exception):
    """A request that is not answered: the status of HTTP, and the code with its parameters."""

    def __init__(self, status: int, code: RequestRefusal | ActRefusal, /, **parameters: Any) -> None:
        super().__init__(code.value)
        self.status, self.code, self.parameters = status, code, parameters
        self._group = "act_refusal" if isinstance(code, ActRefusal) else "request_refusal"

    @property
    def why(self) -> str:
        """What is wrong, in the plant's language."""
        return why_of(self._group, self.code.value, self.parameters)

    @property
    def hint(self) -> str:
        """What to do, in the plant's language."""
        return hint_of(self._group, self.code.value, self.parameters)


def refusal_view(error: RefusedError) -> Refusal:
    """Return the answer to a request that is not answered."""
    why, hint = error.why, error.hint
    return Refusal(code=error.code.value, message=message_of(why, hint), why=why, hint=hint)


def refused_by(status: int, answer: Answer) -> RefusedError:
    """Return the error of a request whose act is refused."""
    if answer.code is None:
        raise TypeError("an act that is done is no refusal")
    return RefusedError(status, answer.code, **answer.parameters)
