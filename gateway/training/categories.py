"""Categories: the levels that a model learns of them, and the inputs that they become. Pure.

Rows are read before the levels are known, so each category is one input that passes whatever it is (``taken_as_read``);
then it becomes an input for each level of which there are enough samples before the test. Rows of other levels are left
out: in service there is no prediction for them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gateway.errors import LablineError
from gateway.inference.features import InputReading
from gateway.line.definition import InputDefinition
from gateway.line.derived_inputs import Category
from gateway.training.recipe import Recipe

Texts = tuple[str, ...]
"""What the categories of a row are, in the order of its inputs."""


@dataclass(frozen=True, kw_only=True)
class Learned:
    """The inputs with one for each level; ``source``: of which as read each is made; ``kept``: which rows stay."""

    inputs: tuple[InputDefinition, ...]
    source: NDArray[np.int64]  # (inputs,)
    kept: NDArray[np.int64]  # (rows,)
    features: NDArray[np.float64]  # (rows, inputs)
    left_out: Counter[str]


def taken_as_read(
    definitions: tuple[InputDefinition, ...], readings: tuple[InputReading, ...]
) -> tuple[tuple[InputDefinition, ...], tuple[InputReading, ...], Texts]:
    """Return inputs and readings with every category at the level that it has, and these levels."""
    taken = [_taken(*pair) for pair in zip(definitions, readings, strict=True)]
    texts = tuple(reading.text or "" for item, (_, reading) in zip(definitions, taken, strict=True) if item.category)
    return tuple(item for item, _ in taken), tuple(reading for _, reading in taken), texts


def _taken(definition: InputDefinition, reading: InputReading) -> tuple[InputDefinition, InputReading]:
    if definition.category is None or not reading.text:
        return definition, reading
    category = Category(name=definition.category.name, value=reading.text, levels=(reading.text,))
    return replace(definition, category=category), replace(reading, value=1.0, missing=None)


def learned(
    recipe: Recipe,
    inputs: tuple[InputDefinition, ...],
    features: NDArray[np.float64],
    texts: Sequence[Texts],
    *,
    before_test: int,
) -> Learned:
    """Return what a model learns from; ``before_test``: how many rows come before the test.

    Raises LablineError where a category has not two levels.
    """
    rare = {item.name: item.table.rare_rows for item in recipe.named_inputs}
    names = [item.name for item in inputs if item.category is not None]
    kept, left_out, levels = np.ones(len(features), np.bool_), Counter[str](), dict[str, tuple[str, ...]]()
    columns = {name: np.array([row[at] for row in texts], dtype=object) for at, name in enumerate(names)}
    for name, column in columns.items():
        counted = Counter(column[:before_test].tolist())
        levels[name] = tuple(sorted(level for level, count in counted.items() if count >= rare[name]))
        if len(levels[name]) < 2:  # noqa: PLR2004 - one level says nothing
            raise LablineError(
                f"category {name} has {len(levels[name])} level(s) with {rare[name]} samples or more before the test",
                hint="leave the category out, or lower its rare_rows",
            )
        unknown = ~np.isin(column, levels[name])
        for level, count in Counter(column[kept & unknown].tolist()).items():
            left_out[f"rows of {name} {level}, with fewer than {rare[name]} samples before the test"] = count
        kept &= ~unknown
    made, source, parts = list[InputDefinition](), list[int](), list[NDArray[np.float64]]()
    for at, item in enumerate(inputs):
        known = levels.get(item.name) if item.category is not None else None
        for level in known or ("",):
            made.append(item if known is None else _at_level(item, level, known))
            parts.append(features[:, at] if known is None else (columns[item.name] == level).astype(np.float64))
            source.append(at)
    return Learned(
        inputs=tuple(made), source=np.array(source), kept=np.flatnonzero(kept),
        features=np.column_stack(parts)[kept], left_out=left_out,
    )  # fmt: skip


def _at_level(item: InputDefinition, level: str, levels: tuple[str, ...]) -> InputDefinition:
    name = "" if item.category is None else item.category.name
    category = Category(name=name, value=level, levels=levels)
    return replace(item, name=f"{item.name}={level}", category=category)
