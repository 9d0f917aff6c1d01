"""What asks for care with a lot besides the values of its results: the codes; sentences are the group ``lot``. Pure."""

from enum import StrEnum
from typing import Any

from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text


class LotReason(StrEnum):
    """Why a person must look at a lot, or at a result of it, and notes on a lot."""

    SUPERSEDED_VALUE_RESTORED = "SUPERSEDED_VALUE_RESTORED"
    CONTROL_REJECTED = "CONTROL_REJECTED"
    OUT_OF_TREND = "OUT_OF_TREND"
    EVIDENCE_DAMAGED = "EVIDENCE_DAMAGED"
    RECORDS_IN_DOUBT = "RECORDS_IN_DOUBT"
    HELD_BEFORE = "HELD_BEFORE"
    POINT_SETTLED = "POINT_SETTLED"
    AND_MORE = "AND_MORE"
    TESTS_MISSING = "TESTS_MISSING"
    PROVISIONAL_HOLD = "PROVISIONAL_HOLD"
    HOLD_LATCHED = "HOLD_LATCHED"
    PART_OF_LOT = "PART_OF_LOT"


def lot_reason(code: LotReason, /, *, shown: dict[str, Any] | None = None, **parameters: Any) -> Reason:
    """Return the reason of a code; ``shown``: what stands in its sentence only, or in another form."""
    sentence = text("lot", code.value, **{**parameters, **(shown or {})})
    return Reason(code=code.value, parameters=parameters, text=sentence)
