"""What to tell people, given a prediction: new guidance and changes of what is open. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.advice.lifecycle import OPEN, expired, moved
from gateway.advice.wording import (
    likely_reason,
    likely_title,
    move_reason,
    move_title,
    predicted_reason,
    predicted_title,
)
from gateway.contract.identity import identity_of
from gateway.deadlines import ClockReading
from gateway.errors import InferenceError
from gateway.guardrails.reasons import Abstention, abstain
from gateway.inference.sensitivity import sensitivities
from gateway.lab.specifications import action_limits
from gateway.line.definition import ModelAssignment
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState, SetpointSuggestion, Severity
from gateway.records.laboratory import Specification
from gateway.records.prediction import FeatureVector, Prediction, Sensitivity
from gateway.records.production import Context
from gateway.records.verdicts import Reason
from gateway.setpoints.interactions import CoupledOutput, PendingMove
from gateway.setpoints.search import Objective, inside, search, still_stands, target_of

_CALM_SHARE = 0.5  # of the probability from which on to warn: below that share of it a warning is resolved
_CALM_MARGIN = 0.25  # of the half width: how far inside a prediction must be before a warning is resolved
_UNANSWERED = (GuidanceState.PROPOSED, GuidanceState.ACKNOWLEDGED, GuidanceState.APPROVED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Advised:
    """Guidance that is new or changed, and where a move was wanted and none found, why not."""

    guidance: tuple[Guidance, ...] = ()
    no_suggestion: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictedSituation:
    """A prediction with what it is to be held against."""

    event_id: str
    at: ClockReading
    model: ModelAssignment
    prediction: Prediction
    specification: Specification | None
    context: Context
    open_guidance: tuple[Guidance, ...]
    setpoints: Mapping[str, float]
    moved_ns: Mapping[str, int]  # when each setpoint was last seen to move
    advised_ns: Mapping[str, int]  # when a move of it was last suggested
    others: tuple[CoupledOutput, ...] = ()  # what else hangs on the setpoints
    pending: tuple[PendingMove, ...] = ()  # moves under way that were suggested for other values

    def open_of(self, kind: GuidanceKind) -> tuple[Guidance, ...]:
        """Return the open guidance of a kind that this model gave."""
        return tuple(
            guidance
            for guidance in self.open_guidance
            if guidance.kind is kind
            and guidance.equipment_id == self.model.equipment_id
            and guidance.predicted is not None
            and guidance.predicted.model.name == self.model.name
            and guidance.analyte == self.prediction.analyte
        )


def advise(case: PredictedSituation) -> Advised:
    """Return the guidance that is new or changes state because of a prediction."""
    stale = _of_something_else(case)
    if case.specification is None or case.specification.unit not in {case.prediction.unit, None}:
        reason = abstain(
            Abstention.NO_SPECIFICATION,
            analyte=case.prediction.analyte,
            product=case.context.material_definition_id,
            unit=case.prediction.unit,
        )
        return Advised(guidance=(*stale, *_baseless(case, stale)), no_suggestion=(reason,))
    seen = {guidance.guidance_id: guidance for guidance in (*stale, *_seen_at_the_plant(case, stale))}
    value, low, high = case.prediction.value, case.prediction.low, case.prediction.high
    if value is None and case.prediction.probability is not None:
        return Advised(guidance=(*seen.values(), *_on_probability(case, case.prediction.probability, seen)))
    if value is None or low is None or high is None:
        return Advised(guidance=(*seen.values(), *_withdrawn(case, seen)))
    limits = action_limits(case.specification)
    seen |= {guidance.guidance_id: guidance for guidance in _no_longer_right(case, seen, limits)}
    margin = _CALM_MARGIN * (high - low) / 2
    if inside(limits, low - margin, high + margin):
        return Advised(guidance=(*seen.values(), *_resolved(case, seen)))
    if inside(limits, low, high):  # not yet with room: the warning stands as it is
        return Advised(guidance=(*seen.values(), *_renewed(case, _standing(case, GuidanceKind.WARNING, seen))))
    suggested = _suggest(case, seen, limits)
    return Advised(
        guidance=(*seen.values(), *_warn(case, seen, limits), *suggested.guidance),
        no_suggestion=suggested.no_suggestion,
    )


def _baseless(case: PredictedSituation, stale: tuple[Guidance, ...]) -> tuple[Guidance, ...]:
    """Without a specification nothing says any more that something is wrong, or where a setpoint should go."""
    done = {guidance.guidance_id for guidance in stale}
    open_ones = (*case.open_of(GuidanceKind.WARNING), *case.open_of(GuidanceKind.SETPOINT))
    taken_back = (moved(each, GuidanceState.WITHDRAWN) for each in open_ones if each.guidance_id not in done)
    return tuple(guidance for guidance in taken_back if guidance is not None)


def _of_something_else(case: PredictedSituation) -> tuple[Guidance, ...]:
    """What has outlived its time, or was said for another product or by another version, is not said of what runs now.

    The timer ends what nobody looks at; were it left to it alone, advice would hang on when in a second it runs.
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


