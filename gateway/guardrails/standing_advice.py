"""Whether earlier advice of a model may still stand and be sent: judged by the present line and alarms. Pure.

A warning or suggestion outlives the moment in which it was judged. Meanwhile its model may have been demoted, replaced
or taken out, and limits may have been narrowed. So it is judged again at each start, when a version is taken, when an
alarm latches, each second, before it goes onto the board, and when a person answers it.
"""

from collections.abc import Iterable

from gateway.guardrails.reasons import Abstention, abstain
from gateway.guardrails.setpoint_gates import judge_move
from gateway.guardrails.stages import effective_stage
from gateway.line.definition import LineDefinition, ModelAssignment, Stage
from gateway.records.guidance import Guidance, GuidanceKind, SetpointSuggestion
from gateway.records.verdicts import Reason

_OF_MODELS = frozenset({GuidanceKind.WARNING, GuidanceKind.SETPOINT})  # a hold by a model speaks against a release


def no_longer_advised(guidance: Guidance, line: LineDefinition, latches: Iterable[str]) -> Reason | None:
    """Return why advice of a model stands no longer, or None where it does, or where no model gave it."""
    if guidance.suggestion is None and (guidance.kind not in _OF_MODELS or guidance.predicted is None):
        return None
    name = "" if guidance.predicted is None else guidance.predicted.model.name
    model = line.model_named(name)
    if model is None or guidance.predicted is None or guidance.equipment_id != model.equipment_id:
        return abstain(Abstention.MODEL_NOT_IN_SERVICE, model=name)
    if guidance.predicted.model.sha256 != model.bundle.identity.sha256:
        return abstain(Abstention.VERSION_NOT_IN_SERVICE, model=name, version=guidance.predicted.model.version)
    stage = effective_stage(model, latches)
    if stage < Stage.ADVISE:
        return abstain(Abstention.STAGE_TOO_LOW, stage=stage.name.lower())
    return None if guidance.suggestion is None else _limits_changed(guidance.suggestion, model)


def _limits_changed(suggestion: SetpointSuggestion, model: ModelAssignment) -> Reason | None:
    """Return why a suggested move is not within the limits of now; it must have been judged by the same ones."""
    manipulated = next((item for item in model.bundle.manipulated if item.tag == suggestion.tag), None)
    if manipulated is None:
        return abstain(Abstention.NOT_WITHIN_LINE, tag=suggestion.tag)
    if not manipulated.may_suggest:
        return abstain(Abstention.REACTION_NOT_SHOWN, tag=suggestion.tag)
    if (suggestion.validated, suggestion.max_step) != (manipulated.validated, manipulated.max_step):
        return abstain(Abstention.LIMITS_CHANGED, tag=suggestion.tag)
    return judge_move(manipulated, current=suggestion.current, proposed=suggestion.proposed)
