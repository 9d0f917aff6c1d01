"""How long ago a setpoint was last suggested to move: a wall clock that is set makes it neither longer nor shorter."""

from contextlib import closing

import pytest

from gateway.events import ModelDue
from gateway.store.facts.model_due import model_due_facts
from gateway.store.facts.reading import Reading
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS, moment
from tests.fixtures.store_bench import Bench

HOUR_NS = 3600 * SECOND_NS
TAG = "temperature_setpoint"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A store in which a move was suggested now."""
    bench = Bench(tmp_path_factory.mktemp("store"))
    with closing(bench.connection):
        bench.order()
        bench.model_due(74.0)
        assert bench.rows("SELECT moved_tag, moved_ns FROM guidance WHERE kind = 'setpoint'") == [(TAG, NOW_NS)]
        yield bench


@pytest.mark.parametrize(
    ("clocks", "ago_ns"),
    [
        ({"boot_ns": NOW_NS + 5 * SECOND_NS, "wall_ns": NOW_NS + 5 * SECOND_NS}, 5 * SECOND_NS),
        ({"boot_ns": NOW_NS + 5 * SECOND_NS, "wall_ns": NOW_NS + 5 * SECOND_NS + 1000}, 5 * SECOND_NS + 1000),  # slewed
        ({"boot_ns": NOW_NS + 5 * SECOND_NS, "wall_ns": NOW_NS + HOUR_NS}, 5 * SECOND_NS),  # set forward
        ({"boot_ns": NOW_NS + 5 * SECOND_NS, "wall_ns": NOW_NS - HOUR_NS}, 5 * SECOND_NS),  # set back
        ({"boot_ns": 9 * SECOND_NS, "wall_ns": NOW_NS + 20 * SECOND_NS, "boot_id": "boot-2"}, 20 * SECOND_NS),
        ({"boot_ns": 9 * SECOND_NS, "wall_ns": NOW_NS - HOUR_NS, "boot_id": "boot-2"}, 9 * SECOND_NS),  # battery empty
    ],
    ids=["as it goes", "slewed", "set forward", "set back", "after a reboot", "set back over a reboot"],
)
def test_a_wall_clock_that_is_set_brings_the_next_suggestion_no_nearer_and_puts_it_off_no_longer(bench, clocks, ago_ns):
    wall_ns = clocks["wall_ns"]
    at = moment(**clocks)
    facts = model_due_facts(Reading(bench.connection, bench.line, {}), ModelDue(event_id="d", at=at, model="viscosity"))
    assert wall_ns - facts.last_advised_ns[TAG] == ago_ns