def _seen_at_the_plant(case: PredictedSituation, stale: tuple[Guidance, ...]) -> tuple[Guidance, ...]:
    """A suggestion is applied when its setpoint stands at the proposed value, whoever moved it.

    Where the setpoint has gone elsewhere, or is not known any more, the suggestion no longer starts from where
    the plant is, and is withdrawn.
    """
    resolution = {item.tag: item.resolution for item in case.model.bundle.manipulated}
    changed = []
    for guidance in case.open_of(GuidanceKind.SETPOINT):
        suggestion = guidance.suggestion
        done = any(guidance.guidance_id == each.guidance_id for each in stale)
        if suggestion is None or guidance.state not in _UNANSWERED or done:
            continue
        present, near = case.setpoints.get(suggestion.tag), resolution.get(suggestion.tag, 0.0) / 2
        if present is not None and abs(present - suggestion.proposed) <= near:
            changed.append(moved(guidance, GuidanceState.APPLIED))
        elif present is None or abs(present - suggestion.current) > near:
            changed.append(moved(guidance, GuidanceState.WITHDRAWN))
    return tuple(guidance for guidance in changed if guidance is not None)


def _no_longer_right(
    case: PredictedSituation, seen: Mapping[str, Guidance], limits: Specification
) -> tuple[Guidance, ...]:
    """A suggestion is taken back when it would not be allowed now, or would no longer lead towards the target."""
    objective, features = _objective(case), case.prediction.features
    changed = []
    for guidance in _standing(case, GuidanceKind.SETPOINT, seen):
        if guidance.suggestion is None or guidance.state not in _UNANSWERED:
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
        return still_stands(
            suggestion, case.model, objective, features, limits, current=case.setpoints, moved_ns=moved_ns
        )
    except InferenceError:  # nobody can say: what cannot be judged is not left standing
        return False


def _withdrawn(case: PredictedSituation, seen: Mapping[str, Guidance]) -> tuple[Guidance, ...]:
    """Without a prediction a suggestion has nothing to stand on any more."""
    changed = (
        moved(guidance, GuidanceState.WITHDRAWN)
        for guidance in case.open_of(GuidanceKind.SETPOINT)
        if guidance.state in _UNANSWERED and guidance.guidance_id not in seen
    )
    return tuple(guidance for guidance in changed if guidance is not None)


def _resolved(case: PredictedSituation, seen: Mapping[str, Guidance]) -> tuple[Guidance, ...]:
    """Inside with room: warnings and applied moves have done their work, others are not needed any more."""
    changed = []
    for guidance in (*case.open_of(GuidanceKind.WARNING), *case.open_of(GuidanceKind.SETPOINT)):
        now = seen.get(guidance.guidance_id, guidance)
        unused = now.kind is GuidanceKind.SETPOINT and now.state in _UNANSWERED
        changed.append(moved(now, GuidanceState.WITHDRAWN if unused else GuidanceState.RESOLVED))
    return tuple(guidance for guidance in changed if guidance is not None)


def _standing(case: PredictedSituation, kind: GuidanceKind, seen: Mapping[str, Guidance]) -> tuple[Guidance, ...]:
    """Return the open guidance of a kind as it stands after what was just seen."""
    now = (seen.get(guidance.guidance_id, guidance) for guidance in case.open_of(kind))
    return tuple(guidance for guidance in now if guidance.state in OPEN)


def _warn(case: PredictedSituation, seen: Mapping[str, Guidance], limits: Specification) -> tuple[Guidance, ...]:
    """Warn once; a warning that has become critical takes the place of the milder one."""
    outside = _is_outside(case, limits)
    severity = Severity.CRITICAL if outside else Severity.WARNING
    standing = _standing(case, GuidanceKind.WARNING, seen)
    title = predicted_title(case.prediction, limits, outside=outside)
    reason = predicted_reason(case.prediction, limits, outside=outside)
    if standing and not (outside and all(item.severity is Severity.WARNING for item in standing)):
        return tuple(
            replace(each, title=title, reasons=(reason,), predicted=case.prediction)
            for each in _renewed(case, standing)
        )
    superseded = [moved(guidance, GuidanceState.SUPERSEDED) for guidance in standing]
    warning = _guidance(
        case,
        GuidanceKind.WARNING,
        severity=severity,
        title=title,
        reasons=(reason,),
        supersedes=standing[0].guidance_id if standing else None,
    )
    return (*(guidance for guidance in superseded if guidance is not None), warning)


def _is_outside(case: PredictedSituation, limits: Specification) -> bool:
    """Return whether the value itself lies outside, and not only a part of its interval."""
    value = case.prediction.value
    return value is not None and not inside(limits, value, value)


def _renewed(case: PredictedSituation, standing: tuple[Guidance, ...]) -> tuple[Guidance, ...]:
    """Return warnings whose condition goes on, with more time once half of it is over: who has seen one need not again.

    It keeps its id and its state.
    """
    life_ns = _life_ns(case, GuidanceKind.WARNING)
    return tuple(
        replace(each, expires=case.at.after(life_ns))
        for each in standing
        if each.expires is not None and 2 * case.at.remaining_ns(each.expires) <= life_ns
    )


