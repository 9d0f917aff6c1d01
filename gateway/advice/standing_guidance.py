"""What happens to open guidance when a model has predicted: it goes on, is applied, resolved or withdrawn. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.advice.lifecycle import expired, moved
from gateway.advice.predicted_situation import (
    UNANSWERED,
    PredictedSituation,
    inputs_ahead,
    objective_of,
    standing_of,
)
from gateway.errors import InferenceError
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState, SetpointSuggestion
from gateway.records.laboratory import Specification
from gateway.records.prediction import FeatureVector
from gateway.setpoints.search import Objective, is_still_valid


def baseless(case: PredictedSituation, stale: tuple[Guidance, ...]) -> tuple[Guidance, ...]:
    """Withdraw warnings and suggestions of an analyte without a specification: nothing says what is right."""
    done = {guidance.guidance_id for guidance in stale}
    open_ones = (*case.open_of(GuidanceKind.WARNING), *case.open_of(GuidanceKind.SETPOINT))
    taken_back = (
        moved(guidance, GuidanceState.WITHDRAWN) for guidance in open_ones if guidance.guidance_id not in done
    )
    return tuple(guidance for guidance in taken_back if guidance is not None)


def of_something_else(case: PredictedSituation) -> tuple[Guidance, ...]:
    """End guidance that has expired, or is of another product or another version of the model.

    The timer ends expired guidance, too. It is done here, too: advice must not depend on when it runs.
    """
    changed = []
    for guidance in (*case.open_of(GuidanceKind.WARNING), *case.open_of(GuidanceKind.SETPOINT)):
        if expired(guidance, case.at):
            changed.append(moved(guidance, GuidanceState.EXPIRED))
        elif guidance.material_definition_id != case.context.material_definition_id or (
            guidance.predicted is not None and guidance.predicted.model.sha256 != case.prediction.model.sha256
        ):
            changed.append(moved(guidance, GuidanceState.WITHDRAWN))
    return tuple(guidance for guidance in changed if guidance is not None)


def seen_at_the_plant(case: PredictedSituation, stale: tuple[Guidance, ...]) -> tuple[Guidance, ...]:
    """Take a suggestion as applied when its setpoint stands at the proposed value, whoever moved it.

    Where the setpoint stands elsewhere, or is not known any more, the suggestion does not start from where the plant
    is, and is withdrawn.
    """
    resolution = {item.tag: item.resolution for item in case.model.bundle.manipulated}
    changed = []
    for guidance in case.open_of(GuidanceKind.SETPOINT):
        suggestion = guidance.suggestion
        done = any(guidance.guidance_id == ended.guidance_id for ended in stale)
        if suggestion is None or guidance.state not in UNANSWERED or done:
            continue
        present, near = case.setpoints.get(suggestion.tag), resolution.get(suggestion.tag, 0.0) / 2
        if present is not None and abs(present - suggestion.proposed) <= near:
            changed.append(moved(guidance, GuidanceState.APPLIED))
        elif present is None or abs(present - suggestion.current) > near:
            changed.append(moved(guidance, GuidanceState.WITHDRAWN))
    return tuple(guidance for guidance in changed if guidance is not None)


def no_longer_right(
    case: PredictedSituation, seen: Mapping[str, Guidance], limits: Specification
) -> tuple[Guidance, ...]:
    """Withdraw a suggestion that would not be allowed now, or would no longer lead towards the target."""
    objective, features = objective_of(case), inputs_ahead(case)
    changed = []
    for guidance in standing_of(case, GuidanceKind.SETPOINT, seen):
        if guidance.suggestion is None or guidance.state not in UNANSWERED:
            continue
        if objective is None or features is None or not _stands(case, guidance.suggestion, objective, features, limits):
            changed.append(moved(guidance, GuidanceState.WITHDRAWN))
    return tuple(guidance for guidance in changed if guidance is not None)


def _stands(
    case: PredictedSituation,
    suggestion: SetpointSuggestion,
    objective: Objective,
    features: FeatureVector,
    limits: Specification,
) -> bool:
    moved_ns = case.moved_ns.get(suggestion.tag)
    try:
        return is_still_valid(
            suggestion, case.model, objective, features, limits, current=case.setpoints, moved_ns=moved_ns
        )
    except InferenceError:  # nobody can say: what cannot be judged is not left standing
        return False


def without_prediction(case: PredictedSituation, seen: Mapping[str, Guidance]) -> tuple[Guidance, ...]:
    """Withdraw unanswered suggestions: there is no prediction to justify them."""
    changed = (
        moved(guidance, GuidanceState.WITHDRAWN)
        for guidance in case.open_of(GuidanceKind.SETPOINT)
        if guidance.state in UNANSWERED and guidance.guidance_id not in seen
    )
    return tuple(guidance for guidance in changed if guidance is not None)


def resolved(case: PredictedSituation, seen: Mapping[str, Guidance]) -> tuple[Guidance, ...]:
    """Resolve warnings and applied moves, and withdraw other moves: the prediction is inside with room."""
    changed = []
    for guidance in (*case.open_of(GuidanceKind.WARNING), *case.open_of(GuidanceKind.SETPOINT)):
        now = seen.get(guidance.guidance_id, guidance)
        unused = now.kind is GuidanceKind.SETPOINT and now.state in UNANSWERED
        ended = moved(now, GuidanceState.WITHDRAWN if unused else GuidanceState.RESOLVED)
        changed.append(ended and with_range(ended, case.prediction.value))
    return tuple(guidance for guidance in changed if guidance is not None)


def renewed(case: PredictedSituation, standing: tuple[Guidance, ...]) -> tuple[Guidance, ...]:
    """Return warnings whose condition continues, with a later expiry, once half of their time is over.

    A warning keeps its id and its state: who has acknowledged it need not do so again.
    """
    stands_ns = life_ns(case, GuidanceKind.WARNING)
    return tuple(
        replace(warning, expires=case.at.after(stands_ns))
        for warning in standing
        if warning.expires is not None and 2 * case.at.remaining_ns(warning.expires) <= stands_ns
    )


def with_range(warning: Guidance, value: float | None) -> Guidance:
    """Return a warning whose lowest and highest predicted value include this one."""
    if value is None or warning.kind is not GuidanceKind.WARNING:
        return warning
    lowest = value if warning.lowest is None else min(warning.lowest, value)
    highest = value if warning.highest is None else max(warning.highest, value)
    return replace(warning, lowest=lowest, highest=highest)


def life_ns(case: PredictedSituation, kind: GuidanceKind) -> int:
    """Return for how long advice stands, in nanoseconds; a warning at least until the model predicts again."""
    lives_ns = case.model.expires_after_ns
    return max(lives_ns, case.model.prediction_lives_ns) if kind is GuidanceKind.WARNING else lives_ns
