"""Quantiles of the Beta and the F distribution. Pure.

Both rest on the regularized incomplete beta function I_x(a, b). A gateway needs of all statistics these two alone: a
library for them would take longer to load than everything of our own.
"""

from math import exp, inf, isfinite, lgamma, log, log1p

_TINY = 1e-300  # stands for a zero that would be divided by
_PRECISE = 1e-15  # relative
_MOST_TERMS = 10_000  # of the continued fraction, which needs about sqrt(max(a, b)) of them
_MOST_STEPS = 200  # towards a root; about ten are needed


def f_quantile(numerator: float, denominator: float, probability: float) -> float:
    """Return the quantile of F with so many degrees of freedom (DLMF 8.17; Abramowitz and Stegun 26.6.2)."""
    below = beta_quantile(numerator / 2, denominator / 2, probability)
    above = beta_quantile(denominator / 2, numerator / 2, 1 - probability)  # 1 - below, precise where below is near 1
    return denominator * below / (numerator * above) if above > 0 else inf


def beta_quantile(a: float, b: float, probability: float) -> float:
    """Return x with I_x(a, b) = probability; raises ValueError unless a > 0, b > 0 and 0 <= probability <= 1.

    Newton's method, and halving wherever it would leave the interval in which the root is.
    """
    if not (a > 0 and b > 0 and isfinite(a + b) and 0 <= probability <= 1):
        raise ValueError(f"there is no quantile {probability} of Beta({a}, {b})")
    if probability in {0, 1}:
        return float(probability)
    low, high, x = 0.0, 1.0, a / (a + b)
    for _ in range(_MOST_STEPS):
        excess = incomplete_beta(a, b, x) - probability
        if excess < 0:
            low = x
        else:
            high = x
        density = exp((a - 1) * log(x) + (b - 1) * log1p(-x) - _log_beta(a, b))
        following = x - excess / max(density, _TINY)
        if not low < following < high:
            following = (low + high) / 2
        if following in {0, 1} or abs(following - x) <= _PRECISE * x:
            return following
        x = following
    return x


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return I_x(a, b) for a, b > 0 and x from 0 to 1: the probability that Beta(a, b) is at most x."""
    if x <= 0 or x >= 1:
        return float(x > 0)
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly: I_x(a, b) = 1 - I_1-x(b, a), DLMF 8.17.4
        return 1 - _by_fraction(b, a, 1 - x, log(x), log1p(-x))
    return _by_fraction(a, b, x, log1p(-x), log(x))


def _by_fraction(a: float, b: float, x: float, log_above: float, log_below: float) -> float:
    """Return I_x(a, b) by its continued fraction (DLMF 8.17.22), summed by Lentz's method as modified by Thompson.

    ``log_below`` and ``log_above`` are the logarithms of x and of 1 - x.
    """
    upper, lower = 1.0, 1 / _kept(1 - (a + b) * x / (a + 1))
    fraction = lower
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        change = 1.0
        for term in (even, odd):
            lower = 1 / _kept(1 + term * lower)
            upper = _kept(1 + term / upper)
            change = upper * lower
            fraction *= change
        if abs(change - 1) <= _PRECISE:
            break
    return exp(a * log_below + b * log_above - _log_beta(a, b)) * fraction / a


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _kept(divisor: float) -> float:
    return divisor if abs(divisor) > _TINY else _TINY
