"""What a result can be against a specification: codes, and sentences with the numbers in them. Pure."""

from dataclasses import replace
from enum import StrEnum
from typing import Any

from gateway.contract.lims.numbers import number_text, plain
from gateway.records.laboratory import LabResult, Specification
from gateway.records.verdicts import Reason


class ConformityReason(StrEnum):
    """What a result is against its specification; the value is the sentence's template."""

    IN_SPECIFICATION = "{name} {shown} is within {limits}."
    OUT_OF_SPECIFICATION = "{name} {shown} is {side} limit of {limit_text}{unit}."
    OUT_OF_REVIEW_BAND = "{name} {shown} is {percent_text} % of target, outside the review band {low} to {high} %."
    IN_REVIEW_BAND = "{name} {shown} is {percent_text} % of target, outside the release band {low} to {high} %."
    CENSORED_UNDECIDED = "{name} {shown} may lie inside or outside {limits}."
    NO_SPECIFICATION = "There is no specification of {name} for this product, and none came with the result."
    UNIT_MISMATCH = "{name} {shown} cannot be converted to {unit_wanted}, the specification's unit."
    UNIT_MISSING = "{name} {shown} came without a unit; whether it is in {unit_wanted} is not certain."
    NOT_YET_VALIDATED = "{name} {shown} is entered, not yet validated."
    VALUE_UNKNOWN = "{name} {shown} says no number, and no limit that it lies below or above."
    RESULT_REJECTED = "The laboratory rejected {name} {shown}."
    TEXT_ACCEPTED = '{name} "{shown}" is what the specification accepts.'
    TEXT_UNKNOWN = '{name} "{shown}" is in no list of the specification (accepts: {accepts}; rejects: {rejects}).'
    NUMBER_UNEXPECTED = "{name} {shown} is a number, but the specification has no limits; it accepts: {accepts}."


# words that are out of specification; they have its code, so that its procedures apply
TEXT_REJECTED = '{name} "{shown}" is what the specification rejects.'
TEXT_FAILED = '{name} "{shown}" says that the test failed.'
TEXT_UNCOUNTABLE = '{name} "{shown}" is more than can be counted, above the upper limit of {limit_text}{unit}.'

# a person has to say what such a result means: it settles nothing
UNDECIDED = frozenset(
    judgement.name
    for judgement in (
        ConformityReason.VALUE_UNKNOWN,
        ConformityReason.UNIT_MISMATCH,
        ConformityReason.UNIT_MISSING,
        ConformityReason.NO_SPECIFICATION,
        ConformityReason.CENSORED_UNDECIDED,
        ConformityReason.TEXT_UNKNOWN,
        ConformityReason.NUMBER_UNEXPECTED,
    )
)

_LONGEST_TEXT = 60  # characters of a laboratory's words in a sentence
_ONLY_IN_SENTENCES = frozenset({"limit_text", "percent_text"})


def reason_of(
    judgement: ConformityReason,
    result: LabResult,
    compared: LabResult | None = None,
    specification: Specification | None = None,
    *,
    sentence: str | None = None,
    **parameters: Any,
) -> Reason:
    """Return the reason with its sentence.

    Args:
        judgement: its code, and its sentence unless another is named.
        result: as the laboratory sent it.
        compared: the result as it was compared, in the specification's unit and decimals.
        specification: numbers in the sentence are written so that they stay on their side of its limits.
        sentence: another template for the same code.
        parameters: what stands in the sentence, and in the reason.
    """
    marks = () if specification is None else (specification.lower, specification.upper)
    shown = _shown(result, *marks)
    if compared is not None and (compared.value, compared.unit) != (result.value, result.unit):
        shown += f" (compared as {_shown(replace(compared, value_text=''), *marks)})"
    named = {"name": result.test_id, "shown": shown, **parameters}
    numbered = {"value": result.value, **parameters}
    kept = {name: _plain(value) for name, value in numbered.items() if name not in _ONLY_IN_SENTENCES}
    return Reason(
        code=judgement.name,
        parameters={"analyte": result.analyte, **kept},
        text=(sentence or judgement.value).format(**named),
    )


def shortened(text: str) -> str:
    """Return a text as it stands in a sentence: of a long one the beginning."""
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, float) else value


def _shown(result: LabResult, *marks: float | None) -> str:
    number = result.censored_at if result.qualifier else result.value
    if number is None:
        return shortened(result.value_text.strip())
    censored_text = result.value_text if result.qualifier else ""
    text = censored_text or f"{result.qualifier or ''}{number_text(number, *marks)}"
    return text + (f" {result.unit}" if result.unit else "")
