"""Several analytes of one sample at once: Hotelling's T2 against a reference, with the share of each analyte. Pure.

It finds what no single chart shows: each value lies within its limits, but the values do not fit one another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.lab.quantiles import f_quantile
from gateway.line.spc_rules import FEWEST_PER_ANALYTE

ALPHA = 0.01
FEWEST_ANALYTES = 2  # of a single one its own chart says all
_LARGEST_CONDITION = 1e8


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reference:
    """A reference of k analytes: their means, the inverse of their covariance, and the limit of T2 for a new row."""

    analytes: tuple[str, ...]
    mean: NDArray[np.float64]  # shape (k,)
    inverse: NDArray[np.float64]  # shape (k, k)
    count: int
    limit: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Anomaly:
    """How far a row is from the reference; ``contributions`` by analyte, the largest first."""

    t2: float
    limit: float
    contributions: Mapping[str, float]

    @property
    def signals(self) -> bool:
        """Return whether the row is too far out."""
        return self.t2 > self.limit


def t2_limit(count: int, analytes: int, alpha: float = ALPHA) -> float:
    """Return the limit of T2 for a new row: k(n^2-1)/(n(n-k)) F(1-alpha; k, n-k) (Montgomery, 11.3)."""
    free = count - analytes
    factor = analytes * (count**2 - 1) / (count * free)
    return factor * f_quantile(analytes, free, 1 - alpha)


def reference(analytes: Sequence[str], rows: NDArray[np.float64], alpha: float = ALPHA) -> Reference | None:
    """Return the reference of rows, shape (n, k), that were in control; None where they are too few or do not vary."""
    count, wide = rows.shape
    if wide < FEWEST_ANALYTES or count < FEWEST_PER_ANALYTE * wide:
        return None
    covariance = np.cov(rows, rowvar=False)
    deviations = np.sqrt(np.diag(covariance))
    if not (deviations > 0).all() or np.linalg.cond(covariance / np.outer(deviations, deviations)) > _LARGEST_CONDITION:
        return None
    return Reference(
        analytes=tuple(analytes),
        mean=rows.mean(axis=0),
        inverse=np.asarray(np.linalg.inv(covariance), np.float64),
        count=count,
        limit=t2_limit(count, wide, alpha),
    )


def anomaly(known: Reference, values: Mapping[str, float]) -> Anomaly:
    """Return how far values, one for each analyte of the reference, lie from it.

    A contribution is how much smaller T2 would be without that analyte: what it adds given all the others
    (Mason, Tracy and Young 1995, the last conditional term).
    """
    away = np.array([values[name] for name in known.analytes]) - known.mean
    weighted = known.inverse @ away
    parts = weighted**2 / np.diag(known.inverse)
    order = np.argsort(-parts, kind="stable")
    return Anomaly(
        t2=float(away @ weighted),
        limit=known.limit,
        contributions={known.analytes[at]: float(parts[at]) for at in order},
    )
