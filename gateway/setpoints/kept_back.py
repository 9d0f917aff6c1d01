"""Setpoints that stage ``automatic`` leaves to people, as something speaks against moving them by itself. Pure.

A move that the plant or a person did not let through is not tried again while its cause stands; and what an operator
has moved away from where the gateway had put it, is not moved back. The suggestion is made all the same: a person who
approves one lets stage ``automatic`` go on. So does another product, or another version of the model.
"""

from gateway.guardrails.reasons import Abstention
from gateway.guardrails.writing import Refused
from gateway.line.definition import ManipulatedTag
from gateway.records.guidance import Guidance
from gateway.records.setpoints import LastMove

# what the plant shows, and not the records: nobody knows that it has ended before the plant was looked at again
PLANT_CAUSES = frozenset(
    {
        Abstention.STOP_TAG.value,
        Abstention.OPERATOR_MODE.value,
        Abstention.MOVED_BY_OTHERS.value,
        Abstention.SETPOINT_UNKNOWN.value,
        Abstention.SETPOINT_OUTSIDE_RANGE.value,
        Abstention.PLC_LIMITS_UNKNOWN.value,
        Abstention.TYPE_DOES_NOT_FIT.value,
        Abstention.STEP_TOO_LARGE.value,
        Abstention.INTERLOCKED.value,
        Abstention.NOT_IN_STATE.value,
        Abstention.REACTION_NOT_SHOWN.value,
    }
)


def is_kept_back(last: LastMove | None, guidance: Guidance, manipulated: ManipulatedTag) -> bool:
    """Return whether a suggested move is left to people, by what became of the last move of its setpoint."""
    suggestion, predicted = guidance.suggestion, guidance.predicted
    if last is None or suggestion is None:
        return False
    if not last.holds:
        return True  # nobody knows what became of it
    if predicted is not None and predicted.model.name == last.model and predicted.model.sha256 != last.model_sha256:
        return False  # another version of it
    same_product = guidance.material_definition_id == last.product
    if last.cause is None:
        moved_since = abs(suggestion.current - last.stands_at) > manipulated.resolution / 2
        return last.in_force and moved_since and same_product
    return same_product if last.cause == Abstention.MOVED_BY_OTHERS else last.cause in PLANT_CAUSES


def has_ended(cause: str, now: Refused | None) -> bool:
    """Return whether the cause that kept a move back has ended, by how that move is judged at the plant now.

    That the setpoint was moved meanwhile does not matter, unless that was the cause: the next move starts from there.
    """
    moved = Abstention.MOVED_BY_OTHERS.value
    return now is None or (cause != moved and now.reason.code == moved)
