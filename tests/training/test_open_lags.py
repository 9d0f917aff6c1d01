"""Lags that a recipe leaves open are chosen from the data before the test."""

from functools import partial

import pytest

from gateway.training.open_lags import open_tables, schemes_up_to, with_lags
from gateway.training.recipe import read_recipe
from gateway.training.row_source import RowSource
from gateway.training.rows import rows_before_test
from gateway.training.train import train
from tests.fixtures import generated_plants as plants

RIDGE = '[candidates]\nkinds = ["ridge"]\nfolds = 3\n'


def open_inputs(plant):
    return f'[[inputs]]\ntags = {[*plant.tags]}\nunit = "1"\n'


def chosen(recipe, folder):
    """Return the recipe with its lags, and the choice."""
    source = RowSource(folder=folder, on_progress=lambda *_: None)
    return with_lags(recipe, source.rows, partial(_first_test, recipe), lambda *_: None)


def _first_test(recipe, rows):
    return rows_before_test(recipe, rows.at)


def test_a_plant_with_dead_times_gets_lags_and_the_model_is_better_than_the_instant_alone(tmp_path):
    plant = plants.dead_times()
    open_ones = train(read_recipe(plant.write(tmp_path, inputs=open_inputs(plant), tables=RIDGE)), folder=tmp_path)
    assert max(open_ones.lags.scheme.lags) >= 16
    assert open_ones.rows.features.shape[1] == 3 * open_ones.lags.scheme.inputs
    alone = train(read_recipe(plant.write(tmp_path, tables=RIDGE, lags=[0])), folder=tmp_path)
    assert alone.lags is None
    assert open_ones.figures["rmse_as_served"] < 0.5 * alone.figures["rmse_as_served"]


def test_a_plant_that_answers_to_changes_gets_changes(tmp_path):
    plant = plants.answers_to_changes()
    recipe, choice = chosen(read_recipe(plant.write(tmp_path, inputs=open_inputs(plant))), tmp_path)
    assert choice.scheme.changes
    assert {table.levels for table in recipe.inputs if table.differences_rows} == {False}
    assert min(choice.errors) < 0.7 * choice.errors[0]


def test_where_lags_say_nothing_the_instant_alone_is_taken(tmp_path):
    plant = plants.heavy_tailed()
    still = plants.GeneratedPlant(tags=plant.tags, y=20 + 2 * plant.tags["TI1"], explained=plant.explained)
    _recipe, choice = chosen(read_recipe(still.write(tmp_path, inputs=open_inputs(still))), tmp_path)
    assert (choice.scheme.lags, choice.scheme.changes) == ((0.0,), ())


def test_what_is_chosen_does_not_hang_on_the_test_rows(tmp_path):
    plant = plants.continuous()
    _recipe, choice = chosen(read_recipe(plant.write(tmp_path, inputs=open_inputs(plant))), tmp_path)
    plant.y[len(plant.y) * 2 // 3 + 20 :] = 999
    _recipe, again = chosen(read_recipe(plant.write(tmp_path, inputs=open_inputs(plant))), tmp_path)
    assert again.errors == pytest.approx(choice.errors)


@pytest.mark.parametrize(
    ("inputs", "open_ones"),
    [
        ('[[inputs]]\ntag = "TI1"\nunit = "1"\n', 1),
        ('[[inputs]]\ntag = "TI1"\nunit = "1"\nlags_rows = [0]\n', 0),
        ('[[inputs]]\ntag = "TI1"\nunit = "1"\naggregate = "mean"\nwindow_rows = 5\n', 0),
        ('[[inputs]]\ntag = "TI1"\nunit = "1"\ntransform = "log"\n', 0),
        ('[[inputs]]\ntag = "TI1"\nunit = "1"\n[[inputs]]\ntag = "TI1"\nunit = "1"\nlags_rows = [4]\n', 0),
    ],
)
def test_lags_are_open_for_last_values_of_which_the_recipe_says_none(tmp_path, inputs, open_ones):
    recipe = read_recipe(plants.continuous(60).write(tmp_path, inputs=inputs))
    assert len(open_tables(recipe)) == open_ones
    assert recipe.inputs[0].lags[0] == 0


def test_schemes_reach_as_far_as_they_may_and_those_with_few_inputs_come_first():
    schemes = schemes_up_to(64)
    assert max(lag for scheme in schemes for lag in (*scheme.lags, *scheme.changes)) == 64
    assert [scheme.inputs for scheme in schemes] == sorted(scheme.inputs for scheme in schemes)
    assert (schemes[0].lags, schemes[0].changes) == ((0.0,), ())
    assert len({(scheme.lags, scheme.changes) for scheme in schemes}) == len(schemes)
