"""The recipe's ``[search]``: which lags and windows of its tags make the error smaller, on rows before the test alone.

Groups of inputs are taken one after the other, always the one with which a fast linear model, as served, has the
smallest error on blocks of time that it has not seen; until none makes it smaller by the least gain. A group is a table
of the recipe as it is written, or one tag, aggregate and window at one lag.

Whoever looks long enough finds something that fits by chance. So the search is repeated without one outer block of time
after another, and what it takes then is held against the recipe as written on the block that it has not seen. Where it
is no better there, the recipe stays as it is written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gateway.line.definition import Aggregate, InputDefinition
from gateway.line.outputs import BiasLimits
from gateway.training.biases import biases_of
from gateway.training.calibration import uncorrected
from gateway.training.candidates.scaled import center_and_scale
from gateway.training.corrected_values import values_served
from gateway.training.cross_validation import blocks, root_mean_square
from gateway.training.files.instants import NEVER
from gateway.training.model_selection import gap_rows
from gateway.training.recipe import Recipe
from gateway.training.recipe_tables.inputs import InputsTable
from gateway.training.recipe_tables.search import SearchTable
from gateway.training.row_inputs import inputs_of
from gateway.training.rows import Rows
from gateway.training.search_result import SearchResult

Progress = Callable[[str, int, int], None]
Part = tuple[NDArray[np.int64], NDArray[np.int64]]  # rows to fit on, rows to leave out
_LEAST_JUDGED, _LEAST_FOLD = 30, 6
_OUTER_BLOCKS = 3
_SHORTLIST = 16  # groups that are tried again at each step: those that did best before
_PENALTY = 1e-3  # of the linear model, for standardised inputs


@dataclass(frozen=True, kw_only=True)
class Group:
    """Inputs that are taken together: ``columns`` of the rows of all groups."""

    name: str
    columns: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """All groups of a recipe, and the recipe with the inputs of all of them.

    ``written``: the columns of the recipe as it is; ``kept``: those that its setpoints need.
    """

    everything: Recipe
    groups: tuple[Group, ...]
    written: tuple[int, ...]
    kept: tuple[int, ...]


def plan_of(recipe: Recipe, table: SearchTable) -> SearchPlan:
    """Return what there is to choose from."""
    singles, groups = dict[str, tuple[int, InputsTable]](), list[Group]()

    def add(name: str, tables: Sequence[InputsTable]) -> tuple[int, ...]:
        numbers = [singles.setdefault(item.model_dump_json(), (len(singles), item))[0] for item in tables]
        columns = tuple(dict.fromkeys(numbers))
        if not any(group.columns == columns for group in groups):
            groups.append(Group(name=name, columns=columns))
        return columns

    written, kept = list[int](), list[int]()
    moved = {tag for item in recipe.manipulated for tag in (item.tag, *item.follows, *item.gains)}
    for number, inputs in enumerate(recipe.inputs):
        columns = add(f"inputs.{number} ({inputs.tag}) as written", _singles(inputs))
        written.extend(columns)
        names = {item.name for item in recipe.named_inputs if item.number == number}
        kept.extend(columns if inputs.tag in moved or moved & names else ())
    for of in {item.tag: item for item in recipe.inputs if _is_plain(item)}.values():
        for single in _of_tag(of, table):
            add(_name(single), [single])
    inputs_of_all = [single for _number, single in singles.values()]
    everything = recipe.model_copy(update={"inputs": inputs_of_all, "search": None})
    return SearchPlan(
        everything=everything,
        groups=tuple(groups),
        written=tuple(dict.fromkeys(written)),
        kept=tuple(dict.fromkeys(kept)),
    )


def _is_plain(table: InputsTable) -> bool:
    """Return whether other lags and windows of its tag are choices, too."""
    return bool(table.tag) and (table.over, table.transform, table.stretch, table.category) == (None, None, None, None)


def _singles(table: InputsTable) -> list[InputsTable]:
    """Return the inputs of a table, each as a table of its own, in the order in which they are named."""
    singles = []
    for lag in table.lags:
        if table.levels:
            singles.append(_with(table, lags_rows=[lag], differences_rows=[]))
        singles += [
            _with(table, lags_rows=[lag], differences_rows=[change], levels=False) for change in table.differences_rows
        ]
    return singles


def _with(table: InputsTable, **changes: object) -> InputsTable:
    return table.model_copy(update=changes)


def _of_tag(of: InputsTable, table: SearchTable) -> list[InputsTable]:
    plain = _with(of, aggregate=Aggregate.LAST, window_rows=0.0, levels=True, differences_rows=[], lags_rows=[0.0],
                  level=None)  # fmt: skip
    tables = [_with(plain, lags_rows=[lag]) for lag in table.lags_rows]
    tables += [
        _with(plain, lags_rows=[lag], window_rows=window, aggregate=aggregate)
        for window in table.windows_rows for aggregate in table.aggregates for lag in table.lags_rows
    ]  # fmt: skip
    return tables + [_with(plain, differences_rows=[change], levels=False) for change in table.differences_rows]


def _name(table: InputsTable) -> str:
    window = f" over {table.window_rows:g} rows" if table.window_rows else ""
    change = f", change over {table.differences_rows[0]:g} rows" if table.differences_rows else ""
    return f"{table.tag} {table.aggregate.value}{window}, {table.lags[0]:g} rows before{change}"


class _Trials:
    """Tries sets of columns: the error as served of a linear model on rows that it has not seen.

    ``parts``: rows to fit on, and rows to leave out, which come in the order of time.
    """

    def __init__(self, recipe: Recipe, rows: Rows, parts: Sequence[Part]) -> None:
        self._recipe, self._parts = recipe, parts
        left_out = np.concatenate([leaving for _fitting, leaving in parts])
        self._values, self._timing = rows.values[left_out], rows.timing.of(left_out)
        measured = np.flatnonzero(self._timing.arrives_ns != NEVER)
        self._judged = measured if len(measured) >= _LEAST_JUDGED else np.arange(len(left_out))
        self._of_input = _feature_columns(recipe, rows)
        self._models = [_Moments.of(rows, fitting, leaving) for fitting, leaving in parts]
        self.bias: BiasLimits | None = None
        self.count = 0

    def choose_correction(self, columns: Sequence[int]) -> None:
        """Take the correction that serves these columns best for all trials that follow."""
        predicted = self._left_out(columns)
        options = biases_of(self._recipe, self._timing, self._values - predicted)
        self.bias = min(options, key=lambda bias: root_mean_square(self._errors(predicted, bias)))

    def errors(self, columns: Sequence[int]) -> NDArray[np.float64]:
        """Return the errors as served of a set of columns, at the samples of the laboratory."""
        self.count += 1
        return self._errors(self._left_out(columns), self.bias)

    def _left_out(self, columns: Sequence[int]) -> NDArray[np.float64]:
        chosen = np.array([at for column in columns for at in self._of_input[column]], np.int64)
        return np.concatenate([model.predicted(chosen) for model in self._models])

    def _errors(self, predicted: NDArray[np.float64], bias: BiasLimits | None) -> NDArray[np.float64]:
        at = self._judged
        output = uncorrected(self._recipe, correction=bias)
        served = values_served(self._timing.of(at), predicted[at], self._values[at], output=output)
        errors: NDArray[np.float64] = self._values[at] - served
        return errors


def _feature_columns(recipe: Recipe, rows: Rows) -> list[tuple[int, ...]]:
    """Return for each input of a recipe its columns of the rows: of a category one for each level."""
    columns = dict[tuple[object, ...], list[int]]()
    for at, item in enumerate(rows.inputs):
        columns.setdefault(_what(item), []).append(at)
    return [tuple(columns.get(_what(item), ())) for item in inputs_of(recipe)]


def _what(item: InputDefinition) -> tuple[object, ...]:
    return (item.tag, item.aggregate, item.window_ns, item.lag_ns, item.over, item.transform, item.difference_ns,
            item.level, item.stretch, item.category is not None)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Moments:
    """What a ridge regression of any columns needs: moments of the rows to fit on, and the rows that are left out."""

    gram: NDArray[np.float64]
    toward: NDArray[np.float64]
    mean: float
    leaving: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Rows, fitting: NDArray[np.int64], leaving: NDArray[np.int64]) -> Self:
        """Return the moments of some rows; inputs are standardised by them."""
        features, values = rows.features[fitting], rows.values[fitting]
        center, scale = center_and_scale(features)
        x, mean = (features - center) / scale, float(values.mean())
        gram = x.T @ x + _PENALTY * len(fitting) * np.eye(x.shape[1])
        standardised = (rows.features[leaving] - center) / scale
        return cls(gram=gram, toward=x.T @ (values - mean), mean=mean, leaving=standardised)

    def predicted(self, columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what a model of these columns says of the rows that are left out."""
        if not len(columns):
            return np.full(len(self.leaving), self.mean)
        weights = np.linalg.solve(self.gram[np.ix_(columns, columns)], self.toward[columns])
        said: NDArray[np.float64] = self.mean + self.leaving[:, columns] @ weights
        return said


