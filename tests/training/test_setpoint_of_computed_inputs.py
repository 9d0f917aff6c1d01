"""A setpoint whose follower is an input as a change or a ratio: what a move does is checked all the same."""

import pytest

from gateway.errors import LablineError
from gateway.training.recipe import read_recipe
from gateway.training.setpoint_findings import Verdict
from gateway.training.train import train
from tests.fixtures import generated_plants as plants

HEAD = """
[[manipulated]]
tag = "SP1"
unit = "1"
validated = [118.0, 123.0]
max_step = 2.0
resolution = 0.5
minimum_interval_seconds = 600
effect = "lowers"
"""
FEED = '[[inputs]]\ntag = "FI2"\nunit = "1"\n'
FOLLOWER = '[[inputs]]\ntag = "TI1"\nunit = "1"\nlags_rows = [0, 2, 4]\n'
RATIOS = ", ".join(f'"TI1/FI2.last.{lag}" = 0.018' for lag in (0, 2, 4))


@pytest.fixture(scope="module")
def setpoint_of(tmp_path_factory):
    plant = plants.moved_setpoint(700)

    def made(inputs, follows):
        folder = tmp_path_factory.mktemp("setpoint")
        path = plant.write(folder, inputs=FEED + inputs + HEAD + follows, tables='[candidates]\nkinds = ["ridge"]\n')
        (setpoint,) = train(read_recipe(path), folder=folder).setpoints
        return setpoint

    return made


def test_changes_beside_levels_leave_the_reaction_as_it_is_and_have_no_gain(setpoint_of):
    setpoint = setpoint_of(f"{FOLLOWER}differences_rows = [4, 8]\n", 'follows = ["TI1"]\n')
    assert set(setpoint.gains) == {"TI1.last.0", "TI1.last.2", "TI1.last.4"}  # a change settles at 0
    assert (setpoint.verdict, setpoint.may_suggest) == (Verdict.CONFIRMED, True)
    assert setpoint.model_reaction == pytest.approx(-0.5, rel=0.15)
    assert setpoint.data_reaction.low < -0.5 < setpoint.data_reaction.high


def test_of_changes_alone_no_move_is_suggested(setpoint_of):
    setpoint = setpoint_of(f"{FOLLOWER}differences_rows = [4, 8]\nlevels = false\n", "")
    assert (dict(setpoint.gains), setpoint.may_suggest) == ({}, False)
    assert "no input of the model follows the setpoint" in setpoint.warnings[0]


def test_a_ratio_moves_by_the_gain_that_the_recipe_states_for_it(setpoint_of):
    setpoint = setpoint_of(f'{FOLLOWER}over = "FI2"\n', f"gains = {{ {RATIOS} }}\n")
    assert set(setpoint.gains.values()) == {0.018}
    assert (setpoint.verdict, setpoint.may_suggest) == (Verdict.CONFIRMED, True)
    assert setpoint.model_reaction == pytest.approx(-0.4, abs=0.1)  # ridge sees the ratio as a line


def test_a_ratio_whose_gain_has_the_wrong_sign_is_refuted_by_the_data(setpoint_of):
    setpoint = setpoint_of(f'{FOLLOWER}over = "FI2"\n', f"gains = {{ {RATIOS.replace('0.018', '-0.018')} }}\n")
    assert setpoint.verdict is not Verdict.CONFIRMED
    assert not setpoint.may_suggest


def test_a_ratio_without_a_stated_gain_beside_a_follower_is_an_error_of_the_recipe(setpoint_of):
    with pytest.raises(LablineError, match=r"TI1/FI2\.last\.0 by an amount that hangs on how things stand"):
        setpoint_of(f'{FOLLOWER}over = "FI2"\n[[inputs]]\ntag = "TI1"\nunit = "1"\n', 'follows = ["TI1"]\n')
