"""A recording that is played faster shows a gateway the numbers that training saw: slopes, changes, irregular times."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.bundles import bundle_files
from gateway.history.memory.rings import Rings
from gateway.inference.bundle import read_bundle
from gateway.inference.features import feature_vector, read_inputs, windows_of
from gateway.line.definition import TagDefinition
from gateway.records.process import TagSample
from gateway.training.bundle_files import bundle_of, write_bundle
from gateway.training.recipe import read_recipe
from gateway.training.train import train
from simulator.play.file import Recording, read_recording
from simulator.play.pace import at_pace
from simulator.play.plant import readings_of
from tests.fixtures.once import once
from tests.fixtures.real_parts import REPOSITORY

RECIPE = """
name = "fast"
version = "1.0.0"
intended_use = "Tests."
seed = 1
[data]
file = "plant.csv"
time_column = "t"
period_seconds = 60
[laboratory]
column = "y"
delay_seconds = 180
[split]
train = 0.75
[output]
analyte = "quality"
unit = "%"
valid = [-50.0, 50.0]
range_margin = 0.5
[bias]
trusts = [0.3]
half_lives_rows = [50]
max_step = 5.0
max_total = 5.0
max_age_rows = 60
[candidates]
kinds = ["ridge"]
folds = 3
[[inputs]]
tag = "a"
unit = "degC"
lags_rows = [0, 2]
differences_rows = [3]
[[inputs]]
tag = "a"
unit = "degC"
aggregate = "slope"
window_rows = 6
[[inputs]]
tag = "b"
unit = "bar"
aggregate = "mean"
window_rows = 4
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A plant that answers to slopes, with rows missing, blanks and results in every other row; its bundle."""

    def make(folder):
        chance = np.random.default_rng(5)
        count = 480
        a = np.convolve(chance.normal(size=count + 9), np.ones(10) / 3, mode="valid")
        b = np.convolve(chance.normal(size=count + 9), np.ones(10) / 3, mode="valid")
        y = 2 * a + 6 * np.concatenate([np.zeros(3), a[3:] - a[:-3]]) + b + 0.3 * chance.normal(size=count)
        lines = ["t,a,b,y"]
        for row in range(count):
            if chance.random() < 0.05 and row > 10:
                continue  # the historian missed it
            blank = chance.random() < 0.03
            shown = f"{y[row]:.5f}" if row % 2 == 0 else ""
            lines.append(f"{1_780_000_000 + 60 * row},{a[row]:.5f},{'' if blank else format(b[row], '.5f')},{shown}")
        (folder / "plant.csv").write_text("\n".join(lines) + "\n")
        recipe = folder / "fast.toml"
        recipe.write_text(RECIPE)
        made = train(read_recipe(recipe), folder=folder)
        write_bundle(bundle_of(made, recipe_name=recipe.name), folder / "bundle")
        return recipe, folder / "bundle", made.figures | {"first": int(made.rows.at[made.test.start])}

    return once(tmp_path_factory, "fast", make)


def inputs_at(definitions, samples, at_ns):
    tags = {
        tag: TagDefinition(name=tag, source="s", node="", equipment_id="", unit="", validated=None, max_age_ns=10**18)
        for tag in ("a", "b")
    }
    rings = Rings(dict.fromkeys(tags, "s"), capacity=200)
    for held_ns, value in samples:
        rings.add_notification(
            "s", [TagSample(tag=tag, value=value, status=0, source_ns=held_ns, server_ns=held_ns) for tag in tags],
            confirmed_ns=held_ns,
        )  # fmt: skip
    readings = read_inputs(definitions, tags, rings.windows(windows_of(definitions, at_ns)), at_ns)
    return feature_vector(definitions, readings, at_ns)


@settings(max_examples=30, deadline=None)
@given(speed=st.sampled_from([1.0, 60.0, 360.0, 1000.0]), seed=st.integers(0, 10**6))
def test_a_paced_model_sees_the_same_numbers_of_a_faster_plant(trained, tmp_path_factory, speed, seed):
    _recipe, folder, _figures = trained
    paced = at_pace(folder, speed=speed, to=tmp_path_factory.mktemp("paced"))
    before, after = (read_bundle(bundle_files(of), where="here").inputs for of in (folder, paced))
    chance = np.random.default_rng(seed)
    begin_ns, times = 10**18, np.cumsum(chance.uniform(5, 60, size=60))
    values = chance.normal(size=60)
    sets = [
        inputs_at(
            inputs, [(begin_ns + round(at * 1e9 / by), float(value)) for at, value in zip(times, values, strict=True)],
            begin_ns + round(times[-1] * 1e9 / by),
        )
        for inputs, by in ((before, 1.0), (after, speed))
    ]  # fmt: skip
    assert sets[1].names == sets[0].names
    assert sets[1].values == pytest.approx(sets[0].values, rel=1e-4, abs=1e-6)


def test_what_is_played_shows_what_training_saw(trained):
    recording = read_recording(trained[0])
    played = list(readings_of(recording, 0, len(recording)))
    assert [at for at, _row, _readings in played] == sorted(at for at, _row, _readings in played)
    assert recording.since_first_ns[-1] == 479 * 60 * 10**9
    assert all(result.arrives_ns - result.at_ns == 180 * 10**9 for result in recording.measured)
    blank = sum("b" not in readings for _at, _row, readings in played)
    assert blank > 3


def test_a_tag_without_readings_for_the_longest_gap_has_no_value_until_its_next_one():
    values = np.array([1.0, np.nan, np.nan, np.nan, 2.0])
    recording = Recording(name="r", tags={"t": values}, units={"t": "1"}, analyte="a", unit="1", truth=values,
                          period_seconds=1.0, gap_seconds=2.5)  # fmt: skip
    second = 10**9
    shown = [(at / second, readings) for at, _row, readings in readings_of(recording, 0, 5) if readings]
    assert shown == [(0.0, {"t": 1.0}), (2.5, {"t": None}), (4.0, {"t": 2.0})]


def labline_play(recipe, bundle, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "gateway", "play", str(recipe), "--bundle", str(bundle), *arguments],
        capture_output=True, text=True, check=False, timeout=120, cwd=REPOSITORY, env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip


def test_the_gateway_reaches_at_speed_what_training_says_and_misses_no_row(trained):
    recipe, bundle, promised = trained
    done = labline_play(recipe, bundle, "--virtual", "--speed", "300", "--from-row", str(promised["first"]),
                        "--lead", "12", "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["rows"] == figures["predicted_rows"] == figures["accepted_rows"] + figures["refused_rows"] > 50
    assert (figures["missed_rows"], figures["lost"], figures["duplicates"]) == (0, 0, 0)
    assert figures["lab_results"] == figures["dispositions"] > 50
    assert promised["r2_as_served"] > 0.9
    assert figures["r2_accepted"] == pytest.approx(promised["r2_accepted"], rel=0.01)
    assert figures["coverage_accepted"] == pytest.approx(promised["coverage"], abs=0.02)  # of 57 rows, one
    assert figures["accepted_share"] == pytest.approx(promised["accepted_share"], abs=0.02)


@pytest.mark.parametrize("option", [("--keep", "folder"), ("--opcua-port", "4840")])
def test_what_only_a_gateway_in_real_time_has_is_not_taken_in_virtual_time(trained, option):
    recipe, bundle, _promised = trained
    done = labline_play(recipe, bundle, "--virtual", *option)
    assert done.returncode == 2
    assert "--virtual" in done.stderr