def search(plan: SearchPlan, table: SearchTable, rows: Rows, made_from: slice, *, folds: int, gap: int,
           on_progress: Progress) -> tuple[tuple[int, ...], SearchResult]:  # fmt: skip
    """Return (the columns that the model is to be made of, what the search came to).

    ``rows``: of the plan's recipe with everything; only those before the test, ``made_from``, are looked at.
    """
    count, recipe = made_from.stop, plan.everything
    outer = [part for part in blocks(count, folds=_OUTER_BLOCKS, gap=gap) if len(part[0]) > folds * _LEAST_FOLD]
    errors, errors_written, trials = list[NDArray[np.float64]](), list[NDArray[np.float64]](), 0
    for number, (fitting, block) in enumerate(outer):
        on_progress("search", number, len(outer) + 1)
        inner = _Trials(recipe, rows, _within(fitting, folds=folds, gap=gap))
        path = _forward(plan, table, inner)
        beyond = _Trials(recipe, rows, [(fitting, block)])
        beyond.bias = inner.bias
        errors.append(beyond.errors(_columns(plan, path)))
        errors_written.append(beyond.errors(plan.written))
        trials += inner.count
    on_progress("search", len(outer), len(outer) + 1)
    whole = _Trials(recipe, rows, [part for part in blocks(count, folds=folds, gap=gap) if len(part[0])])
    path = _forward(plan, table, whole)
    on_progress("search", len(outer) + 1, len(outer) + 1)
    outer_error, outer_written = (
        root_mean_square(np.concatenate(of)) if of else np.nan for of in (errors, errors_written)
    )
    taken = bool(path) and outer_error < outer_written
    result = SearchResult(
        path=tuple((group.name, error) for group, error in path),
        trials=trials + whole.count,
        error_written=root_mean_square(whole.errors(plan.written)),
        outer_error=float(outer_error),
        outer_error_written=float(outer_written),
        taken=taken,
    )
    return (_columns(plan, path) if taken else plan.written), result


