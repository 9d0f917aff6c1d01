"""``labline model train``: from a recipe and a file of numbers to a bundle that holds, the same each time."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gateway.config.bundles import bundle_files
from gateway.errors import BundleRefusedError
from gateway.inference.bundle import MODEL, check_golden, read_bundle
from gateway.training.cross_validation import blocks
from gateway.transport.onnx import load_model
from tests.fixtures.real_parts import REPOSITORY
from tests.fixtures.small_recipe import RECIPE, write_recipe


@pytest.fixture
def recipe(tmp_path):
    return write_recipe(tmp_path)


def train(recipe, to, *, code=0, json_wanted=True):
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "model", "train", str(recipe), "--to", str(to),
         *(["--json"] if json_wanted else [])],
        capture_output=True, text=True, check=False, timeout=120, cwd=REPOSITORY, env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == code, done.stderr + done.stdout
    return json.loads(done.stdout) if json_wanted else done.stdout + done.stderr


def test_a_recipe_becomes_a_bundle_that_holds_and_the_same_one_each_time(recipe, tmp_path):
    report = train(recipe, tmp_path / "one")
    again = train(recipe, tmp_path / "two")
    files = bundle_files(Path(report["folder"]))
    assert files == bundle_files(Path(again["folder"]))
    assert "is there already" in train(recipe, tmp_path / "one", code=2, json_wanted=False)  # is never written over
    bundle = read_bundle(files, where="here")
    predict = load_model(files[MODEL], inputs=len(bundle.inputs), columns=1, where="here")
    assert check_golden(files, bundle, predict, where="here") == 25
    (output,) = bundle.outputs
    assert output.value.bias.trust in {0.3, 0.8}
    assert output.value.residuals is not None
    assert bundle.approval is None
    assert bundle.domain is not None
    assert report["figures"]["r2_as_served"] > report["figures"]["r2_by_itself"]  # the drift is corrected
    assert report["met"] is True
    card = files["card.md"].decode()
    assert "R2 as served, all rows" in card
    assert "all gates: accepted" in card
    assert set(report["refusals"]) == {"left_out", "test"}
    assert report["refusals"]["test"]["accepted_rows"] > 0
    assert all(item.learned is not None for item in bundle.inputs)
    assert "| ridge |" in card
    for name in ("parity.png", "residuals.png", "coverage.png", "domain.png"):
        assert f"({name})" in card
        assert files[name].startswith(b"\x89PNG")
        with pytest.raises(BundleRefusedError, match=f"{name} is not the file that was accepted"):
            read_bundle(files | {name: files[name] + b" "}, where="here")


def test_a_model_of_the_logarithm_is_exported_as_what_it_says_of_the_value(recipe, tmp_path):
    data = recipe.with_name("data.csv")
    head, *lines = data.read_text().splitlines()
    rows = [line.split(",") for line in lines]
    grown = [f"{a},{b},{math.exp(float(y) / 8):.6f}" for a, b, y in rows]
    data.write_text("\n".join([head, *grown]) + "\n")
    met_anyhow = RECIPE.replace("minimum_r2 = 0.8", "minimum_r2 = -1000.0")
    met_anyhow = met_anyhow.replace('["ridge", "linear_and_trees"]', '["ridge"]')
    recipe.write_text(met_anyhow)
    plain = train(recipe, tmp_path / "plain", code=1)["figures"]["rmse_as_served"]
    recipe.write_text(met_anyhow.replace("range_margin", "logarithmic = true\nrange_margin"))
    report = train(recipe, tmp_path / "logarithmic")
    files = bundle_files(Path(report["folder"]))
    bundle = read_bundle(files, where="here")
    predict = load_model(files[MODEL], inputs=len(bundle.inputs), columns=1, where="here")
    assert check_golden(files, bundle, predict, where="here") == 25
    assert (predict(np.zeros((1, len(bundle.inputs))) - 50.0) > 0).all()  # whatever it is asked
    assert report["figures"]["rmse_as_served"] < plain


def test_a_criterion_that_is_not_met_is_said_and_ends_with_1(recipe, tmp_path):
    one_kind = RECIPE.replace('["ridge", "linear_and_trees"]', '["ridge"]')
    recipe.write_text(one_kind.replace("minimum_r2 = 0.8", "minimum_r2 = 0.9999"))
    shown = train(recipe, tmp_path / "one", code=1, json_wanted=False)
    assert "NOT MET" in shown
    assert (tmp_path / "one" / "quality" / "1.0.0" / "bundle.toml").exists()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('column = "y"', 'column = "z"', "has no column z"),
        ('file = "data.csv"', 'file = "nowhere.csv"', "cannot be read"),
        ("period_seconds = 60", "period_seconds = 60\nskip_lines = 590", "has no column"),
        ("train = 0.7", "train = 1.7", "split.train"),
        ('kinds = ["ridge", "linear_and_trees"]', 'kinds = ["oracle"]', "candidates.kinds.0"),
        ("[split]", "[spilt]", "spilt"),
        ("range_margin = 0.5", "logarithmic = true", "has no logarithm"),
        ("seed = 1", "seed =", "is not TOML"),
    ],
)
def test_what_is_wrong_with_a_recipe_or_its_data_is_said(recipe, tmp_path, before, after, message):
    assert before in RECIPE
    recipe.write_text(RECIPE.replace(before, after))
    assert message in train(recipe, tmp_path / "one", code=2, json_wanted=False)


def test_a_line_that_is_no_row_of_numbers_is_named(recipe, tmp_path):
    data = recipe.parent / "data.csv"
    data.write_text(data.read_text().replace("\n", "\nx,1,2\n", 1))
    assert 'line 2, column a: "x"' in train(recipe, tmp_path / "one", code=2, json_wanted=False)


def test_blocks_leave_out_whole_stretches_with_a_gap_on_either_side():
    parts = list(blocks(100, folds=4, gap=10))
    assert sorted(np.concatenate([leaving for _fitting, leaving in parts]).tolist()) == list(range(100))
    fitting, leaving = parts[1]
    assert leaving.tolist() == list(range(25, 50))
    assert fitting.tolist() == [*range(15), *range(60, 100)]
