"""What to tell people, given a prediction or a disposition: new guidance and changes of what is open. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.advice.lifecycle import moved
from gateway.advice.setpoint_search import inside, search, target_of
from gateway.contract.identity import identity_of
from gateway.definitions import ModelAssignment
from gateway.lab.specifications import limits_text
from gateway.records import (
    Context,
    Disposition,
    Guidance,
    GuidanceKind,
    GuidanceState,
    LabResult,
    Prediction,
    Reason,
    Recommendation,
    SetpointSuggestion,
    Severity,
    Specification,
)

_CALM_MARGIN = 0.25  # of the half width: how far inside a prediction must be before a warning is resolved
_UNANSWERED = (GuidanceState.PROPOSED, GuidanceState.ACKNOWLEDGED, GuidanceState.APPROVED)


class Advice(StrEnum):
    """Why a prediction leads to advice; the value is the sentence's template."""

    PREDICTED_OUT_OF_SPECIFICATION = (
        "{analyte} is predicted at {value:.4g} {unit} ({low:.4g} to {high:.4g}), outside {limits}."
    )
    PREDICTED_NEAR_LIMIT = (
        "{analyte} is predicted at {value:.4g} {unit} ({low:.4g} to {high:.4g}); the interval leaves {limits}."
    )
    MOVE_EXPECTED = (
        "Moving {tag} from {current:g} to {proposed:g} {unit} is expected to bring {analyte} to {expected:.4g}."
    )


def _reason(advice: Advice, **parameters: Any) -> Reason:
    return Reason(code=advice.name, parameters=parameters, text=advice.value.format(**parameters))


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictedSituation:
    """A prediction with what it is to be held against."""

    event_id: str
    at_ns: int
    model: ModelAssignment
    prediction: Prediction
    specification: Specification
    context: Context
    open_guidance: tuple[Guidance, ...]
    setpoints: Mapping[str, float]
    last_move_ns: Mapping[str, int]

    def open_of(self, kind: GuidanceKind) -> tuple[Guidance, ...]:
        """Return the open guidance of a kind about this equipment and analyte."""
        return tuple(
            guidance
            for guidance in self.open_guidance
            if guidance.kind is kind
            and guidance.equipment_id == self.model.equipment_id
            and guidance.analyte == self.prediction.analyte
        )


def advise(case: PredictedSituation) -> tuple[Guidance, ...]:
    """Return the guidance that is new or changes state because of a prediction."""
    applied = _applied(case)
    if case.prediction.value is None or case.prediction.low is None or case.prediction.high is None:
        return (*applied, *_withdrawn(case, applied))
    margin = _CALM_MARGIN * case.model.bundle.half_width
    if inside(case.specification, case.prediction.low - margin, case.prediction.high + margin):
        return _resolved(case, applied)
    if inside(case.specification, case.prediction.low, case.prediction.high):
        return applied
    return (*applied, *_warn(case), *_suggest(case, applied))


def _applied(case: PredictedSituation) -> tuple[Guidance, ...]:
    """A suggestion counts as applied when the setpoint is seen at the proposed value."""
    resolution = {item.tag: item.resolution for item in case.model.bundle.manipulated}
    changed = []
    for guidance in case.open_of(GuidanceKind.SETPOINT):
        suggestion = guidance.suggestion
        if suggestion is None or guidance.state not in _UNANSWERED or suggestion.tag not in case.setpoints:
            continue
        off = abs(case.setpoints[suggestion.tag] - suggestion.proposed)
        if off <= resolution.get(suggestion.tag, 0.0) / 2:
            changed.append(moved(guidance, GuidanceState.APPLIED))
    return tuple(guidance for guidance in changed if guidance is not None)


