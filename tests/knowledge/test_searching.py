"""What is on record is found by words and fields, and only what holds and may be seen is shown."""

from contextlib import closing, contextmanager
from datetime import UTC

import pytest

from gateway.knowledge.catching_up import behind, catch_up, step
from gateway.knowledge.index import INDEX_FILE, Progress, open_index, read_index
from gateway.knowledge.searching import Asked, Searched, search
from gateway.knowledge.synonyms import synonyms_of, usual_groups
from gateway.records.sight import NOBODYS_CLIENT, Sight
from gateway.store.database import read_state
from tests.decisions.test_deviations import Plant
from tests.fixtures.store_bench import viscosity

USUAL = synonyms_of(usual_groups())


@contextmanager
def searched(plant):
    with closing(read_state(plant.directory)) as state, open_index(plant.directory) as index:
        catch_up(state, index, plant.line.procedures)
        yield Searched(index=index, state=state, procedures=plant.line.procedures, synonyms=USUAL, zone=UTC)


def found(where, text, **asked):
    return [(item.document.kind, item.document.key) for item in search(where, Asked(text=text, **asked)).findings]


def kinds(where, text, **asked):
    return {kind for kind, _key in found(where, text, **asked)}


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    made = Plant(tmp_path_factory.mktemp("knowledge"))
    made.lot("LOT-1", supplier="Acme")
    made.lot("LOT-2", 110.0, supplier="Bolt", material="RM-2")
    made.context("lot_started", material_lot_id="LOT-C", client_id="Carl", job_order_id="WO-9", equipment_id="R1")
    made.result(viscosity(101.0, sample_id="S-C", material_lot_id="LOT-C", client_id="Carl"))
    with closing(made.connection):
        yield made


def test_a_failed_lot_is_found_in_both_languages_with_all_that_belongs_to_it(plant):
    with searched(plant) as where:
        for text in ("Viskosität lot-2", "viscosity Charge LOT-2", "viskositaet lot-2"):
            assert kinds(where, text) >= {"deviation", "lot", "result", "guidance"} - {"lot"}
        assert ("procedure", "oos-viscosity") in found(where, "zweite Probe shift lead")


def test_fields_limit_what_is_found(plant):
    with searched(plant) as where:
        assert found(where, "supplier:bolt kind:lot") == [("lot", "LOT-2")]
        assert kinds(where, "lieferant:BOLT art:Charge") == {"lot"}
        assert kinds(where, "analyt:Viskosität", kinds=("result",)) == {"result"}
        assert found(where, "kind:lot to:2020-01-01") == []
        assert found(where, "lot:LOT-2 failure:OUT_OF_SPECIFICATION", kinds=("deviation",)) != []
        assert ("lot", "LOT-2") not in found(where, "lot -hold")


def test_where_no_record_has_all_words_those_with_some_are_shown(plant):
    with searched(plant) as where:
        findings = search(where, Asked(text="LOT-2 elephant"))
        assert findings.any_word
        assert findings.findings


def test_records_of_a_client_are_seen_by_who_may_see_them(plant):
    with searched(plant) as where:
        assert ("lot", "LOT-C") in found(where, "LOT-C")
        for text in ("LOT-C", "customer:Carl", "S-C", "kind:result", ""):
            assert not {key for _, key in found(where, text, sight=NOBODYS_CLIENT, most=500)} & {"LOT-C"}
            for item in search(where, Asked(text=text, sight=NOBODYS_CLIENT, most=500)).findings:
                assert item.document.scope.client_id is None
        assert ("lot", "LOT-C") in found(where, "LOT-C", sight=Sight(clients=frozenset({"Carl"})))
        assert ("lot", "LOT-C") not in found(where, "LOT-C", sight=Sight(clients=frozenset({"carl"})))


def test_the_index_says_how_far_it_is_behind_and_follows_in_steps(tmp_path):
    plant = Plant(tmp_path)
    with closing(plant.connection), closing(read_state(tmp_path)) as state, open_index(tmp_path) as index:
        assert behind(state, index).building
        plant.lot("LOT-1")
        turns = 0
        while not step(state, index, most=2).caught_up:
            turns += 1
        assert turns > 3
        plant.lot("LOT-2", 110.0)
        assert behind(state, index).lines > 0
        assert catch_up(state, index).caught_up
        assert index.counts() == {"deviation": 1, "guidance": 1, "lot": 2, "result": 2}


