"""Control charts for individual values: EWMA and tabular CUSUM. Pure.

Both are folded value by value, so that a chart may go on from where it stood. Values are standardised by whoever feeds
them (value minus target, over sigma), so that one set of defaults serves all.
"""

import math
from dataclasses import dataclass

from gateway.line.outputs import CUSUM_H, EWMA_L

EWMA_LAMBDA = 0.2
CUSUM_K = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Ewma:
    """An exponentially weighted moving average and its limits (NIST/SEMATECH e-Handbook, 6.3.2.4)."""

    weight: float = EWMA_LAMBDA
    width: float = EWMA_L
    value: float = 0.0
    count: int = 0

    def after(self, standardised: float) -> "Ewma":
        """Return the chart after one more value."""
        value = self.weight * standardised + (1 - self.weight) * self.value
        return Ewma(weight=self.weight, width=self.width, value=value, count=self.count + 1)

    @property
    def limit(self) -> float:
        """Return the limit on either side, in sigmas: exact for the count, the asymptotic one for many."""
        share = self.weight / (2 - self.weight) * (1 - (1 - self.weight) ** (2 * self.count))
        return self.width * math.sqrt(share)

    @property
    def signals(self) -> bool:
        """Return whether the average lies outside its limits."""
        return self.count > 0 and abs(self.value) > self.limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Cusum:
    """A two-sided tabular CUSUM (NIST/SEMATECH e-Handbook, 6.3.2.3): what exceeds k, summed on either side."""

    allowance: float = CUSUM_K
    decision: float = CUSUM_H
    high: float = 0.0
    low: float = 0.0
    high_count: int = 0  # values since the sum was last zero: over so many it has drifted (Montgomery 9.1, N+ and N-)
    low_count: int = 0

    def after(self, standardised: float) -> "Cusum":
        """Return the chart after one more value."""
        high = max(0.0, self.high + standardised - self.allowance)
        low = max(0.0, self.low - standardised - self.allowance)
        return Cusum(
            allowance=self.allowance,
            decision=self.decision,
            high=high,
            low=low,
            high_count=self.high_count + 1 if high > 0 else 0,
            low_count=self.low_count + 1 if low > 0 else 0,
        )

    @property
    def signals(self) -> bool:
        """Return whether either sum exceeds the decision interval."""
        return self.high > self.decision or self.low > self.decision
