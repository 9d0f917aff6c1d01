"""A recipe of ten lines: what it leaves open is chosen from the data before the test."""

import numpy as np
import pytest

from gateway.errors import LablineError
from gateway.time_units import SECOND_NS
from gateway.training.backtest import Timing
from gateway.training.biases import biases_of
from gateway.training.candidates.table import CANDIDATES
from gateway.training.files.instants import NEVER
from gateway.training.recipe import read_recipe
from tests.fixtures import generated_plants as plants


def recipe_of(tmp_path, tables=""):
    return read_recipe(plants.continuous(60).write(tmp_path, tables=tables))


def timing(count=200, *, every=10, delay=5):
    at = np.arange(count) * 60 * SECOND_NS
    return Timing(at_ns=at, arrives_ns=np.where(np.arange(count) % every == 0, at + delay * 60 * SECOND_NS, NEVER))


def test_the_shortest_recipe_has_the_last_third_as_its_test_and_kinds_for_any_plant(tmp_path):
    recipe = recipe_of(tmp_path)
    assert recipe.split.train == pytest.approx(2 / 3, abs=1e-3)
    assert [*CANDIDATES.keys() - {*recipe.candidates.kinds}] == ["linear_and_trees"]
    assert recipe.candidates.stack


def test_bounds_of_the_correction_come_from_errors_on_left_out_blocks(tmp_path):
    errors = np.random.default_rng(1).normal(size=200) * 3.0
    none, *biases = biases_of(recipe_of(tmp_path), timing(), errors)
    assert none is None
    assert {bias.trust for bias in biases} == {0.3, 0.6, 1.0}
    assert {bias.half_life_ns // (600 * SECOND_NS) for bias in biases} == {2, 5, 23, 1000}
    for bias in biases:
        assert 5.0 < bias.max_step < 12.0
        assert bias.max_total == pytest.approx(2 * bias.max_step)
        assert bias.max_age_ns == (5 + 40) * 60 * SECOND_NS


def test_bounds_that_the_recipe_gives_are_kept(tmp_path):
    recipe = recipe_of(tmp_path, "[bias]\nmax_total = 0.5\nmax_age_rows = 7\ntrusts = [0.4]\nhalf_lives_rows = [9]\n")
    _none, bias = biases_of(recipe, timing(), np.ones(200))
    assert (bias.max_step, bias.max_total, bias.max_age_ns) == (0.5, 0.5, 7 * 60 * SECOND_NS)


def test_a_recipe_may_rule_corrections_out(tmp_path):
    assert biases_of(recipe_of(tmp_path, "[bias]\nenabled = false\n"), timing(), np.ones(200)) == (None,)


def test_errors_of_nothing_leave_a_correction_of_next_to_nothing(tmp_path):
    _none, *biases = biases_of(recipe_of(tmp_path), timing(), np.zeros(200))
    assert all(0 < bias.max_step <= bias.max_total for bias in biases)


def test_a_table_with_an_unknown_key_is_refused(tmp_path):
    with pytest.raises(LablineError, match="trust"):
        recipe_of(tmp_path, "[bias]\ntrust = [0.4]\n")


def test_several_tags_of_one_unit_take_one_table(tmp_path):
    inputs = '[[inputs]]\ntags = ["TI1", "FI2"]\nunit = "1"\nlags_rows = [0, 3]\n'
    recipe = read_recipe(plants.continuous(60).write(tmp_path, inputs=inputs))
    assert [(table.tag, table.unit, table.lags_rows) for table in recipe.inputs] == [
        ("TI1", "1", [0, 3]), ("FI2", "1", [0, 3]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "inputs", ['[[inputs]]\ntags = ["TI1"]\ntag = "FI2"\nunit = "1"\n', '[[inputs]]\ntags = []\nunit = "1"\n']
)
def test_tags_stand_in_the_place_of_a_tag(tmp_path, inputs):
    with pytest.raises(LablineError, match="tag"):
        read_recipe(plants.continuous(60).write(tmp_path, inputs=inputs))
