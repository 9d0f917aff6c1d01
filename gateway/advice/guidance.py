"""What follows for people from a prediction: new guidance, and changes of open guidance. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.advice.condition import (
    Standing,
    calm_since_ns,
    standing_by_probability,
    standing_by_value,
    stands_since_ns,
)
from gateway.advice.lifecycle import OPEN, moved
from gateway.advice.new_guidance import GuidanceSubject, new_guidance
from gateway.advice.predicted_situation import (
    UNANSWERED,
    Advised,
    PredictedSituation,
    explained,
    followed_by_prediction,
    inputs_ahead,
    is_heading_out,
    is_outside,
    objective_of,
    sides_beyond,
    standing_of,
)
from gateway.advice.reasons import likely_reason, move_reason
from gateway.advice.rejection import (
    asked_again,
    asked_again_reason,
    likely_asked_again,
    rejected_move,
    rejected_warning,
    rejection_name,
    rejections_that_end,
)
from gateway.advice.standing_guidance import (
    baseless,
    life_ns,
    no_longer_right,
    of_something_else,
    renewed,
    resolved,
    seen_at_the_plant,
    with_range,
    without_prediction,
)
from gateway.advice.titles import likely_title, move_title
from gateway.advice.warned_of import reason_of, title_of
from gateway.errors import InferenceError
from gateway.guardrails.reasons import Abstention, abstain
from gateway.lab.specifications import action_limits
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState, SetpointSuggestion, Severity
from gateway.records.laboratory import Specification
from gateway.records.verdicts import Reason
from gateway.setpoints.search import search, target_of

Run = tuple[tuple[int, Standing], ...]  # where predictions lay and when, the newest first


def advise(case: PredictedSituation) -> Advised:
    """Return the guidance that is new or changes state because of a prediction, and which rejections are over."""
    advised = _advise(case)
    over = {*advised.rejections_over, *rejections_that_end(case)}
    return replace(advised, rejections_over=tuple(sorted(over)))


def _all_rejections(case: PredictedSituation) -> tuple[str, ...]:
    """Return the names of all rejections: their condition has ended."""
    names = (rejection_name(item.guidance) for item in case.rejected)
    return tuple(name for name in names if name is not None)


def _advise(case: PredictedSituation) -> Advised:
    stale = of_something_else(case)
    if case.specification is None or case.specification.unit not in {case.prediction.unit, None}:
        reason = abstain(
            Abstention.NO_SPECIFICATION,
            analyte=case.prediction.analyte,
            product=case.context.material_definition_id,
            unit=case.prediction.unit,
        )
        return Advised(
            guidance=(*stale, *baseless(case, stale)), no_suggestion=(reason,), rejections_over=_all_rejections(case)
        )
    seen = {guidance.guidance_id: guidance for guidance in (*stale, *seen_at_the_plant(case, stale))}
    value, low, high = case.prediction.value, case.prediction.low, case.prediction.high
    if value is None and case.prediction.probability is not None:
        return _on_probability(case, case.prediction.probability, seen)
    if value is None or low is None or high is None:
        return Advised(guidance=(*seen.values(), *without_prediction(case, seen)))
    limits = action_limits(case.specification)
    seen |= {guidance.guidance_id: guidance for guidance in no_longer_right(case, seen, limits)}
    run = tuple(
        (past.at_ns, standing_by_value(past, limits, dead_band=case.model.warnings.dead_band))
        for past in followed_by_prediction(case)
    )
    if _calm_for_long(case, run):
        return Advised(guidance=(*seen.values(), *resolved(case, seen)), rejections_over=_all_rejections(case))
    warned = _warn(case, seen, limits, run)
    standing = standing_of(case, GuidanceKind.WARNING, seen | {item.guidance_id: item for item in warned})
    new = [item for item in warned if item.state in OPEN]
    # what was done already may bring it back: another move would add to that
    needed = run[0][1] is Standing.OUTSIDE and is_heading_out(case, limits)
    if not (standing or new) or not needed:
        return Advised(guidance=(*seen.values(), *warned))
    suggested = _suggest(case, seen, limits)
    return Advised(guidance=(*seen.values(), *warned, *suggested.guidance), no_suggestion=suggested.no_suggestion)


def _due(case: PredictedSituation, run: Run) -> bool:
    """Return whether predictions have been beyond the limits for as long as the on delay."""
    since_ns = stands_since_ns(run)
    return since_ns is not None and case.at.wall_ns - since_ns >= case.model.warnings.on_delay_ns


def _calm_for_long(case: PredictedSituation, run: Run) -> bool:
    """Return whether predictions have been well inside for as long as the off delay."""
    since_ns = calm_since_ns(run)
    return since_ns is not None and case.at.wall_ns - since_ns >= case.model.warnings.off_delay_ns


def _warn(
    case: PredictedSituation, seen: Mapping[str, Guidance], limits: Specification, run: Run
) -> tuple[Guidance, ...]:
    """Warn once, and keep the warning's numbers up to date while it stands.

    A warning that becomes critical, or comes to the other limit, keeps its id. Where somebody has acknowledged it, a
    new one takes its place, so that they are called again.
    """
    standing = standing_of(case, GuidanceKind.WARNING, seen)
    beyond = run[0][1] is Standing.OUTSIDE
    if not beyond:
        return renewed(case, standing)  # not yet calm for long enough: the warning stands as it is
    if not standing and not _due(case, run):
        return ()
    outside = is_outside(case, limits)
    reasons: tuple[Reason, ...] = (reason_of(case.prediction, limits, outside=outside),)
    rejected = None if standing else rejected_warning(case)
    if rejected is not None:
        why = asked_again(case, rejected, limits, outside=outside)
        if why is None:
            return ()  # a person knows of it
        reasons = (*reasons, asked_again_reason(why, rejected, case))
    title = title_of(case.prediction, limits, outside=outside)
    worse = outside and all(item.severity is Severity.WARNING for item in standing)
    other = worse or any(_on_another_side(case, item, limits) for item in standing)
    seen_by_people = any(item.state is not GuidanceState.PROPOSED for item in standing)
    if standing and not (other and seen_by_people):
        moved_on = standing if other or _beyond_what_is_said(case, standing) else renewed(case, standing)
        return tuple(_brought_up_to_date(case, warning, title, reasons[0], outside=outside) for warning in moved_on)
    superseded = [moved(guidance, GuidanceState.SUPERSEDED) for guidance in standing]
    replaced = standing[0].guidance_id if standing else None
    warning = _guidance(case, GuidanceKind.WARNING, title=title, reasons=reasons, supersedes=replaced)
    warning = replace(warning, severity=Severity.CRITICAL if outside else Severity.WARNING)
    return (*(guidance for guidance in superseded if guidance is not None), with_range(warning, case.prediction.value))


def _on_another_side(case: PredictedSituation, warning: Guidance, limits: Specification) -> bool:
    """Return whether the prediction reaches beyond another limit than the one of which the warning speaks."""
    before, now = sides_beyond(warning.predicted, limits), sides_beyond(case.prediction, limits)
    return bool(before and now) and before.isdisjoint(now)


def _beyond_what_is_said(case: PredictedSituation, standing: tuple[Guidance, ...]) -> bool:
    """Return whether the value is further out than the warning says, by more than the half width of its interval."""
    value, low, high = case.prediction.value, case.prediction.low, case.prediction.high
    if value is None or low is None or high is None:
        return False
    step = (high - low) / 2
    return any(
        (item.lowest is not None and value < item.lowest - step)
        or (item.highest is not None and value > item.highest + step)
        for item in standing
    )


def _brought_up_to_date(
    case: PredictedSituation, warning: Guidance, title: str, reason: Reason, *, outside: bool
) -> Guidance:
    critical = outside or warning.severity is Severity.CRITICAL
    now = replace(
        warning,
        title=title,
        reasons=(reason,),
        predicted=case.prediction,
        severity=Severity.CRITICAL if critical else warning.severity,
    )
    return with_range(now, case.prediction.value)


def _on_probability(case: PredictedSituation, probability: float, seen: Mapping[str, Guidance]) -> Advised:
    """Warn once where the lot is likely to fail; take the warning back when it is half as likely as that."""
    output = case.model.bundle.output_of(case.prediction.analyte)
    warn_at = output.probability.warn_at if output is not None and output.probability is not None else 1.0
    standing = standing_of(case, GuidanceKind.WARNING, seen)
    run = tuple((past.at_ns, standing_by_probability(past, warn_at)) for past in followed_by_prediction(case))
    if _calm_for_long(case, run):
        ended = (moved(guidance, GuidanceState.RESOLVED) for guidance in standing)
        settled = tuple(guidance for guidance in ended if guidance is not None)
        return Advised(guidance=(*seen.values(), *settled), rejections_over=_all_rejections(case))
    if standing or not _due(case, run):
        return Advised(guidance=(*seen.values(), *renewed(case, standing)))
    reasons: tuple[Reason, ...] = (likely_reason(case.prediction, probability=probability, warn_at=warn_at),)
    rejected = rejected_warning(case)
    if rejected is not None:
        why = likely_asked_again(case, rejected, probability)
        if why is None:
            return Advised(guidance=tuple(seen.values()))
        reasons = (*reasons, asked_again_reason(why, rejected, case))
    title = likely_title(case.prediction)
    warning = _guidance(case, GuidanceKind.WARNING, title=title, reasons=reasons, supersedes=None)
    return Advised(guidance=(*seen.values(), warning))


def _suggest(case: PredictedSituation, seen: Mapping[str, Guidance], limits: Specification) -> Advised:
    """Suggest a move unless one is open; an applied one is followed by another only after its interval."""
    features = inputs_ahead(case)
    standing = standing_of(case, GuidanceKind.SETPOINT, seen)
    just_applied = any(guidance.state is GuidanceState.APPLIED for guidance in seen.values())
    if just_applied or features is None or any(guidance.state in UNANSWERED for guidance in standing):
        return Advised()
    objective = objective_of(case)
    if objective is None:
        return Advised()
    try:
        suggestion, reasons = search(
            case.model,
            objective,
            features,
            limits,
            current=case.setpoints,
            last_move_ns=_latest(case.moved_ns, case.advised_ns),
            at_ns=case.at.wall_ns,
        )
    except InferenceError as error:
        failed = abstain(Abstention.MODEL_FAILED, model=case.model.name, error=str(error))
        return Advised(no_suggestion=(failed,))
    if suggestion is None:
        return Advised(no_suggestion=reasons)
    rejected = rejected_move(case, suggestion)
    why = None if rejected is None else asked_again(case, rejected, limits, outside=is_outside(case, limits))
    if rejected is not None and why is None:
        said = abstain(Abstention.MOVE_REJECTED, tag=suggestion.tag, person=rejected.person, reason=rejected.reason)
        return Advised(no_suggestion=(said,))
    superseded = (moved(guidance, GuidanceState.SUPERSEDED) for guidance in standing)
    new = _setpoint_guidance(case, suggestion, limits, supersedes=standing[0].guidance_id if standing else None)
    if rejected is not None and why is not None:  # said to people, and never done without one
        new = replace(new, reasons=(*new.reasons, asked_again_reason(why, rejected, case)))
    return Advised(guidance=(*(guidance for guidance in superseded if guidance is not None), new))


def _latest(*times: Mapping[str, int]) -> dict[str, int]:
    """Return by tag the latest of several times."""
    return {
        tag: max(by_tag[tag] for by_tag in times if tag in by_tag)
        for tag in {tag for by_tag in times for tag in by_tag}
    }


def _setpoint_guidance(
    case: PredictedSituation, suggestion: SetpointSuggestion, limits: Specification, *, supersedes: str | None
) -> Guidance:
    reasons = (
        reason_of(case.prediction, limits, outside=is_outside(case, limits), action=None),
        move_reason(suggestion, case.prediction, target=target_of(limits)),
    )
    new = _guidance(case, GuidanceKind.SETPOINT, title=move_title(suggestion), reasons=reasons, supersedes=supersedes)
    return replace(new, suggestion=suggestion, signature=case.approval_is_signed)


def _guidance(
    case: PredictedSituation, kind: GuidanceKind, *, title: str, reasons: tuple[Reason, ...], supersedes: str | None
) -> Guidance:
    subject = GuidanceSubject(
        name=(kind, case.model.name, case.prediction.analyte),
        context=replace(case.context, equipment_id=case.model.equipment_id),
        analyte=case.prediction.analyte,
        specification=case.specification,
    )
    new = new_guidance(
        kind,
        subject,
        title=title,
        reasons=reasons,
        event_id=case.event_id,
        issued_ns=case.at.wall_ns,
        expires=case.at.after(life_ns(case, kind)),
    )
    return replace(new, predicted=case.prediction, sensitivities=explained(case), supersedes=supersedes)
