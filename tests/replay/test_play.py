"""``labline play`` and ``labline replay``: a recording through the whole gateway, and what it decided once more."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from gateway.cli import app, corrections
from gateway.config.bundles import bundle_files
from gateway.contract.times import parse_rfc3339, rfc3339
from gateway.inference.bundle import read_manifest
from gateway.replay.recorded import Stretch, output_on_record
from gateway.runtime import act_requests
from gateway.store.database import read_state
from gateway.training.bundle_files import bundle_of, write_bundle
from gateway.training.recipe import read_recipe
from gateway.training.recorded_rows import recorded_rows
from gateway.training.train import train
from simulator.broker import find_mosquitto
from simulator.play.file import Timetable, read_recording
from simulator.play.pace import at_pace
from tests.fixtures.building import moment
from tests.fixtures.once import once
from tests.fixtures.people import add_users_to
from tests.fixtures.real_parts import REPOSITORY, missing
from tests.fixtures.small_recipe import RECIPE, write_recipe


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A recipe, and the bundle that was made by it with the figures it promises."""

    def make(folder):
        recipe = write_recipe(folder)
        made = train(read_recipe(recipe), folder=folder)
        write_bundle(bundle_of(made, recipe_name=recipe.name), folder / "bundle")
        return recipe, folder / "bundle", made.figures

    return once(tmp_path_factory, "trained", make)


@pytest.fixture(scope="module")
def played(trained, tmp_path_factory):
    """The figures of a recording that was played, and the folder with the store that it left."""
    if find_mosquitto() is None:
        missing("mosquitto")
    recipe, bundle, _promised = trained

    def make(folder):
        kept = folder / "kept"
        figures = labline("play", recipe, "--bundle", bundle, "--speed", 300, "--from-row", 450, "--rows", 100,
                        "--lead", 30, "--keep", kept, "--json")  # fmt: skip
        return figures, kept

    return once(tmp_path_factory, "played", make)


