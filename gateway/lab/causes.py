"""What was unusual in an affected window against lots that were in control: probable causes, ranked. Pure.

Tags, materials, equipment and shifts stand side by side as columns: a tag by its value, anything that is there or not
by 1 or 0. The rank is by what each column adds to the distance of the affected lots given all the others (the
conditional term of Hotelling's T2; Mason, Tracy and Young 1995): a column that only moves along with the one that moved
first adds nothing, however far it has moved itself. Where figures cannot tell two columns apart, the sentence says so.

Of one affected lot alone a shift of two or three sigma is seldom found among twenty candidates (first in half of such
runs); of three, in five of six.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from gateway.lab.cause_sentences import AffectedLots, inseparable_sentence, presence_sentence, tag_sentence
from gateway.lab.usual import Usual, usual_of

FEWEST_REFERENCES = 10
_SHRINKAGE = 0.2  # of the correlations towards none: there are seldom many more lots than columns
_TOGETHER = 0.7  # correlation from which on figures do not tell two columns apart for sure
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
    """A column. The value of a tag is its mean; of anything else it is 1 where it was there, else 0."""

    name: str
    kind: CauseKind
    unit: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """A candidate and how unusual it was. ``score``: its share of the distance, given the others.

    ``own``, ``own_z``: of this lot; ``affected``, ``z``: the mean of all lots that failed alike, and how many sigmas
    that lies from the usual. ``low``, ``high``: the smallest and largest of the lots in control. ``moves_with``:
    candidates that figures do not tell apart from it; ``effect``: by how much a model says that the analyte changed
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
    compared = _compared(candidates, references, affected, floors or {})
    if compared is None:
        return ()
    columns, usual, affected = compared.columns, compared.usual, compared.affected
    center, sigma = np.array([column.center for column in usual]), np.array([column.sigma for column in usual])
    shift = (affected.mean(axis=0) - center) / sigma
    correlation = _correlation((compared.references - center) / sigma)
    score = _conditional(correlation, shift) * len(affected)
    unusual = np.flatnonzero(np.abs(shift) * np.sqrt(len(affected)) >= UNUSUAL).tolist()
    most_probable = sorted(unusual, key=lambda at: (-score[at], columns[at].name))[:most]
    return tuple(
        _cause(columns[at], usual[at], affected[:, at], float(score[at]), _correlated(columns, correlation, at),
               (sensitivities or {}).get(columns[at].name))
        for at in most_probable
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class _Compared:
    """The columns that can be compared: known of every lot, and not the same in all lots in control."""

    columns: list[Candidate]
    usual: list[Usual]
    references: NDArray[np.float64]
    affected: NDArray[np.float64]


def _compared(
    candidates: Sequence[Candidate],
    references: NDArray[np.float64],
    affected: NDArray[np.float64],
    floors: Mapping[str, float],
) -> _Compared | None:
    """Return the columns that can be compared; None without any, or with too few lots in control."""
    known = _known(references, affected)
    columns = list(compress(candidates, known))
    references, affected = references[:, known], affected[:, known]
    if len(references) < FEWEST_REFERENCES or not len(affected) or not columns:
        return None
    usual = [_usual(column, references[:, at], floors) for at, column in enumerate(columns)]
    varies = np.array([column.sigma > 0 for column in usual])
    if not varies.any():
        return None
    return _Compared(
        columns=list(compress(columns, varies)),
        usual=list(compress(usual, varies)),
        references=references[:, varies],
        affected=affected[:, varies],
    )


def _known(references: NDArray[np.float64], affected: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which columns are known of every lot."""
    unknown = np.isnan(references).any(axis=0) | np.isnan(affected).any(axis=0)
    known: NDArray[np.bool_] = np.logical_not(unknown)
    return known


def _usual(column: Candidate, values: NDArray[np.float64], floors: Mapping[str, float]) -> Usual:
    """Return what is usual of a column: of a tag its values, of anything else the share of lots that it was in."""
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


def _correlated(columns: Sequence[Candidate], correlation: NDArray[np.float64], at: int) -> tuple[str, ...]:
    """Return the names of the columns that move with a column, the most strongly correlated first."""
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
    lots = AffectedLots(own=float(affected[0]), mean=float(affected.mean()), lots=len(affected))
    return Cause(
        name=column.name,
        kind=column.kind.value,
        unit=column.unit,
        affected=lots.mean,
        usual=usual.center,
        sigma=usual.sigma,
        z=(lots.mean - usual.center) / usual.sigma,
        score=score,
        moves_with=moves_with,
        effect=None if slope is None else slope * (lots.mean - usual.center),
        text=_sentences(column, usual, lots, moves_with),
        own=lots.own,
        own_z=(lots.own - usual.center) / usual.sigma,
        low=usual.low,
        high=usual.high,
    )


def _sentences(column: Candidate, usual: Usual, lots: AffectedLots, moves_with: tuple[str, ...]) -> str:
    if column.kind is CauseKind.TAG:
        sentence = tag_sentence(column.name, column.unit, usual, lots)
    else:
        sentence = presence_sentence(column.name, usual, lots)
    return f"{sentence} {inseparable_sentence(moves_with)}" if moves_with else sentence
