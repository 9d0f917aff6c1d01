"""What was unusual in an affected window against lots that were in control: probable causes, ranked. Pure.

Tags, materials, equipment and shifts stand side by side as columns: a tag by its value, anything that is there or not
by 1 or 0. The rank is by what each column adds to the distance of the affected lots given all the others (the
conditional term of Hotelling's T2; Mason, Tracy and Young 1995): a column that only moves along with the one that moved
first adds nothing, however far it has moved itself. What cannot be told apart is said to be so.

How far a tag lies from what is usual has one definition (``Usual``): for the rank, its sentence, the table of tags.

Of one affected lot alone a shift of two or three sigma is seldom found among twenty candidates (first in half of such
runs); of three, in five of six.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress

import numpy as np
from numpy.typing import NDArray

FEWEST_REFERENCES = 10
_MAD_TO_SIGMA = 1.4826  # of a normal distribution
_DECILES_TO_SIGMA = 2.5631  # between the tenth and the ninetieth percentile of a normal distribution
_FARTHEST_SIGMAS = 3.0  # at which the farthest lot in control may lie
_NOTHING = 1e-100  # a scatter that small is none: a distance in it would be no number
FAR = 10.0  # sigmas: beyond, a number of them says nothing more
_SHRINKAGE = 0.2  # of the correlations towards none: there are seldom many more lots than columns
_TOGETHER = 0.7  # correlation from which on two columns are not told apart for sure
UNUSUAL = 2.0  # sigmas of the affected lots' mean
_SMALLEST_SHARE = 0.02  # of lots with something that no reference lot had


class CauseKind(StrEnum):
    """What sort of thing a column is."""

    TAG = "tag"
    MATERIAL = "material"
    EQUIPMENT = "equipment"
    SHIFT = "shift"


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A column: what it is, and in which unit; of anything but a tag the value is whether it was there."""

    name: str
    kind: CauseKind
    unit: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usual:
    """Where the lots in control lay: their median, one sigma between them, the smallest and the largest."""

    center: float
    sigma: float
    low: float
    high: float
    lots: int

    def sigmas(self, value: float) -> float | None:
        """Return by how many sigmas a value lies from the median; None where nothing ever varied, this neither."""
        if self.sigma > 0:
            return (value - self.center) / self.sigma
        return 0.0 if value == self.center else None


def usual_of(values: Sequence[float], *, floor: float = 0.0) -> Usual:
    """Return what is usual by values of lots in control, at least one; robust against a tenth of odd ones.

    One sigma is the largest of 1.4826 times the median absolute deviation, of the width between the deciles over 2.5631
    (each right for a normal distribution, NIST 1.3.5.6), of a third of the farthest lot's distance (what a lot in
    control had is within three sigmas) and of ``floor``. The first alone is next to nothing where most lots had the
    very same value, and any other value would be hundreds of sigmas away.
    """
    known = np.sort(np.asarray(values, np.float64))
    center = _quantile(known, 0.5)
    by_median = _MAD_TO_SIGMA * _quantile(np.sort(np.abs(known - center)), 0.5)
    farthest = float(np.abs(known - center).max())
    deciles = _quantile(known, 0.9) - _quantile(known, 0.1)
    sigma = max(by_median, deciles / _DECILES_TO_SIGMA, farthest / _FARTHEST_SIGMAS, floor)
    return Usual(
        center=center,
        sigma=sigma if sigma > _NOTHING else 0.0,
        low=float(known[0]),
        high=float(known[-1]),
        lots=len(known),
    )


def _quantile(ordered: NDArray[np.float64], share: float) -> float:
    """Return a quantile of values in order, by a straight line between two of them; numpy takes 20 times as long."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """A candidate and how unusual it was. ``score``: its share of the distance, given the others.

    ``own``, ``own_z``: of this lot; ``affected``, ``z``: the mean of all lots that failed alike, and how many sigmas
    that lies from the usual. ``low``, ``high``: the smallest and largest of the lots in control. ``moves_with``:
    candidates that cannot be told from it for sure; ``effect``: by how much a model says that the analyte changed
    because of it, where one does.
    """

    name: str
    kind: str
    unit: str
    affected: float
    usual: float
    sigma: float
    z: float
    score: float
    moves_with: tuple[str, ...]
    effect: float | None
    text: str
    own: float | None = None
    own_z: float | None = None
    low: float | None = None
    high: float | None = None


def probable_causes(
    candidates: Sequence[Candidate],
    references: NDArray[np.float64],
    affected: NDArray[np.float64],
    *,
    sensitivities: Mapping[str, float] | None = None,
    floors: Mapping[str, float] | None = None,
    most: int = 5,
) -> tuple[Cause, ...]:
    """Return the candidates that were unusual, the most probable first; none where there is too little to compare.

    Args:
        candidates: what the columns are, k of them; one with an unknown value is left out.
        references: in-control lots, shape (n, k).
        affected: affected lots, shape (m, k), m >= 1, our own first.
        sensitivities: by name, by how much the analyte changes per unit of a tag, as a model says.
        floors: by name, the least that one sigma of a tag counts as.
        most: how many to return.
    """
    known = _known(references, affected)
    columns = list(compress(candidates, known))
    references, affected = references[:, known], affected[:, known]
    if len(references) < FEWEST_REFERENCES or not len(affected) or not columns:
        return ()
    usual = [_usual(column, references[:, at], floors or {}) for at, column in enumerate(columns)]
    varies = np.array([each.sigma > 0 for each in usual])
    if not varies.any():
        return ()
    columns, usual = list(compress(columns, varies)), list(compress(usual, varies))
    references, affected = references[:, varies], affected[:, varies]
    center, sigma = np.array([each.center for each in usual]), np.array([each.sigma for each in usual])
    shift = (affected.mean(axis=0) - center) / sigma
    correlation = _correlation((references - center) / sigma)
    score = _conditional(correlation, shift) * len(affected)
    unusual = np.flatnonzero(np.abs(shift) * np.sqrt(len(affected)) >= UNUSUAL).tolist()
    most_probable = sorted(unusual, key=lambda at: (-score[at], columns[at].name))[:most]
    return tuple(
        _cause(columns[at], usual[at], affected[:, at], float(score[at]), _beside(columns, correlation, at),
               (sensitivities or {}).get(columns[at].name))
        for at in most_probable
    )  # fmt: skip


def _known(references: NDArray[np.float64], affected: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which columns are known of every lot."""
    unknown = np.isnan(references).any(axis=0) | np.isnan(affected).any(axis=0)
    known: NDArray[np.bool_] = np.logical_not(unknown)
    return known