def _within(fitting: NDArray[np.int64], *, folds: int, gap: int) -> list[Part]:
    parts = blocks(len(fitting), folds=folds, gap=gap)
    return [(fitting[inside], fitting[leaving]) for inside, leaving in parts if len(inside)]


def _columns(plan: SearchPlan, path: Sequence[tuple[Group, float]]) -> tuple[int, ...]:
    """Return the columns of the groups that were taken, each once."""
    return tuple(dict.fromkeys([*plan.kept, *(column for group, _error in path for column in group.columns)]))


def _forward(plan: SearchPlan, table: SearchTable, trials: _Trials) -> list[tuple[Group, float]]:
    """Return the groups that were taken one after the other, each with the error then."""
    trials.choose_correction(plan.written)
    path, best = list[tuple[Group, float]](), root_mean_square(trials.errors(plan.kept))
    waiting = [group for group in plan.groups if not {*group.columns} <= {*plan.kept}]
    while waiting and len(path) < table.most_groups and trials.count < table.most_trials:
        tried = waiting if not path else waiting[:_SHORTLIST]
        errors = [root_mean_square(trials.errors(_columns(plan, [*path, (group, 0.0)]))) for group in tried]
        by_error = sorted(zip(errors, range(len(tried)), strict=True))
        error, first = by_error[0]
        if not error < best * (1 - table.least_gain):
            break
        path.append((tried[first], error))
        best = error
        waiting = [tried[number] for _error, number in by_error[1:]] + waiting[len(tried) :]
    return path


def searched_recipe(recipe: Recipe, plan: SearchPlan, columns: Sequence[int]) -> Recipe:
    """Return the recipe with these inputs alone, as a recipe that could have been written so."""
    tables = [plan.everything.inputs[column] for column in columns]
    document = recipe.model_dump(mode="json", exclude_none=True) | {
        "inputs": [table.model_dump(mode="json", exclude_none=True) for table in tables]
    }
    return Recipe.model_validate(document)


def searched(
    recipe: Recipe, rows_of: Callable[[Recipe], Rows], first_test_row: Callable[[Rows], int], on_progress: Progress
) -> tuple[Recipe, SearchResult | None]:
    """Return the recipe with the inputs that its search takes, and what that came to; without one the recipe as it is.

    ``rows_of``: reads the rows of a recipe; ``first_test_row``: says from which row on they only test.
    """
    if recipe.search is None:
        return recipe, None
    plan = plan_of(recipe, recipe.search)
    rows = rows_of(plan.everything)
    columns, result = search(
        plan, recipe.search, rows, slice(0, first_test_row(rows)), folds=recipe.candidates.folds,
        gap=gap_rows(rows), on_progress=on_progress,
    )  # fmt: skip
    return (searched_recipe(recipe, plan, columns) if result.taken else recipe), result
