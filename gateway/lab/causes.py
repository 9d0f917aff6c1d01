"""What was unusual in an affected window against lots that were in control: probable causes, ranked. Pure.

Tags, materials, equipment and shifts stand side by side as columns: a tag by its value, anything that is there or not
by 1 or 0. The rank is by what each column adds to the distance of the affected lots given all the others (the
conditional term of Hotelling's T2; Mason, Tracy and Young 1995): a column that only moves along with the one that moved
first adds nothing, however far it has moved itself. What cannot be told apart is said to be so.

Of one affected lot alone a shift of two or three sigma is seldom found among twenty candidates (first in half of such
runs); of three, in five of six.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FEWEST_REFERENCES = 10
_MAD_TO_SIGMA = 1.4826  # of a normal distribution
_SHRINKAGE = 0.2  # of the correlations towards none: there are seldom many more lots than columns
_TOGETHER = 0.7  # correlation from which on two columns are not told apart for sure
_UNUSUAL = 2.0  # sigmas of the affected lots' mean
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
class Cause:
    """A candidate and how unusual it was. ``score``: its share of the distance, given the others.

    ``moves_with``: candidates that cannot be told from it for sure; ``effect``: by how much a model says that the
    analyte changed because of it, where one does.
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


def probable_causes(
    candidates: Sequence[Candidate],
    references: NDArray[np.float64],
    affected: NDArray[np.float64],
    *,
    sensitivities: Mapping[str, float] | None = None,
    most: int = 5,
) -> tuple[Cause, ...]:
    """Return the candidates that were unusual, the most probable first; none where there is too little to compare.

    Args:
        candidates: what the columns are, k of them.
        references: in-control lots, shape (n, k).
        affected: affected lots, shape (m, k), m >= 1; a column with an unknown value is left out.
        sensitivities: by name, by how much the analyte changes per unit of a tag, as a model says.
        most: how many to return.
    """
    unknown = np.isnan(references).any(axis=0) | np.isnan(affected).any(axis=0)
    known: NDArray[np.bool_] = np.logical_not(unknown)
    columns = [candidate for candidate, usable in zip(candidates, known, strict=True) if usable]
    references, affected = references[:, known], affected[:, known]
    if len(references) < FEWEST_REFERENCES or not len(affected) or not columns:
        return ()
    usual, sigma = _center_and_spread(columns, references)
    varies = sigma > 0
    columns = [column for column, each in zip(columns, varies, strict=True) if each]
    if not columns:
        return ()
    usual, sigma, references, affected = usual[varies], sigma[varies], references[:, varies], affected[:, varies]
    standardised = (references - usual) / sigma
    shift = (affected.mean(axis=0) - usual) / sigma
    z = shift * np.sqrt(len(affected))
    correlation = _correlation(standardised)
    score = _conditional(correlation, shift) * len(affected)
    order = sorted(range(len(columns)), key=lambda at: (-score[at], columns[at].name))
    return tuple(
        _cause(columns, at, affected.mean(axis=0), usual, sigma, z, score, correlation, sensitivities or {})
        for at in order
        if abs(z[at]) >= _UNUSUAL
    )[:most]


def _center_and_spread(
    columns: Sequence[Candidate], references: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return robust centers and spreads of tags; of what is there or not its share, and the spread of that."""
    center, spread = np.median(references, axis=0), np.zeros(references.shape[1])
    deviation = _MAD_TO_SIGMA * np.median(np.abs(references - center), axis=0)
    for at, column in enumerate(columns):
        if column.kind is CauseKind.TAG:
            spread[at] = deviation[at] if deviation[at] > 0 else references[:, at].std(ddof=1)
        else:
            center[at] = references[:, at].mean()
            share = min(max(center[at], _SMALLEST_SHARE), 1 - _SMALLEST_SHARE)
            spread[at] = np.sqrt(share * (1 - share))
    return center, spread


def _correlation(standardised: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the correlations of columns, shrunk towards none so that they can be inverted; shape (k, k)."""
    deviations = standardised - standardised.mean(axis=0)
    lengths = np.sqrt((deviations**2).sum(axis=0))
    scaled = deviations / np.where(lengths > 0, lengths, 1.0)
    found: NDArray[np.float64] = (1 - _SHRINKAGE) * (scaled.T @ scaled)
    np.fill_diagonal(found, 1.0)
    return found


def _conditional(correlation: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each column how much smaller T2 would be without it, shape (k,)."""
    inverse = np.linalg.inv(correlation)
    found: NDArray[np.float64] = (inverse @ shift) ** 2 / np.diag(inverse)
    return found


def _cause(
    columns: Sequence[Candidate],
    at: int,
    affected: NDArray[np.float64],
    usual: NDArray[np.float64],
    sigma: NDArray[np.float64],
    z: NDArray[np.float64],
    score: NDArray[np.float64],
    correlation: NDArray[np.float64],
    sensitivities: Mapping[str, float],
) -> Cause:
    column = columns[at]
    beside = np.abs(correlation[at]) / (1 - _SHRINKAGE)
    moves_with = tuple(
        columns[other].name for other in np.argsort(-beside) if other != at and beside[other] >= _TOGETHER
    )
    moved = float(affected[at] - usual[at])
    slope = sensitivities.get(column.name)
    return Cause(
        name=column.name,
        kind=column.kind.value,
        unit=column.unit,
        affected=float(affected[at]),
        usual=float(usual[at]),
        sigma=float(sigma[at]),
        z=float(z[at]),
        score=float(score[at]),
        moves_with=moves_with,
        effect=None if slope is None else slope * moved,
        text=_sentence(column, float(affected[at]), float(usual[at]), float(z[at]), moves_with),
    )


def _sentence(column: Candidate, affected: float, usual: float, z: float, moves_with: tuple[str, ...]) -> str:
    unit = f" {column.unit}" if column.unit else ""
    if column.kind is CauseKind.TAG:
        side = "higher" if z > 0 else "lower"
        said = f"{column.name} was {affected:.4g}{unit}, {abs(z):.1f} sigma {side} than the usual {usual:.4g}{unit}."
    else:
        said = f"{column.name} was there in {affected:.0%} of the affected lots, usually in {usual:.0%}."
    if moves_with:
        said += f" It usually moves with {', '.join(moves_with)}: from figures alone they are not told apart for sure."
    return said
