"""Own models suggest setpoints: ``[[manipulated]]`` in a recipe, and only where the data confirm what a move does."""

import json
import tomllib
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import tomli_w
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.cli import model as commands
from gateway.cli.check import setpoint_warnings
from gateway.decisions.table import windows_needed
from gateway.errors import BundleRefusedError, LablineError
from gateway.events import ModelDue
from gateway.guardrails.setpoint_gates import judge_present, second_check
from gateway.guardrails.standing_advice import no_longer_advised
from gateway.history.memory.rings import Rings
from gateway.inference.bundle import MANIFEST, read_bundle
from gateway.line.definition import Interlock, Stage
from gateway.records.guidance import Guidance
from gateway.records.laboratory import Specification
from gateway.records.process import TagSample
from gateway.store.codec import decode
from gateway.time_units import seconds_to_ns
from gateway.training import bundle_files
from gateway.training import train as training
from gateway.training.reaction import COVERAGE, slope, unexplained
from gateway.training.recipe import read_recipe
from gateway.training.setpoint_findings import Verdict
from simulator.play.file import read_recording
from tests.fixtures.building import NOW_NS, assignment, line, linear, moment, tag
from tests.fixtures.setpoint_recipes import (
    EXAMPLE,
    REACTION,
    dryer,
    kept,
    late,
    recipe,
    rows_of,
    setpoint_of,
    slow,
)
from tests.fixtures.store_bench import Bench

MOISTURE = Specification(
    product="FG-100", analyte="moisture", lower=2.8, upper=4.2, target=3.7, unit="%", version="1"
)  # fmt: skip
UNITS = {
    "inlet_air_setpoint": "degC", "inlet_air_temperature": "degC", "feed_flow": "kg/h", "feed_moisture": "%",
    "dryer_mode": "1", "exhaust_fan_speed": "%",
}  # fmt: skip
LIKE_THE_PLANT = linear([REACTION / 3] * 3 + [0.01, 0.2], 4 - REACTION * 170 - 0.01 * 400 - 0.2 * 30)
WRONG_WAY = linear([-REACTION / 3] * 3 + [0.01, 0.2], 4 + REACTION * 170 - 0.01 * 400 - 0.2 * 30)


@pytest.fixture(scope="module")
def answering(tmp_path_factory):
    """A model of a dryer that answers to its setpoint."""
    return kept(tmp_path_factory, "answering", dryer())


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    """A model of a dryer whose setpoint does nothing."""
    return kept(tmp_path_factory, "silent", dryer(reaction=0.0))


class Dryer(Bench):
    """A line with the dryer and a model of it; every tag has stood still for twenty minutes."""

    def __init__(self, directory, bundle_, predict):
        super().__init__(directory)
        model = assignment(bundle=bundle_, predict=predict)
        tags = {name: tag(name, unit=unit, max_age_ns=seconds_to_ns(120)) for name, unit in UNITS.items()}
        self.line = line(models=(model,), tags=tags, specifications=(MOISTURE,))
        self.order()

    def due(self, setpoint, *, mode=2.0, fan=80.0, air=None, wet=30.0):
        held = dict(zip(UNITS, (setpoint, setpoint if air is None else air, 400.0, wet, mode, fan), strict=True))
        rings = Rings(dict.fromkeys(held, "plc1"), capacity=100)
        for at in range(-1200, 1, 60):
            at_ns = self.now_ns + seconds_to_ns(at)
            rings.add_notification(
                "plc1",
                [TagSample(tag=name, value=value, status=0, source_ns=at_ns, server_ns=at_ns)
                 for name, value in held.items() if value is not None],
                confirmed_ns=at_ns,
            )  # fmt: skip
        name = self.line.models[0].name
        event = ModelDue(event_id=f"due-{self.now_ns}", at=moment(self.now_ns), model=name)
        self.commit(event, rings.windows(windows_needed(event, self.line)))
        return [each for each in self.sent("guidance") if each["kind"] == "setpoint"]

    def why_not(self):
        (body,) = self.rows("SELECT body FROM prediction ORDER BY rowid DESC LIMIT 1")[0]
        return [each["code"] for each in json.loads(body)["no_suggestion"]]


