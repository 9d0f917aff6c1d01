"""Why a message is refused: the codes, and the reasons that a person understands."""

from enum import StrEnum
from typing import Any

from gateway.records.laboratory import ResultReference
from gateway.records.verdicts import Reason


class Refusal(StrEnum):
    """Why a message was not understood."""

    TOO_LARGE = "TOO_LARGE"
    NOT_TEXT = "NOT_TEXT"
    NOT_JSON = "NOT_JSON"
    NOT_AN_OBJECT = "NOT_AN_OBJECT"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    MISSING = "MISSING"
    WRONG_TYPE = "WRONG_TYPE"
    NOT_A_NUMBER = "NOT_A_NUMBER"
    NOT_A_TIME = "NOT_A_TIME"
    TIME_AHEAD = "TIME_AHEAD"
    NOT_A_CHOICE = "NOT_A_CHOICE"
    CONTRADICTS = "CONTRADICTS"
    UNMAPPED_FIELD = "UNMAPPED_FIELD"
    TOO_LONG = "TOO_LONG"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    SPECIFICATION_REVERSED = "SPECIFICATION_REVERSED"
    SPECIFICATION_EMPTY = "SPECIFICATION_EMPTY"
    RESULT_VERSION_CONFLICT = "RESULT_VERSION_CONFLICT"
    SPECIFICATION_VERSION_CONFLICT = "SPECIFICATION_VERSION_CONFLICT"
    NO_ROUTE = "NO_ROUTE"
    TERMINAL_DIFFERS = "TERMINAL_DIFFERS"
    HEAD_NOT_OURS = "HEAD_NOT_OURS"
    DECISION_FAILED = "DECISION_FAILED"


class MessageRefusedError(Exception):
    """The message is not understood; ``reasons`` says why, all of it, ``about`` of which lots or sample it speaks."""

    def __init__(self, reasons: tuple[Reason, ...], about: ResultReference | None = None) -> None:
        super().__init__(" ".join(reason.text for reason in reasons))
        self.reasons = reasons
        self.about = about


def refusal(code: Refusal, text: str, **parameters: Any) -> Reason:
    """Return a reason of that code."""
    return Reason(code=code.value, parameters=parameters, text=text)
