"""The worked recipes are trained as they stand, on generated data."""

from gateway.training.acceptance import acceptance_of
from gateway.training.recipe import read_recipe
from gateway.training.train import train
from tests.fixtures import generated_plants as plants
from tests.fixtures.real_parts import REPOSITORY

RECIPES = REPOSITORY / "models" / "recipes"


def test_the_recipe_for_grades_knows_the_grade_as_an_input_and_in_its_correction(tmp_path):
    plant = plants.grades(1200)
    (tmp_path / "resin.csv").write_text(plant.csv().replace(",y\n", ",viscosity\n", 1))
    recipe = read_recipe(RECIPES / "grades.toml")
    quick = recipe.model_copy(
        update={"candidates": recipe.candidates.model_copy(update={"kinds": ["ridge"], "folds": 3})}
    )
    trained = train(quick, folder=tmp_path)
    assert all(met for _criterion, met in acceptance_of(trained))
    without_category = quick.model_copy(update={"inputs": quick.inputs[:2]})
    by_correction_alone = train(without_category, folder=tmp_path)
    assert by_correction_alone.chosen.correction.per_product
    assert trained.figures["rmse_as_served"] < 0.5 * by_correction_alone.figures["rmse_as_served"]
