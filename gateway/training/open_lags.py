"""Lags that a recipe leaves open: chosen from the data before the test, for all such inputs alike.

How late an analyte answers to a tag is what matters most, and the one thing that nobody writes down. So for each input
of a last value without ``lags_rows`` a few plain schemes are compared: the instant alone, lags up to 2, 4, 8 ... rows,
as levels, as the newest level with its changes, and as changes alone. Two fast models judge, one linear and one smooth,
each on blocks of time that it has not seen, with the results that had arrived; of schemes that do as well the one with
the fewest inputs is taken.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from gateway.inference.manifest import MOST_INPUTS
from gateway.time_units import SECOND_NS
from gateway.training.backtest import Timing
from gateway.training.biases import bias_allowed
from gateway.training.candidates.scaled import center_and_scale
from gateway.training.cross_validation import blocks
from gateway.training.lag_choice import LagChoice, Scheme
from gateway.training.model_selection import gap_rows
from gateway.training.narrowed_lags import moving_on, narrowed
from gateway.training.recipe import Recipe
from gateway.training.recipe_tables.inputs import InputsTable
from gateway.training.rough_serving import least_errors
from gateway.training.rows import Rows

RowsOf = Callable[[Recipe, int | None], Rows]
Numbers = NDArray[np.float64]
Part = tuple[NDArray[np.int64], NDArray[np.int64]]  # rows to fit on, rows to leave out
MOST_ROWS = 3000  # that are looked at: rows between two of them say nearly the same
_LONGEST, _LONGEST_OF_ALL = 64, 512  # rows; the second one where laboratory results are as far apart
_SHARE_OF_TIME, _ROWS_KEPT = (
    1 / 20,
    0.6,
)  # of the time that lags reach over; of the rows that all lags of all schemes leave
_POINTS = 8  # lags beside the instant
_AS_WELL = 1.01  # times the least error: no worse
_LEAST_FITTED = 6
_PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)  # of the linear model, beside the number of rows
_MOST_SUPPORT, _KERNEL_NOISES = 600, (0.1, 0.5)


def open_tables(recipe: Recipe) -> list[InputsTable]:
    """Return the inputs whose lags are left to the data: the only table of the last values of their tag."""
    of_tag = Counter(table.tag for table in recipe.inputs if table.of_instants)
    return [
        table for table in recipe.inputs
        if table.of_instants and table.lags_rows is None and not table.differences_rows and of_tag[table.tag] == 1
    ]  # fmt: skip


def with_lags(
    recipe: Recipe,
    rows_of: RowsOf,
    first_test_row: Callable[[Rows], int],
    on_progress: Callable[[str, int, int], None],
) -> tuple[Recipe, LagChoice | None]:
    """Return the recipe with the lags that serve best where it leaves them open, and how they were chosen."""
    if not open_tables(recipe):
        return recipe, None
    on_progress("lags", 0, 1)
    rows, schemes = _rows_of_all(recipe, rows_of)
    judge = _Judge.of(recipe, rows, first_test_row(rows))
    errors = []
    for number, scheme in enumerate(schemes):
        errors.append(judge.error(_features(recipe, rows, scheme)))
        on_progress("lags", number + 1, len(schemes))
    enough = min(errors) * _AS_WELL
    chosen = next(number for number, error in enumerate(errors) if error <= enough)
    plainer = _plainer(recipe, rows, judge, schemes[chosen])
    choice = LagChoice(schemes=tuple(schemes), errors=tuple(errors), chosen=chosen, plainer=plainer)
    return recipe_with(recipe, choice.scheme, choice.plainer), choice


def _plainer(recipe: Recipe, rows: Rows, judge: "_Judge", scheme: Scheme) -> dict[str, Scheme]:
    """Return the tags whose levels the data do not need though they often lie outside, with what is left of them."""
    setpoints = {tag for item in recipe.manipulated for tag in (item.tag, *item.follows, *item.gains)}
    tags = [table.tag for table in open_tables(recipe)]
    levels = {
        item.tag: rows.features[: len(judge.values), at] for at, item in enumerate(rows.inputs)
        if item.name == f"{item.tag}.last.0" and item.tag in tags and item.tag not in setpoints
    }  # fmt: skip
    moved_on = moving_on(levels, folds=recipe.candidates.folds, gap=gap_rows(rows))

    def error_of(plainer: Mapping[str, Scheme]) -> float:
        features = _features(recipe, rows, scheme, plainer)
        return judge.error(features) if features.shape[1] else float("inf")

    return narrowed(scheme, moved_on, error_of)


def recipe_with(recipe: Recipe, scheme: Scheme, of_tags: Mapping[str, Scheme] = MappingProxyType({})) -> Recipe:
    """Return the recipe with a scheme for its open lags, another one for some tags, as it could have been written."""
    of_data = open_tables(recipe)
    tables = [
        table for item in recipe.inputs
        for table in (_written(item, of_tags.get(item.tag, scheme)) if item in of_data else [item])
    ]  # fmt: skip
    document = recipe.model_dump(mode="json", exclude_none=True) | {
        "inputs": [table.model_dump(mode="json", exclude_none=True) for table in tables]
    }
    return Recipe.model_validate(document)


def _written(table: InputsTable, scheme: Scheme) -> list[InputsTable]:
    levels = [table.model_copy(update={"lags_rows": [*scheme.lags]})] if scheme.lags else []
    if not scheme.changes:
        return levels
    of_changes = {"lags_rows": [0.0], "differences_rows": [*scheme.changes], "levels": False}
    return [*levels, table.model_copy(update=of_changes)]


def schemes_up_to(longest: int) -> list[Scheme]:
    """Return the schemes with lags up to so many rows, those with few inputs first."""
    alone = Scheme(lags=(0.0,), changes=())
    reaches = [2**power for power in range(1, 10) if 2**power <= longest]
    spans = [tuple(float(lag) for lag in range(0, reach + 1, max(1, reach // _POINTS))) for reach in reaches]
    geometric = [tuple(float(lag) for lag in (0, *(2**power for power in range(len(spans)))))] if len(spans) > 2 else []  # noqa: PLR2004 - shorter ones are among the others
    levels = [Scheme(lags=span, changes=()) for span in (*spans, *geometric)]
    with_changes = [Scheme(lags=(0.0,), changes=span[1:]) for span in spans]
    changes = [Scheme(lags=(), changes=span[1:]) for span in spans]
    return sorted([alone, *levels, *with_changes, *changes], key=lambda scheme: scheme.inputs)


def _rows_of_all(recipe: Recipe, rows_of: RowsOf) -> tuple[Rows, list[Scheme]]:
    """Return the rows with every lag of every scheme, and the schemes: most rows have them, in spite of holes."""
    alone = rows_of(recipe, MOST_ROWS)
    longest = _longest(recipe, alone)
    tags, others = len(open_tables(recipe)), len(recipe.named_inputs) - len(open_tables(recipe))
    while longest > 1:
        schemes = [scheme for scheme in schemes_up_to(longest) if others + tags * scheme.inputs <= MOST_INPUTS]
        lags = sorted({lag for scheme in schemes for lag in (*scheme.lags, *scheme.changes)})
        rows = rows_of(recipe_with(recipe, Scheme(lags=tuple(lags), changes=())), MOST_ROWS)
        if len(rows) >= _ROWS_KEPT * len(alone):
            return rows, schemes
        longest //= 2
    return alone, [Scheme(lags=(0.0,), changes=())]


def _longest(recipe: Recipe, rows: Rows) -> int:
    """Return over how many rows lags may reach."""
    if len(rows) < 2:  # noqa: PLR2004 - no time passes between them
        return 1
    row_ns = recipe.period_seconds * SECOND_NS
    span = float(rows.timing.at_ns[-1] - rows.timing.at_ns[0]) / row_ns
    of_results = rows.timing.every_ns / row_ns if rows.timing.measured.sum() > 1 else 0.0
    return int(min(max(_LONGEST, of_results), _LONGEST_OF_ALL, span * _SHARE_OF_TIME))


def _features(
    recipe: Recipe, rows: Rows, of_most: Scheme, of_tags: Mapping[str, Scheme] = MappingProxyType({})
) -> Numbers:
    """Return the inputs of a scheme, another one for some tags, shape (n, inputs), out of rows that have all lags."""
    tags = {table.tag for table in open_tables(recipe)}
    column_of = {item.name: at for at, item in enumerate(rows.inputs) if item.name.rpartition(".last.")[0] in tags}
    parts = [rows.features[:, [at for at in range(len(rows.inputs)) if at not in column_of.values()]]]
    for tag in sorted(tags):
        scheme = of_tags.get(tag, of_most)
        levels = {lag: rows.features[:, column_of[f"{tag}.last.{lag:g}"]]
                  for lag in (0.0, *scheme.lags, *scheme.changes)}  # fmt: skip
        parts += [levels[lag][:, None] for lag in scheme.lags]
        parts += [(levels[0.0] - levels[change])[:, None] for change in scheme.changes]
    return np.hstack(parts)


@dataclass(frozen=True, kw_only=True)
class _Judge:
    """Compares sets of inputs by the errors as served on blocks of time before the test."""

    timing: Timing
    values: Numbers
    corrected: bool  # whether laboratory results may correct the model
    parts: Sequence[Part]

    @classmethod
    def of(cls, recipe: Recipe, rows: Rows, first_test: int) -> "_Judge":
        """Return the judge of rows before the test."""
        parts = blocks(first_test, folds=recipe.candidates.folds, gap=gap_rows(rows))
        values = rows.values[:first_test]
        if recipe.output.logarithmic and (values > 0).all():
            values = np.log(values)
        return cls(
            timing=rows.timing.of(slice(0, first_test)), values=values, corrected=bias_allowed(recipe),
            parts=[part for part in parts if len(part[0]) >= _LEAST_FITTED and len(part[1])],
        )  # fmt: skip

    def error(self, features: Numbers) -> float:
        """Return the root mean square error of the better of two models with these inputs, shape (n, inputs)."""
        if not self.parts:
            return float("inf")
        left_out = np.concatenate([leaving for _fitting, leaving in self.parts])
        said = np.vstack([
            np.hstack([model(features[fit], self.values[fit], features[leave]) for model in (_ridge, _kernel)])
            for fit, leave in self.parts
        ])  # fmt: skip
        errors = self.values[left_out][:, None] - said
        return float(least_errors(self.timing.of(left_out), errors, corrected=self.corrected).min())


def _ridge(fitted: Numbers, target: Numbers, others: Numbers) -> Numbers:
    """Return what a ridge regression with each penalty says of other rows, shape (n, penalties)."""
    center, scale = center_and_scale(fitted)
    x, mean = (fitted - center) / scale, target.mean()
    size, vectors = np.linalg.eigh(x.T @ x)
    toward = vectors.T @ (x.T @ (target - mean))
    weights = vectors @ (toward[:, None] / (np.maximum(size, 0)[:, None] + len(x) * np.array(_PENALTIES)))
    said: Numbers = mean + (others - center) / scale @ weights
    return said


def _kernel(fitted: Numbers, target: Numbers, others: Numbers) -> Numbers:
    """Return what a smooth model (linear plus radial, with each of some noises) says of other rows."""
    kept = np.unique(np.linspace(0, len(fitted) - 1, min(len(fitted), _MOST_SUPPORT)).astype(int))
    center, scale = center_and_scale(fitted)
    x, them = (fitted[kept] - center) / scale, (others - center) / scale
    mean, spread = target[kept].mean(), target[kept].std() or 1.0
    of_rows, of_others = _covariance(x, x), _covariance(them, x)
    weights = [
        cho_solve(cho_factor(of_rows + noise * np.eye(len(x))), (target[kept] - mean) / spread)
        for noise in _KERNEL_NOISES
    ]
    said: Numbers = mean + spread * of_others @ np.column_stack(weights)
    return said


def _covariance(one: Numbers, other: Numbers) -> Numbers:
    inputs = one.shape[1]
    products: Numbers = one @ other.T / inputs
    apart = (one**2).mean(axis=1)[:, None] + (other**2).mean(axis=1)[None, :] - 2 * products
    covariance: Numbers = 2.0 * products + np.exp(-np.maximum(apart, 0) / 2)
    return covariance
