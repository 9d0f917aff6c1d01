"""The worked recipes are trained as they stand, on generated data."""

from gateway.training.acceptance import acceptance_of
from gateway.training.recipe import read_recipe
from gateway.training.train import train
from tests.fixtures import generated_plants as plants
from tests.fixtures.real_parts import REPOSITORY

RECIPES = REPOSITORY / "models" / "recipes"


def test_the_recipe_for_grades_corrects_each_grade_by_itself(tmp_path):
    plant = plants.grades(1200)
    (tmp_path / "resin.csv").write_text(plant.csv().replace(",y\n", ",viscosity\n", 1))
    recipe = read_recipe(RECIPES / "grades.toml")
    quick = recipe.model_copy(
        update={"candidates": recipe.candidates.model_copy(update={"kinds": ["ridge"], "folds": 3})}
    )
    trained = train(quick, folder=tmp_path)
    assert trained.chosen.correction.per_product
    assert trained.figures["gain_over_plain_models"] > 0.2
    assert len(acceptance_of(trained)) == 2
    shared = quick.model_copy(update={"bias": quick.bias.model_copy(update={"per": None})})
    assert trained.figures["rmse_as_served"] < train(shared, folder=tmp_path).figures["rmse_as_served"]
