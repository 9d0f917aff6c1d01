"""Titles and sentences for operators: what is wrong, where, what to do; a title is at most 60 characters long. Pure."""

from enum import StrEnum
from typing import Any

from gateway.contract.lims.numbers import exact, number_text, told_apart
from gateway.lab.specifications import limits_text
from gateway.records.guidance import GuidanceKind, SetpointSuggestion
from gateway.records.laboratory import Specification
from gateway.records.prediction import Prediction
from gateway.records.verdicts import Reason

LONGEST_TITLE = 60
_DIGITS = 4
_ACTION = "Check the process and take a sample."
_SHORTER = {
    " is above the upper limit of ": " above ",
    " is below the lower limit of ": " below ",
    ", outside the release band ": ", outside ",
    ", outside the review band ": ", outside ",
}  # in titles of lots
_ONLY_IN_SENTENCES = frozenset({"of_lot", "interval", "beyond", "action", "words", "from_text", "to_text"})


class Advice(StrEnum):
    """Why a prediction leads to advice; the value is the sentence's template."""

    PREDICTED_OUT_OF_SPECIFICATION = "{analyte}{of_lot} is predicted at {interval}, {beyond}. {action}"
    PREDICTED_NEAR_LIMIT = "{analyte}{of_lot} is predicted at {interval}; the interval reaches {beyond}. {action}"
    LIKELY_OUT_OF_SPECIFICATION = (
        "{analyte}{of_lot} is outside its specification with a predicted probability of {probability:.0%}; "
        "from {warn_at:.0%} on that is a warning. {action}"
    )
    MOVE_EXPECTED = (
        "Moving {words} from {from_text} to {to_text} {unit} is expected to bring {analyte} to {expected:.4g}."
    )


def predicted_reason(prediction: Prediction, limits: Specification, *, outside: bool, action: str = _ACTION) -> Reason:
    """Return why a prediction is told: its value or, where that is inside, its interval reaches beyond a limit."""
    return _reason(
        Advice.PREDICTED_OUT_OF_SPECIFICATION if outside else Advice.PREDICTED_NEAR_LIMIT,
        analyte=prediction.analyte,
        value=prediction.value,
        low=prediction.low,
        high=prediction.high,
        unit=prediction.unit,
        lower=limits.lower,
        upper=limits.upper,
        limits=limits_text(limits),
        of_lot=_of_lot(prediction),
        interval=interval_text(prediction, limits),
        beyond=beyond_text(prediction, limits, outside=outside),
        action=action,
    )


def likely_reason(prediction: Prediction, *, probability: float, warn_at: float) -> Reason:
    """Return why a probability is told: it is at least that from which on to warn."""
    return _reason(
        Advice.LIKELY_OUT_OF_SPECIFICATION,
        analyte=prediction.analyte,
        of_lot=_of_lot(prediction),
        probability=probability,
        warn_at=warn_at,
        action=_ACTION,
    )


def move_reason(suggestion: SetpointSuggestion, prediction: Prediction, *, target: float) -> Reason:
    """Return what a move is expected to bring."""
    from_text, to_text = _from_and_to(suggestion)
    return _reason(
        Advice.MOVE_EXPECTED,
        tag=suggestion.tag,
        current=suggestion.current,
        proposed=suggestion.proposed,
        unit=suggestion.unit,
        analyte=prediction.analyte,
        expected=suggestion.expected_value,
        target=target,
        words=_words(suggestion),
        from_text=from_text,
        to_text=to_text,
    )


def _reason(advice: Advice, **parameters: Any) -> Reason:
    kept = {name: value for name, value in parameters.items() if name not in _ONLY_IN_SENTENCES}
    return Reason(code=advice.name, parameters=kept, text=advice.value.format(**parameters).strip())


def _of_lot(prediction: Prediction) -> str:
    return "" if prediction.material_lot_id is None else f" of lot {prediction.material_lot_id}"


def fitting(*wordings: str) -> str:
    """Return the first wording that a title has room for; where names leave room for none, the shortest."""
    return next((each for each in wordings if len(each) <= LONGEST_TITLE), min(wordings, key=len))


def sides_left(limits: Specification, low: float, high: float) -> list[tuple[str, float]]:
    """Return which limits an interval reaches beyond, as (``below the lower``, limit)."""
    below = [("below the lower", limits.lower)] if limits.lower is not None and low < limits.lower else []
    above = [("above the upper", limits.upper)] if limits.upper is not None and high > limits.upper else []
    return [(side, limit) for side, limit in (*below, *above) if limit is not None]


