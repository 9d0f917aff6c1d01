"""Files damaged at random places (200 times each in the bench): nothing wrong is served, nothing is unnoticed."""

import pytest

from simulator.bench.damage import Damage, damaged_stores
from simulator.broker import find_mosquitto
from tests.integration.parts import missing


@pytest.mark.parametrize("kind", list(Damage))
def test_damage_at_random_places_is_noticed_and_never_served(kind):
    if find_mosquitto() is None:
        missing("mosquitto")
    outcomes = list(damaged_stores(kind, 40 if kind is Damage.HISTORY_GARBAGE else 12, seed=5))
    assert [wrong for outcome in outcomes for wrong in outcome.wrong_served] == []
    assert sum(outcome.unnoticed for outcome in outcomes) == 0
    everything_harmless = all(outcome.harmless for outcome in outcomes)
    assert everything_harmless == (kind is Damage.SHARED_MEMORY)  # SQLite makes the log's index anew
