"""Parts of sentences of the laboratory: limits, lists of accepted texts, what is not named. Pure."""

from enum import StrEnum
from typing import Any

from gateway.contract.lims.numbers import number_text
from gateway.records.laboratory import Specification
from gateway.texts.catalogue import number_in_text, text

_MOST_NAMED = 4  # texts of a specification in a sentence
_LONGEST_TEXT = 60  # characters of a laboratory's words in a sentence


class LabPhrase(StrEnum):
    """The codes of the group ``lab_phrase``."""

    COMPARED_AS = "COMPARED_AS"
    NO_LIMITS = "NO_LIMITS"
    AT_MOST = "AT_MOST"
    AT_LEAST = "AT_LEAST"
    BETWEEN = "BETWEEN"
    RELEASE_BAND = "RELEASE_BAND"
    LIMITS_OR_TEXTS = "LIMITS_OR_TEXTS"
    OR = "OR"
    OR_OTHERS = "OR_OTHERS"
    AND_MORE = "AND_MORE"
    NO_TEXTS = "NO_TEXTS"
    A_TEST = "A_TEST"
    A_PRODUCT = "A_PRODUCT"
    SEE_DEAD_LETTER = "SEE_DEAD_LETTER"
    PRODUCT = "PRODUCT"
    CLIENT = "CLIENT"
    EQUIPMENT = "EQUIPMENT"
    OF_VERSION = "OF_VERSION"
    PRODUCTS_ALIKE = "PRODUCTS_ALIKE"


def lab_phrase(code: LabPhrase, **parameters: Any) -> str:
    """Return a part of a sentence."""
    return text("lab_phrase", code.value, **parameters)


def shortened(words: str) -> str:
    """Return a text of the laboratory as it stands in a sentence: of a long one the beginning."""
    return words if len(words) <= _LONGEST_TEXT else words[: _LONGEST_TEXT - 3] + "..."


def limits_text(specification: Specification) -> str:
    """Return the limits, and the texts that are accepted, as people write them."""
    limits, accepted = _limits(specification), _accepted(specification.accepts)
    if limits is None:
        return accepted or lab_phrase(LabPhrase.NO_LIMITS)
    return lab_phrase(LabPhrase.LIMITS_OR_TEXTS, limits=limits, texts=accepted) if accepted else limits


def _limits(specification: Specification) -> str | None:
    unit = f" {specification.unit}" if specification.unit else ""
    lower = None if specification.lower is None else number_in_text(number_text(specification.lower))
    upper = None if specification.upper is None else number_in_text(number_text(specification.upper))
    if lower is None and upper is None:
        return None
    if lower is None:
        return lab_phrase(LabPhrase.AT_MOST, upper=upper, unit=unit)
    if upper is None:
        return lab_phrase(LabPhrase.AT_LEAST, lower=lower, unit=unit)
    return lab_phrase(LabPhrase.BETWEEN, lower=lower, upper=upper, unit=unit)


def _accepted(texts: tuple[str, ...]) -> str:
    """Return the accepted texts as alternatives: ``absent or not detected``."""
    alternatives = ""
    for words in texts[:_MOST_NAMED]:
        second = shortened(words)
        alternatives = lab_phrase(LabPhrase.OR, first=alternatives, second=second) if alternatives else second
    return lab_phrase(LabPhrase.OR_OTHERS, texts=alternatives) if len(texts) > _MOST_NAMED else alternatives


def listed(texts: tuple[str, ...]) -> str:
    """Return a list of texts: the first ones, and how many more there are; of an empty list that there are none."""
    names = ", ".join(shortened(words) for words in texts[:_MOST_NAMED])
    if len(texts) > _MOST_NAMED:
        return lab_phrase(LabPhrase.AND_MORE, texts=names, more=len(texts) - _MOST_NAMED)
    return names or lab_phrase(LabPhrase.NO_TEXTS)


def with_version(limits: str, version: str | None) -> str:
    """Return limits with the version of their specification, if it has one."""
    return lab_phrase(LabPhrase.OF_VERSION, limits=limits, version=version) if version else limits
