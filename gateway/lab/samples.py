"""A sample is one point of its series: the mean of its replicates. Pure.

Replicates of one sample vary by the measurement only. Charted one by one they would make limits that are far too
narrow for the differences between samples (Montgomery, Statistical Quality Control, 6.4). Each replicate is still
judged by itself against the specification: a mean hides no failure there.
"""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

BELOW: Final = "<"
ABOVE: Final = ">"
Side = Literal["<", ">"]
_SIGNIFICANT = 12  # digits of a mean: alike replicates have their own value as the mean, to the last digit


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One result of a sample in its series' unit; with a qualifier ``value`` is the limit that it lies beyond."""

    result_id: str
    at_ns: int
    value: float
    qualifier: Side | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A sample's time and value in its series; with a qualifier, the value lies somewhere beyond ``value``."""

    sample_id: str
    at_ns: int
    value: float
    qualifier: Side | None = None
    results: tuple[Measured, ...] = ()

    @property
    def text(self) -> str:
        """Return the value as people write it."""
        return f"{self.qualifier or ''}{self.value:.6g}"

    @property
    def result_ids(self) -> tuple[str, ...]:
        """Return the results that the point is made of."""
        return tuple(result.result_id for result in self.results)

    @property
    def span(self) -> tuple[float, float]:
        """Return between which numbers the sample's value lies."""
        if self.qualifier == BELOW:
            return -math.inf, self.value
        return self.value, math.inf if self.qualifier == ABOVE else self.value


def point_of(sample_id: str, results: Iterable[Measured]) -> Point | None:
    """Return the point of a sample with these results, or None without any.

    It stands where the first of them was drawn. Its value is the mean of the numbers among them; where there are none,
    the limit that is certain for all of them: the highest of ``<``, the lowest of ``>``.
    """
    ordered = tuple(sorted(results, key=lambda result: (result.at_ns, result.result_id)))
    if not ordered:
        return None
    value, qualifier = _value_of(ordered)
    return Point(sample_id=sample_id, at_ns=ordered[0].at_ns, value=value, qualifier=qualifier, results=ordered)


def _value_of(results: tuple[Measured, ...]) -> tuple[float, Side | None]:
    numbers = [result.value for result in results if result.qualifier is None]
    if len(numbers) == 1:
        return numbers[0], None
    if numbers:
        return float(f"{statistics.fmean(numbers):.{_SIGNIFICANT}g}"), None
    above = [result.value for result in results if result.qualifier == ABOVE]
    if above:
        return min(above), ABOVE
    return max(result.value for result in results), BELOW
