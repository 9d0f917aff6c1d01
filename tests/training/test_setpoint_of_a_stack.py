"""What the data show of a setpoint is held against the model whatever it is made of: kernels, or several kinds."""

import pytest

from gateway.training.recipe import read_recipe
from gateway.training.setpoint_findings import Verdict
from gateway.training.train import train
from tests.fixtures import generated_plants as plants

INPUTS = """
[[inputs]]
tag = "TI1"
unit = "1"
lags_rows = [0, 2, 4]

[[inputs]]
tag = "FI2"
unit = "1"
"""
MANIPULATED = """
[[manipulated]]
tag = "SP1"
unit = "1"
validated = [110.0, 130.0]
max_step = 2.0
resolution = 0.5
minimum_interval_seconds = 600
effect = "{effect}"
follows = ["TI1"]
"""


def setpoint_of(folder, plant, *, effect="lowers"):
    tables = '[candidates]\nkinds = ["kernel", "ridge"]\nfolds = 3\n'
    inputs = INPUTS + MANIPULATED.format(effect=effect)
    path = plant.write(folder, inputs=inputs, tables=tables)
    trained = train(read_recipe(path), folder=folder)
    assert trained.chosen.kind in {"kernel", "stack"}
    (setpoint,) = trained.setpoints
    return setpoint


@pytest.mark.parametrize("reaction", [-0.5, 0.5])
def test_sign_and_size_of_the_reaction_are_confirmed_where_the_data_show_it(tmp_path, reaction):
    plant = plants.moved_setpoint(800, reaction=reaction)
    setpoint = setpoint_of(tmp_path, plant, effect="raises" if reaction > 0 else "lowers")
    assert setpoint.verdict is Verdict.CONFIRMED
    assert setpoint.may_suggest
    assert setpoint.model_reaction == pytest.approx(reaction, rel=0.25)
    assert setpoint.data_reaction.low < reaction < setpoint.data_reaction.high


def test_a_reaction_against_what_people_know_suggests_no_move(tmp_path):
    setpoint = setpoint_of(tmp_path, plants.moved_setpoint(800), effect="raises")
    assert setpoint.verdict is not Verdict.CONFIRMED
    assert not setpoint.may_suggest
