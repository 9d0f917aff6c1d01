"""Advice that a person has rejected: they are not asked again for the same cause until it is another. Pure.

It is another when it has ended and comes again, crosses another limit, becomes critical, has grown by the configured
share, or when the configured time is over. A critical warning is never kept back by a rejection.
"""

from gateway.advice.alarm_states import alarm_id_of
from gateway.advice.plant_times import instant
from gateway.advice.predicted_situation import PredictedSituation, reach_of, sides_beyond
from gateway.contract.times import rfc3339
from gateway.records.guidance import AskedAgain, Guidance, GuidanceKind, RejectedAdvice, SetpointSuggestion
from gateway.records.laboratory import Specification
from gateway.records.prediction import Prediction
from gateway.records.verdicts import Reason
from gateway.setpoints.search import inside
from gateway.texts.catalogue import text

SETPOINT = "setpoint"


def rejection_name(guidance: Guidance) -> str | None:
    """Return by which name a rejection of advice is kept; None where a rejection keeps nothing back."""
    if guidance.kind is GuidanceKind.WARNING:
        return alarm_id_of(guidance)
    if guidance.kind is GuidanceKind.SETPOINT and guidance.suggestion is not None and guidance.predicted is not None:
        model, suggestion = guidance.predicted.model.name, guidance.suggestion
        return f"{SETPOINT}/{guidance.equipment_id}/{model}/{guidance.analyte}/{suggestion.tag}"
    return None


def rejections_that_end(case: PredictedSituation) -> tuple[str, ...]:
    """Return the names of rejections that are of another product or another version of the model."""
    names = (rejection_name(item.guidance) for item in case.rejected if not _of_this(case, item.guidance))
    return tuple(name for name in names if name is not None)


def _of_this(case: PredictedSituation, guidance: Guidance) -> bool:
    version = None if guidance.predicted is None else guidance.predicted.model.sha256
    same_product = guidance.material_definition_id == case.context.material_definition_id
    return same_product and version == case.prediction.model.sha256


def rejected_warning(case: PredictedSituation) -> RejectedAdvice | None:
    """Return the warning of this cause that a person has rejected."""
    warnings = (item for item in case.rejected if item.guidance.kind is GuidanceKind.WARNING)
    return next((item for item in warnings if _of_this(case, item.guidance)), None)


def rejected_move(case: PredictedSituation, suggestion: SetpointSuggestion) -> RejectedAdvice | None:
    """Return a rejected suggestion to move the same setpoint in the same direction."""
    for item in case.rejected:
        before = item.guidance.suggestion
        if before is None or before.tag != suggestion.tag or not _of_this(case, item.guidance):
            continue
        if (before.proposed > before.current) == (suggestion.proposed > suggestion.current):
            return item
    return None


def asked_again(
    case: PredictedSituation, rejected: RejectedAdvice, limits: Specification, *, outside: bool
) -> AskedAgain | None:
    """Return why a person is asked again, None where the cause is the one that they have rejected."""
    rules, before = case.model.warnings, rejected.guidance.predicted
    was_outside = before is not None and before.value is not None and not inside(limits, before.value, before.value)
    if outside and (rejected.guidance.kind is GuidanceKind.WARNING or not was_outside):
        return AskedAgain.REJECTED_NOW_CRITICAL
    if before is None or sides_beyond(before, limits).isdisjoint(sides_beyond(case.prediction, limits)):
        return AskedAgain.REJECTED_OTHER_LIMIT
    if _beyond(case.prediction, limits) > _grown_to(before, limits, share=rules.ask_again_grown):
        return AskedAgain.REJECTED_GROWN
    return _long_ago(case, rejected)


def likely_asked_again(case: PredictedSituation, rejected: RejectedAdvice, probability: float) -> AskedAgain | None:
    """Return why a person is asked again about a probability; of what was left to certainty, a share must be gone."""
    before = rejected.guidance.predicted
    earlier = None if before is None else before.probability
    if earlier is None or probability > earlier + case.model.warnings.ask_again_grown * (1.0 - earlier):
        return AskedAgain.REJECTED_GROWN
    return _long_ago(case, rejected)


def asked_again_reason(why: AskedAgain, rejected: RejectedAdvice, case: PredictedSituation) -> Reason:
    """Return the reason that names the rejection, for guidance that asks again."""
    person, stated = rejected.person or "?", rejected.reason
    at = instant(rejected.at_ns, case.time_zone)
    return Reason(
        code=why.value,
        parameters={"person": rejected.person, "reason": stated, "rejected_at": rfc3339(rejected.at_ns)},
        text=text("asked_again", why, person=person, reason=stated, at=at),
    )


def _long_ago(case: PredictedSituation, rejected: RejectedAdvice) -> AskedAgain | None:
    passed = case.at.wall_ns - rejected.at_ns >= case.model.warnings.ask_again_after_ns
    return AskedAgain.REJECTED_LONG_AGO if passed else None


def _beyond(prediction: Prediction, limits: Specification) -> float:
    """Return how far a prediction reaches beyond the limits, now or ahead."""
    reach = reach_of(prediction, limits)
    if reach is None:
        return 0.0
    below = 0.0 if limits.lower is None else limits.lower - reach[0]
    above = 0.0 if limits.upper is None else reach[1] - limits.upper
    return max(below, above, 0.0)


def _grown_to(before: Prediction, limits: Specification, *, share: float) -> float:
    """Return from which distance on a cause has grown: by the share of it, or of half the interval if that is more."""
    half_width = 0.0 if before.low is None or before.high is None else (before.high - before.low) / 2
    distance = _beyond(before, limits)
    return distance + share * max(distance, half_width)
