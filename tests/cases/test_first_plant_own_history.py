"""A recipe with a setpoint from a line's own record: results out of the store, tags and setpoint out of its history."""

from contextlib import closing

import numpy as np
import pytest

from gateway.contract.times import rfc3339
from gateway.errors import LablineError
from gateway.history.memory.rings import Rings
from gateway.history.writer.historian import Historian
from gateway.records.process import TagSample
from gateway.time_units import seconds_to_ns
from gateway.training.recipe import read_recipe
from gateway.training.recorded_rows import recorded_rows
from gateway.training.setpoint_findings import Verdict
from gateway.training.setpoint_study import studied
from tests.fixtures.building import NOW_NS, linear
from tests.fixtures.store_bench import Bench, viscosity

RESULTS, MINUTES = 70, 4  # one result each four minutes
CONFIGURATION = """
[site]
enterprise = "acme"
site = "lyon"
area = "polymers"
line = "line-1"

[store]
directory = "store"

[opcua.plc1]
url = "opc.tcp://127.0.0.1:4840"
security = "None"

[tags.temperature]
source = "plc1"
node = "nsu=urn:test;s=t"
equipment = "R1"
unit = "degC"
max_age = "5m"

[tags.temperature_setpoint]
source = "plc1"
node = "nsu=urn:test;s=sp"
equipment = "R1"
unit = "degC"
max_age = "5m"

[tags.mode]
source = "plc1"
node = "nsu=urn:test;s=mode"
equipment = "R1"
unit = "1"

[mqtt]
host = "127.0.0.1"
client_id = "labline"
tls = false
"""
RECIPE = """
name = "own"
version = "1.0.0"
intended_use = "Tests."

[history]
configuration = "labline.toml"
period_seconds = 60

[split]
train = 0.8

[[inputs]]
tag = "temperature"
unit = "degC"
aggregate = "mean"
window_rows = 2

[output]
analyte = "viscosity"
unit = "mPa.s"
valid = [0.0, 300.0]

[candidates]
kinds = ["ridge"]
folds = 4

[[manipulated]]
tag = "temperature_setpoint"
unit = "degC"
validated = [76.0, 80.0]
max_step = 1.0
resolution = 0.1
minimum_interval_seconds = 600
follows = ["temperature"]
interlocks = [{ tag = "mode", states = [2] }]
"""


def told(name, value, at_ns):
    return TagSample(tag=name, value=value, status=0, source_ns=at_ns, server_ns=at_ns)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A line that has listened for hours: a setpoint that is moved now and then, a result each four minutes."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "labline.toml").write_text(CONFIGURATION)
    (folder / "own.toml").write_text(RECIPE)
    chance = np.random.default_rng(4)
    setpoints = np.repeat(chance.uniform(76, 80, RESULTS // 2 + 1), 2)[:RESULTS]
    (folder / "store").mkdir()
    bench = Bench(folder / "store")
    with closing(bench.connection):
        bench.order()
        for number, setpoint in enumerate(setpoints):
            bench.now_ns = NOW_NS + seconds_to_ns(60 * MINUTES * (number + 1))
            at = rfc3339(bench.now_ns - seconds_to_ns(1))
            value = 100 - 4 * (setpoint - 78) + chance.normal() * 0.3
            bench.result(viscosity(round(float(value), 2), sample_id=f"S-{number}", sampled_at=at))
    return folder, setpoints, chance


async def recorded(folder, setpoints, chance):
    rings = Rings({"temperature": "plc1", "temperature_setpoint": "plc1"}, capacity=100)
    async with Historian(folder / "store", now_ns=lambda: NOW_NS) as historian:
        for minute in range(MINUTES * RESULTS):
            at_ns, setpoint = NOW_NS + seconds_to_ns(60 * minute + 30), float(setpoints[minute // MINUTES])
            samples = [
                told("temperature", setpoint + float(chance.normal()) * 0.05, at_ns),
                told("temperature_setpoint", setpoint, at_ns),
            ]
            historian.record(rings.add_notification("plc1", samples, confirmed_ns=at_ns))
        await historian.flush()


async def test_first_plant_05_a_line_learns_from_its_own_record_what_a_move_does(folder):
    folder, setpoints, chance = folder
    await recorded(folder, setpoints, chance)
    recipe = read_recipe(folder / "own.toml")
    rows = recorded_rows(recipe, folder=folder)
    assert len(rows) == RESULTS
    np.testing.assert_allclose(rows.setpoints["temperature_setpoint"][:, 0], setpoints, atol=1e-9)
    model = linear([-4.0], 100 + 4 * 78)
    (setpoint,) = studied(recipe, rows, slice(0, len(rows)), predict=model, half_width=0.5, gap=1)
    assert setpoint.verdict is Verdict.CONFIRMED
    assert setpoint.gains == {"temperature.mean.0": pytest.approx(1.0, abs=0.03)}
    for before, after, message in (
        ('"mode"', '"modus"', "the line has no tag modus"),
        ('tag = "temperature_setpoint"', 'tag = "temp_sp"', "the line has no tag temp_sp"),
        ('unit = "degC"\nvalidated', 'column = "x"\nunit = "degC"\nvalidated', "a column is of a file"),
    ):
        (folder / "wrong.toml").write_text(RECIPE.replace(before, after))
        with pytest.raises(LablineError, match=message):
            recorded_rows(read_recipe(folder / "wrong.toml"), folder=folder)
