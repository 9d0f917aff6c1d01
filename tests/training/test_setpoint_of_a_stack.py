"""What the data show of a setpoint is held against the model whatever it is made of: kernels, or several kinds."""

from unittest.mock import patch

import pytest

from gateway.training import train as train_module
from gateway.training.model_selection import compare
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


def with_the_stack_first(*arguments):
    compared, failed = compare(*arguments)
    return tuple(sorted(compared, key=lambda candidate: candidate.kind != "stack")), failed


def setpoint_of(folder, plant, *, effect="lowers", kinds=("kernel",)):
    tables = f"[candidates]\nkinds = {[*kinds]}\nfolds = 3\n"
    inputs = INPUTS + MANIPULATED.format(effect=effect)
    path = plant.write(folder, inputs=inputs, tables=tables)
    with patch.object(train_module, "compare", with_the_stack_first):
        trained = train(read_recipe(path), folder=folder)
    assert trained.chosen.kind == ("stack" if len(kinds) > 1 else kinds[0])
    (setpoint,) = trained.setpoints
    return setpoint


@pytest.mark.parametrize(("reaction", "kinds"), [(-0.5, ("kernel",)), (0.5, ("kernel", "ridge", "pls"))])
def test_sign_and_size_of_the_reaction_are_confirmed_where_the_data_show_it(tmp_path, reaction, kinds):
    plant = plants.moved_setpoint(800, reaction=reaction)
    setpoint = setpoint_of(tmp_path, plant, effect="raises" if reaction > 0 else "lowers", kinds=kinds)
    assert setpoint.verdict is Verdict.CONFIRMED
    assert setpoint.may_suggest
    assert setpoint.model_reaction == pytest.approx(reaction, rel=0.25)
    assert setpoint.data_reaction.low < reaction < setpoint.data_reaction.high


def test_a_reaction_against_what_people_know_suggests_no_move(tmp_path):
    setpoint = setpoint_of(tmp_path, plants.moved_setpoint(800), effect="raises")
    assert setpoint.verdict is not Verdict.CONFIRMED
    assert not setpoint.may_suggest