@pytest.fixture
def dryer_line(tmp_path, request, answering):
    found = Dryer(tmp_path, answering.bundle, answering.predict)
    with closing(found.connection):
        yield found


def test_first_plant_05_an_own_model_suggests_a_setpoint_within_its_limits(answering, dryer_line):
    assert answering.setpoint.verdict is Verdict.CONFIRMED
    assert answering.setpoint.model_reaction == pytest.approx(REACTION, rel=0.15)
    assert answering.setpoint.data_reaction.low <= REACTION <= answering.setpoint.data_reaction.high
    (guidance,) = dryer_line.due(165.0)  # predicted 4.6, above 4.2
    suggestion = guidance["suggestion"]
    assert (suggestion["tag"], suggestion["current"]) == ("inlet_air_setpoint", 165.0)
    assert 165.0 < suggestion["proposed"] <= 171.0  # hotter air dries more; the largest step is 6
    assert suggestion["proposed"] * 2 == int(suggestion["proposed"] * 2)  # multiples of the resolution
    assert suggestion["expected"]["high"] <= 4.2
    assert suggestion["validated"] == [155.0, 185.0]


def test_first_plant_05_a_suggestion_never_leaves_what_the_plant_has_validated(dryer_line):
    for number, setpoint in enumerate((156.0, 158.0, 182.0, 184.5)):
        dryer_line.now_ns += seconds_to_ns(4000 * number)
        for guidance in dryer_line.due(setpoint, wet=30.0 + (setpoint - 170) / 3):
            assert 155.0 <= guidance["suggestion"]["proposed"] <= 185.0
            assert abs(guidance["suggestion"]["proposed"] - guidance["suggestion"]["current"]) <= 6.0


@pytest.mark.parametrize(
    ("mode", "fan", "code"),
    [
        (1.0, 80.0, "NOT_IN_STATE"),
        (2.5, 80.0, "NOT_IN_STATE"),  # between two states is no state
        (None, 80.0, "NOT_IN_STATE"),
        (3.0, 40.0, "INTERLOCKED"),
        (3.0, 80.0, None),
    ],
)
def test_first_plant_05_an_interlock_is_a_range_or_a_set_of_states(dryer_line, mode, fan, code):
    suggested = dryer_line.due(165.0, mode=mode, fan=fan)
    assert bool(suggested) is (code is None)
    assert dryer_line.why_not() == ([] if code is None else [code])


def test_first_plant_05_a_plant_that_does_not_answer_gets_no_suggestion_and_a_warning(silent, tmp_path):
    assert silent.setpoint.verdict is Verdict.NO_REACTION
    assert silent.bundle.manipulated[0].may_suggest is False
    assert "the data show no reaction to the setpoint" in silent.card
    assert any("no move of it is suggested" in warning for warning in silent.trained.warnings)
    plant = Dryer(tmp_path, silent.bundle, silent.predict)
    with closing(plant.connection):
        assert plant.due(165.0, wet=32.0) == []  # predicted 4.4, above 4.2
        assert plant.why_not() == ["REACTION_NOT_SHOWN"]


def test_first_plant_05_no_door_lets_a_move_pass_whose_effect_is_not_confirmed(answering, dryer_line):
    (guidance,) = dryer_line.due(165.0)
    (setpoint,) = answering.bundle.manipulated
    marked = replace(answering.bundle, manipulated=(replace(setpoint, may_suggest=False),))
    here = replace(dryer_line.line, models=(assignment(bundle=marked, predict=answering.predict),))
    present = {"inlet_air_setpoint": 165.0, "dryer_mode": 2.0, "exhaust_fan_speed": 80.0}
    assert second_check(json.dumps(guidance).encode(), dryer_line.line, present.get) is None
    assert second_check(json.dumps(guidance).encode(), here, present.get).code == "REACTION_NOT_SHOWN"
    refused = judge_present(marked.manipulated[0], present=present, last_move_ns=None, at_ns=NOW_NS)
    assert refused.code == "REACTION_NOT_SHOWN"
    (body,) = dryer_line.rows("SELECT body FROM guidance WHERE kind = 'setpoint'")[0]
    assert no_longer_advised(decode(Guidance, body), dryer_line.line, ()) is None
    assert no_longer_advised(decode(Guidance, body), here, ()).code == "REACTION_NOT_SHOWN"
    dryer_line.line = here
    dryer_line.now_ns += seconds_to_ns(5)
    assert dryer_line.due(165.0)[-1]["state"] == "withdrawn"


