"""The search for lags and windows: it takes what matters, and keeps the recipe where it fools itself."""

import numpy as np
import pytest

from gateway.training.recipe import read_recipe
from gateway.training.recipe_tables.search import SearchTable
from gateway.training.rows import file_rows
from gateway.training.search import plan_of, search, searched_recipe

RECIPE = """
name = "late"
version = "1.0.0"
intended_use = "Tests."
[data]
file = "late.csv"
period_seconds = 60
[laboratory]
column = "y"
every_rows = 4
delay_rows = 4
[split]
train = 0.7
[output]
analyte = "y"
unit = "1"
valid = [-50.0, 50.0]
[candidates]
kinds = ["ridge"]
folds = 3
[[inputs]]
tag = "a"
unit = "1"
[[inputs]]
tag = "b"
unit = "1"
[search]
lags_rows = [0, 3, 6, 9, 12]
differences_rows = [5]
windows_rows = [8]
"""


def written(folder, seed=0, *, of=lambda a, b, noise: 2 * a[6:-6] + (b[12:] - b[7:-5]) + noise):
    """A plant whose analyte answers to a, six rows late, and to the change of b over five rows."""
    chance = np.random.default_rng(seed)
    a, b = (np.convolve(chance.normal(size=620), np.ones(3), mode="valid")[:612] for _ in range(2))
    y = of(a, b, 0.3 * chance.normal(size=600))
    rows = [f"{one:.5f},{two:.5f},{value:.5f}" for one, two, value in zip(a[12:], b[12:], y, strict=True)]
    (folder / "late.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    (folder / "late.toml").write_text(RECIPE)
    return read_recipe(folder / "late.toml")


def searched(folder, recipe, **changes):
    table = SearchTable.model_validate(recipe.search.model_dump() | changes)
    plan = plan_of(recipe, table)
    rows = file_rows(plan.everything, folder=folder)
    stop = int(len(rows) * 0.7)
    columns, result = search(plan, table, rows, slice(0, stop), folds=3, gap=14, on_progress=lambda *_: None)
    return searched_recipe(recipe, plan, columns), result, rows, plan, table


def test_it_takes_the_lag_and_the_change_that_the_plant_answers_to(tmp_path):
    recipe, result, *_ = searched(tmp_path, written(tmp_path))
    assert result.taken
    names = [item.name for item in recipe.named_inputs]
    assert names[:2] == ["a.last.6", "b.last.0.change_5"]
    assert result.outer_error < 0.5 * result.outer_error_written
    errors = [error for _name, error in result.path]
    assert errors == sorted(errors, reverse=True)


def test_of_noise_it_takes_nothing_that_the_recipe_does_not_have(tmp_path):
    recipe = written(tmp_path, of=lambda a, b, noise: a[12:] + b[12:] + noise)
    found, result, *_ = searched(tmp_path, recipe)
    kept = {item.name for item in found.named_inputs}
    assert {"a.last.0", "b.last.0"} <= kept
    assert result.outer_error <= result.outer_error_written or not result.taken


def test_the_test_part_takes_no_part(tmp_path):
    recipe = written(tmp_path)
    _recipe, result, rows, plan, table = searched(tmp_path, recipe)
    stop = int(len(rows) * 0.7)
    rows.values[stop:] = 1e9
    rows.features[stop:] = -1e9
    assert search(plan, table, rows, slice(0, stop), folds=3, gap=14, on_progress=lambda *_: None)[1] == result


def test_its_trials_are_bounded(tmp_path):
    _recipe, result, *_ = searched(tmp_path, written(tmp_path), most_trials=5, most_groups=1)
    assert len(result.path) == 1
    assert result.trials < 4 * 60


@pytest.mark.parametrize("tag", ["a", "b"])
def test_inputs_that_a_setpoint_needs_are_kept(tmp_path, tag):
    recipe = written(tmp_path)
    moved = {"tag": "sp", "column": "a", "unit": "1", "validated": [0, 1], "max_step": 0.1, "resolution": 0.01,
             "minimum_interval_seconds": 0, "follows": [tag]}  # fmt: skip
    document = recipe.model_dump(mode="json", exclude_none=True) | {"manipulated": [moved]}
    plan = plan_of(type(recipe).model_validate(document), recipe.search)
    assert {plan.everything.inputs[column].tag for column in plan.kept} == {tag}