def _withdrawn(case: PredictedSituation, applied: tuple[Guidance, ...]) -> tuple[Guidance, ...]:
    """Without a prediction a suggestion has nothing to stand on any more."""
    done = {guidance.guidance_id for guidance in applied}
    changed = (
        moved(guidance, GuidanceState.WITHDRAWN)
        for guidance in case.open_of(GuidanceKind.SETPOINT)
        if guidance.state in _UNANSWERED and guidance.guidance_id not in done
    )
    return tuple(guidance for guidance in changed if guidance is not None)


def _resolved(case: PredictedSituation, applied: tuple[Guidance, ...]) -> tuple[Guidance, ...]:
    """Inside with room: warnings and applied moves have done their work, others are not needed any more."""
    done = {guidance.guidance_id: guidance for guidance in applied}
    changed = []
    for guidance in (*case.open_of(GuidanceKind.WARNING), *case.open_of(GuidanceKind.SETPOINT)):
        now = done.get(guidance.guidance_id, guidance)
        unused = now.kind is GuidanceKind.SETPOINT and now.state in _UNANSWERED
        changed.append(moved(now, GuidanceState.WITHDRAWN if unused else GuidanceState.RESOLVED))
    return (*applied, *(guidance for guidance in changed if guidance is not None))


def _warn(case: PredictedSituation) -> tuple[Guidance, ...]:
    """Warn once; a warning that has become critical takes the place of the milder one."""
    value = case.prediction.value
    outside = value is not None and not inside(case.specification, value, value)
    severity = Severity.CRITICAL if outside else Severity.WARNING
    standing = case.open_of(GuidanceKind.WARNING)
    if standing and not (outside and all(item.severity is Severity.WARNING for item in standing)):
        return ()
    superseded = [moved(guidance, GuidanceState.SUPERSEDED) for guidance in standing]
    advice = Advice.PREDICTED_OUT_OF_SPECIFICATION if outside else Advice.PREDICTED_NEAR_LIMIT
    analyte = case.prediction.analyte
    title = f"{analyte} is predicted {'outside' if outside else 'close to the limit of'} its specification"
    warning = _guidance(
        case,
        GuidanceKind.WARNING,
        severity=severity,
        title=title,
        reasons=(_predicted_reason(case, advice),),
        supersedes=standing[0].guidance_id if standing else None,
    )
    return (*(guidance for guidance in superseded if guidance is not None), warning)


def _suggest(case: PredictedSituation, applied: tuple[Guidance, ...]) -> tuple[Guidance, ...]:
    """Suggest a move unless one is open; an applied one is followed by another only after its interval."""
    features = case.prediction.features
    standing = case.open_of(GuidanceKind.SETPOINT)
    if applied or features is None or any(guidance.state in _UNANSWERED for guidance in standing):
        return ()
    suggestion, _why_not = search(
        case.model,
        features,
        case.specification,
        current=case.setpoints,
        last_move_ns=case.last_move_ns,
        at_ns=case.at_ns,
    )
    if suggestion is None:
        return ()
    superseded = [moved(guidance, GuidanceState.SUPERSEDED) for guidance in standing]
    return (
        *(guidance for guidance in superseded if guidance is not None),
        _setpoint_guidance(case, suggestion, supersedes=standing[0].guidance_id if standing else None),
    )


def _setpoint_guidance(case: PredictedSituation, suggestion: SetpointSuggestion, *, supersedes: str | None) -> Guidance:
    change = suggestion.proposed - suggestion.current
    words = suggestion.tag.replace("_", " ")
    value = case.prediction.value
    outside = value is not None and not inside(case.specification, value, value)
    advice = Advice.PREDICTED_OUT_OF_SPECIFICATION if outside else Advice.PREDICTED_NEAR_LIMIT
    expected = _reason(
        Advice.MOVE_EXPECTED,
        tag=suggestion.tag,
        current=suggestion.current,
        proposed=suggestion.proposed,
        unit=suggestion.unit,
        analyte=case.prediction.analyte,
        expected=suggestion.expected_value,
        target=target_of(case.specification),
    )
    return _guidance(
        case,
        GuidanceKind.SETPOINT,
        severity=Severity.WARNING,
        title=f"{'Raise' if change > 0 else 'Lower'} {words} by {abs(change):g} {suggestion.unit}",
        reasons=(_predicted_reason(case, advice), expected),
        suggestion=suggestion,
        supersedes=supersedes,
    )


