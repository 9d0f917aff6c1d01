"""Where a model has learned: its applicability domain, by a principal component model of its training inputs. Pure.

Inputs may each lie within their range and yet stand together as they never did in training. Hotelling's T2 measures
how far a row lies from the middle within the plane that the training rows span, SPE (also called Q) how far it lies off
that plane (Kourti and MacGregor 1995, "Process analysis, monitoring and diagnosis, using multivariate projection
methods").

Distances may be judged by their mean over the last few predictions, so that one noisy row is not refused between others
that are accepted. What lies farther out than twice a limit is judged by itself, whatever came before.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gateway.line.definition import ModelAssignment
from gateway.line.model_domain import Domain

MOST_TOLD = 3  # contributions named in a reason
_FAR = 2.0  # times a limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Distance:
    """How far a row lies from where the model has learned, and what each input contributes to either measure."""

    t2: float
    spe: float
    t2_contributions: NDArray[np.float64]  # (k,), they add up to t2
    spe_contributions: NDArray[np.float64]  # (k,), they add up to spe


def scores(domain: Domain, rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (T2, SPE), each of shape (n,), of rows of shape (n, k)."""
    scaled = (rows - domain.center) / domain.scale
    within = scaled @ domain.loadings
    off = scaled - within @ domain.loadings.T
    return np.sum(within**2 / domain.variances, axis=1), np.sum(off**2, axis=1)


def distance(domain: Domain, values: NDArray[np.float64]) -> Distance:
    """Return the distance of one row of shape (k,).

    The contribution of input j to T2 is the share of z' P L^-1 P' z that carries z_j (Westerhuis, Gurden and Smilde
    2000, "Generalized contribution plots", eq. 9); to SPE, its own squared residual.
    """
    scaled = (values - domain.center) / domain.scale
    within = domain.loadings.T @ scaled
    off = scaled - domain.loadings @ within
    t2_contributions = scaled * (domain.loadings @ (within / domain.variances))
    return Distance(
        t2=float(np.sum(within**2 / domain.variances)),
        spe=float(np.sum(off**2)),
        t2_contributions=t2_contributions,
        spe_contributions=off**2,
    )


def as_judged(domain: Domain, measured: Distance, earlier: Sequence[tuple[float, ...]]) -> Distance:
    """Return a distance as it is judged; ``earlier``: the inputs of the predictions before, the newest first."""
    known = [values for values in earlier[: domain.averaged_over - 1] if len(values) == len(domain.center)]
    if not known:
        return measured
    t2, spe = scores(domain, np.array(known, np.float64))
    return replace(
        measured,
        t2=_averaged([measured.t2, *t2.tolist()], domain.t2_limit),
        spe=_averaged([measured.spe, *spe.tolist()], domain.spe_limit),
    )


def averaged_scores(domain: Domain, own: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    """Return T2 or SPE of rows that follow each other, shape (n,), as they are judged."""
    judged = [
        _averaged(own[max(0, at - domain.averaged_over + 1) : at + 1][::-1].tolist(), limit) for at in range(len(own))
    ]
    return np.array(judged, np.float64)


def _averaged(newest_first: Sequence[float], limit: float) -> float:
    """Return the mean, or the newest where that lies far out or is no number."""
    newest = newest_first[0]
    known = [value for value in newest_first if math.isfinite(value)]
    return math.fsum(known) / len(known) if newest <= _FAR * limit else newest


def accepted_inputs(model: ModelAssignment, rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which rows, shape (n, inputs), the gates of range and domain would accept, were they measured."""
    lower = np.array([item.validated[0] for item in model.bundle.inputs])
    upper = np.array([item.validated[1] for item in model.bundle.inputs])
    within: NDArray[np.bool_] = np.all((rows >= lower) & (rows <= upper), axis=1)
    domain = model.bundle.domain
    if domain is None:
        return within
    t2, spe = scores(domain, rows)
    known: NDArray[np.bool_] = (t2 <= domain.t2_limit) & (spe <= domain.spe_limit)
    return within & known


def largest(names: tuple[str, ...], contributions: NDArray[np.float64]) -> tuple[str, ...]:
    """Return the names that contribute most, largest first, at most three."""
    order = np.argsort(-contributions, kind="stable")[:MOST_TOLD]
    return tuple(names[int(at)] for at in order if contributions[at] > 0)
