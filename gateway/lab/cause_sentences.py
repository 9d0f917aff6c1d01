"""Why a column counts as a probable cause, in sentences with the numbers in them (group ``cause``). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.lab.cause_names import shown_name
from gateway.lab.usual import Usual
from gateway.texts.catalogue import number_in_text, text

FAR = 10.0  # sigmas: beyond, a number of them says nothing more


class CauseSentence(StrEnum):
    """The codes of the group ``cause``."""

    TAG = "TAG"
    TAG_OF_LOTS_ALIKE = "TAG_OF_LOTS_ALIKE"
    PRESENCE = "PRESENCE"
    PRESENT_IN_LOTS_ALIKE = "PRESENT_IN_LOTS_ALIKE"
    MOVES_WITH = "MOVES_WITH"


class CausePhrase(StrEnum):
    """The codes of the group ``cause_phrase``."""

    MORE_THAN = "MORE_THAN"
    OVER = "OVER"
    ALL_ALIKE = "ALL_ALIKE"
    RANGE = "RANGE"


@dataclass(frozen=True, kw_only=True, slots=True)
class AffectedLots:
    """A column of the affected lots: the value of our own, their mean, and how many they are."""

    own: float
    mean: float
    lots: int


def figure(value: float) -> str:
    """Return a number as documents show it: four significant digits, so that a sentence and its table agree."""
    return number_in_text(f"{value:.4g}")


def sigmas_text(z: float) -> str:
    """Return a distance in sigmas as documents show it, such as ``+3.1``; beyond ten only that it is beyond ten."""
    if abs(z) > FAR:
        return _phrase(CausePhrase.OVER, sigmas=FAR if z > 0 else -FAR)
    return number_in_text(f"{round(z, 1) + 0.0:+.1f}")


def tag_sentence(name: str, unit: str, usual: Usual, affected: AffectedLots) -> str:
    """Return by how much a tag was higher or lower than is usual."""
    unit = f" {unit}" if unit else ""
    z = (affected.own - usual.center) / usual.sigma
    sentence = _sentence(
        CauseSentence.TAG,
        variant="higher" if z > 0 else "lower",
        name=name,
        own=figure(affected.own),
        unit=unit,
        sigmas=_phrase(CausePhrase.MORE_THAN, sigmas=FAR) if abs(z) > FAR else number_in_text(f"{abs(z):.1f}"),
        center=figure(usual.center),
        compared=_compared(usual, unit),
    )
    if affected.lots == 1:
        return sentence
    of_all = _sentence(CauseSentence.TAG_OF_LOTS_ALIKE, lots=affected.lots, mean=figure(affected.mean), unit=unit)
    return f"{sentence} {of_all}"


def _compared(usual: Usual, unit: str) -> str:
    """Return the range of the lots in control."""
    low, high = figure(usual.low), figure(usual.high)
    if low == high:
        return _phrase(CausePhrase.ALL_ALIKE, lots=usual.lots)
    return _phrase(CausePhrase.RANGE, lots=usual.lots, low=low, high=high, unit=unit)


def presence_sentence(stored_name: str, usual: Usual, affected: AffectedLots) -> str:
    """Return how often a material, an equipment or a shift was there, and how often it usually is."""
    name = shown_name(stored_name)
    if affected.lots == 1:
        there = "there" if affected.own else "not_there"
        return _sentence(CauseSentence.PRESENCE, variant=there, name=name, usual=usual.center, lots=usual.lots)
    return _sentence(
        CauseSentence.PRESENT_IN_LOTS_ALIKE, name=name, share=affected.mean, lots=affected.lots, usual=usual.center
    )


def inseparable_sentence(names: Sequence[str]) -> str:
    """Return with which other columns a column usually moves, so that figures alone do not tell them apart."""
    return _sentence(CauseSentence.MOVES_WITH, names=", ".join(map(shown_name, names)))


def _sentence(code: CauseSentence, **parameters: Any) -> str:
    return text("cause", code.value, **parameters)


def _phrase(code: CausePhrase, **parameters: Any) -> str:
    return text("cause_phrase", code.value, **parameters)
