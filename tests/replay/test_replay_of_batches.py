"""A batch line's own store: rows that a model learns from are those of a file, and a replay decides the same again."""

import asyncio
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from gateway.contract.lims.lab_results import LimsInterface
from gateway.contract.times import rfc3339
from gateway.database.opening import open_for_reading
from gateway.decisions.table import windows_needed
from gateway.events import ModelDue
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.history.memory.rings import Rings
from gateway.history.reader.recorded import RecordedHistory
from gateway.history.reader.windows_as_of import KnownThen
from gateway.history.writer.historian import Historian
from gateway.ingest.lims import understand_results
from gateway.records.laboratory import ResultStatus
from gateway.records.process import TagSample
from gateway.replay.recorded import Recording, Stretch, recorded_events
from gateway.replay.rerun import rerun
from gateway.store.database import read_state
from gateway.time_units import SECOND_NS, seconds_to_ns
from gateway.training.file_production import FileProduction
from gateway.training.recipe import read_recipe
from gateway.training.recorded_rows import recorded_rows
from gateway.training.rows import file_rows
from simulator.play.production import changes_of, lot_at
from tests.cases.test_first_plant_own_history import CONFIGURATION
from tests.fixtures.building import NOW_NS, assignment, bundle, line, linear, moment
from tests.fixtures.generated_plants import batches
from tests.fixtures.store_bench import Bench, viscosity

