"""The recipes on real plant data, which lies outside the repository: with one kind of model each, to be quick."""

import os
from pathlib import Path

import pytest

from gateway.training.recipe import read_recipe
from gateway.training.train import train
from tests.fixtures.real_parts import REPOSITORY, missing

ALL_TREES = True  # of boosted ones

RECIPES = REPOSITORY / "models" / "recipes"


@pytest.mark.parametrize(
    ("name", "kind", "r2", "accepted"), [("debutanizer", "ridge", 0.75, 0.9), ("hdpe", "ridge", 0.85, 0.6)]
)
def test_a_plain_model_on_real_data_does_on_the_last_third_what_is_known_of_it(tmp_path, name, kind, r2, accepted):
    recipe = RECIPES / f"{name}.toml"
    data = (RECIPES / read_recipe(recipe).data.file).resolve()
    if not data.exists():
        missing(f"the data set {data.name}")
    text = recipe.read_text()
    before = text[text.index("kinds = [") : text.index("]", text.index("kinds = [")) + 1]
    folder = Path(os.path.relpath(data.parent, tmp_path)) / data.name
    (tmp_path / "recipe.toml").write_text(
        text.replace(before, f'kinds = ["{kind}"]').replace(
            f'file = "{read_recipe(recipe).data.file}"', f'file = "{folder}"'
        )
    )
    figures = train(read_recipe(tmp_path / "recipe.toml"), folder=tmp_path).figures
    assert figures["r2_as_served"] > r2
    assert figures["r2_as_served"] > figures["r2_by_itself"]  # the laboratory's late results help
    assert figures["accepted_share"] > accepted
    assert 0.7 < figures["coverage"] <= 1.0
