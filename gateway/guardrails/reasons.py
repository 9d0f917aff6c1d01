"""The codes of all reasons for abstaining. Their sentences are the group ``abstention`` of the catalogue of texts."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text


class Abstention(StrEnum):
    """Why a gate did not let something pass."""

    BAD_QUALITY = "BAD_QUALITY"
    NO_VALUE = "NO_VALUE"
    NOT_DEFINED = "NOT_DEFINED"
    OUTSIDE_BATCH = "OUTSIDE_BATCH"
    PHASE_NOT_REACHED = "PHASE_NOT_REACHED"
    BATCH_TOO_LONG = "BATCH_TOO_LONG"
    UNKNOWN_CATEGORY = "UNKNOWN_CATEGORY"
    STALE = "STALE"
    LOW_COVERAGE = "LOW_COVERAGE"
    OUTSIDE_VALIDATED_RANGE = "OUTSIDE_VALIDATED_RANGE"
    CHANGES_TOO_FAST = "CHANGES_TOO_FAST"
    FROZEN = "FROZEN"
    OUTSIDE_DOMAIN_T2 = "OUTSIDE_DOMAIN_T2"
    OUTSIDE_DOMAIN_SPE = "OUTSIDE_DOMAIN_SPE"
    PROCESS_OUTSIDE = "PROCESS_OUTSIDE"
    MODEL_FAILED = "MODEL_FAILED"
    NOT_FINITE = "NOT_FINITE"
    OUTSIDE_OUTPUT_RANGE = "OUTSIDE_OUTPUT_RANGE"
    NO_HONEST_INTERVAL = "NO_HONEST_INTERVAL"
    INTERVAL_TOO_WIDE = "INTERVAL_TOO_WIDE"
    MODEL_TOO_SLOW = "MODEL_TOO_SLOW"
    STAGE_TOO_LOW = "STAGE_TOO_LOW"
    MODEL_NOT_IN_SERVICE = "MODEL_NOT_IN_SERVICE"
    VERSION_NOT_IN_SERVICE = "VERSION_NOT_IN_SERVICE"
    LIMITS_CHANGED = "LIMITS_CHANGED"
    NO_SPECIFICATION = "NO_SPECIFICATION"
    SETPOINT_UNKNOWN = "SETPOINT_UNKNOWN"
    SETPOINT_OUTSIDE_RANGE = "SETPOINT_OUTSIDE_RANGE"
    SETPOINT_NOT_FINITE = "SETPOINT_NOT_FINITE"
    STEP_TOO_LARGE = "STEP_TOO_LARGE"
    INTERLOCKED = "INTERLOCKED"
    NOT_IN_STATE = "NOT_IN_STATE"
    REACTION_NOT_SHOWN = "REACTION_NOT_SHOWN"
    TOO_SOON = "TOO_SOON"
    NO_IMPROVING_MOVE = "NO_IMPROVING_MOVE"
    SIDE_EFFECT_UNKNOWN = "SIDE_EFFECT_UNKNOWN"
    MOVE_UNDER_WAY = "MOVE_UNDER_WAY"
    MOVE_REJECTED = "MOVE_REJECTED"
    NO_MANIPULATED_TAG = "NO_MANIPULATED_TAG"
    NOT_WITHIN_LINE = "NOT_WITHIN_LINE"
    UNREADABLE = "UNREADABLE"
    WRITES_STOPPED = "WRITES_STOPPED"
    ALARM_STANDS = "ALARM_STANDS"
    APPROVAL_EXPIRED = "APPROVAL_EXPIRED"
    NOT_APPROVED = "NOT_APPROVED"
    BUDGET_SPENT = "BUDGET_SPENT"
    STOP_TAG = "STOP_TAG"
    OPERATOR_MODE = "OPERATOR_MODE"
    MOVED_BY_OTHERS = "MOVED_BY_OTHERS"
    TYPE_DOES_NOT_FIT = "TYPE_DOES_NOT_FIT"
    PLC_LIMITS_UNKNOWN = "PLC_LIMITS_UNKNOWN"
    WRITE_UNDER_WAY = "WRITE_UNDER_WAY"
    WRITE_REFUSED = "WRITE_REFUSED"
    WRITE_NOT_TAKEN = "WRITE_NOT_TAKEN"
    WRITE_MISMATCH = "WRITE_MISMATCH"
    WRITE_CUT_OFF = "WRITE_CUT_OFF"
    WRITE_STOPPED = "WRITE_STOPPED"
    FEEDBACK_NOT_REACHED = "FEEDBACK_NOT_REACHED"
    FEEDBACK_UNKNOWN = "FEEDBACK_UNKNOWN"


class AbstentionPhrase(StrEnum):
    """Parts of sentences: the codes of the group ``abstention_phrase``."""

    NOT_KNOWN = "NOT_KNOWN"
    OR = "OR"


def abstain(code: Abstention, **parameters: Any) -> Reason:
    """Return the reason of that code, with the numbers of the case in its sentence."""
    return abstain_in_words(code, {}, **parameters)


def abstain_in_words(code: Abstention, shown: Mapping[str, str], **parameters: Any) -> Reason:
    """Return the same; ``shown``: parameters that the sentence has in the words of the plant's language."""
    name = code.value
    return Reason(code=name, parameters=parameters, text=text("abstention", name, **{**parameters, **shown}))


def abstention_phrase(code: AbstentionPhrase, **parameters: Any) -> str:
    """Return a part of a sentence."""
    return text("abstention_phrase", code.value, **parameters)
