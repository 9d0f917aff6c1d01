"""Phrases: parts that are the same in several sentences and titles, such as the limit that is crossed. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.contract.lims.numbers import distinct_text, exact, number_text
from gateway.records.guidance import SetpointSuggestion
from gateway.records.laboratory import Specification
from gateway.records.prediction import Prediction
from gateway.texts.catalogue import number_in_text, text, unit_in_text

_DIGITS = 4


class Phrase(StrEnum):
    """Parts of sentences and titles."""

    ANALYTE_OF_LOT = "ANALYTE_OF_LOT"
    VALUE_WITH_INTERVAL = "VALUE_WITH_INTERVAL"
    ABOVE_UPPER_LIMIT = "ABOVE_UPPER_LIMIT"
    BELOW_LOWER_LIMIT = "BELOW_LOWER_LIMIT"
    BELOW_AND_ABOVE_LIMITS = "BELOW_AND_ABOVE_LIMITS"
    ABOVE = "ABOVE"
    BELOW = "BELOW"
    BELOW_OR_ABOVE = "BELOW_OR_ABOVE"
    MAY_BE = "MAY_BE"
    HOLD_LOT = "HOLD_LOT"
    HOLD_SAMPLE = "HOLD_SAMPLE"
    REVIEW_LOT = "REVIEW_LOT"
    REVIEW_SAMPLE = "REVIEW_SAMPLE"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Crossed:
    """The limits that a value, or its interval, reaches beyond; None: not that one."""

    lower: float | None
    upper: float | None


def subject_of(prediction: Prediction) -> str:
    """Return the analyte, and of which lot it is predicted."""
    lot, analyte = prediction.material_lot_id, prediction.analyte
    return analyte if lot is None else text("advice_phrase", Phrase.ANALYTE_OF_LOT, analyte=analyte, lot=lot)


def _crossed(prediction: Prediction, limits: Specification, *, outside: bool) -> _Crossed:
    """Return which limits a prediction reaches beyond: its value, or where that is inside its interval."""
    ends = (prediction.value, prediction.value) if outside else (prediction.low, prediction.high)
    low, high = (0.0 if end is None else end for end in ends)
    return _Crossed(
        lower=limits.lower if limits.lower is not None and low < limits.lower else None,
        upper=limits.upper if limits.upper is not None and high > limits.upper else None,
    )


def beyond_text(prediction: Prediction, limits: Specification, *, outside: bool) -> str:
    """Return beyond which limits a value, or its interval, reaches: ``above the upper limit of 4.2 %``."""
    crossed = _crossed(prediction, limits, outside=outside)
    lower, upper = (
        "" if limit is None else with_unit(_written(limit), prediction) for limit in (crossed.lower, crossed.upper)
    )
    if lower and upper:
        return text("advice_phrase", Phrase.BELOW_AND_ABOVE_LIMITS, lower=lower, upper=upper)
    if lower:
        return text("advice_phrase", Phrase.BELOW_LOWER_LIMIT, limit=lower)
    return text("advice_phrase", Phrase.ABOVE_UPPER_LIMIT, limit=upper) if upper else ""


def beyond_in_title(prediction: Prediction, limits: Specification, *, outside: bool) -> str:
    """Return the same as short as a title needs it: ``above 4.2``, or of an interval ``may be above 4.2``."""
    crossed = _crossed(prediction, limits, outside=outside)
    lower, upper = ("" if limit is None else _written(limit) for limit in (crossed.lower, crossed.upper))
    if lower and upper:
        beyond = text("advice_phrase", Phrase.BELOW_OR_ABOVE, lower=lower, upper=upper)
    elif lower:
        beyond = text("advice_phrase", Phrase.BELOW, limit=lower)
    else:
        beyond = text("advice_phrase", Phrase.ABOVE, limit=upper) if upper else ""
    return beyond if outside else text("advice_phrase", Phrase.MAY_BE, beyond=beyond)


def interval_text(prediction: Prediction, limits: Specification) -> str:
    """Return a prediction with its interval: ``4.31 % (4.1 to 4.5)``; numbers stay on their side of the limits."""
    value, low, high = (shown_text(number, limits) for number in (prediction.value, prediction.low, prediction.high))
    value = with_unit(value, prediction)
    return text("advice_phrase", Phrase.VALUE_WITH_INTERVAL, value=value, low=low, high=high)


def with_unit(value: str, prediction: Prediction) -> str:
    """Return a written value with the unit of the prediction, if it has one."""
    return f"{value} {unit_in_text(prediction.unit, prediction.analyte)}".rstrip()


def shown_text(value: float | None, limits: Specification) -> str:
    """Return a number in four digits, in more where it would otherwise stand on the other side of a limit."""
    if value is None:
        return ""
    return number_in_text(distinct_text(exact(value), limits.lower, limits.upper, digits=_DIGITS))


def words_of(suggestion: SetpointSuggestion) -> str:
    """Return the tag of a setpoint as words."""
    return suggestion.tag.replace("_", " ")


def from_and_to(suggestion: SetpointSuggestion) -> tuple[str, str]:
    """Return where a setpoint stands and is to go, in as many digits as tell the two apart."""
    current, proposed = suggestion.current, suggestion.proposed
    return _written(current, proposed), _written(proposed)


def _written(number: float, *marks: float) -> str:
    return number_in_text(number_text(number, *marks))