def _reach(prediction: Prediction, *, outside: bool) -> tuple[float, float]:
    """Return from where to where a prediction reaches: its value, or where that is inside its interval."""
    low, high = (prediction.value, prediction.value) if outside else (prediction.low, prediction.high)
    return (0.0 if low is None else low, 0.0 if high is None else high)


def beyond_text(prediction: Prediction, limits: Specification, *, outside: bool) -> str:
    """Return beyond which limits a value, or its interval, reaches: ``above the upper limit of 4.2 %``."""
    low, high = _reach(prediction, outside=outside)
    return " and ".join(
        f"{side} limit of {number_text(limit)} {prediction.unit}".rstrip()
        for side, limit in sides_left(limits, low, high)
    )


def interval_text(prediction: Prediction, limits: Specification) -> str:
    """Return a prediction with its interval: ``4.31 % (4.1 to 4.5)``; numbers stay on their side of the limits."""
    value, low, high = (_shown(each, limits) for each in (prediction.value, prediction.low, prediction.high))
    return f"{_with_unit(value, prediction)} ({low} to {high})"


def _with_unit(value: str, prediction: Prediction) -> str:
    return f"{value} {prediction.unit}".rstrip()


def predicted_title(prediction: Prediction, limits: Specification, *, outside: bool) -> str:
    """Return the title of a warning: lot, analyte, value, and the limit that is, or may be, crossed."""
    lot = prediction.material_lot_id
    what = f"{prediction.analyte} predicted {_with_unit(_shown(prediction.value, limits), prediction)}"
    beyond = sides_left(limits, *_reach(prediction, outside=outside))
    sides = " or ".join(f"{side.split()[0]} {number_text(limit)}" for side, limit in beyond)
    where = sides if outside else f"may be {sides}"
    bare = f"{prediction.analyte} predicted {_shown(prediction.value, limits)}"
    return fitting(*([f"Lot {lot}: {what}, {where}"] if lot else []), f"{what}, {where}", f"{bare}, {where}", bare)


def provisional_title(prediction: Prediction, limits: Specification) -> str:
    """Return the title of a hold before the laboratory's result: lot, and on which side of which limit all lies."""
    beyond = sides_left(limits, *_reach(prediction, outside=True))
    sides = " or ".join(f"{side.split()[0]} {number_text(limit)}" for side, limit in beyond)
    subject = f"Hold lot {prediction.material_lot_id} until tested"
    value = _with_unit(_shown(prediction.value, limits), prediction)
    return fitting(
        f"{subject}: {prediction.analyte} predicted {value}, {sides}",
        f"{subject}: {prediction.analyte} predicted {sides}",
        f"{subject}: {prediction.analyte}",
    )


def likely_title(prediction: Prediction) -> str:
    """Return the title of a warning by probability."""
    what = f"{prediction.analyte} likely out of specification ({prediction.probability or 0.0:.0%})"
    lot = prediction.material_lot_id
    return fitting(*([f"Lot {lot}: {what}"] if lot else []), what)


def lot_title(kind: GuidanceKind, subject: str, reason: Reason) -> str:
    """Return the title of a hold or review: what to do with which lot or sample, and the reason as far as it fits."""
    head, sentence = f"{kind.capitalize()} {subject}", reason.text.rstrip(".")
    short = sentence
    for long_words, short_words in _SHORTER.items():
        short = short.replace(long_words, short_words)
    code = reason.code.replace("_", " ").lower()
    analyte = reason.parameters.get("analyte")
    named = [f"{head}: {analyte}: {code}"] if analyte else []
    return fitting(f"{head}: {sentence}", f"{head}: {short}", *named, f"{head}: {code}", head)


def move_title(suggestion: SetpointSuggestion) -> str:
    """Return the title of a suggestion: from where to where, so that two people who follow it move it once."""
    verb = "Raise" if suggestion.proposed > suggestion.current else "Lower"
    from_text, to_text = _from_and_to(suggestion)
    move = f"{verb} {_words(suggestion)} from {from_text} to {to_text}"
    return fitting(f"{move} {suggestion.unit}", move)


def _words(suggestion: SetpointSuggestion) -> str:
    return suggestion.tag.replace("_", " ")


def _from_and_to(suggestion: SetpointSuggestion) -> tuple[str, str]:
    """Return where a setpoint stands and is to go, in as many digits as tell the two apart."""
    current, proposed = suggestion.current, suggestion.proposed
    return number_text(current, proposed), number_text(proposed)


def _shown(value: float | None, limits: Specification) -> str:
    """Return a number in four digits, in more where it would otherwise stand on the other side of a limit."""
    return "" if value is None else told_apart(exact(value), limits.lower, limits.upper, digits=_DIGITS)
