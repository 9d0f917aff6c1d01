"""Titles and sentences for operators: what is wrong, where, what to do; a title is at most 60 characters long. Pure."""

from gateway.contract.numbers import exact, number_text, told_apart
from gateway.records import Prediction, SetpointSuggestion, Specification

LONGEST_TITLE = 60
_DIGITS = 4


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
    return f"{value} {prediction.unit} ({low} to {high})"


def predicted_title(prediction: Prediction, limits: Specification, *, outside: bool) -> str:
    """Return the title of a warning: lot, analyte, value, and the limit that is, or may be, crossed."""
    lot = prediction.material_lot_id
    what = f"{prediction.analyte} predicted {_shown(prediction.value, limits)} {prediction.unit}"
    beyond = sides_left(limits, *_reach(prediction, outside=outside))
    sides = " or ".join(f"{side.split()[0]} {number_text(limit)}" for side, limit in beyond)
    where = sides if outside else f"may be {sides}"
    return fitting(*([f"Lot {lot}: {what}, {where}"] if lot else []), f"{what}, {where}")


def provisional_title(prediction: Prediction, limits: Specification) -> str:
    """Return the title of a hold before the laboratory's result: lot, and on which side of which limit all lies."""
    beyond = sides_left(limits, *_reach(prediction, outside=True))
    sides = " or ".join(f"{side.split()[0]} {number_text(limit)}" for side, limit in beyond)
    subject, value = f"Hold lot {prediction.material_lot_id} until tested", _shown(prediction.value, limits)
    return fitting(
        f"{subject}: {prediction.analyte} predicted {value} {prediction.unit}, {sides}",
        f"{subject}: {prediction.analyte} predicted {sides}",
        f"{subject}: {prediction.analyte}",
    )


def likely_title(prediction: Prediction) -> str:
    """Return the title of a warning by probability."""
    what = f"{prediction.analyte} likely out of specification ({prediction.probability or 0.0:.0%})"
    lot = prediction.material_lot_id
    return fitting(*([f"Lot {lot}: {what}"] if lot else []), what)


def move_title(suggestion: SetpointSuggestion) -> str:
    """Return the title of a suggestion: from where to where, so that two people who follow it move it once."""
    verb = "Raise" if suggestion.proposed > suggestion.current else "Lower"
    words, numbers = suggestion.tag.replace("_", " "), f"from {suggestion.current:g} to {suggestion.proposed:g}"
    return fitting(f"{verb} {words} {numbers} {suggestion.unit}", f"{verb} {words} {numbers}")


def _shown(value: float | None, limits: Specification) -> str:
    """Return a number in four digits, in more where it would otherwise stand on the other side of a limit."""
    return "" if value is None else told_apart(exact(value), limits.lower, limits.upper, digits=_DIGITS)
