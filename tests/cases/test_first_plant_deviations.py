"""What a first plant met with deviations: one for each lot or episode, and a document that convinces."""

import json
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.chart_rules import TrendRules
from gateway.contract.times import rfc3339
from gateway.lab.deviations import MOST_RESULTS, FailedResult, Scope
from gateway.lab.episodes import BACK_IN_LINE_RESULTS, EPISODE_ENDS_AFTER_NS, EPISODE_LONGEST_NS, Standing, join
from gateway.records import SECOND_NS
from gateway.store import audit
from gateway.store.checking import check
from tests.building import NOW_NS
from tests.unit.test_deviations import Plant
from tests.unit.test_store import viscosity

HOUR_NS = 3600 * SECOND_NS


@pytest.fixture
def plant(tmp_path):
    found = Plant(tmp_path)
    with closing(found.connection):
        yield found


def measure(plant, value, sample_id, **fields):
    """Have the laboratory say a value of a sample that was just drawn, and do what follows."""
    plant.now_ns += HOUR_NS // 2
    drawn = rfc3339(plant.now_ns - 60 * SECOND_NS)
    document = {"product": "FG-100", "material_lot_id": None, "sampled_at": drawn, **fields}
    plant.result(viscosity(value, sample_id=sample_id, **document))
    plant.follow()


# --- 10: one deviation for each lot or episode ----------------------------------------------------------


def test_first_plant_10_all_failed_results_of_a_lot_are_one_deviation_that_grows(plant):
    plant.lot("LOT-1", 112.0)
    measure(plant, 113.0, "S-2", material_lot_id="LOT-1")
    plant.result({"sample_id": "S-3", "test_id": "pH", "value": 9.0, "status": "approved", "material_lot_id": "LOT-1"})
    plant.follow()
    (deviation,) = plant.deviations()
    assert (deviation.version, deviation.result_count, deviation.scope) == (3, 3, Scope.LOT)
    assert [each.value_text for each in deviation.results] == ["112.0", "113.0", "9.0"]
    told = plant.sent("deviation")
    assert {each["id"] for each in told} == {deviation.deviation_id}
    assert [(each["version"], each["result_count"]) for each in told] == [(1, 1), (2, 2), (3, 3)]
    assert len(set(plant.rows("SELECT message_id FROM outbox WHERE topic LIKE '%/deviation/%'"))) == 3
    assert audit.verify(plant.connection)[1] is None
    assert check(plant.directory, gently=False).wrong == []


def test_first_plant_10_each_lot_has_a_deviation_of_its_own(plant):
    plant.lot("LOT-1", 112.0)
    plant.lot("LOT-2", 112.0)
    assert [each.result.material_lot_id for each in plant.deviations()] == ["LOT-1", "LOT-2"]


def test_first_plant_10_failed_results_without_a_lot_are_one_episode(plant):
    for number in range(6):
        measure(plant, 110.0 + number, f"S-{number}")
    (deviation,) = plant.deviations()
    assert (deviation.scope, deviation.result_count) == (Scope.SERIES, 6)


def test_first_plant_10_a_drifting_plant_has_one_deviation_for_its_episode(plant):
    plant.line = replace(plant.line, trends=(TrendRules(baseline=20),))
    for number in range(20):
        plant.lot(f"LOT-{number}", 100.0 + plant.chance.normal() / 10)
    for number in range(20, 40):
        plant.lot(f"LOT-{number}", 100.5 + (number - 20) / 10)
    (deviation,) = plant.deviations()
    assert deviation.scope is Scope.SERIES
    assert deviation.result_count >= 15
    assert not any(each.failed for each in deviation.results)
    assert len({each.material_lot_id for each in deviation.results}) == deviation.result_count


def test_first_plant_10_a_correction_takes_its_measurements_place(plant):
    plant.lot("LOT-1", 112.0)
    plant.result(viscosity(111.0, sample_id="S-LOT-1", material_lot_id="LOT-1", product="FG-100", result_version=2))
    plant.follow()
    (deviation,) = plant.deviations()
    assert (deviation.version, deviation.result_count) == (2, 1)
    assert [(each.value_text, each.was) for each in deviation.results] == [("111.0", ("112.0",))]


def test_first_plant_10_a_damaged_version_is_never_grown(plant):
    plant.lot("LOT-1", 112.0)
    plant.connection.execute("UPDATE deviation SET body = replace(body, '112.0', '102.0')")
    measure(plant, 113.0, "S-2", material_lot_id="LOT-1")
    newest = json.loads(plant.rows("SELECT body FROM deviation ORDER BY rowid DESC LIMIT 1")[0][0])
    assert (newest["version"], newest["result_count"]) == (1, 1)
    assert plant.rows("SELECT count(*) FROM deviation") == [(2,)]


def test_first_plant_10_how_often_a_product_failed_is_still_counted_by_samples(plant):
    for number in range(4):
        measure(plant, 110.0, f"S-{number}")
    assert plant.rows("SELECT count(DISTINCT sample_id) FROM deviation") == [(4,)]


def failed(number, *, at_ns, lot=None, out=True):
    return FailedResult(
        result_id=f"r-{number}", sample_id=f"S-{number}", test_id="Viscosity", analyte="viscosity", replicate=1,
        value_text="110", value=110.0, unit="mPa.s", material_lot_id=lot, sampled_ns=at_ns, joined_ns=at_ns,
        limits="95 to 105 mPa.s", reasons=(), failed=out,
    )  # fmt: skip


def standing(joined, at_ns):
    return Standing(
        deviation_id=joined.deviation_id, at_ns=at_ns, version=joined.version, opened_ns=joined.opened_ns,
        results=joined.results, result_count=joined.result_count,
    )  # fmt: skip


STEPS = st.lists(
    st.tuples(
        st.integers(0, EPISODE_ENDS_AFTER_NS * 2),
        st.integers(0, BACK_IN_LINE_RESULTS + 3),
        st.sampled_from([None, "LOT-1", "LOT-2"]),
        st.booleans(),
    ),
    max_size=90,
)


@given(STEPS)
def test_first_plant_10_every_result_is_in_one_deviation_and_no_episode_outlives_its_bounds(steps):
    lots, series, now_ns, last = {}, None, NOW_NS, {}
    for number, (later_ns, in_line, lot, out) in enumerate(steps):
        now_ns += later_ns
        result = failed(number, at_ns=now_ns, lot=lot, out=out)
        joined = join(result, of_lot=lots.get(lot), of_series=series, in_line_since=in_line, new_id=f"d-{number}")
        before = lots.get(lot) if joined.scope is Scope.LOT else series
        assert result in joined.results
        assert len(joined.results) <= min(joined.result_count, MOST_RESULTS)
        assert joined.scope is (Scope.LOT if out and lot else Scope.SERIES)
        if joined.version == 1:
            assert joined.deviation_id == f"d-{number}"
        else:
            assert (joined.deviation_id, joined.version) == (before.deviation_id, before.version + 1)
        if joined.scope is Scope.SERIES:
            assert joined.version == 1 or in_line < BACK_IN_LINE_RESULTS
            assert now_ns - joined.opened_ns <= EPISODE_LONGEST_NS
            series = standing(joined, now_ns)
        else:
            lots[lot] = standing(joined, now_ns)
        last[joined.deviation_id] = joined.result_count
    assert sum(last.values()) == len(steps)
