"""The worked recipes are trained as they stand, but for the kinds of models, on generated data."""

import re
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from gateway.training.acceptance import missed_in_words
from gateway.training.model_card import card
from gateway.training.recipe import Recipe, read_recipe
from gateway.training.setpoint_findings import Verdict
from gateway.training.train import train
from tests.fixtures import generated_plants as plants
from tests.fixtures.real_parts import REPOSITORY

RECIPES = REPOSITORY / "models" / "recipes"


def quick_recipe(name):
    """Return a worked recipe with one kind of model: what a test waits for is the rest of it."""
    recipe = read_recipe(RECIPES / name)
    candidates = recipe.candidates.model_copy(update={"kinds": ["ridge"], "folds": 3})
    return recipe.model_copy(update={"candidates": candidates})


def written(plant, path, *, analyte):
    path.write_text(plant.csv().replace(",y\n", f",{analyte}\n", 1))
    return path.parent


def test_the_recipe_for_a_continuous_line_passes_and_suggests_moves_that_the_data_confirm(tmp_path):
    folder = written(plants.dryer(), tmp_path / "dryer.csv", analyte="moisture")
    trained = train(quick_recipe("continuous_setpoint.toml"), folder=folder)
    assert missed_in_words(trained) == ()
    (setpoint,) = trained.setpoints
    assert setpoint.verdict is Verdict.CONFIRMED
    assert setpoint.may_suggest
    assert trained.lags is None  # the recipe says them all


def test_the_recipe_for_batches_predicts_each_batch_from_how_it_went(tmp_path):
    plant = plants.batches()
    names = {"TI1": "reactor_temperature", "PI2": "reactor_pressure"}
    dosing = 0.5 + 0.05 * np.random.default_rng(3).normal(size=len(plant.y))
    columns = {names[tag]: values for tag, values in plant.tags.items()} | {"dosing_flow": dosing}
    folder = written(replace(plant, tags=columns), tmp_path / "batches.csv", analyte="yield")
    trained = train(quick_recipe("batches.toml"), folder=folder)
    assert missed_in_words(trained) == ()
    assert len(trained.rows) == 120
    assert {item.name for item in trained.inputs} > {"product=blue", "product=red"}
    assert "NOT MET" not in card(trained)


def test_the_recipe_for_grades_knows_the_grade_as_an_input_and_in_its_correction(tmp_path):
    folder = written(plants.grades(1200), tmp_path / "resin.csv", analyte="viscosity")
    quick = quick_recipe("grades.toml")
    trained = train(quick, folder=folder)
    assert missed_in_words(trained) == ()
    without_category = quick.model_copy(update={"inputs": quick.inputs[:2]})
    by_correction_alone = train(without_category, folder=folder)
    assert by_correction_alone.chosen.correction.per_product
    assert trained.figures["rmse_as_served"] < 0.5 * by_correction_alone.figures["rmse_as_served"]


def decimal_comma(value):
    return f"{value:.4f}".replace(".", ",")


def written_as_exports(plant, folder):
    """Write a plant as historians and laboratories do: irregular times, holes, bad values, decimal commas, <x."""
    chance, instant = np.random.default_rng(8), datetime(2026, 3, 1, 6, tzinfo=UTC)
    rows, results = ["time;TI1;FI2;PI3;remark"], ["sample;sampled;approved;moisture"]
    for row, value in enumerate(plant.y):
        instant += timedelta(seconds=60 if chance.random() < 0.9 else int(chance.integers(30, 120)))
        cells = [decimal_comma(values[row]) for values in plant.tags.values()]
        if chance.random() < 0.01:
            cells[0] = "Bad"
        if not 500 <= row < 530 and chance.random() > 0.01:  # a hole, and rows that are missing
            rows.append(";".join([f"{instant:%d.%m.%Y %H:%M:%S}", *cells, "shift B" if row == 20 else ""]))
        if row % 6 == 5:
            text = "<0,5" if row == 41 else decimal_comma(value)
            approved = instant + timedelta(minutes=int(chance.integers(20, 50)))
            results.append(f"P{row};{instant:%d.%m.%Y %H:%M:%S};{approved:%d.%m.%Y %H:%M};{text}")
    (folder / "historian.csv").write_text("\n".join(rows) + "\n")
    (folder / "lims.csv").write_text("\n".join(results) + "\n")


def test_the_recipe_of_the_documents_for_exports_makes_a_model_of_irregular_times_commas_and_holes(tmp_path):
    page = (REPOSITORY / "docs" / "recipes.md").read_text()
    document = next(text for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "lims.csv" in text)
    written_as_exports(plants.dead_times(2400), tmp_path)
    quick = tomllib.loads(document) | {"candidates": {"kinds": ["ridge"], "folds": 3}}
    trained = train(Recipe.model_validate(quick), folder=tmp_path)
    assert missed_in_words(trained) == ()
    assert max(trained.lags.scheme.lags) >= 16
    assert trained.figures["r2_as_served"] > 0.8
    assert trained.rows.odd["laboratory: results without a number"] == 1
    assert trained.rows.odd["holes of more than 300 s between rows"] >= 1
    assert any(what.startswith('"Bad" in TI1') for what in trained.rows.odd)
