"""Why a prediction leads to guidance: its codes, and the numbers of each case in the sentence. Pure."""

from enum import StrEnum
from typing import Any

from gateway.advice.phrases import beyond_text, from_and_to, interval_text, subject_of, words_of
from gateway.lab.phrases import limits_text
from gateway.records.guidance import SetpointSuggestion
from gateway.records.laboratory import Specification
from gateway.records.prediction import Prediction
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import text

_ONLY_IN_SENTENCES = frozenset({"subject", "interval", "beyond", "times", "words", "from_text", "to_text"})


class Advice(StrEnum):
    """Why a prediction leads to advice."""

    PREDICTED_OUT_OF_SPECIFICATION = "PREDICTED_OUT_OF_SPECIFICATION"
    PREDICTED_NEAR_LIMIT = "PREDICTED_NEAR_LIMIT"
    PREDICTED_TO_LEAVE = "PREDICTED_TO_LEAVE"
    LIKELY_OUT_OF_SPECIFICATION = "LIKELY_OUT_OF_SPECIFICATION"
    PREDICTED_EXCURSION = "PREDICTED_EXCURSION"
    MOVE_EXPECTED = "MOVE_EXPECTED"


class Action(StrEnum):
    """What to do about it: a sentence after the reason's."""

    TAKE_SAMPLE = "TAKE_SAMPLE"
    KEEP_LOT_BACK = "KEEP_LOT_BACK"


def predicted_reason(
    prediction: Prediction, limits: Specification, *, outside: bool, action: Action | None = Action.TAKE_SAMPLE
) -> Reason:
    """Return why a prediction gives a warning: its value, or where that is inside its interval, is beyond a limit."""
    return _reason(
        Advice.PREDICTED_OUT_OF_SPECIFICATION if outside else Advice.PREDICTED_NEAR_LIMIT,
        action,
        analyte=prediction.analyte,
        value=prediction.value,
        low=prediction.low,
        high=prediction.high,
        unit=prediction.unit,
        lower=limits.lower,
        upper=limits.upper,
        limits=limits_text(limits),
        subject=subject_of(prediction),
        interval=interval_text(prediction, limits),
        beyond=beyond_text(prediction, limits, outside=outside),
    )


def heading_reason(
    prediction: Prediction, ahead: Prediction, limits: Specification, *, action: Action | None = Action.TAKE_SAMPLE
) -> Reason:
    """Return why a value that is inside now gives a warning: as ``ahead`` says, its causes lead it beyond a limit."""
    return _reason(
        Advice.PREDICTED_TO_LEAVE,
        action,
        analyte=prediction.analyte,
        value=prediction.value,
        low=prediction.low,
        high=prediction.high,
        unit=prediction.unit,
        lower=limits.lower,
        upper=limits.upper,
        limits=limits_text(limits),
        subject=subject_of(prediction),
        interval=interval_text(prediction, limits),
        beyond=beyond_text(ahead, limits, outside=True),
    )


def likely_reason(prediction: Prediction, *, probability: float, warn_at: float) -> Reason:
    """Return why a probability gives a warning: it is at least ``warn_at``."""
    return _reason(
        Advice.LIKELY_OUT_OF_SPECIFICATION,
        Action.TAKE_SAMPLE,
        analyte=prediction.analyte,
        subject=subject_of(prediction),
        probability=probability,
        warn_at=warn_at,
    )


def excursion_reason(prediction: Prediction, limits: Specification, *, times: int) -> Reason:
    """Return why a lot is kept back before it is tested: so many predictions in a row lay wholly beyond a limit."""
    return _reason(
        Advice.PREDICTED_EXCURSION,
        Action.KEEP_LOT_BACK,
        analyte=prediction.analyte,
        value=prediction.value,
        low=prediction.low,
        high=prediction.high,
        lower=limits.lower,
        upper=limits.upper,
        subject=subject_of(prediction),
        interval=interval_text(prediction, limits),
        beyond=beyond_text(prediction, limits, outside=True),
        times=times,
    )


def move_reason(suggestion: SetpointSuggestion, prediction: Prediction, *, target: float) -> Reason:
    """Return what a move is expected to bring."""
    from_text, to_text = from_and_to(suggestion)
    return _reason(
        Advice.MOVE_EXPECTED,
        None,
        tag=suggestion.tag,
        current=suggestion.current,
        proposed=suggestion.proposed,
        unit=suggestion.unit,
        analyte=prediction.analyte,
        expected=suggestion.expected_value,
        target=target,
        words=words_of(suggestion),
        from_text=from_text,
        to_text=to_text,
    )


def _reason(advice: Advice, action: Action | None, **parameters: Any) -> Reason:
    sentence = text("advice", advice, **parameters)
    return Reason(
        code=advice.value,
        parameters={name: value for name, value in parameters.items() if name not in _ONLY_IN_SENTENCES},
        text=sentence if action is None else f"{sentence} {text('advice_action', action)}",
    )
