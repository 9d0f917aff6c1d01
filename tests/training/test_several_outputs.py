"""A recipe of several analytes: each makes a bundle of its own, with its own results, choice and interval."""

import json

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.errors import LablineError
from gateway.training.recipe import read_recipe, read_recipes
from tests.fixtures.small_recipe import RECIPE, write_recipe

OUTPUTS = """
[[outputs]]
analyte = "quality"
column = "y"
unit = "%"
valid = [-50.0, 50.0]

[[outputs]]
analyte = "purity"
unit = "1"
valid = [-60.0, 60.0]
name = "purity_sensor"
[outputs.laboratory]
delay_seconds = 240
[outputs.candidates]
kinds = ["pls"]
folds = 3
[outputs.acceptance]
"""


def write_several(folder, outputs=OUTPUTS):
    """Write the small recipe with two analytes; of purity there is a result in every tenth row only."""
    path = write_recipe(folder)
    lines = (folder / "data.csv").read_text().splitlines()
    values = ["purity", *(line.rsplit(",", 1)[1] if number % 10 == 0 else "" for number, line in enumerate(lines[1:]))]
    (folder / "data.csv").write_text("".join(f"{line},{value}\n" for line, value in zip(lines, values, strict=True)))
    begin, rest = RECIPE.index("[output]"), RECIPE.index("[bias]")
    text = RECIPE[:begin] + RECIPE[rest:].replace('["ridge", "linear_and_trees"]', '["ridge"]')
    head, inputs = text.split("[candidates]")
    path.write_text(f"{head}{outputs}\n[candidates]{inputs}")
    return path


def test_each_analyte_has_its_own_recipe_and_shares_the_rest(tmp_path):
    quality, purity = read_recipes(write_several(tmp_path))
    assert (quality.name, purity.name) == ("quality_quality", "purity_sensor")
    assert (quality.laboratory.column, purity.laboratory.column) == ("y", "purity")
    assert (quality.laboratory.delay_rows, quality.laboratory.delay_seconds) == (3, None)
    assert (purity.laboratory.delay_rows, purity.laboratory.delay_seconds) == (None, 240)
    assert (quality.candidates.kinds, purity.candidates.kinds) == (["ridge"], ["pls"])
    assert quality.bias == purity.bias
    assert (quality.acceptance.minimum_r2, purity.acceptance.minimum_r2) == (0.8, None)
    assert quality.inputs == purity.inputs


def test_one_run_makes_a_bundle_for_each_analyte(tmp_path):
    outputs = OUTPUTS.replace("delay_seconds = 240", "delay_seconds = 240\nevery_rows = 10")
    recipe = write_several(tmp_path, outputs)
    done = CliRunner().invoke(app, ["model", "train", str(recipe), "--to", str(tmp_path / "made"), "--json"])
    assert done.exit_code in {0, 1}, done.output
    answer = json.loads(done.stdout)
    assert [model["analyte"] for model in answer["models"]] == ["quality", "purity"]
    assert [model["chosen"] for model in answer["models"]] == ["ridge", "pls"]
    assert answer["met"] == all(model["met"] for model in answer["models"])
    assert (tmp_path / "made" / "purity_sensor" / "1.0.0" / "bundle.toml").is_file()
    assert (tmp_path / "made" / "quality_quality" / "1.0.0" / "bundle.toml").is_file()
    again = CliRunner().invoke(app, ["model", "train", str(recipe), "--to", str(tmp_path / "made"), "--json"])
    assert isinstance(again.exception, LablineError)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('name = "purity_sensor"', 'name = "quality_quality"', "two outputs make the bundle quality_quality"),
        ('unit = "1"', 'unit = "1"\nunits = 2', "outputs.1.output.units: is no key here"),
        ("[[outputs]]", "[output]\nanalyte = 'q'\n[[outputs]]", "not both"),
        ("[outputs.acceptance]", "[outputs.acceptance]\nleast = 1", "outputs.1.acceptance.least"),
    ],
)
def test_what_is_wrong_with_an_analyte_names_its_table(tmp_path, before, after, problem):
    path = write_several(tmp_path, OUTPUTS.replace(before, after, 1))
    with pytest.raises(LablineError, match=problem):
        read_recipes(path)


def test_who_reads_a_single_model_is_told_of_several(tmp_path):
    with pytest.raises(LablineError, match="several"):
        read_recipe(write_several(tmp_path))
