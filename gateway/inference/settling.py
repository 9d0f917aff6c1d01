"""Where inputs settle if their causes stay as they are: what every window will have seen once time has passed. Pure.

A level takes what the newest level of its tag sees. What is computed of levels (a ratio, a transform, a category, an
integral, a time above a level) is computed of where these settle, or takes the newest of its own kind where its tags'
levels are no inputs or older ones. Slopes, spreads and changes stay: a ramp that goes on goes on. A stretch of a batch
that has ended stays, too; one that still runs grows with time and settles nowhere, so then nothing is said.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from gateway.inference.features import level_of_parts
from gateway.line.definition import LEVELS, Aggregate, InputDefinition
from gateway.line.derived_inputs import level_of
from gateway.time_units import SECOND_NS

_Age = tuple[int, int]  # lag and window: the newest is the least
_OLDEST: _Age = (2**62, 2**62)
_TIMES = frozenset({Aggregate.TIME_ABOVE, Aggregate.TIME_BELOW})


def settled(definitions: tuple[InputDefinition, ...], values: tuple[float, ...]) -> tuple[float, ...]:
    """Return the inputs once every window has seen what the newest one of its tag sees now.

    Where it is not defined where one of them settles, they are returned as they are.
    """
    levels = _newest_levels(definitions, values)
    newest = _newest_of_their_kind(definitions, values)
    settles_at = [
        _settles_at(item, value, levels, newest) for item, value in zip(definitions, values, strict=True)
    ]  # fmt: skip
    known = tuple(value for value in settles_at if value is not None and math.isfinite(value))
    return known if len(known) == len(values) else values


def _settles_at(
    item: InputDefinition,
    value: float,
    levels: dict[str, tuple[_Age, float]],
    newest: dict[InputDefinition, tuple[_Age, float]],
) -> float | None:
    """Return where an input settles; None where that is not defined."""
    if item.stretch is not None:
        return value if item.stretch.until is not None else None
    if item.is_level:
        return levels[item.tag][1]
    if not item.bends:
        return value
    age, of_its_kind = newest[_kind(item)]
    tags = [levels.get(tag, (_OLDEST, math.nan)) for tag in item.tags]
    if all(known <= age for known, _level in tags):
        return _computed(item, [level for _known, level in tags])
    return of_its_kind if item.aggregate in LEVELS else None


def _computed(item: InputDefinition, levels: Sequence[float]) -> float | None:
    """Return what an input is once its tags have stood at these levels for as long as it looks back."""
    seconds = item.window_ns / SECOND_NS
    if item.category is not None:
        known = level_of(levels[0])
        return float(known == item.category.value) if known in item.category.levels else None
    if item.aggregate in _TIMES:
        above = item.level is not None and levels[0] > item.level
        below = item.level is not None and levels[0] < item.level
        inside = above if item.aggregate is Aggregate.TIME_ABOVE else below
        parts = [seconds / item.time_unit_seconds if inside else 0.0]
    elif item.aggregate is Aggregate.INTEGRAL:
        parts = [level * seconds / item.time_unit_seconds for level in levels]
    else:
        parts = list(levels)
    return level_of_parts(item, parts)


def _newest_levels(
    definitions: tuple[InputDefinition, ...], values: tuple[float, ...]
) -> dict[str, tuple[_Age, float]]:
    """Return of each tag how old its newest level is (least lag, then shortest window), and that level."""
    newest: dict[str, tuple[_Age, float]] = {}
    for item, value in zip(definitions, values, strict=True):
        if item.is_level and _age(item) < newest.get(item.tag, (_OLDEST, value))[0]:
            newest[item.tag] = (_age(item), value)
    return newest


def _newest_of_their_kind(
    definitions: tuple[InputDefinition, ...], values: tuple[float, ...]
) -> dict[InputDefinition, tuple[_Age, float]]:
    """Return the newest of each ratio, transform and category, at whatever lag and window."""
    newest: dict[InputDefinition, tuple[_Age, float]] = {}
    for item, value in zip(definitions, values, strict=True):
        kind = _kind(item)
        if item.bends and _age(item) < newest.get(kind, (_OLDEST, value))[0]:
            newest[kind] = (_age(item), value)
    return newest


def _age(item: InputDefinition) -> _Age:
    return item.lag_ns, item.window_ns


def _kind(item: InputDefinition) -> InputDefinition:
    """Return an input without what sets its lags and windows apart; levels of any aggregate settle at one."""
    aggregate = Aggregate.LAST if item.aggregate in LEVELS else item.aggregate
    windows = item.window_ns if item.aggregate not in LEVELS else 0
    return replace(
        item, name="", lag_ns=0, window_ns=windows, aggregate=aggregate, validated=(0.0, 0.0), learned=None,
        minimum_coverage=0.0,
    )  # fmt: skip