def labline(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=120, cwd=REPOSITORY, env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == code, done.stderr + done.stdout
    return json.loads(done.stdout) if "--json" in arguments else done.stdout + done.stderr


def test_the_running_gateway_reaches_on_a_recording_what_training_has_promised(trained, played):
    _recipe, _bundle, promised = trained
    figures, kept = played
    assert (figures["lost"], figures["duplicates"], figures["dead_letters"], figures["audit"]) == (0, 0, 0, "ok")
    assert figures["lab_results"] == figures["dispositions"] >= 19
    assert figures["predicted_rows"] >= 30  # of 100: at 300 times the pace a busy machine passes many by
    assert figures["accepted_share"] > 0.8
    assert figures["r2_accepted"] > max(promised["r2_as_served"] - 0.25, figures["r2_last_result"])
    assert figures["coverage_accepted"] > 0.6
    assert figures["stage"] == {"quality": "advise"}
    assert figures["alarms"] == []
    assert (kept / "store" / "state.db").exists()


def test_what_was_decided_is_decided_again_to_the_last_bit_each_time(played, tmp_path):
    _found, kept = played
    reports = [
        labline("replay", "--config", kept / "labline.toml", "--out", tmp_path / name, "--json") for name in "ab"
    ]
    assert (reports[0]["differences"], reports[0]["first_differences"]) == (0, [])
    (both,) = reports[0]["models"].values()
    assert both["then"] == both["now"]
    assert both["then"]["accepted"] > 25
    assert both["then"]["hits"] > 5
    assert reports[0]["sha256"] == reports[1]["sha256"]
    assert (tmp_path / "a" / "differences.csv").read_text() == (tmp_path / "b" / "differences.csv").read_text()


def test_another_version_is_held_against_what_was_said_at_the_time(trained, played, tmp_path):
    recipe, _bundle, _promised = trained
    _found, kept = played
    (tmp_path / "next.toml").write_text(
        RECIPE.replace('version = "1.0.0"', 'version = "1.1.0"')
        .replace('["ridge", "linear_and_trees"]', '["pls"]')
        .replace('file = "data.csv"', f'file = "{recipe.parent / "data.csv"}"')
    )
    made = train(read_recipe(tmp_path / "next.toml"), folder=tmp_path)
    write_bundle(bundle_of(made, recipe_name="next.toml"), tmp_path / "next")
    candidate = at_pace(tmp_path / "next", speed=300.0, to=tmp_path / "paced")
    report = labline(
        "replay", "--config", kept / "labline.toml", "--bundle", candidate, "--json", "--out", tmp_path / "r"
    )
    drawn = {drawing.name: drawing.read_bytes() for drawing in (tmp_path / "r").glob("*.png")}
    assert drawn.keys() == {"quality-quality-over-time.png", "quality-quality-counts.png", "guidance-counts.png"}
    assert all(drawing.startswith(b"\x89PNG") for drawing in drawn.values())
    (both,) = report["models"].values()
    assert report["differences"] > 50
    assert both["then"]["predictions"] == both["now"]["predictions"]
    assert both["now"]["mean_half_width"] != both["then"]["mean_half_width"]
    assert both["now"]["results"] == both["then"]["results"] > 10
    shown = labline("replay", "--config", kept / "labline.toml", "--bundle", candidate)
    assert "differences; the first" in shown
    assert "mean_half_width" in shown


def test_a_stretch_of_it_is_decided_as_it_was_with_what_the_laboratory_had_said_before(played):
    _found, kept = played
    whole = labline("replay", "--config", kept / "labline.toml", "--json")
    begin, end = (parse_rfc3339(whole[name]) for name in ("from", "to"))
    half = rfc3339((begin + end) // 2)
    later = labline("replay", "--config", kept / "labline.toml", "--from", half, "--json")
    assert 0 < later["events"] < whole["events"]
    assert (later["differences"], later["first_differences"]) == (0, [])
    assert sum(model["then"]["predictions"] for model in later["models"].values()) < 100


def recorded(trained, played, **changes):
    """The recipe as one of the store that was left: its rows are the results there, its periods those of the play."""
    recipe, _bundle, _promised = trained
    _found, kept = played
    text = recipe.read_text()
    data, rest = text.index("[data]"), text.index("[split]")
    table = {"configuration": str(kept / "labline.toml"), "period_seconds": 60 / 300, **changes}
    lines = "\n".join(f"{name} = {value if name == 'since' else json.dumps(value)}" for name, value in table.items())
    return f"{text[:data]}[history]\n{lines}\n\n{text[rest:]}".replace("coverage = 0.9", "").replace(
        "valid = [-50.0, 50.0]", "valid = [-50.0, 50.0]\ncoverage = 0.5"
    )


def test_a_model_is_trained_from_what_the_line_itself_has_on_record(trained, played, tmp_path):
    written = tmp_path / "recorded.toml"
    written.write_text(recorded(trained, played))
    rows = recorded_rows(read_recipe(written), folder=tmp_path)
    with closing(read_state(played[1] / "store")) as connection:
        predictions = output_on_record(connection, Stretch(from_ns=0, until_ns=2**62)).predictions
    predicted_from = {
        rfc3339(prediction.features.end_ns): prediction.features.values
        for prediction in predictions.values()
        if prediction.features
    }
    assert len(rows) >= 15
    for name, values in zip(rows.names, rows.features, strict=True):
        assert tuple(values) == predicted_from[name]  # to the last bit what the running gateway saw of the sample
    assert rows.timing.every_ns == pytest.approx(1e9, rel=0.05)  # five rows
    trained = labline(
        "model", "train", written, "--to", tmp_path / "made", "--json", code=1
    )  # too few for its criterion
    card = (Path(trained["folder"]) / "card.md").read_text()
    assert "A row is a laboratory result" in card
    assert trained["figures"]["rows"] == len(rows)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"configuration": "nowhere.toml"}, "nowhere.toml"),
        ({"store": "nowhere"}, "nowhere"),
        ({"equipment": "R9"}, "left out: "),
        ({"since": "2100-01-01T00:00:00Z"}, "has no result of quality to learn from"),
        ({"since": "2026-01-01T00:00:00"}, "history.since"),
    ],
)
def test_what_keeps_a_model_from_being_trained_from_the_record_is_said(trained, played, tmp_path, changes, message):
    written = tmp_path / "recorded.toml"
    written.write_text(recorded(trained, played, **changes))
    assert message in labline("model", "train", written, "--to", tmp_path / "made", code=2)


class HandMoved:
    """A clock that moves only where somebody waits."""

    def __init__(self, now_ns):
        self._now_ns = now_ns

    def time_ns(self):
        return self._now_ns

    def now(self):
        return moment(self._now_ns)

    def sleep(self, seconds):
        self._now_ns += round(seconds * 10**9)