def test_first_plant_05_check_says_which_setpoints_a_model_does_not_move(answering, dryer_line):
    assert setpoint_warnings(dryer_line.line) == []
    (setpoint,) = answering.bundle.manipulated
    marked = assignment(bundle=replace(answering.bundle, manipulated=(replace(setpoint, may_suggest=False),)))
    (told,) = setpoint_warnings(replace(dryer_line.line, models=(marked,)))
    assert told.startswith("dryer_moisture 1.0.0 suggests no move of inlet_air_setpoint")
    assert setpoint_warnings(replace(dryer_line.line, models=(replace(marked, stage=Stage.SHADOW),))) == []


def test_first_plant_05_the_bundle_and_the_card_say_what_was_declared_and_what_the_data_show(answering):
    (setpoint,) = answering.bundle.manipulated
    assert (setpoint.max_step, setpoint.resolution, setpoint.validated) == (6.0, 0.5, (155.0, 185.0))
    assert setpoint.minimum_interval_ns == seconds_to_ns(1800)
    assert setpoint.gains == {f"inlet_air_temperature.mean.{lag}": 1.0 for lag in (0, 5, 10)}
    assert setpoint.interlocks == (
        Interlock(tag="dryer_mode", within=(2.0, 3.0), states=(2.0, 3.0)),
        Interlock(tag="exhaust_fan_speed", within=(60.0, 100.0)),
    )
    assert "the data confirm the model's reaction" in answering.card
    assert "inlet_air_temperature by 1 (declared)" in answering.card
    text = answering.files[MANIFEST].decode()
    assert 'verdict = "confirmed"' in text
    assert f"coverage = {COVERAGE}" in text


def test_first_plant_05_the_end_of_training_shows_setpoints_and_warnings(silent, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "train", lambda *_arguments, **_more: silent.trained)
    monkeypatch.setattr(bundle_files, "bundle_of", lambda *_arguments, **_more: silent.files)
    path = tmp_path / "dryer.toml"
    path.write_text(EXAMPLE.read_text())
    run = CliRunner()
    shown = run.invoke(commands.app, ["train", str(path), "--to", str(tmp_path / "people")])
    assert "setpoints it may move" in shown.stdout
    assert "warning: inlet_air_setpoint: the data show no reaction" in shown.stderr
    document = json.loads(run.invoke(commands.app, ["train", str(path), "--to", str(tmp_path / "m"), "--json"]).stdout)
    (setpoint,) = document["setpoints"]
    assert (setpoint["tag"], setpoint["suggest"], setpoint["verdict"]) == ("inlet_air_setpoint", False, "no_reaction")
    assert document["warnings"] == list(silent.trained.warnings)
    inspected = run.invoke(commands.app, ["inspect", str(tmp_path / "m" / "dryer_moisture" / "1.0.0")])
    assert "dryer_mode in [2, 3]" in inspected.stdout


@pytest.mark.parametrize(
    ("columns", "model", "verdict"),
    [
        (dryer(), LIKE_THE_PLANT, Verdict.CONFIRMED),
        (dryer(), WRONG_WAY, Verdict.OPPOSITE),
        (dryer(), linear([REACTION] * 3 + [0.01, 0.2], 0.0), Verdict.OTHER_SIZE),  # three times as strong
        (dryer(), linear([0.0] * 3 + [0.01, 0.2], 0.0), Verdict.OTHER_SIZE),  # it has learned nothing of it
        (dryer(reaction=0.0), LIKE_THE_PLANT, Verdict.NO_REACTION),
        (dryer(reaction=0.0, with_the_feed=True), LIKE_THE_PLANT, Verdict.NO_REACTION),  # it only moves with the cause
        (dryer(moved=False), LIKE_THE_PLANT, Verdict.NOT_MOVED),
    ],
)
def test_first_plant_05_what_the_model_says_of_a_move_is_held_against_the_data(columns, model, verdict):
    setpoint = setpoint_of(columns, recipe(effect=None), model=model)
    assert setpoint.verdict is verdict
    assert setpoint.may_suggest is (verdict is Verdict.CONFIRMED)
    wanted = {how: setpoint.table.model_copy(update={"suggest": how}) for how in ("always", "never")}
    assert replace(setpoint, table=wanted["always"]).may_suggest
    assert not replace(setpoint, table=wanted["never"]).may_suggest


