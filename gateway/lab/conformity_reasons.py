"""What a result can be against a specification: the codes; the sentences are the group ``conformity``. Pure."""

from dataclasses import replace
from enum import StrEnum
from typing import Any

from gateway.contract.lims.numbers import number_text, plain
from gateway.lab.phrases import LabPhrase, lab_phrase, shortened
from gateway.records.laboratory import LabResult, Specification
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import number_in_text, text, unit_in_text


class ConformityReason(StrEnum):
    """What a result is against its specification."""

    IN_SPECIFICATION = "IN_SPECIFICATION"
    OUT_OF_SPECIFICATION = "OUT_OF_SPECIFICATION"
    OUT_OF_REVIEW_BAND = "OUT_OF_REVIEW_BAND"
    IN_REVIEW_BAND = "IN_REVIEW_BAND"
    CENSORED_UNDECIDED = "CENSORED_UNDECIDED"
    NO_SPECIFICATION = "NO_SPECIFICATION"
    UNIT_MISMATCH = "UNIT_MISMATCH"
    UNIT_MISSING = "UNIT_MISSING"
    NOT_YET_VALIDATED = "NOT_YET_VALIDATED"
    VALUE_UNKNOWN = "VALUE_UNKNOWN"
    RESULT_REJECTED = "RESULT_REJECTED"
    TEXT_ACCEPTED = "TEXT_ACCEPTED"
    TEXT_UNKNOWN = "TEXT_UNKNOWN"
    NUMBER_UNEXPECTED = "NUMBER_UNEXPECTED"


class OutOfSpecification(StrEnum):
    """In which of its sentences a result is out of specification; texts have its code, so that its procedures apply."""

    BELOW = "below"
    ABOVE = "above"
    TEXT_REJECTED = "text_rejected"
    TEXT_FAILED = "text_failed"
    TEXT_UNCOUNTABLE = "text_uncountable"


# a person has to say what such a result means: it settles nothing
UNDECIDED = frozenset(
    judgement.value
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

_ONLY_IN_SENTENCES = frozenset({"limit_text", "percent_text"})


def reason_of(
    judgement: ConformityReason,
    result: LabResult,
    compared: LabResult | None = None,
    specification: Specification | None = None,
    *,
    variant: OutOfSpecification | None = None,
    **parameters: Any,
) -> Reason:
    """Return the reason with its sentence.

    Args:
        judgement: its code.
        result: as the laboratory sent it.
        compared: the result as it was compared, in the specification's unit and decimals.
        specification: numbers in the sentence are written so that they stay on their side of its limits.
        variant: in which of its sentences, where the code has several.
        parameters: what stands in the sentence, and in the reason.
    """
    marks = () if specification is None else (specification.lower, specification.upper)
    shown = _shown(result, *marks)
    if compared is not None and (compared.value, compared.unit) != (result.value, result.unit):
        shown = lab_phrase(
            LabPhrase.COMPARED_AS, shown=shown, compared=_shown(replace(compared, value_text=""), *marks)
        )
    chosen = {} if variant is None else {"variant": variant.value}
    sentence = text("conformity", judgement.value, name=result.test_id, shown=shown, **parameters, **chosen)
    numbered = {"value": result.value, **parameters}
    kept = {name: _plain(value) for name, value in numbered.items() if name not in _ONLY_IN_SENTENCES}
    return Reason(
        code=judgement.value,
        parameters={"analyte": result.analyte, **kept},
        text=sentence,
    )


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, float) else value


def _shown(result: LabResult, *marks: float | None) -> str:
    number = result.censored_at if result.qualifier else result.value
    if number is None:
        return shortened(result.value_text.strip())
    censored_text = result.value_text if result.qualifier else ""
    written = censored_text or f"{result.qualifier or ''}{number_text(number, *marks)}"
    unit = unit_in_text(result.unit, result.analyte, result.test_id)
    return number_in_text(written) + (f" {unit}" if unit else "")
