"""The bench of training runs the command as a user does, and measures what it takes."""

from gateway.training.recipe import read_recipe
from simulator.bench import training


def test_the_measured_recipe_leaves_open_what_a_recipe_may_leave_open(tmp_path):
    training.write_plant(tmp_path, rows=30, tags=4)
    recipe = read_recipe(tmp_path / "bench.toml")
    assert len(recipe.inputs) == 4
    assert {"candidates", "bias", "split", "acceptance"} & recipe.model_fields_set == set()
    assert len((tmp_path / "bench.csv").read_text().splitlines()) == 31
