"""What the whole gateway comes to on a recording is what training says of it: products, batches, outputs, demotions."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.operations.logs import configure_logs
from gateway.training.bundle_files import bundle_of, write_bundle
from gateway.training.recipe import read_recipes
from gateway.training.train import train
from simulator.bench.virtual.play import play_virtually
from simulator.play.file import read_recording
from simulator.play.plan import PlayOptions
from tests.fixtures import generated_plants as plants

RIDGE = '[candidates]\nkinds = ["ridge"]\nfolds = 3\n'
OUTPUT = '[output]\nanalyte = "quality"\nunit = "%"\nvalid = [-200, 200]\nrange_margin = 0.1\n'
TAGS = '[[inputs]]\ntags = ["TI1", "FI2"]\nunit = "1"\nlags_rows = [0, 2]\n'


def made(folder, path):
    """Train each analyte of a recipe; return its figures and the first row of the test, and the bundles."""
    trained, bundles = [], []
    for number, recipe in enumerate(read_recipes(path)):
        one = train(recipe, folder=folder)
        bundles.append(folder / f"bundle-{number}")
        write_bundle(bundle_of(one, recipe_name=path.name), bundles[-1])
        trained.append(one)
    return trained, bundles


def played(folder, path, *, lead=2):
    """Return what training says and what the gateway comes to, of one analyte."""
    (trained,), (bundle,) = made(folder, path)
    (folder / "play").mkdir()
    configure_logs(level="error")
    options = PlayOptions(speed=60, first=int(trained.rows.at[trained.test.start]), rows=None, lead=lead, bundle=bundle,
                          begin_after_seconds=1.0)  # fmt: skip
    recording = read_recording(path, analytes={"quality"})
    return trained, play_virtually(recording, options, folder / "play")


def must_agree(trained, figures):
    promised = trained.figures
    assert figures["missed_rows"] <= 1  # at the instant of a demotion
    assert (figures["lost"], figures["duplicates"], figures["dead_letters"]) == (0, 0, 0)
    assert figures["rows"] == promised["test_rows"]
    assert figures["accepted_share"] == pytest.approx(promised["accepted_share_in_service"], abs=0.01)
    assert figures["r2_accepted"] == pytest.approx(promised["r2_in_service"], abs=0.01)
    assert figures["coverage_accepted"] == pytest.approx(promised["coverage_in_service"], abs=0.015)


def test_a_bias_for_each_product_is_that_of_the_product_that_production_tells_of(tmp_path):
    tables = f'{OUTPUT}[bias]\nper = "product"\n[function_space]\nenabled = false\n{RIDGE}'
    path = plants.grades(700).write(tmp_path, inputs=TAGS, tables=tables)
    path.write_text(path.read_text().replace("delay_rows", 'product_column = "grade"\ndelay_rows'))
    trained, figures = played(tmp_path, path)
    assert trained.output.bias.per_product
    assert figures["r2_accepted"] > 0.5  # without a product there is no correction, and nothing is explained
    must_agree(trained, figures)


def test_a_model_whose_errors_drift_is_demoted_in_the_play_where_training_says_so(tmp_path):
    plant = plants.continuous(600, drift=0.05)
    y = plant.y.copy()
    y[480:] += np.linspace(0, 12, 120)
    path = replace(plant, y=y).write(tmp_path, tables=f"{OUTPUT}[bias]\nenabled = false\n{RIDGE}", lags=(0, 2))
    trained, figures = played(tmp_path, path)
    assert figures["stage"] == {"plant": "shadow"}
    assert figures["demoted_rows"] == pytest.approx(trained.figures["demoted_share"] * figures["rows"], abs=1)
    assert figures["demoted_rows"] > 30
    must_agree(trained, figures)


BATCH = (
    '[[inputs]]\naggregate = "duration"\nsince = "phase:heat"\n'
    '[[inputs]]\ntag = "TI1"\nunit = "degC"\naggregate = "time_above"\nlevel = 80\nsince = "batch_start"\n'
    '[[inputs]]\ncategory = "product"\ncolumn = "product"\n'
)


def test_a_model_of_the_ends_of_batches_predicts_there_however_unlike_the_middle_of_a_batch_is(tmp_path):
    """Rows of training are of ends alone: what several predictions in a row mean, they do not say."""
    path = plants.batches(48).write(tmp_path, inputs=BATCH, tables=f"{OUTPUT}{RIDGE}")
    path.write_text(
        path.read_text().replace("period_seconds", 'batch_column = "batch"\nphase_column = "phase"\nperiod_seconds', 1)
    )
    trained, figures = played(tmp_path, path, lead=40)  # the batch that runs is known from its beginning
    assert (trained.outside, trained.domain.averaged_over) == (None, 1)
    assert figures["accepted_rows"] >= 14
    must_agree(trained, figures)


def two_outputs(folder):
    plant = plants.continuous(500, drift=0.05)
    other = 100 - 3 * plant.explained + np.random.default_rng(5).normal(size=500)
    lines = plant.csv().splitlines()
    rows = [f"{line},{value:.5g}" for line, value in zip(lines[1:], other, strict=True)]
    (folder / "plant.csv").write_text("\n".join([f"{lines[0]},z", *rows]) + "\n")
    outputs = "".join(
        f'[[outputs]]\nanalyte = "{analyte}"\ncolumn = "{column}"\nunit = "%"\nvalid = [-500, 500]\n'
        for analyte, column in (("quality", "y"), ("purity", "z"))
    )
    path = folder / "plant.toml"
    text = plant.recipe(tables=f"{OUTPUT}{RIDGE}", lags=(0, 2))
    path.write_text(text.replace(OUTPUT, outputs).replace("[[outputs]]\nanalyte", "[[outputs]]\nanalyte"))
    return path


def test_all_outputs_are_played_at_once_to_one_gateway(tmp_path):
    path = two_outputs(tmp_path)
    trained, bundles = made(tmp_path, path)
    first = int(trained[0].rows.at[trained[0].test.start])
    asked = ["play", str(path), "--virtual", "--speed", "60", "--from-row", str(first), "--lead", "2", "--json"]
    answer = CliRunner().invoke(app, [*asked, *(f"--bundle={bundle}" for bundle in bundles)])
    assert answer.exit_code == 0, answer.output
    figures = json.loads(answer.stdout)
    assert list(figures["outputs"]) == ["quality", "purity"]
    assert figures["lab_results"] == figures["dispositions"] >= 2 * 15
    for one in trained:
        own = figures["outputs"][one.recipe.output.analyte]
        assert (own["predicted_rows"], own["missed_rows"]) == (own["rows"], 0)
        assert own["r2_accepted"] == pytest.approx(one.figures["r2_in_service"], abs=0.01)
        assert own["accepted_share"] == pytest.approx(one.figures["accepted_share_in_service"], abs=0.01)


def test_without_a_bundle_all_outputs_are_there_and_with_one_its_own(tmp_path):
    path = two_outputs(tmp_path)
    everything = read_recording(path)
    assert [item.analyte for item in (everything, *everything.others)] == ["quality", "purity"]
    purity = read_recording(path, analytes=["purity"])
    assert (purity.analyte, purity.others) == ("purity", ())