def follows_the_analyte():
    """A dryer whose operators raise the setpoint as the moisture rises by something that nobody measures."""
    columns, chance = dryer(), np.random.default_rng(2)
    hidden = slow(chance)
    columns["inlet_air_setpoint"] = 170 + 6 * late(np.repeat(hidden[::3], 3), 3)
    columns["inlet_air_temperature"] = columns["inlet_air_setpoint"] + chance.normal(size=720) * 0.4
    columns["moisture"] = 4 + REACTION * (late(columns["inlet_air_setpoint"], 7) - 170) + 2 * late(hidden, 7)
    return columns


def test_first_plant_05_a_reaction_that_people_know_to_be_reversed_is_never_followed():
    reversed_model = linear([0.05] * 3 + [0.0, 0.0], 4 - 0.15 * 170)
    blind = setpoint_of(follows_the_analyte(), recipe(effect=None), model=reversed_model)
    assert blind.verdict is Verdict.CONFIRMED  # data and model err alike: nothing in them shows it
    for suggest in ("if_confirmed", "always"):
        knowing = setpoint_of(follows_the_analyte(), recipe(suggest=suggest), model=reversed_model)
        assert knowing.verdict is Verdict.UNEXPECTED
        assert not knowing.may_suggest
        assert "no move of it is suggested" in knowing.warnings[0]


def test_first_plant_05_the_same_rows_say_the_same_each_time():
    once, again = (setpoint_of(dryer(), recipe(), model=LIKE_THE_PLANT) for _ in range(2))
    assert once == again


def test_first_plant_05_two_moves_prove_nothing_however_many_rows_there_are():
    columns = dryer()
    columns["inlet_air_setpoint"] = np.where(np.arange(720) < 300, 160.0, 180.0)
    columns["inlet_air_temperature"] = columns["inlet_air_setpoint"]
    setpoint = setpoint_of(columns, recipe(), model=LIKE_THE_PLANT)
    assert setpoint.verdict is Verdict.NOT_MOVED
    assert "at least a dozen times" in setpoint.warnings[0]


def test_first_plant_05_limits_wider_than_what_the_data_cover_are_warned_of():
    (told,) = setpoint_of(dryer(), recipe(validated=(120.0, 185.0)), model=LIKE_THE_PLANT).warnings
    assert "validated 120 to 185 is wider than what the data cover, 156.3 to 183.6 degC" in told
    assert setpoint_of(dryer(), recipe(validated=(157.0, 183.0)), model=LIKE_THE_PLANT).warnings == ()


def test_first_plant_05_gains_are_declared_or_one_or_estimated_and_said():
    declared = setpoint_of(dryer(), recipe(), model=LIKE_THE_PLANT)
    assert set(declared.gains.values()) == {1.0}
    estimated = setpoint_of(
        dryer(), recipe(gains={}, follows=["inlet_air_temperature"]), model=LIKE_THE_PLANT
    )  # fmt: skip
    assert estimated.verdict is Verdict.CONFIRMED
    assert list(estimated.gains.values()) == pytest.approx([1.0] * 3, abs=0.03)
    assert any("gain of inlet_air_temperature by" in told for told in estimated.warnings)
    assumed = setpoint_of(dryer(), recipe(gains={}, follows=[]), model=LIKE_THE_PLANT)
    assert assumed.gains.keys() == declared.gains.keys()
    assert assumed.verdict is Verdict.UNCONFIRMED_GAINS  # what follows the setpoint is for a person to say
    assert not assumed.may_suggest


def test_first_plant_05_an_input_of_the_setpoint_itself_follows_it_by_one():
    own = recipe(gains={})
    tables = [
        each.model_copy(update={"tag": "inlet_air_setpoint"}) if each.tag == "inlet_air_temperature" else each
        for each in own.inputs
    ]
    setpoint = setpoint_of(dryer(), own.model_copy(update={"inputs": tables}), model=LIKE_THE_PLANT)
    assert setpoint.gains == {f"inlet_air_setpoint.mean.{lag}": 1.0 for lag in (0, 5, 10)}
    assert setpoint.verdict is Verdict.CONFIRMED


