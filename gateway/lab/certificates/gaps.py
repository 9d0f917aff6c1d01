"""What is missing in a certificate, or speaks against it: nothing is signed while there is any. Pure."""

from enum import StrEnum
from typing import Any

from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text


class Gap(StrEnum):
    """The codes of the group ``certificate_gap``."""

    TEST_MISSING = "TEST_MISSING"
    NOT_FINAL = "NOT_FINAL"
    SEVERAL_RESULTS = "SEVERAL_RESULTS"
    NO_MEAN = "NO_MEAN"
    OUT_OF_LIMITS = "OUT_OF_LIMITS"
    UNDECIDED = "UNDECIDED"
    UNIT_UNKNOWN = "UNIT_UNKNOWN"
    UNIT_NOT_STATED = "UNIT_NOT_STATED"
    UNREAD = "UNREAD"
    NO_LIMITS = "NO_LIMITS"
    SPECIFICATIONS_DIFFER = "SPECIFICATIONS_DIFFER"
    NOT_COMPLETE = "NOT_COMPLETE"
    OPEN_POINTS = "OPEN_POINTS"
    NOT_RELEASED = "NOT_RELEASED"
    DECIDED_OTHERWISE = "DECIDED_OTHERWISE"
    DECISION_LAPSED = "DECISION_LAPSED"
    DEVIATION_OPEN = "DEVIATION_OPEN"
    RECORD_DAMAGED = "RECORD_DAMAGED"
    OTHER_PRODUCT = "OTHER_PRODUCT"
    OTHER_CLIENT = "OTHER_CLIENT"
    PART_NOT_RELEASED = "PART_NOT_RELEASED"
    RESULTS_LEFT_OUT = "RESULTS_LEFT_OUT"


def gap(code: Gap, **parameters: Any) -> Reason:
    """Return a gap with its sentence."""
    return Reason(code=code.value, parameters=parameters, text=text("certificate_gap", code.value, **parameters))
