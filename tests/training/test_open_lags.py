"""Lags that a recipe leaves open are chosen from the data before the test."""

from functools import partial

import numpy as np
import pytest

from gateway.training.card_lags import lags_section
from gateway.training.lag_choice import LagChoice, Scheme
from gateway.training.narrowed_lags import moving_on, narrowed, plainer_than
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
    plant = plants.dead_times(900)
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
    plant = plants.continuous(400)
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


def walking(plant, *, tag="QI9", effect=0.0):
    """Return the plant with one more tag, that counts up; the analyte follows it by ``effect``."""
    counter = np.arange(len(plant.y)) / 100.0
    return plants.GeneratedPlant(
        tags={**plant.tags, tag: counter}, y=plant.y + effect * counter, explained=plant.explained
    )  # fmt: skip


def test_a_tag_that_moves_on_and_says_nothing_is_left_out_so_that_rows_are_accepted(tmp_path):
    plant = walking(plants.continuous(500, seed=2, drift=0.0))
    trained = train(read_recipe(plant.write(tmp_path, inputs=open_inputs(plant), tables=RIDGE)), folder=tmp_path)
    assert trained.lags.plainer["QI9"] == Scheme(lags=(), changes=())
    assert {"TI1", "FI2"} <= {item.tag for item in trained.inputs} <= {"TI1", "FI2", "PI3"}
    assert trained.figures["accepted_share"] > 0.8
    assert "of QI9: nothing" in lags_section(trained)


def test_a_tag_that_moves_on_stays_where_the_analyte_follows_it(tmp_path):
    plant = walking(plants.continuous(500), effect=20.0)
    recipe, choice = chosen(read_recipe(plant.write(tmp_path, inputs=open_inputs(plant))), tmp_path)
    assert "QI9" not in choice.plainer
    assert "QI9" in {table.tag for table in recipe.inputs}


def test_a_level_that_walks_away_leaves_its_changes(tmp_path):
    plant = plants.answers_to_changes()
    recipe, choice = chosen(read_recipe(plant.write(tmp_path, inputs=open_inputs(plant))), tmp_path)
    assert not choice.scheme.lags or not choice.plainer["LI1"].lags
    assert [table.levels for table in recipe.inputs if table.tag == "LI1"] == [False]


def test_a_setpoint_s_level_is_never_left_out(tmp_path):
    plant = walking(plants.continuous(400), tag="SP9")
    moved = (
        '[[manipulated]]\ntag = "SP9"\nunit = "1"\nvalidated = [0, 9]\nmax_step = 1\nresolution = 0.1\n'
        "minimum_interval_seconds = 600\n"
    )
    recipe = read_recipe(plant.write(tmp_path, inputs=open_inputs(plant), tables=moved))
    taken, choice = chosen(recipe, tmp_path)
    assert "SP9" not in choice.plainer
    assert "SP9" in {table.tag for table in taken.inputs}


def test_tags_that_move_on_are_told_from_those_that_return():
    rows = np.arange(400)
    walk = np.cumsum(np.random.default_rng(3).normal(size=400))
    levels = {"returns": np.sin(rows / 7.0), "walks": walk, "counts": rows / 1.0, "still": np.full(400, 0.1) * 3}
    far = moving_on(levels, folds=4, gap=2)
    assert [*far] == ["counts", "walks"]
    assert far["counts"] == pytest.approx(0.5, abs=0.1)


def test_what_is_plainer_is_taken_where_the_error_is_no_larger():
    scheme = Scheme(lags=(0.0, 2.0), changes=())
    nothing, changes = plainer_than(scheme)
    assert (nothing.inputs, changes.inputs, changes.changes) == (0, 1, (2.0,))
    assert plainer_than(Scheme(lags=(0.0,), changes=())) == [nothing]

    def taken(far, *, of_nothing, of_changes=9.0):
        errors = {nothing: of_nothing, changes: of_changes}
        return narrowed(scheme, {"a": far}, lambda plainer: errors[plainer["a"]] if plainer else 1.0)

    assert taken(0.0, of_nothing=1.0) == {"a": nothing}
    assert taken(0.0, of_nothing=1.4, of_changes=1.0) == {"a": changes}
    assert taken(0.0, of_nothing=1.01) == {}
    assert taken(0.5, of_nothing=1.04) == {"a": nothing}  # else it would often say nothing at all
    assert taken(1.0, of_nothing=1.4) == {}


def test_a_choice_is_named_with_the_tags_that_have_less():
    choice = LagChoice(
        schemes=(Scheme(lags=(0.0, 4.0), changes=()),), errors=(1.0,), chosen=0,
        plainer={"QI9": Scheme(lags=(), changes=())},
    )  # fmt: skip
    assert choice.name == "levels at 0, 4 rows; of QI9 nothing"
