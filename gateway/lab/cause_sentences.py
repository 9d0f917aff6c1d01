"""Why a column counts as a probable cause, in sentences with the numbers in them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.lab.usual import Usual

FAR = 10.0  # sigmas: beyond, a number of them says nothing more


@dataclass(frozen=True, kw_only=True, slots=True)
class AffectedLots:
    """A column of the affected lots: the value of our own, their mean, and how many they are."""

    own: float
    mean: float
    lots: int


def figure(value: float) -> str:
    """Return a number as documents show it: four significant digits, so that a sentence and its table agree."""
    return f"{value:.4g}"


def sigmas_text(z: float) -> str:
    """Return a distance in sigmas as documents show it, such as ``+3.1``; beyond ten only that it is beyond ten."""
    if abs(z) > FAR:
        return f"over {'+' if z > 0 else '-'}{FAR:.0f}"
    return f"{round(z, 1) + 0.0:+.1f}"


def tag_sentence(name: str, unit: str, usual: Usual, affected: AffectedLots) -> str:
    """Return by how much a tag was higher or lower than is usual."""
    unit = f" {unit}" if unit else ""
    z = (affected.own - usual.center) / usual.sigma
    side = "higher" if z > 0 else "lower"
    far = f"more than {FAR:g}" if abs(z) > FAR else f"{abs(z):.1f}"
    where = (
        f"all {usual.lots} lots in control had that"
        if figure(usual.low) == figure(usual.high)
        else f"{usual.lots} lots in control: {figure(usual.low)} to {figure(usual.high)}{unit}"
    )
    center = figure(usual.center)
    sentence = f"{name} was {figure(affected.own)}{unit}, {far} sigma {side} than the usual {center}{unit} ({where})."
    if affected.lots > 1:
        sentence += f" Over the {affected.lots} lots that failed alike it was {figure(affected.mean)}{unit}."
    return sentence


def presence_sentence(name: str, usual: Usual, affected: AffectedLots) -> str:
    """Return how often a material, an equipment or a shift was there, and how often it usually is."""
    if affected.lots == 1:
        there = "there" if affected.own else "not there"
        return f"{name} was {there}; it is in {usual.center:.0%} of {usual.lots} lots in control."
    alike = f"in {affected.mean:.0%} of {affected.lots} lots that failed alike"
    return f"{name} was there {alike}, usually in {usual.center:.0%}."


def inseparable_sentence(names: Sequence[str]) -> str:
    """Return with which other columns a column usually moves, so that figures alone do not tell them apart."""
    return f"It usually moves with {', '.join(names)}: from figures alone they are not told apart for sure."
