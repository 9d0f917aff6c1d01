"""A recording with batches, phases or products tells of them as production would."""

import asyncio
import json

import numpy as np

from gateway.contract.mes_messages import context_change
from gateway.time_units import SECOND_NS
from gateway.training.file_production import FileProduction
from simulator.mes import TOPIC
from simulator.play import laboratory
from simulator.play.file import Recording, Timetable, read_recording
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


def test_a_result_is_published_a_little_before_it_was_known_as_rows_are_written(monkeypatch):
    """What comes an instant after the next sample would teach a gateway one result later than it taught training."""
    waited, second = [], SECOND_NS
    recording = Recording(name="r", tags={}, units={}, analyte="a", unit="1", truth=np.ones(9), period_seconds=1.0,
                          every_rows=4, delay_rows=4)  # fmt: skip
    timetable = Timetable(begin_ns=0, first=0, end=9, since_first_ns=recording.since_first_ns)

    async def until(at_ns, _now_ns):
        waited.append(at_ns)

    class Broker:
        async def publish(self, _topic, _payload):
            pass

    monkeypatch.setattr(laboratory, "until", until)
    asyncio.run(laboratory.measure(recording, timetable, Broker(), on_published=lambda _published: None,
                                   clock=lambda: 0.0, ahead_ns=second // 5))  # fmt: skip
    assert waited == [4 * second - second // 5, 8 * second - second // 5]
