"""Runs and patterns on a chart of individual values: Nelson's eight rules and the four of Western Electric. Pure.

Values are standardised (value minus center line, over sigma), oldest first. A rule speaks of the newest value: it
holds where the pattern ends with that value, so each value that continues a pattern signals, and none twice.
All inequalities are strict, as Nelson wrote them: a value on a line is on neither side of it.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from gateway.line.spc_rules import DEFAULT_RULES, RunRule

MOST_VALUES = 15  # as far back as any rule looks
_RANGE_LIMIT = 3.267 * 1.128  # sigmas: D4 times the mean moving range (NIST/SEMATECH e-Handbook, 6.3.2.2)


def broken(values: Sequence[float], rules: Sequence[RunRule] = DEFAULT_RULES) -> tuple[RunRule, ...]:
    """Return which of the rules the newest of standardised values breaks.

    Nelson (1984), Journal of Quality Technology 16(4), 237-239; Western Electric (1956), Statistical Quality Control
    Handbook. At most the last ``MOST_VALUES`` count.
    """
    return tuple(rule for rule in rules if _RULES[rule](values))


def _beyond(values: Sequence[float], *, share: tuple[int, int], sigmas: float) -> bool:
    """Return whether k of the last n, the newest among them, lie more than some sigmas out on the newest's side."""
    least, among = share
    if not values or abs(values[-1]) <= sigmas:
        return False
    side = 1.0 if values[-1] > 0 else -1.0
    return sum(side * value > sigmas for value in values[-among:]) >= least


def _jumped(values: Sequence[float]) -> bool:
    return abs(values[-1] - values[-2]) > _RANGE_LIMIT if len(values) > 1 else False


def _rising_or_falling(values: Sequence[float], count: int) -> bool:
    steps = [later - earlier for earlier, later in pairwise(values[-count:])]
    return len(steps) == count - 1 and (all(step > 0 for step in steps) or all(step < 0 for step in steps))


def _alternating(values: Sequence[float], count: int) -> bool:
    steps = [later - earlier for earlier, later in pairwise(values[-count:])]
    return len(steps) == count - 1 and all(before * after < 0 for before, after in pairwise(steps))


def _within(values: Sequence[float], count: int, sigmas: float) -> bool:
    return len(values) >= count and all(abs(value) < sigmas for value in values[-count:])


def _outside_on_both_sides(values: Sequence[float], count: int, sigmas: float) -> bool:
    last = values[-count:]
    return len(last) == count and all(abs(value) > sigmas for value in last) and min(last) < 0 < max(last)


_RULES: Mapping[RunRule, Callable[[Sequence[float]], bool]] = {
    RunRule.NELSON_1: lambda values: _beyond(values, share=(1, 1), sigmas=3.0),
    RunRule.NELSON_2: lambda values: _beyond(values, share=(9, 9), sigmas=0.0),
    RunRule.NELSON_3: lambda values: _rising_or_falling(values, 6),
    RunRule.NELSON_4: lambda values: _alternating(values, 14),
    RunRule.NELSON_5: lambda values: _beyond(values, share=(2, 3), sigmas=2.0),
    RunRule.NELSON_6: lambda values: _beyond(values, share=(4, 5), sigmas=1.0),
    RunRule.NELSON_7: lambda values: _within(values, 15, 1.0),
    RunRule.NELSON_8: lambda values: _outside_on_both_sides(values, 8, 1.0),
    RunRule.WESTERN_ELECTRIC_1: lambda values: _beyond(values, share=(1, 1), sigmas=3.0),
    RunRule.WESTERN_ELECTRIC_2: lambda values: _beyond(values, share=(2, 3), sigmas=2.0),
    RunRule.WESTERN_ELECTRIC_3: lambda values: _beyond(values, share=(4, 5), sigmas=1.0),
    RunRule.WESTERN_ELECTRIC_4: lambda values: _beyond(values, share=(8, 8), sigmas=0.0),
    RunRule.MOVING_RANGE: _jumped,
}