def _predicted_reason(case: PredictedSituation, advice: Advice) -> Reason:
    prediction = case.prediction
    return _reason(
        advice,
        analyte=prediction.analyte,
        value=prediction.value,
        low=prediction.low,
        high=prediction.high,
        unit=prediction.unit,
        lower=case.specification.lower,
        upper=case.specification.upper,
        limits=limits_text(case.specification),
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
        guidance_id=identity_of("guidance", case.event_id, kind, case.model.name),
        kind=kind,
        state=GuidanceState.PROPOSED,
        severity=severity,
        title=title,
        reasons=reasons,
        issued_ns=case.at_ns,
        expires_ns=case.at_ns + case.model.expires_after_ns,
        material_lot_id=case.context.material_lot_id,
        job_order_id=case.context.job_order_id,
        material_definition_id=case.context.material_definition_id,
        equipment_id=case.model.equipment_id,
        client_id=case.context.client_id,
        analyte=case.prediction.analyte,
        specification=case.specification,
        predicted=case.prediction,
        suggestion=suggestion,
        supersedes=supersedes,
    )


# --- after a laboratory result -------------------------------------------------------------------------

_SEVERITY = {Recommendation.HOLD: Severity.CRITICAL, Recommendation.REVIEW: Severity.WARNING}
_KIND = {Recommendation.HOLD: GuidanceKind.HOLD, Recommendation.REVIEW: GuidanceKind.REVIEW}


def advise_on_lot(
    disposition: Disposition,
    result: LabResult,
    specification: Specification | None,
    context: Context,
    *,
    event_id: str,
    at_ns: int,
    open_guidance: tuple[Guidance, ...],
) -> tuple[Guidance, ...]:
    """Return the hold or review guidance that a disposition asks for, once per lot and analyte.

    A lot that has come to ``release`` resolves its open review; a hold stays until people lift it.
    """
    standing = tuple(
        guidance
        for guidance in open_guidance
        if guidance.material_lot_id == disposition.material_lot_id and guidance.analyte == result.analyte
    )
    reviews = [guidance for guidance in standing if guidance.kind is GuidanceKind.REVIEW]
    kind = _KIND.get(disposition.recommendation)
    if kind is None:
        settled = (moved(guidance, GuidanceState.RESOLVED) for guidance in reviews)
        return tuple(guidance for guidance in settled if guidance is not None)
    if any(guidance.kind is kind for guidance in standing):
        return ()
    superseded = [moved(item, GuidanceState.SUPERSEDED) for item in reviews if kind is GuidanceKind.HOLD]
    lot = disposition.material_lot_id or f"of sample {result.sample_id}"
    unit = f" {result.unit}" if result.unit else ""
    first = disposition.reasons[0].text if disposition.reasons else f"{result.test_id} {result.value_text}{unit}"
    new = Guidance(
        guidance_id=identity_of("guidance", event_id, kind),
        kind=kind,
        state=GuidanceState.PROPOSED,
        severity=_SEVERITY[disposition.recommendation],
        title=f"{kind.capitalize()} lot {lot}: {first.rstrip('.')}",
        reasons=disposition.reasons,
        issued_ns=at_ns,
        expires_ns=None,
        material_lot_id=disposition.material_lot_id,
        job_order_id=disposition.job_order_id,
        material_definition_id=context.material_definition_id,
        equipment_id=context.equipment_id,
        client_id=context.client_id,
        analyte=result.analyte,
        specification=specification,
        measured=result,
        role="quality",
        signature=kind is GuidanceKind.HOLD,
    )
    return (*(guidance for guidance in superseded if guidance is not None), new)
