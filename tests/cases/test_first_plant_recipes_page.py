"""docs/recipes.md: every key of a recipe, made from the typed model, and examples that work."""

import re
import tomllib
from pathlib import Path

import pytest

from gateway.training.recipe import Recipe, read_recipe
from gateway.training.recipe_reference import refreshed
from gateway.training.recipe_tables.manipulated import ManipulatedTable
from gateway.training.recipe_tables.table import TagTable
from gateway.training.setpoint_findings import Verdict
from tests.fixtures.setpoint_recipes import EXAMPLE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
RECIPES = sorted((ROOT / "models" / "recipes").glob("*.toml"))


def tables_of(model):
    """Every table of the typed model."""
    found = {}
    waiting = [model]
    while waiting:
        table = waiting.pop()
        found[table.__name__] = table
        parts = [
            part
            for field in table.model_fields.values()
            for part in (field.annotation, *getattr(field.annotation, "__args__", ()))
        ]
        waiting += [part for part in parts if hasattr(part, "model_fields") and part.__name__ not in found]
    return found


def test_first_plant_05_the_page_of_recipes_is_that_of_the_model():
    """``make recipes`` writes it anew."""
    assert refreshed(PAGE, root=ROOT) == PAGE


@pytest.mark.parametrize("table", tables_of(Recipe).values(), ids=lambda table: table.__name__)
def test_first_plant_05_every_key_of_a_recipe_is_described_and_on_the_page(table):
    assert {"ManipulatedTable", "InterlockTable", "BiasTable"} <= tables_of(Recipe).keys()
    for name, field in table.model_fields.items():
        assert field.description, f"{table.__name__}.{name} has no description"
        assert f"| `{name}` |" in PAGE
        assert field.description.replace("|", "\\|") in PAGE


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_first_plant_05_every_recipe_that_is_shipped_can_be_read(path):
    recipe = read_recipe(path)
    assert recipe.name


@pytest.mark.parametrize(
    "path", [EXAMPLE, *(each for each in RECIPES if each.stem in {"debutanizer", "own_history", "batches"})]
)
def test_first_plant_05_the_worked_examples_are_the_files_that_are_shipped(path):
    assert f"```toml\n{path.read_text(encoding='utf-8')}```" in PAGE


def test_first_plant_05_the_interlocks_of_the_page_are_read_as_they_stand():
    (text,) = re.findall(r"```toml\n(interlocks = \[.*?\]\n)```", PAGE, re.DOTALL)
    example = read_recipe(EXAMPLE).manipulated[0].model_dump(exclude_none=True, exclude={"interlocks"})
    read = ManipulatedTable.model_validate(example | tomllib.loads(text))
    assert [(lock.states, lock.within) for lock in read.interlocks] == [
        ([2, 3], None),
        (None, (1.0, 1.0)),
        (None, (60.0, 100.0)),
    ]


def test_first_plant_05_each_verdict_says_what_to_do():
    for verdict in Verdict:
        assert f"| `{verdict.name.lower()}` | {verdict.value} |" in PAGE


def test_first_plant_05_units_stand_in_the_meaning_of_what_has_one():
    assert TagTable.model_fields["unit"].description in PAGE
    for table in tables_of(Recipe).values():
        for name, field in table.model_fields.items():
            if name.endswith("_seconds"):
                assert field.description.startswith("s")
            if name.endswith("_rows"):
                assert field.description.startswith("rows")