def test_what_results_propose_is_shown_and_signed_by_a_person(played, tmp_path, monkeypatch):
    _found, kept = played
    here = tmp_path / "line"
    shutil.copytree(kept, here, ignore=shutil.ignore_patterns("notify"))
    config = here / "labline.toml"
    config.write_text(config.read_text().replace(str(kept), str(here)).replace('bias = "auto"', 'bias = "signed"'))
    key = tmp_path / "approver.pem"
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    where, who = ("--config", config, "--json"), ("--key", key, "--approver", "Q. Head", "--meaning", "checked")
    with closing(read_state(here / "store")) as connection:
        (newest_ns,) = connection.execute("SELECT max(sampled_ns) FROM feedback").fetchone()
    monkeypatch.setattr(corrections, "time", SimpleNamespace(time_ns=lambda: newest_ns + 60 * 10**9))
    answer = CliRunner().invoke(app, ["model", "correct", "quality", *map(str, (*where, *who))])
    assert "no correction of quality is proposed" in str(answer.exception)  # at this pace they are too old after 12 s
    add_users_to(here / "store")
    clock = HandMoved(newest_ns + 10**9)
    monkeypatch.setattr(corrections, "time", clock)
    monkeypatch.setattr(act_requests, "SystemClock", lambda: clock)

    def correct(*arguments):
        done = CliRunner().invoke(app, ["model", "correct", "quality", *map(str, (*where, *arguments))])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)["corrections"][0]

    shown = correct()
    assert (shown["in force"], shown["signed"]) == (0.0, 0)
    assert shown["results"] >= 19
    assert shown["proposed"] != 0.0
    other = CliRunner().invoke(app, ["model", "correct", "quality", *map(str, (*where, *who, "--bias", "9"))])
    assert "not 9" in str(other.exception)
    assert correct()["signed"] == 0
    correct(*who, "--bias", f"{shown['proposed']:.4g}")
    after = correct()
    assert (after["signed"], after["proposed"]) == (1, None)  # what was proposed is in force
    assert 0.85 < after["in force"] / shown["proposed"] < 1  # and fades by its half life of 10 s
    assert labline("audit", "verify", *where)["audit"] == "ok"
    for arguments, message in (
        (("nobody",), "no [[model]]"),
        (("quality", "--analyte", "colour"), "quality predicts no value colour"),
        (("quality", "--key", key), "a signature needs a name and a meaning"),
        (("quality", *who[2:], "--key", config), "cannot be used as a key"),
    ):
        assert message in labline("model", "correct", *arguments, "--config", config, code=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "yesterday"), "--from"),
        (("--bundle", REPOSITORY / "models" / "ph" / "1.0.0"), "is called ph"),
        (("--store", REPOSITORY), "there is no store"),
    ],
)
def test_what_cannot_be_replayed_is_said(played, arguments, message):
    _found, kept = played
    assert message in labline("replay", "--config", kept / "labline.toml", *arguments, code=2)


def test_a_bundle_for_a_faster_plant_is_the_same_model_with_shorter_times(trained, tmp_path):
    _recipe, bundle, _promised = trained
    faster = bundle_files(at_pace(bundle, speed=300.0, to=tmp_path))
    before, after = (read_manifest(files, where="here") for files in (bundle_files(bundle), faster))
    assert after.files == before.files
    assert after.version == "1.0.0+x300"
    lags = [[item.lag_seconds for item in manifest.input] for manifest in (before, after)]
    assert [lag * 300 for lag in lags[1]] == pytest.approx(lags[0])
    one, other = before.output[0].interval.widening, after.output[0].interval.widening
    assert [age * 300 for age in other.age_seconds] == pytest.approx(one.age_seconds)
    assert after.output[0].bias.half_life_seconds * 300 == pytest.approx(before.output[0].bias.half_life_seconds)


def test_any_file_of_numbers_can_be_played_and_every_other_column_is_a_tag(tmp_path):
    write_recipe(tmp_path)
    (tmp_path / "mine.toml").write_text(
        '[data]\nfile = "data.csv"\nperiod_seconds = 60\n[laboratory]\ncolumn = "y"\nevery_rows = 5\ndelay_rows = 3\n'
    )
    recording = read_recording(tmp_path / "mine.toml")
    assert (list(recording.tags), recording.analyte, len(recording)) == (["a", "b"], "y", 600)


def test_without_a_bundle_the_plant_and_its_laboratory_are_there_for_another_gateway(tmp_path):
    if find_mosquitto() is None:
        missing("mosquitto")
    recipe = write_recipe(tmp_path)
    shown = labline("play", recipe, "--speed", 600, "--rows", 5, "--begin-after", 0)
    assert 'node = "nsu=urn:labline:simulator;s=a"' in shown
    assert "OPC UA: opc.tcp://127.0.0.1:" in shown
    figures = labline("play", recipe, "--speed", 600, "--rows", 20, "--begin-after", 0, "--json")
    assert (figures["rows_played"], figures["lab_results"], figures["predictions_heard"]) == (20, 4, 0)


def test_each_instant_belongs_to_the_row_that_holds_then():
    timetable = Timetable(begin_ns=1000, first=7, end=9, since_first_ns=20 * np.arange(9), speed=2.0)
    assert timetable.instant_ns(8) == 1010
    assert [timetable.row_at(at_ns) for at_ns in (999, 1000, 1009, 1010)] == [6, 7, 7, 8]


@pytest.mark.parametrize(
    ("before", "after", "arguments", "message"),
    [
        ('column = "y"', 'column = "z"', (), "has no column z"),
        ('file = "data.csv"', 'file = "nowhere.csv"', (), "cannot be read"),
        ("[laboratory]", "[lab]", (), "laboratory: Field required"),
        ("seed = 1", "seed =", (), "is not TOML"),
        ("seed = 1", "seed = 1", ("--from-row", "600"), "there is no row 600"),
        ("seed = 1", "seed = 1", ("--speed", "1000"), "play it at 600 times at most"),
        ("seed = 1", "seed = 1", ("--bundle", "nowhere", "--speed", "60"), "nowhere is no bundle"),
    ],
)
def test_what_cannot_be_played_is_said(tmp_path, before, after, arguments, message):
    recipe = write_recipe(tmp_path)
    recipe.write_text(RECIPE.replace(before, after))
    assert message in labline("play", recipe, *arguments, code=2)
