"""The inputs that the tables of a recipe make, each with its name, in the order in which a model has them. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.line.definition import Aggregate, InputDefinition
from gateway.line.derived_inputs import Category
from gateway.time_units import seconds_to_ns
from gateway.training.recipe_tables.inputs import InputsTable

_OPEN = (float("-inf"), float("inf"))  # validated, until rows have been seen


@dataclass(frozen=True, kw_only=True)
class NamedInput:
    """An input of the ``number``-th table of a recipe, from 0; ``difference_rows``: since when it is a change."""

    name: str
    number: int
    table: InputsTable
    lag_rows: float
    difference_rows: float | None

    def definition(self, period_seconds: float) -> InputDefinition:
        """Return the input as the gateway computes it; any value is valid, and a category has no levels yet."""
        table = self.table
        window_seconds = table.window_rows * period_seconds if table.stretch is None else table.longest_seconds
        return InputDefinition(
            name=self.name,
            tag=table.tag,
            aggregate=table.aggregate,
            window_ns=seconds_to_ns(window_seconds),
            lag_ns=seconds_to_ns(self.lag_rows * period_seconds),
            unit="s" if table.aggregate is Aggregate.DURATION else table.unit,
            validated=_OPEN,
            minimum_coverage=table.minimum_coverage,
            over=table.over,
            smallest_divisor=table.smallest_divisor,
            transform=table.transform,
            level=table.level,
            stretch=table.stretch,
            category=None if table.category is None else Category(name=table.category, value="", levels=()),
            difference_ns=None
            if self.difference_rows is None
            else seconds_to_ns(self.difference_rows * period_seconds),
        )


def named_inputs(tables: Sequence[InputsTable]) -> tuple[NamedInput, ...]:
    """Return the inputs of a recipe's tables: of each lag the level, then its differences."""
    windows = dict[tuple[str, Aggregate], set[float]]()
    for table in tables:
        if table.stretch is None:
            windows.setdefault(_what(table), set()).add(table.window_rows)
    return tuple(
        NamedInput(
            name=_name(table, lag, difference, several_windows=len(windows.get(_what(table), ())) > 1),
            number=number,
            table=table,
            lag_rows=lag,
            difference_rows=difference,
        )
        for number, table in enumerate(tables)
        for lag in table.lags
        for difference in _differences(table)
    )


def name_clash(inputs: Sequence[NamedInput]) -> str | None:
    """Return in a sentence which inputs are the same, with their keys; None where all differ."""
    names = Counter(item.name for item in inputs)
    twice = next((name for name, count in names.items() if count > 1), None)
    if twice is None:
        return None
    numbers = sorted({item.number for item in inputs if item.name == twice})
    where = " and ".join(f"inputs.{number}" for number in numbers)
    return f"two inputs are called {twice} (in {where}): they are the same, leave one out"


def _differences(table: InputsTable) -> Iterator[float | None]:
    if table.levels:
        yield None
    yield from table.differences_rows


def _what(table: InputsTable) -> tuple[str, Aggregate]:
    of = table.tag if table.over is None else f"{table.tag}/{table.over}"
    return (of if table.transform is None else f"{table.transform.value}({of})"), table.aggregate


def _name(table: InputsTable, lag: float, difference: float | None, *, several_windows: bool) -> str:
    if table.category is not None:
        return table.category if not lag else f"{table.category}.{lag:g}"
    what, aggregate = _what(table)
    parts = [what] if what else []
    parts += [str(aggregate), f"{lag:g}"]
    if table.level is not None:
        parts.append(f"level_{table.level:g}")
    if table.stretch is not None:
        until = table.stretch.until
        parts.append(f"since_{table.stretch.since}" if until is None else f"{table.stretch.since}_to_{until}")
    elif several_windows:
        parts.append(f"window_{table.window_rows:g}")
    if difference is not None:
        parts.append(f"change_{difference:g}")
    return ".".join(parts)
