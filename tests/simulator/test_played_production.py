"""A recording with batches, phases or products tells of them as production would."""

import asyncio
import json

import numpy as np

from gateway.contract.mes_messages import context_change
from gateway.time_units import SECOND_NS
from gateway.training.file_production import FileProduction
from simulator.mes import TOPIC
from simulator.play.file import Timetable, read_recording
from simulator.play.production import changes_of, tell, told_from
from tests.fixtures.generated_plants import batches, grades

AT_NS = np.arange(8) * SECOND_NS
PRODUCTION = FileProduction(
    AT_NS, batches=["", "a", "a", "a", "", "b", "b", "b"], phases=["", "x", "x", "y", "", "x", "", "x"],
    products=["", "", "P", "P", "", "Q", "Q", "Q"],
)  # fmt: skip


def told(changes):
    return [
        (change.since_first_ns // SECOND_NS, change.fields["event"], change.fields.get("phase")) for change in changes
    ]


def test_batches_and_phases_are_told_in_the_order_of_time():
    changes = changes_of(PRODUCTION.stretches, begin_ns=0, equipment_id="R1")
    assert told(changes) == [
        (1, "lot_started", None), (1, "phase_started", "x"), (3, "phase_ended", "x"), (3, "phase_started", "y"),
        (4, "phase_ended", "y"), (4, "lot_ended", None), (5, "lot_started", None), (5, "phase_started", "x"),
        (6, "phase_ended", "x"), (7, "phase_started", "x"),
    ]  # fmt: skip
    assert told(told_from(changes, 2 * SECOND_NS)) == told(changes)  # the batch that runs is told, too
    assert told(told_from(changes, 6 * SECOND_NS)) == told(changes)[6:]


def test_products_without_batches_are_lots_of_their_own(tmp_path):
    plant = grades(100)
    recording = read_recording(plant.write(tmp_path, inputs='[[inputs]]\ncategory = "product"\ncolumn = "grade"\n'))
    assert [batch.product for batch in recording.batches] == ["A", "B"]
    assert not recording.tags


def test_a_recipe_of_batches_can_be_played(tmp_path):
    inputs = '[[inputs]]\naggregate = "duration"\nsince = "batch_start"\n[[inputs]]\ntag = "TI1"\nunit = "degC"\n'
    path = batches(3).write(tmp_path, inputs=inputs)
    path.write_text(path.read_text().replace("period_seconds", 'batch_column = "batch"\nperiod_seconds'))
    recording = read_recording(path)
    assert [*recording.tags] == ["TI1"]
    assert len(recording.batches) == 3


def test_what_is_told_is_understood_by_the_gateway():
    published = []

    class Broker:
        async def publish(self, topic, payload):
            published.append((topic, payload))

    timetable = Timetable(begin_ns=10 * SECOND_NS, first=0, end=8, since_first_ns=AT_NS, speed=2.0)
    changes = changes_of(PRODUCTION.stretches, begin_ns=0, equipment_id="R1")
    asyncio.run(tell(changes, timetable, Broker(), ahead_ns=0))
    assert {topic for topic, _ in published} == {TOPIC}
    understood = [context_change(payload, now_ns=20 * SECOND_NS) for _, payload in published]
    assert len(understood) == len(changes)
    assert understood[2].at_ns == 11_500_000_000
    assert json.loads(published[0][1])["material_lot_id"].startswith("R1-a-")