def test_what_replaces_a_record_replaces_it_in_the_index(tmp_path):
    plant = Plant(tmp_path)
    with closing(plant.connection):
        plant.lot("LOT-1", 110.0)
        with searched(plant) as where:
            assert [key for _, key in found(where, "110", kinds=("result",))]
        plant.result(viscosity(101.5, sample_id="S-LOT-1", material_lot_id="LOT-1", product="FG-100", result_version=2))
        with searched(plant) as where:
            assert found(where, "110", kinds=("result",)) == []
            assert len(found(where, "101.5", kinds=("result",))) == 1


def test_a_record_that_does_not_hold_is_not_shown_also_where_the_index_has_it(tmp_path):
    plant = Plant(tmp_path)
    with closing(plant.connection):
        plant.lot("LOT-1")
        with searched(plant) as where:
            assert found(where, "LOT-1", kinds=("result",))
            plant.connection.execute("UPDATE lab_result SET body = replace(body, '100.0', '101.0')")
            findings = search(where, Asked(text="LOT-1", kinds=("result",)))
            assert (findings.findings, findings.not_shown) == ((), 1)
        with closing(read_state(tmp_path)) as state, open_index(tmp_path) as index:
            index.set_progress(Progress())
            assert catch_up(state, index).damaged == 1


def test_an_index_that_is_edited_shows_nothing_that_is_not_on_record(plant):
    with searched(plant) as where, where.index.changing():
        number = where.index._number_of("lot", "LOT-C")
        where.index._connection.execute("DELETE FROM words WHERE rowid = ?", (number,))
        where.index._connection.execute(
            "INSERT INTO words (rowid, title, body, facets) SELECT ?, 'lot c', '', facets FROM words WHERE rowid = ?",
            (number, where.index._number_of("lot", "LOT-1")),
        )
        assert ("lot", "LOT-C") not in found(
            where, "lot c", sight=NOBODYS_CLIENT
        )  # it is the plant's by the index alone
        where.index.set_progress(Progress())  # it is built again for the other tests


def test_a_corrupt_or_missing_index_is_made_again(tmp_path):
    plant = Plant(tmp_path)
    with closing(plant.connection):
        plant.lot("LOT-1")
        assert read_index(tmp_path) is None
        (tmp_path / INDEX_FILE).write_bytes(b"no database" * 1000)
        with searched(plant) as where:
            assert ("lot", "LOT-1") in found(where, "LOT-1")


def test_a_store_that_went_back_has_its_index_built_again(tmp_path):
    plant = Plant(tmp_path)
    with closing(plant.connection):
        plant.lot("LOT-1")
        with searched(plant):
            pass
        plant.connection.execute("UPDATE store SET epoch = 'another'")
        with closing(read_state(tmp_path)) as state, open_index(tmp_path) as index:
            assert behind(state, index).building
            assert catch_up(state, index).caught_up
            assert index.progress.epoch == "another"


def test_the_oldest_go_where_there_is_no_room_but_no_deviation(tmp_path):
    plant = Plant(tmp_path)
    with closing(plant.connection):
        plant.lot("LOT-1", 110.0)
        with closing(read_state(tmp_path)) as state, open_index(tmp_path) as index:
            left = catch_up(state, index, most_bytes=1)
            assert left.dropped > 0
            assert index.counts() == {"deviation": 1}


def test_a_lot_name_of_any_characters_is_found_and_shown_plain(tmp_path):
    plant = Plant(tmp_path)
    name = "X7 OR *\u202e<b>"
    with closing(plant.connection):
        plant.lot("LOT-1")
        plant.connection.execute(
            "INSERT INTO lot (material_lot_id, recommendation, latched) VALUES (?, 'pending', 0)", (name,)
        )
        with searched(plant) as where:
            (item,) = search(where, Asked(text=f'"{name}"', kinds=("lot",))).findings
            assert item.document.key == name
            assert "\u202e" not in item.document.title
