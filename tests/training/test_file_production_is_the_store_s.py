"""What a file says of production is what the store says, told of it by messages: so batches are the same in service."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contract.times import rfc3339
from gateway.store.facts.production_then import production_then
from gateway.store.facts.reading import Reading
from gateway.time_units import SECOND_NS
from gateway.training.file_production import FileProduction
from simulator.play.production import changes_of
from tests.fixtures.building import NOW_NS
from tests.fixtures.store_bench import Bench

_numbers = itertools.count()
_rows = st.lists(
    st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from(["", "x", "y"]), st.sampled_from(["P", "Q"])),
    min_size=2,
    max_size=10,
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("store"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_rows, shuffled=st.randoms(use_true_random=False))
def test_the_store_knows_batches_phases_and_products_as_the_file_does(bench, rows, shuffled):
    """Whatever the order in which the messages come."""
    equipment = f"E{next(_numbers)}"
    at_ns = NOW_NS - 1000 * SECOND_NS + np.arange(len(rows)) * 10 * SECOND_NS
    batches, phases, products = ([row[column] for row in rows] for column in range(3))
    production = FileProduction(at_ns, batches=batches, phases=phases, products=products)
    changes = [*changes_of(production.batches, begin_ns=0, equipment_id=equipment)]
    shuffled.shuffle(changes)
    for change in changes:
        bench.context(**{**change.fields, "at": rfc3339(change.since_first_ns)})
    reading = Reading(bench.connection, bench.line, {})
    for instant in range(int(at_ns[0]), int(at_ns[-1]) + 1, 5 * SECOND_NS):
        in_file, in_store = production.then(instant), production_then(reading, equipment, instant)
        assert in_store.batch_started_ns == in_file.batch_started_ns
        if in_file.batch_started_ns is not None:  # between batches production has told of no product
            assert in_store.product == in_file.product
            assert {*in_store.phases} == {*in_file.phases}