def _usual(column: Candidate, values: NDArray[np.float64], floors: Mapping[str, float]) -> Usual:
    """Return what is usual of a tag; of what is there or not its share, and the spread of that."""
    if column.kind is CauseKind.TAG:
        return usual_of(values.tolist(), floor=floors.get(column.name, 0.0))
    present = float(values.mean())
    share = min(max(present, _SMALLEST_SHARE), 1 - _SMALLEST_SHARE)
    sigma = float(np.sqrt(share * (1 - share)))
    return Usual(center=present, sigma=sigma, low=float(values.min()), high=float(values.max()), lots=len(values))


def _correlation(standardised: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the correlations of columns, shrunk towards none so that they can be inverted; shape (k, k)."""
    deviations = standardised - standardised.mean(axis=0)
    lengths = np.sqrt((deviations**2).sum(axis=0))
    scaled = deviations / np.where(lengths > 0, lengths, 1.0)
    matrix: NDArray[np.float64] = (1 - _SHRINKAGE) * (scaled.T @ scaled)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _conditional(correlation: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each column how much smaller T2 would be without it, shape (k,)."""
    inverse = np.linalg.inv(correlation)
    contributions: NDArray[np.float64] = (inverse @ shift) ** 2 / np.diag(inverse)
    return contributions


def _beside(columns: Sequence[Candidate], correlation: NDArray[np.float64], at: int) -> tuple[str, ...]:
    """Return the names of the columns that a column cannot be told from for sure, the closest first."""
    strength = np.abs(correlation[at]) / (1 - _SHRINKAGE)
    return tuple(columns[other].name for other in np.argsort(-strength) if other != at and strength[other] >= _TOGETHER)


def _cause(
    column: Candidate,
    usual: Usual,
    affected: NDArray[np.float64],
    score: float,
    moves_with: tuple[str, ...],
    slope: float | None,
) -> Cause:
    own, mean = float(affected[0]), float(affected.mean())
    return Cause(
        name=column.name,
        kind=column.kind.value,
        unit=column.unit,
        affected=mean,
        usual=usual.center,
        sigma=usual.sigma,
        z=(mean - usual.center) / usual.sigma,
        score=score,
        moves_with=moves_with,
        effect=None if slope is None else slope * (mean - usual.center),
        text=_sentence(column, usual, own, affected, moves_with),
        own=own,
        own_z=(own - usual.center) / usual.sigma,
        low=usual.low,
        high=usual.high,
    )


def figure(value: float) -> str:
    """Return a number as documents show it: four significant digits, so that a sentence and its table agree."""
    return f"{value:.4g}"


def sigmas_text(z: float) -> str:
    """Return a distance in sigmas as documents show it, such as ``+3.1``; beyond ten only that it is beyond ten."""
    if abs(z) > FAR:
        return f"over {'+' if z > 0 else '-'}{FAR:.0f}"
    return f"{round(z, 1) + 0.0:+.1f}"


def _sentence(
    column: Candidate, usual: Usual, own: float, affected: NDArray[np.float64], moves_with: tuple[str, ...]
) -> str:
    alike = len(affected)
    if column.kind is CauseKind.TAG:
        sentence = _tag_sentence(column, usual, own, affected)
    elif alike == 1:
        there = "there" if own else "not there"
        sentence = f"{column.name} was {there}; it is in {usual.center:.0%} of {usual.lots} lots in control."
    else:
        share = float(affected.mean())
        sentence = (
            f"{column.name} was there in {share:.0%} of {alike} lots that failed alike, usually in {usual.center:.0%}."
        )
    if moves_with:
        sentence += (
            f" It usually moves with {', '.join(moves_with)}: from figures alone they are not told apart for sure."
        )
    return sentence


def _tag_sentence(column: Candidate, usual: Usual, own: float, affected: NDArray[np.float64]) -> str:
    unit = f" {column.unit}" if column.unit else ""
    z = (own - usual.center) / usual.sigma
    side = "higher" if z > 0 else "lower"
    far = f"more than {FAR:g}" if abs(z) > FAR else f"{abs(z):.1f}"
    where = (
        f"all {usual.lots} lots in control had that"
        if figure(usual.low) == figure(usual.high)
        else f"{usual.lots} lots in control: {figure(usual.low)} to {figure(usual.high)}{unit}"
    )
    sentence = f"{column.name} was {figure(own)}{unit}, {far} sigma {side} than the usual {figure(usual.center)}{unit}"
    sentence += f" ({where})."
    if len(affected) > 1:
        sentence += f" Over the {len(affected)} lots that failed alike it was {figure(float(affected.mean()))}{unit}."
    return sentence