def _life_ns(case: PredictedSituation, kind: GuidanceKind) -> int:
    """Return for how long advice stands; a warning at least until the model has spoken again."""
    lives_ns = case.model.expires_after_ns
    return max(lives_ns, case.model.prediction_lives_ns) if kind is GuidanceKind.WARNING else lives_ns


def _on_probability(case: PredictedSituation, probability: float, seen: Mapping[str, Guidance]) -> tuple[Guidance, ...]:
    """Warn once where the lot is likely to fail; take the warning back when it is half as likely as that."""
    output = case.model.bundle.output_of(case.prediction.analyte)
    warn_at = output.probability.warn_at if output is not None and output.probability is not None else 1.0
    standing = _standing(case, GuidanceKind.WARNING, seen)
    if probability < _CALM_SHARE * warn_at:
        resolved = (moved(guidance, GuidanceState.RESOLVED) for guidance in standing)
        return tuple(guidance for guidance in resolved if guidance is not None)
    if standing or probability < warn_at:
        return _renewed(case, standing)
    reason = likely_reason(case.prediction, probability=probability, warn_at=warn_at)
    title = likely_title(case.prediction)
    return (_guidance(case, GuidanceKind.WARNING, severity=Severity.WARNING, title=title, reasons=(reason,)),)


def _suggest(case: PredictedSituation, seen: Mapping[str, Guidance], limits: Specification) -> Advised:
    """Suggest a move unless one is open; an applied one is followed by another only after its interval."""
    features = case.prediction.features
    standing = _standing(case, GuidanceKind.SETPOINT, seen)
    just_applied = any(guidance.state is GuidanceState.APPLIED for guidance in seen.values())
    if just_applied or features is None or any(guidance.state in _UNANSWERED for guidance in standing):
        return Advised()
    objective = _objective(case)
    if objective is None:
        return Advised()
    try:
        suggestion, why_not = search(
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
        return Advised(no_suggestion=why_not)
    superseded = (moved(guidance, GuidanceState.SUPERSEDED) for guidance in standing)
    new = _setpoint_guidance(case, suggestion, limits, supersedes=standing[0].guidance_id if standing else None)
    return Advised(guidance=(*(guidance for guidance in superseded if guidance is not None), new))


def _latest(*times: Mapping[str, int]) -> dict[str, int]:
    """Return by tag the latest of several times."""
    return {tag: max(each[tag] for each in times if tag in each) for tag in {tag for each in times for tag in each}}


def _objective(case: PredictedSituation) -> Objective | None:
    """Return what a move is to bring back: the value as it was said, with its bias and its interval."""
    output, prediction = case.model.bundle.output_of(case.prediction.analyte), case.prediction
    if output is None or output.value is None or prediction.low is None or prediction.high is None:
        return None
    return Objective(
        column=output.value.column,
        valid=output.value.valid,
        bias=prediction.bias,
        half_width=(prediction.high - prediction.low) / 2,
        others=case.others,
        pending=case.pending,
    )


def _setpoint_guidance(
    case: PredictedSituation, suggestion: SetpointSuggestion, limits: Specification, *, supersedes: str | None
) -> Guidance:
    return _guidance(
        case,
        GuidanceKind.SETPOINT,
        severity=Severity.WARNING,
        title=move_title(suggestion),
        reasons=(
            predicted_reason(case.prediction, limits, outside=_is_outside(case, limits), action=""),
            move_reason(suggestion, case.prediction, target=target_of(limits)),
        ),
        suggestion=suggestion,
        supersedes=supersedes,
    )


def _guidance(
    case: PredictedSituation,
    kind: GuidanceKind,
    *,
    severity: Severity,
    title: str,
    reasons: tuple[Reason, ...],
    suggestion: SetpointSuggestion | None = None,
    supersedes: str | None = None,
) -> Guidance:
    return Guidance(
        guidance_id=identity_of("guidance", case.event_id, kind, case.model.name, case.prediction.analyte),
        kind=kind,
        state=GuidanceState.PROPOSED,
        severity=severity,
        title=title,
        reasons=reasons,
        issued_ns=case.at.wall_ns,
        expires=case.at.after(_life_ns(case, kind)),
        material_lot_id=case.context.material_lot_id,
        job_order_id=case.context.job_order_id,
        material_definition_id=case.context.material_definition_id,
        equipment_id=case.model.equipment_id,
        client_id=case.context.client_id,
        analyte=case.prediction.analyte,
        specification=case.specification,
        sensitivities=_explained(case),
        predicted=case.prediction,
        suggestion=suggestion,
        supersedes=supersedes,
    )


def _explained(case: PredictedSituation) -> tuple[Sensitivity, ...]:
    """Return what the prediction hangs on."""
    output, features = case.model.bundle.output_of(case.prediction.analyte), case.prediction.features
    said = None if output is None else output.value or output.probability
    if said is None or features is None:
        return ()
    return sensitivities(case.model.bundle, case.model.predict, features, column=said.column)
