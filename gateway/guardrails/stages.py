"""The stage that counts: the lower of what is configured and signed, what alarms allow, and what can be acted on. Pure.

Whoever tells, keeps or sends the advice of a model asks here, at that moment; a stage that was written down earlier
says only what held then.
"""

from collections.abc import Iterable

from gateway.latches import in_shadow
from gateway.line.definition import ModelAssignment, Stage

HIGHEST_ACTED_ON = Stage.AUTOMATIC


def effective_stage(model: ModelAssignment, latches: Iterable[str]) -> Stage:
    """Return how far a model may go now; ``latches``: the codes of the alarms that stand."""
    return Stage.SHADOW if in_shadow(model, latches) else min(model.stage, HIGHEST_ACTED_ON)
