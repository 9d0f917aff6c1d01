"""Limits of the charts of errors in service, from left-out errors: how long until a false alarm. Pure.

Errors of a soft sensor are neither Gaussian nor independent. So their sigma is a robust one, errors count as three
sigmas at most, and both charts' limits are widened together until, on errors of the model's own kind (blocks of
left-out results in their order, drawn again: Kuensch 1989, "The jackknife and the bootstrap for general stationary
observations"), a false alarm comes no sooner than every ``RUN_LENGTH`` results.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.lab.charts import CUSUM_K, EWMA_LAMBDA
from gateway.line.outputs import CUSUM_H, EWMA_L, DriftLimits

RUN_LENGTH = 370  # results, as of a Shewhart chart with three sigmas
_WINSORISE = 3.0
_SIGMAS_OF_MAD = 1.4826  # a normal distribution's standard deviation, of its median absolute deviation
_FACTORS = np.geomspace(1.0, 4.0, 29)  # of both limits
_PATHS, _LONG = 100, 4  # how many sequences are drawn, how many run lengths long
_LEAST_BLOCK = 10


@dataclass(frozen=True, kw_only=True)
class Charted:
    """The sigma of errors, the charts' limits, and after how many results a false alarm comes on the mean."""

    sigma: float
    charts: DriftLimits
    run_length: float


def charted(errors: NDArray[np.float64], *, seed: int = 0) -> Charted:
    """Return how errors are charted; ``errors``: as served, of results that were left out, in the order of arrival."""
    sigma = robust_sigma(errors)
    standardised = np.clip(errors / sigma, -_WINSORISE, _WINSORISE)
    alarmed = _largest_factors(_drawn(standardised, np.random.default_rng(seed)))
    own = _largest_factors(standardised[None, :])[0]
    for factor in _FACTORS:
        length = _run_length(alarmed, factor)
        if length >= RUN_LENGTH and not (own[:RUN_LENGTH] > factor).any():
            break
    charts = DriftLimits(
        winsorise=_WINSORISE, ewma_width=EWMA_L * float(factor), cusum_decision=CUSUM_H * float(factor)
    )
    return Charted(sigma=sigma, charts=charts, run_length=length)


def alarms(errors: NDArray[np.float64], charted_as: Charted) -> int:
    """Return how often the charts alarm over errors in the order of arrival, shape (n,).

    After each alarm they begin again, as they do once a person has acknowledged it.
    """
    factor = charted_as.charts.ewma_width / EWMA_L
    left, count = np.clip(errors / charted_as.sigma, -_WINSORISE, _WINSORISE), 0
    while len(left):
        over = np.flatnonzero(_largest_factors(left[None, :])[0] > factor)
        if not len(over):
            break
        left, count = left[int(over[0]) + 1 :], count + 1
    return count


def robust_sigma(errors: NDArray[np.float64]) -> float:
    """Return the standard deviation of errors, those beyond three robust sigmas cut to that."""
    spread = _SIGMAS_OF_MAD * float(np.median(np.abs(errors)))
    kept = np.clip(errors, -_WINSORISE * spread, _WINSORISE * spread) if spread > 0 else errors
    return float(np.sqrt(np.mean(kept**2))) or float(np.finfo(np.float64).tiny)


def _drawn(standardised: NDArray[np.float64], chance: np.random.Generator) -> NDArray[np.float64]:
    """Return sequences of errors, shape (paths, results), each of blocks of those on record."""
    count, length = len(standardised), RUN_LENGTH * _LONG
    block = min(count, max(_LEAST_BLOCK, round(count ** (1 / 2))))
    starts = chance.integers(0, count - block + 1, size=(_PATHS, -(-length // block)))
    rows = (starts[:, :, None] + np.arange(block)).reshape(_PATHS, -1)[:, :length]
    return standardised[rows]


def _largest_factors(paths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by which factor both limits must be wider for no alarm at a result, shape (paths, results)."""
    ewma, high, low = (np.zeros(len(paths)) for _ in range(3))
    factors = np.empty(paths.shape)
    for at, values in enumerate(paths.T):
        ewma = EWMA_LAMBDA * values + (1 - EWMA_LAMBDA) * ewma
        high, low = np.maximum(high + values - CUSUM_K, 0.0), np.maximum(low - values - CUSUM_K, 0.0)
        share = EWMA_LAMBDA / (2 - EWMA_LAMBDA) * (1 - (1 - EWMA_LAMBDA) ** (2 * (at + 1)))
        factors[:, at] = np.maximum(np.abs(ewma) / (EWMA_L * np.sqrt(share)), np.maximum(high, low) / CUSUM_H)
    return factors


def _run_length(factors: NDArray[np.float64], factor: float) -> float:
    """Return the mean number of results until the first alarm; a path without one counts as it is long."""
    over = factors > factor
    first = np.where(over.any(axis=1), over.argmax(axis=1) + 1, factors.shape[1])
    return float(first.sum() / max(int(over.any(axis=1).sum()), 1))