def test_first_plant_05_an_input_may_follow_the_other_way_round():
    """A valve that closes as the setpoint rises: the gain is negative, the reaction is the setpoint's."""
    columns = dryer()
    columns["inlet_air_temperature"] = -2 * columns["inlet_air_temperature"]
    valve = linear([REACTION / -6] * 3 + [0.01, 0.2], 4 - REACTION * 170 - 0.01 * 400 - 0.2 * 30)
    setpoint = setpoint_of(columns, recipe(gains={"inlet_air_temperature": -2.0}), model=valve)
    assert setpoint.verdict is Verdict.CONFIRMED
    assert setpoint.model_reaction == pytest.approx(REACTION)
    wrong = setpoint_of(columns, recipe(gains={"inlet_air_temperature": 2.0}), model=valve)
    assert wrong.verdict is Verdict.UNEXPECTED
    (estimated,) = setpoint_of(columns, recipe(gains={}, follows=["inlet_air_temperature"]), model=valve).followers
    assert estimated.value == pytest.approx(-2.0, abs=0.06)


def test_first_plant_05_the_reaction_of_a_model_of_the_logarithm_is_in_the_analytes_unit():
    of = recipe()
    of = of.model_copy(update={"output": of.output.model_copy(update={"logarithmic": True})})
    columns = dryer()
    columns["moisture"] = np.exp(columns["moisture"] / 4)
    setpoint = setpoint_of(columns, of, model=lambda rows: np.exp(LIKE_THE_PLANT(rows) / 4))
    assert setpoint.verdict is Verdict.CONFIRMED
    middle = np.median(rows_of(columns, of).values)
    assert setpoint.model_reaction == pytest.approx(REACTION / 4 * middle)
    assert setpoint.data_reaction.low <= setpoint.model_reaction <= setpoint.data_reaction.high


def test_first_plant_05_an_input_that_is_said_to_follow_and_does_not_is_said():
    setpoint = setpoint_of(dryer(), recipe(gains={}, follows=["feed_flow"]), model=LIKE_THE_PLANT)
    assert setpoint.gains == {}
    assert setpoint.verdict is Verdict.NOTHING_FOLLOWS
    assert not setpoint.may_suggest
    assert any("do not show that it follows" in told for told in setpoint.warnings)
    assert any("inlet_air_temperature moves together with it and is not named" in told for told in setpoint.warnings)


def test_first_plant_05_rows_at_which_the_setpoint_is_not_known_do_not_count():
    of = recipe()
    columns = dryer()
    columns["inlet_air_setpoint"][100:200] = np.nan
    setpoint = setpoint_of(columns, of, model=LIKE_THE_PLANT)
    assert setpoint.rows < len(rows_of(columns, of))
    assert setpoint.verdict is Verdict.CONFIRMED
    columns["inlet_air_setpoint"][:] = np.nan
    unknown = setpoint_of(columns, of, model=LIKE_THE_PLANT)
    assert unknown.verdict is Verdict.NOT_MOVED
    assert any("not known at any row" in told for told in unknown.warnings)


