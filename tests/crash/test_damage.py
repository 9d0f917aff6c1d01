"""Files damaged at random places (200 times each in the bench): nothing wrong is served, nothing is unnoticed."""

import pytest

from simulator.bench import damage
from simulator.bench.damage import Damage, damaged_stores
from simulator.bench.served import Doors
from simulator.broker import find_mosquitto
from tests.fixtures.once import once
from tests.fixtures.real_parts import missing

RESULTS = 200  # of the 400 of the bench: half as many rows beside the damage


@pytest.fixture
def _a_killed_gateways_store(tmp_path_factory, monkeypatch):
    if find_mosquitto() is None:
        missing("mosquitto")

    def make(folder):
        return folder, *damage.left_by_a_kill(folder, results=RESULTS)

    folder, configuration, stretch = once(tmp_path_factory, "killed", make)
    base = damage._Base(store=folder / "store", doors=Doors(configuration), stretch=stretch)
    monkeypatch.setattr(damage, "_base", lambda: base)


@pytest.mark.usefixtures("_a_killed_gateways_store")
@pytest.mark.parametrize("kind", list(Damage))
def test_damage_at_random_places_is_noticed_and_never_served(kind):
    outcomes = list(damaged_stores(kind, 16 if kind is Damage.HISTORY_GARBAGE else 6, seed=5))
    assert [wrong for outcome in outcomes for wrong in outcome.wrong_served] == []
    assert sum(outcome.unnoticed for outcome in outcomes) == 0
    everything_harmless = all(outcome.harmless for outcome in outcomes)
    assert everything_harmless == (kind is Damage.SHARED_MEMORY)  # SQLite makes the log's index anew
