"""What a model's inputs know of the batch on its equipment: from messages of production, early, late and corrected."""

import pytest

from gateway.contract.refusals import MessageRefusedError
from gateway.contract.times import rfc3339
from gateway.line.definition import Aggregate
from gateway.line.derived_inputs import Category, Stretch
from gateway.records.prediction import Prediction
from gateway.store.codec import decode
from gateway.time_units import SECOND_NS, seconds_to_ns
from tests.fixtures.building import NOW_NS, assignment, bundle, line, linear, mean_input
from tests.fixtures.store_bench import Bench, viscosity


def made_of(aggregate, since, **changes):
    tag = "" if aggregate in {Aggregate.DURATION, Aggregate.LAST} else "temperature"
    stretch = None if since is None else Stretch(since=since)
    return mean_input(tag, aggregate=aggregate, window_ns=3600 * SECOND_NS, validated=(-1e9, 1e9), stretch=stretch,
                      name=f"{aggregate}.{since}", **changes)  # fmt: skip


PRODUCT = made_of(Aggregate.LAST, None, category=Category(name="product", value="FG-100", levels=("FG-100", "FG-200")))


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    inputs = (made_of(Aggregate.DURATION, "batch_start"), made_of(Aggregate.DURATION, "phase:heat"), PRODUCT)
    model = assignment(bundle=bundle(inputs=inputs, manipulated=()), predict=linear([0.0, 0.0, 0.0], 100.0))
    bench.line = line(models=(model,))
    return bench


def at(seconds):
    return rfc3339(NOW_NS + seconds_to_ns(seconds))


def start(bench, lot="L-1", seconds=-20, product="FG-100"):
    bench.context("lot_started", material_lot_id=lot, equipment_id="R1", material_definition_id=product, at=at(seconds))


def phase(bench, seconds, event="phase_started", **fields):
    bench.context(event, equipment_id="R1", phase="heat", at=at(seconds), **fields)


def predicted(bench):
    bench.now_ns += 1
    bench.model_due(78.0)
    ((body,),) = bench.rows("SELECT body FROM prediction ORDER BY rowid DESC LIMIT 1")
    return decode(Prediction, body)


def values(bench):
    features = predicted(bench).features
    return None if features is None else tuple(round(value, 3) for value in features.values)


def codes(bench):
    return [reason.code for reason in predicted(bench).verdict.reasons]


def test_a_batch_and_its_phase_begin_with_messages_of_production(bench):
    assert codes(bench) == ["OUTSIDE_BATCH", "OUTSIDE_BATCH", "UNKNOWN_CATEGORY"]
    start(bench)
    assert codes(bench) == ["PHASE_NOT_REACHED"]
    phase(bench, -12)
    assert values(bench) == (20.0, 12.0, 1.0)


def test_late_messages_count_from_when_they_speak_of(bench):
    start(bench, seconds=-5)
    phase(bench, -4)
    assert values(bench) == (5.0, 4.0, 1.0)
    start(bench, seconds=-15)  # the same lot, corrected
    assert values(bench) == (15.0, 4.0, 1.0)
    phase(bench, -9)  # an earlier start of the phase: the newest counts
    assert values(bench) == (15.0, 4.0, 1.0)


def test_phases_of_another_batch_do_not_count(bench):
    start(bench, "L-0", seconds=-60, product="FG-200")
    phase(bench, -50)
    bench.context("lot_ended", material_lot_id="L-0", at=at(-30))
    assert codes(bench) == ["OUTSIDE_BATCH", "OUTSIDE_BATCH", "UNKNOWN_CATEGORY"]
    start(bench)
    phase(bench, -10, material_lot_id="L-0")
    assert codes(bench) == ["PHASE_NOT_REACHED"]


def test_a_sample_drawn_at_the_end_of_a_batch_is_of_that_batch(bench):
    start(bench, seconds=-20)
    phase(bench, -12)
    bench.context("lot_ended", material_lot_id="L-1", at=at(-2))
    start(bench, "L-2", seconds=-2, product="FG-200")
    bench.result(viscosity(100.0, material_lot_id="L-1", sampled_at=at(-2)))
    ((body,),) = bench.rows("SELECT body FROM prediction")
    assert decode(Prediction, body).features.values == (18.0, 10.0, 1.0)


def test_a_damaged_phase_is_no_phase(bench):
    start(bench)
    phase(bench, -12)
    bench.connection.execute("UPDATE context_change SET at_ns = at_ns + 1 WHERE kind = 'phase_started'")
    assert codes(bench) == ["PHASE_NOT_REACHED"]


def test_a_phase_without_a_name_is_refused(bench):
    with pytest.raises(MessageRefusedError, match="phase"):
        bench.context("phase_started", equipment_id="R1")
