"""Why a message is refused: the codes, and the reasons that a person understands."""

from enum import StrEnum
from typing import Any

from gateway.records.laboratory import ResultReference
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text as catalogue_text


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


class RefusalText(StrEnum):
    """The sentences of refusals, and parts of them; one code of a refusal may have several."""

    FIELD_MISSING = "FIELD_MISSING"
    FIELD_TOO_LONG = "FIELD_TOO_LONG"
    FIELD_NO_TEXT = "FIELD_NO_TEXT"
    MUST_BE_TEXT = "MUST_BE_TEXT"
    MUST_BE_NUMBER = "MUST_BE_NUMBER"
    MUST_BE_WHOLE_NUMBER = "MUST_BE_WHOLE_NUMBER"
    MUST_BE_TRUE_OR_FALSE = "MUST_BE_TRUE_OR_FALSE"
    MUST_BE_TIME = "MUST_BE_TIME"
    MUST_BE_OBJECT = "MUST_BE_OBJECT"
    MUST_BE_LOTS = "MUST_BE_LOTS"
    MUST_BE_TEXTS = "MUST_BE_TEXTS"
    MUST_BE_PAIR = "MUST_BE_PAIR"
    NO_NUMBER = "NO_NUMBER"
    NOT_FINITE = "NOT_FINITE"
    NO_NUMBER_AND_NO_LIMIT = "NO_NUMBER_AND_NO_LIMIT"
    NO_DETECTION_LIMIT = "NO_DETECTION_LIMIT"
    TOO_SMALL = "TOO_SMALL"
    TOO_LARGE = "TOO_LARGE"
    NO_TIME = "NO_TIME"
    TIME_WITHOUT_ZONE = "TIME_WITHOUT_ZONE"
    TIME_OUTSIDE_YEARS = "TIME_OUTSIDE_YEARS"
    TIME_IS_DATE = "TIME_IS_DATE"
    TIME_FORM = "TIME_FORM"
    TIME_UNKNOWN = "TIME_UNKNOWN"
    TIME_AHEAD = "TIME_AHEAD"
    NOT_A_CHOICE = "NOT_A_CHOICE"
    NOT_A_STATUS = "NOT_A_STATUS"
    NOT_A_COMPARATOR = "NOT_A_COMPARATOR"
    FIELD_IS = "FIELD_IS"
    CONTRADICTS = "CONTRADICTS"
    ENTERED_AND_DISPLAYED = "ENTERED_AND_DISPLAYED"
    ENTERED_AND_BECAME = "ENTERED_AND_BECAME"
    BEYOND_DETECTION_LIMIT = "BEYOND_DETECTION_LIMIT"
    NOTHING_READS = "NOTHING_READS"
    NOTHING_READS_IN_SPECIFICATION = "NOTHING_READS_IN_SPECIFICATION"
    CALL_IT = "CALL_IT"
    CALL_IT_EFFECTIVE = "CALL_IT_EFFECTIVE"
    NAME_IN_IGNORE = "NAME_IN_IGNORE"
    PERHAPS_SEVERAL_LOTS = "PERHAPS_SEVERAL_LOTS"
    TOO_MANY_LOTS = "TOO_MANY_LOTS"
    TOO_MANY_CHANGES = "TOO_MANY_CHANGES"
    TOO_MANY_RESULTS = "TOO_MANY_RESULTS"
    PLAN_ENDS_FIRST = "PLAN_ENDS_FIRST"
    RESULTS_TOO_LARGE = "RESULTS_TOO_LARGE"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    NOT_UTF_8 = "NOT_UTF_8"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    NESTED_TOO_DEEPLY = "NESTED_TOO_DEEPLY"
    NOT_JSON = "NOT_JSON"
    NOT_AN_OBJECT = "NOT_AN_OBJECT"
    NOT_OBJECTS = "NOT_OBJECTS"
    LIMITS_MISSING = "LIMITS_MISSING"
    LIMITS_AND_TEXTS_MISSING = "LIMITS_AND_TEXTS_MISSING"
    LIMITS_REVERSED = "LIMITS_REVERSED"
    VALIDITY_REVERSED = "VALIDITY_REVERSED"
    TARGET_MISSING = "TARGET_MISSING"
    BAND_TOO_LARGE = "BAND_TOO_LARGE"
    LISTS_UNUSABLE = "LISTS_UNUSABLE"
    LISTED_TEXT_EMPTY = "LISTED_TEXT_EMPTY"
    LISTED_TEXT_IS_NUMBER = "LISTED_TEXT_IS_NUMBER"
    LISTED_TWICE = "LISTED_TWICE"
    LISTED_TEXT_SAYS_FAILED = "LISTED_TEXT_SAYS_FAILED"
    SPECIFICATION_NOT_KEPT = "SPECIFICATION_NOT_KEPT"
    SPECIFICATION_ON_RECORD = "SPECIFICATION_ON_RECORD"
    RESULT_ON_RECORD = "RESULT_ON_RECORD"
    RESULT_ON_RECORD_DIFFERS = "RESULT_ON_RECORD_DIFFERS"
    TERMINAL_DIFFERS = "TERMINAL_DIFFERS"
    NO_ROUTE = "NO_ROUTE"
    HEAD_NOT_OURS = "HEAD_NOT_OURS"
    READING_FAILED = "READING_FAILED"
    DECISION_FAILED = "DECISION_FAILED"


class MessageRefusedError(Exception):
    """The message is not understood; ``reasons`` holds all reasons, ``about`` the lots or sample that it names."""

    def __init__(self, reasons: tuple[Reason, ...], about: ResultReference | None = None) -> None:
        super().__init__(" ".join(reason.text for reason in reasons))
        self.reasons = reasons
        self.about = about


def refusal(code: Refusal, text: str, **parameters: Any) -> Reason:
    """Return a reason of that code."""
    return Reason(code=code.value, parameters=parameters, text=text)


def refusal_text(code: RefusalText, **parameters: Any) -> str:
    """Return a sentence, or a part of one, with what it says of the message."""
    return catalogue_text("refusal", code.value, **parameters)


def unreadable(error: Exception) -> Reason:
    """Return the reason of a message over which a reader failed: a defect of ours, which must lose nothing."""
    text = refusal_text(RefusalText.READING_FAILED, error=type(error).__name__)
    error_text = repr(error)[:500].encode("utf-8", "backslashreplace").decode()
    return refusal(Refusal.DECISION_FAILED, text, error=error_text)
