"""Differences, ratios and transforms in recipes: their names, their effect on a plant, what is refused."""

import numpy as np
import pytest

from gateway.errors import LablineError
from gateway.inference.bundle import read_bundle
from gateway.training.bundle_files import bundle_of
from gateway.training.recipe import read_recipe
from gateway.training.train import train
from tests.fixtures.small_plants import answers_to_a_ratio, answers_to_changes, rows_of, write_plant

U = '[[inputs]]\ntag = "u"\nunit = "bar"\n'


def names(path):
    return [item.name for item in read_recipe(path).named_inputs]


def test_one_window_of_a_tag_keeps_its_name_and_several_have_theirs_in_it(tmp_path):
    one = write_plant(tmp_path, answers_to_changes(20), U + 'aggregate = "mean"\nwindow_rows = 3\nlags_rows = [0, 2]')
    assert names(one) == ["u.mean.0", "u.mean.2"]
    mean = '\naggregate = "mean"\nwindow_rows = {}\n'
    two = write_plant(tmp_path, answers_to_changes(20), U + mean.format(3) + U + mean.format(12) + U)
    assert names(two) == ["u.mean.0.window_3", "u.mean.0.window_12", "u.last.0"]


def test_names_of_what_is_computed_say_how(tmp_path):
    inputs = U + 'over = "w"\ntransform = "log"\nlags_rows = [4]\ndifferences_rows = [8]\n' + U + 'transform = "sqrt"'
    path = write_plant(tmp_path, answers_to_changes(20), inputs)
    assert names(path) == ["log(u/w).last.4", "log(u/w).last.4.change_8", "sqrt(u).last.0"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (U + "lags_rows = [1]\n" + U + "lags_rows = [0, 1]", r"called u.last.1 \(in inputs.0 and inputs.1\)"),
        (U + "lags_rows = [1, 1]", r"called u.last.1 \(in inputs.0\)"),
        (U + "levels = false", "leaves no input: give differences_rows"),
        (U + 'over = "u"', "over itself is 1"),
        (U + 'over_column = "w"', "over_column needs over"),
        (U + 'transform = "cube"', "transform"),
        (U + "differences_rows = [0]", "differences_rows"),
        (U + 'over = "y"', "is the laboratory's column"),
    ],
)
def test_what_makes_no_input_is_refused_before_any_training(tmp_path, inputs, message):
    with pytest.raises(LablineError, match=message):
        read_recipe(write_plant(tmp_path, answers_to_changes(20), inputs))


def test_a_difference_that_reaches_too_far_is_named(tmp_path):
    path = write_plant(tmp_path, answers_to_changes(20), U + "differences_rows = [100000]")
    with pytest.raises(LablineError, match=r"differences_rows: u\.last\.0\.change_100000 reaches over"):
        train(read_recipe(path), folder=tmp_path)


def test_the_column_of_a_divisor_that_is_missing_is_named(tmp_path):
    with pytest.raises(LablineError, match="has no column nowhere"):
        rows_of(write_plant(tmp_path, answers_to_changes(20), U + 'over = "nowhere"'))


def test_rows_are_what_the_formula_says(tmp_path):
    columns = answers_to_a_ratio(40)
    inputs = (
        '[[inputs]]\ntag = "a"\nunit = "kg/h"\nover = "b"\nlags_rows = [1]\ndifferences_rows = [3]\n'
        '[[inputs]]\ntag = "a"\nunit = "kg/h"\ntransform = "log"\n'
        '[[inputs]]\ntag = "a"\nunit = "kg/h"\ntransform = "square"\ndifferences_rows = [2]\nlevels = false\n'
    )
    _recipe, rows = rows_of(write_plant(tmp_path, columns, inputs))
    a, b = (np.array([float(f"{cell:.9g}") for cell in columns[name]]) for name in ("a", "b"))
    at = rows.at
    expected = np.column_stack(
        [
            a[at - 1] / b[at - 1],
            a[at - 1] / b[at - 1] - a[at - 4] / b[at - 4],
            np.log(a[at]),
            a[at] ** 2 - a[at - 2] ** 2,
        ]
    )
    assert at[0] == 4
    assert np.allclose(rows.features, expected, rtol=1e-12, atol=1e-12)


def reached(path):
    return train(read_recipe(path), folder=path.parent).figures["r2_by_itself"]


def test_a_plant_that_answers_to_changes_is_predicted_with_differences_and_not_without(tmp_path):
    both = U + "{}" + '[[inputs]]\ntag = "w"\nunit = "bar"\n'
    without = reached(write_plant(tmp_path, answers_to_changes(), both.format("lags_rows = [0]\n")))
    with_them = reached(write_plant(tmp_path, answers_to_changes(), both.format("differences_rows = [4]\n")))
    assert with_them > 0.95
    assert with_them > without + 0.5


def test_a_ratio_and_its_logarithm_make_a_plant_linear(tmp_path):
    a, b = (f'[[inputs]]\ntag = "{tag}"\nunit = "kg/h"\n' for tag in "ab")
    flows = reached(write_plant(tmp_path, answers_to_a_ratio(), a + b))
    ratio = reached(write_plant(tmp_path, answers_to_a_ratio(), a + 'over = "b"\ntransform = "log"\n'))
    assert ratio > 0.99 > flows


def test_a_bundle_states_how_its_inputs_are_computed_and_is_read_back_as_it_was_made(tmp_path):
    inputs = U + 'over = "w"\nsmallest_divisor = 0.5\ndifferences_rows = [4]\n' + U + 'transform = "square"'
    path = write_plant(tmp_path, answers_to_changes(200), inputs)
    trained = train(read_recipe(path), folder=tmp_path)
    bundle = read_bundle(bundle_of(trained, recipe_name=path.name), where="here")
    assert bundle.inputs == trained.inputs
    assert bundle.inputs[1].difference_ns == 240 * 10**9


SETPOINT = """
[[manipulated]]
tag = "u"
unit = "bar"
validated = [-10.0, 10.0]
max_step = 1.0
resolution = 0.1
minimum_interval_seconds = 600
"""


def test_a_setpoint_in_a_ratio_needs_a_stated_gain_and_in_a_difference_none(tmp_path):
    ratio = U + 'over = "w"\n'
    with pytest.raises(LablineError, match=r"manipulated u moves u/w\.last\.0 by an amount"):
        read_recipe(write_plant(tmp_path, answers_to_changes(20), ratio, tail=SETPOINT))
    stated = SETPOINT + 'gains = { "u/w.last.0" = 0.2 }\n'
    read_recipe(write_plant(tmp_path, answers_to_changes(20), ratio, tail=stated))
    read_recipe(write_plant(tmp_path, answers_to_changes(20), U + "differences_rows = [4]\n", tail=SETPOINT))
