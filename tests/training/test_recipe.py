"""The recipe that made the shipped models, run again in small."""

import sys

from gateway.config.bundles import bundle_files
from gateway.inference.bundle import MANIFEST, MODEL, check_golden, read_bundle
from gateway.transport.onnx import load_model
from tests.fixtures.real_parts import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "models"))
import reactor_recipe


def made(folder):
    rows = reactor_recipe.simulate(seed=7, minutes=12, sample_every_seconds=1.5)
    figures = {}
    for recipe in reactor_recipe.RECIPES:
        figures[recipe.name] = reactor_recipe.make(recipe, rows, seed=7, folder=folder)
    return figures


def test_the_recipe_makes_bundles_that_hold_and_predict(tmp_path):
    figures = made(tmp_path)
    for recipe in reactor_recipe.RECIPES:
        files = bundle_files(tmp_path / recipe.name / recipe.version)
        bundle = read_bundle(files, where="here")
        predict = load_model(files[MODEL], inputs=len(bundle.inputs), columns=bundle.columns, where="here")
        assert check_golden(files, bundle, predict, where="here") == 25
        assert figures[recipe.name]["r2"] > 0.8


def test_the_same_seed_makes_the_same_bundle(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    made(first)
    made(second)
    for recipe in reactor_recipe.RECIPES:
        manifests = [bundle_files(folder / recipe.name / recipe.version)[MANIFEST] for folder in (first, second)]
        assert manifests[0] == manifests[1]