INPUTS = """
[[inputs]]
aggregate = "duration"
between = ["phase:heat", "phase_end:heat"]
[[inputs]]
tag = "temperature"
unit = "degC"
aggregate = "time_above"
level = 80.0
since = "batch_start"
[[inputs]]
category = "product"
"""
HEAD = """
name = "batches"
version = "1.0.0"
intended_use = "Tests."
[split]
train = 0.7
[output]
analyte = "viscosity"
unit = "mPa.s"
valid = [0.0, 300.0]
[candidates]
kinds = ["ridge"]
folds = 3
"""
FILE = f"""{HEAD}
[data]
file = "plant.csv"
period_seconds = 60
batch_column = "batch"
phase_column = "phase"
[laboratory]
column = "y"
delay_rows = 10
{INPUTS}"""
OWN = f"""{HEAD}
[history]
configuration = "labline.toml"
period_seconds = 60
{INPUTS}"""
PLANT = replace(batches(36), tags={"temperature": batches(36).tags["TI1"]})
AT_NS = NOW_NS + np.arange(len(PLANT.y), dtype=np.int64) * 60 * SECOND_NS
DUE = range(50, 400, 7)  # at which rows the model is due: in each phase, and between


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A line that has heard of each batch and phase, recorded its temperature, and got a result for each batch."""
    folder = tmp_path_factory.mktemp("batches")
    (folder / "labline.toml").write_text(CONFIGURATION)
    (folder / "own.toml").write_text(OWN)
    (folder / "file.toml").write_text(FILE)
    (folder / "plant.csv").write_text(PLANT.csv())
    (folder / "store").mkdir()
    asyncio.run(_recorded(folder / "store"))
    return folder


async def _recorded(store):
    rings = Rings({"temperature": "plc1"}, capacity=100)
    async with Historian(store, now_ns=lambda: NOW_NS) as historian:
        as_in_the_file = [float(f"{value:.6g}") for value in PLANT.tags["temperature"]]
        for at_ns, value in zip(AT_NS.tolist(), as_in_the_file, strict=True):
            sample = TagSample(tag="temperature", value=value, status=0, source_ns=at_ns, server_ns=at_ns)
            historian.record(rings.add_notification("plc1", [sample], confirmed_ns=at_ns))
        await historian.flush()


def history_of(store):
    connection = open_for_reading(store / HISTORY_FILE, HISTORY)
    recorded = RecordedHistory(connection, ["temperature", "@plc1"])
    start_ns, end_ns = int(AT_NS[0]) - seconds_to_ns(100000), int(AT_NS[-1]) + 1
    return connection, KnownThen(recorded, {"temperature": "plc1"}, start_ns=start_ns, end_ns=end_ns)


@pytest.fixture(scope="module")
def lived(folder):
    """The bench whose store has all that production and laboratory said, and predictions in between."""
    bench = Bench(folder / "store")
    rows = file_rows(read_recipe(folder / "file.toml"), folder=folder)
    inputs = tuple(replace(item, validated=(-1e9, 1e9)) for item in rows.inputs)
    made = bundle(inputs=inputs, manipulated=())
    weights = [0.01, 0.005, 1.0, 3.0]
    bench.line = line(models=(assignment(bundle=made, predict=linear(weights, 50.0)),))
    columns = (PLANT.texts[name] for name in ("batch", "phase", "product"))
    production = FileProduction(AT_NS, **dict(zip(("batches", "phases", "products"), columns, strict=True)))
    happened = [
        (change.since_first_ns, 0, change.fields)
        for change in changes_of(production.stretches, begin_ns=0, equipment_id="R1")
    ]
    happened += [(int(AT_NS[row]) + 60 * SECOND_NS, 1, row) for row in np.flatnonzero(np.isfinite(PLANT.y)).tolist()]
    happened += [(int(AT_NS[row]) + SECOND_NS, 2, row) for row in DUE]
    connection, known = history_of(folder / "store")
    with closing(connection), closing(bench.connection):
        for at_ns, kind, what in sorted(happened, key=lambda item: item[:2]):
            bench.now_ns = at_ns
            if kind == 0:
                bench.context(**{**what, "at": rfc3339(at_ns)})
            elif kind == 1:
                sampled = rfc3339(int(AT_NS[what]))
                lot = lot_at(production.stretches, int(AT_NS[what]), equipment_id="R1")
                bench.result(viscosity(round(float(PLANT.y[what]), 6), sample_id=f"S-{what}", sampled_at=sampled,
                                       equipment_id="R1", material_lot_id=lot))  # fmt: skip
            else:
                event = ModelDue(event_id=f"due-{what}", at=moment(at_ns), model=bench.line.models[0].name)
                windows = known.windows(windows_needed(event, bench.line), arrival=2**62)
                bench.commit(event, windows=windows)
        yield bench


def predictions(store):
    with closing(read_state(store)) as connection:
        sql = "SELECT at_ns, value, accepted, body FROM prediction WHERE sample_result_id IS NULL ORDER BY at_ns"
        return [tuple(row) for row in connection.execute(sql)]


def test_rows_of_a_line_s_own_batches_are_those_of_a_file_of_the_same(folder, lived):
    own = recorded_rows(read_recipe(folder / "own.toml"), folder=folder)
    of_file = file_rows(read_recipe(folder / "file.toml"), folder=folder)
    assert [item.name for item in own.inputs] == [item.name for item in of_file.inputs]
    assert len(own) == len(of_file) == 36
    np.testing.assert_allclose(own.features, of_file.features, atol=1e-6)
    np.testing.assert_allclose(own.values, of_file.values, rtol=1e-5)
    assert 0 <= of_file.longest_batch_ns - own.longest_batch_ns <= 60 * SECOND_NS  # to its last sample, or its end


def test_a_batch_line_is_replayed_to_the_same_predictions_and_reasons(folder, lived, tmp_path):
    bench = lived
    then = predictions(folder / "store")
    assert len(then) == len(DUE)
    accepted = [row for row in then if row[2]]
    assert 10 < len(accepted) < len(DUE)  # before the end of the heating there is none
    understand = understand_results(
        LimsInterface(source="lims", analytes={"viscosity": "viscosity"}, assume_status=ResultStatus.VALIDATED)
    )
    stretch = Stretch(from_ns=0, until_ns=int(AT_NS[-1]) + 3600 * SECOND_NS)
    with closing(read_state(folder / "store")) as connection:
        events = recorded_events(connection, stretch, understand=understand)
    again, known = history_of(folder / "store")
    with closing(again):
        rerun(Recording(events=events, stretch=stretch), line=bench.line, history=known, folder=tmp_path / "replay")
    assert predictions(tmp_path / "replay") == then
