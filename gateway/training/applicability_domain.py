"""The applicability domain of training rows: a principal component model and the limits of T2 and SPE. Pure."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gateway.line.model_domain import Domain
from gateway.training.spread import scale_of

_NOTHING = 1e-18  # of scaled inputs squared: below that is arithmetic
_EXPLAINED = 0.95  # of the variance of the scaled inputs, by the components that are kept


def fit_domain(rows: NDArray[np.float64], *, alpha: float, explained: float = _EXPLAINED) -> Domain:
    """Return the domain of rows of shape (n, k); raises ValueError where n is too small for its limits.

    Inputs are centred and scaled to unit variance; a constant one keeps scale 1, so that any change of it stands off
    the plane. As many components are kept as explain that share of the variance.
    """
    count, _inputs = rows.shape
    center, scale = rows.mean(axis=0), scale_of(rows, ddof=1)
    scaled = (rows - center) / scale
    _left, singular, right = np.linalg.svd(scaled, full_matrices=False)
    variances = singular**2 / (count - 1)
    shares = np.cumsum(variances) / variances.sum()
    kept = min(int(np.searchsorted(shares, explained - 1e-12)) + 1, int(np.sum(variances > 1e-12 * variances[0])))
    if count <= kept + 1:
        raise ValueError(f"{count} rows are too few for a domain of {kept} components")
    return Domain(
        center=center,
        scale=scale,
        loadings=right[:kept].T,
        variances=variances[:kept],
        t2_limit=t2_limit(rows=count, components=kept, alpha=alpha),
        spe_limit=spe_limit(variances[kept:], rows=count, components=kept, alpha=alpha),
        alpha=alpha,
    )


def t2_limit(*, rows: int, components: int, alpha: float) -> float:
    """Return the limit of T2 that a new row of the same kind exceeds with probability alpha.

    k (n^2 - 1) / (n (n - k)) F(1 - alpha; k, n - k) (Tracy, Young and Mason 1992, "Multivariate control charts for
    individual observations", eq. 2).
    """
    factor = components * (rows**2 - 1) / (rows * (rows - components))
    return float(factor * stats.f.ppf(1 - alpha, components, rows - components))


def spe_limit(off_plane_variances: NDArray[np.float64], *, rows: int, components: int, alpha: float) -> float:
    """Return the limit of SPE that a new row of the same kind exceeds with probability alpha.

    SPE is a sum of squares with the variances of the components left out, approximated by a shifted chi-square of the
    same first three moments: m1 + m3 / m2 (chi2(1 - alpha; h) - h), h = m2^3 / m3^2, mi the sum of the i-th powers
    (Imhof 1961, "Computing the distribution of quadratic forms in normal variables", section 4). The usual two moments
    (Box 1954) let 1.3 % through at 1 %. New rows lie further off the plane than those it was laid through, by
    n / (n - a - 1). Where every row lies on the plane, the limit is what arithmetic leaves.
    """
    variances = off_plane_variances * rows / (rows - components - 1)
    first, second, third = (float(np.sum(variances**power)) for power in (1, 2, 3))
    if first <= _NOTHING:
        return _NOTHING
    freedom = second**3 / third**2
    return first + third / second * (float(stats.chi2.ppf(1 - alpha, freedom)) - freedom)