SETPOINT = EXAMPLE.read_text()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("validated = [155.0, 185.0]", "validated = [185.0, 155.0]", "has no room between lower and upper"),
        ("resolution = 0.5", "resolution = 10.0", "resolution 10 is larger than max_step 6"),
        ("max_step = 6.0", "max_step = 60.0", "larger than all of validated"),
        ("max_step = 6.0", "max_steps = 6.0", "did you mean max_step?"),
        ("gains = { inlet_air_temperature = 1.0 }", "gains = { inlet_air = 1.0 }", "did you mean inlet_air"),
        ("gains = { inlet_air_temperature = 1.0 }", 'follows = ["air"]', "names air, which is no input's tag"),
        ("gains = { inlet_air_temperature = 1.0 }", "gains = { inlet_air_temperature = 0.0 }", "leave it out"),
        ("within = [60.0, 100.0]", "within = [100.0, 60.0]", "is reversed"),
        (", within = [60.0, 100.0]", "", "needs within = [lower, upper] or states"),
        ("states = [2, 3]", "states = [2, 3], within = [2.0, 3.0]", "one of them"),
        ("[[manipulated]]", "[[manipulate]]", "did you mean manipulated?"),
        ("lags_rows = [0, 5, 10]", "lags_rows = [0, 5, 5]", "two inputs are called inlet_air_temperature.mean.5"),
    ],
)
def test_first_plant_05_what_is_wrong_with_a_setpoint_in_a_recipe_is_said(tmp_path, before, after, message):
    path = tmp_path / "dryer.toml"
    path.write_text(SETPOINT.replace(before, after))
    assert before in SETPOINT
    with pytest.raises(LablineError) as caught:
        read_recipe(path)
    assert message in str(caught.value)
    assert "docs/recipes.md" in caught.value.hint


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("period_seconds = 60", "period_seconds = 600000", "window_rows: inlet_air_temperature.mean.0 reaches over"),
        ("lags_rows = [10]", "lags_rows = [90000]", "lags_rows: feed_moisture.last.90000 reaches over"),
    ],
)
def test_first_plant_05_what_no_bundle_may_have_is_said_before_training(tmp_path, before, after, message):
    (tmp_path / "dryer.toml").write_text(SETPOINT.replace(before, after))  # there is no data: it is not even looked for
    with pytest.raises(LablineError, match=message):
        training.train(read_recipe(tmp_path / "dryer.toml"), folder=tmp_path)


@pytest.mark.parametrize("condition", [{}, {"within": [1.0, 2.0], "states": [1]}])
def test_first_plant_05_a_bundle_whose_interlock_says_nothing_or_two_things_is_refused(answering, condition):
    manifest = tomllib.loads(answering.files[MANIFEST].decode())
    manifest["manipulated"][0]["interlocks"] = [{"tag": "mode", **condition}]
    with pytest.raises(BundleRefusedError, match="interlock mode"):
        read_bundle(answering.files | {MANIFEST: tomli_w.dumps(manifest).encode()}, where="here")


def test_first_plant_05_a_played_recording_has_the_setpoint_and_lets_interlocks_hold(tmp_path):
    columns = dryer()
    made_of = [
        ",".join(columns),
        *(",".join(f"{value:.4f}" for value in row) for row in zip(*columns.values(), strict=True)),
    ]
    (tmp_path / "dryer.csv").write_text("\n".join(made_of) + "\n")
    (tmp_path / "dryer.toml").write_text(SETPOINT)
    recording = read_recording(tmp_path / "dryer.toml")
    assert recording.tags["inlet_air_setpoint"][:3] == pytest.approx(columns["inlet_air_setpoint"][:3], abs=1e-3)
    assert set(recording.tags["dryer_mode"]) == {2.0}
    assert set(recording.tags["exhaust_fan_speed"]) == {60.0}
    assert recording.units["inlet_air_setpoint"] == "degC"


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), size=st.floats(0.5, 5.0), drift=st.floats(0.0, 0.2))
def test_first_plant_05_the_interval_of_a_reaction_holds_what_the_plant_does(seed, size, drift):
    """Of 99 in 100; so the same examples each time, and room for the one: twice the interval."""
    chance = np.random.default_rng(seed)
    setpoint = np.repeat(chance.normal(size=40), 15)
    values = size * setpoint + chance.normal(size=600) + drift * np.cumsum(chance.normal(size=600))
    found = slope(values, setpoint[:, None], folds=4, gap=2)
    assume(found is not None)  # a few moves may be larger than all the others together
    reach = found.high - found.low
    assert found.low - reach / 2 <= size <= found.high + reach / 2
    assert slope(values, np.ones((600, 1)), folds=4, gap=2) is None


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_first_plant_05_a_drift_of_the_plant_is_no_reaction_to_its_setpoint(seed):
    chance = np.random.default_rng(seed)
    setpoint = np.repeat(chance.normal(size=40), 15)
    values = np.cumsum(chance.normal(size=600)) * 0.2
    left = unexplained(np.column_stack([values, setpoint]), np.empty((600, 0)), folds=4, gap=2, seed=1)
    found = slope(left[:, 0], left[:, 1:], folds=4, gap=2)
    assume(found is not None)
    reach = found.high - found.low
    assert found.low - reach / 2 <= 0 <= found.high + reach / 2
