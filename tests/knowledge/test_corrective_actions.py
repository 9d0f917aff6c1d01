"""Actions against deviations: put on record, done, judged by what comes, and suggested when the failure comes again."""

from contextlib import closing, contextmanager
from datetime import UTC

import pytest

from gateway.knowledge.catching_up import catch_up
from gateway.knowledge.index import open_index
from gateway.knowledge.searching import Asked, Searched, search
from gateway.knowledge.similar import knowledge_of
from gateway.lab.effectiveness import FEWEST_LOTS, Effectiveness
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, CompleteAction, RecordAction
from gateway.records.corrective_actions import ActionKind
from gateway.records.sight import EVERYTHING, NOBODYS_CLIENT
from gateway.store.audit import trail as audit
from gateway.store.care.checking import check
from gateway.store.database import read_state
from gateway.store.queries.corrective_actions import actions_of, all_actions
from gateway.store.queries.suppliers import Trend, scorecards
from gateway.store.queries.tracing import trace
from tests.decisions.test_deviations import TAGS, Plant
from tests.fixtures.store_bench import viscosity
from tests.knowledge.test_searching import USUAL


@contextmanager
def searched(plant):
    with closing(read_state(plant.directory)) as state, open_index(plant.directory) as index:
        catch_up(state, index, plant.line.procedures)
        yield Searched(index=index, state=state, procedures=plant.line.procedures, synonyms=USUAL, zone=UTC)


def against(deviation_id, **changes):
    given = {"action": "Clean the filter", "action_kind": ActionKind.CORRECTIVE, "owner": "maintenance", **changes}
    return RecordAction(deviation_id=deviation_id, **given)


def measured(plant, number, value=100.0):
    """Have the laboratory measure one more lot of the equipment, twice."""
    plant.now_ns += 10**9
    lot = {"material_lot_id": f"ML-{number}", "material_definition_id": "FG-100"}
    plant.context("lot_started", equipment_id="R1", **lot)
    plant.levels = dict.fromkeys(TAGS, 50.0)
    for sample in range(2):
        plant.result(viscosity(value, sample_id=f"M-{number}-{sample}", **lot))
    plant.follow()


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    """A lot that failed, an action against it that was done, ten lots without the failure, and it fails again."""
    plant = Plant(tmp_path_factory.mktemp("actions"))
    with closing(plant.connection):
        for number in range(6):
            plant.lot(f"LOT-{number}")
        plant.lot("BAD-1", 110.0, pressure=12.0, supplier="Bolt", material="RM-2")
        (plant.first,) = plant.deviations()
        plant.action_id = plant.act(against(plant.first.deviation_id)).details["action_id"]
        plant.now_ns += 10**9
        assert plant.act(CompleteAction(action_id=plant.action_id), reason="cleaned").outcome is ActOutcome.DONE
        for number in range(FEWEST_LOTS):
            measured(plant, number)
        plant.effect_before = all_actions(plant.connection)[0].effect
        plant.lot("BAD-2", 111.0, pressure=12.5)
        plant.second = next(item for item in plant.deviations() if item.deviation_id != plant.first.deviation_id)
        yield plant


def test_an_action_is_a_record_that_the_trail_vouches_for(plant):
    assert audit.verify(plant.connection)[1] is None
    assert check(plant.directory, gently=False).wrong == []
    (node,) = trace(plant.connection, plant.action_id)
    assert node.details["action"] == "Clean the filter"
    assert "done" in node.details
    lines = plant.rows("SELECT kind FROM audit WHERE subject = ? ORDER BY seq", plant.action_id)
    assert lines == [("action_recorded",), ("action_done",)]


def test_an_action_is_effective_until_the_failure_comes_back(plant):
    since, before = plant.effect_before.since, plant.effect_before.before
    assert (since.lots, since.failed_lots, since.samples) == (FEWEST_LOTS, 0, 2 * FEWEST_LOTS)
    assert (before.lots, before.failed_lots) == (7, 1)
    assert plant.effect_before.effectiveness is Effectiveness.EFFECTIVE
    (item,) = actions_of(plant.connection, plant.first.deviation_id)
    assert item.effect.effectiveness in {Effectiveness.NOT_EFFECTIVE, Effectiveness.REDUCED}
    assert item.effect.since.failed == 1
    assert item.effect.before.failed == 1


def test_a_deviation_shows_events_like_it_with_what_was_done_and_suggests_it(plant):
    with searched(plant) as where:
        known = knowledge_of(where, plant.second.deviation_id, EVERYTHING)
        (event,) = known.similar
        assert event.document.key == plant.first.deviation_id
        assert event.by_process > 0.3
        assert event.by_words > 0
        assert [item.action.action for item in event.actions] == ["Clean the filter"]
        assert event.since.failed == 1  # it came back
        assert [item.action.action_id for item in known.suggested] == [plant.action_id]
        assert knowledge_of(where, "nothing", EVERYTHING) is None


def test_an_action_is_found_by_its_words_and_effect(plant):
    with searched(plant) as where:
        (finding,) = search(where, Asked(text="CAPA filter kind:action")).findings
        assert finding.document.key == plant.action_id
        assert finding.document.fields["person"][0] == "maintenance"


def test_an_action_that_says_nothing_is_refused(plant):
    for changes, code in (
        ({"action": " "}, ActRefusal.ACTION_NOT_STATED),
        ({"owner": ""}, ActRefusal.ACTION_NOT_STATED),
        ({"action": "x" * 2001}, ActRefusal.ACTION_TOO_LONG),
        ({"due": "tomorrow"}, ActRefusal.ACTION_DUE_IS_NO_DAY),
        ({"due": "20261224"}, ActRefusal.ACTION_DUE_IS_NO_DAY),
    ):
        assert plant.act(against(plant.first.deviation_id, **changes)).code is code


def test_an_action_of_what_is_not_on_record_or_done_is_refused(plant):
    assert plant.act(against("nothing")).code is ActRefusal.NO_SUCH_DEVIATION_ON_RECORD
    assert plant.act(CompleteAction(action_id="nothing")).code is ActRefusal.NO_SUCH_ACTION
    assert plant.act(CompleteAction(action_id=plant.action_id)).code is ActRefusal.ACTION_DONE_ALREADY
    assert plant.act(CompleteAction(action_id=plant.action_id), reason="").code is ActRefusal.REASON_NEEDED


def test_lots_with_a_suppliers_material_count_for_its_scorecard(plant):
    (acme, bolt) = sorted(scorecards(plant.connection), key=lambda card: card.supplier)
    assert (acme.supplier, acme.used_in, acme.open_deviations) == ("Acme", 7, 1)
    assert (bolt.used_in, bolt.deviations, bolt.trend) == (1, 1, Trend.UNKNOWN)


def test_a_suppliers_failing_lots_show_in_share_and_trend(tmp_path):
    plant = Plant(tmp_path)
    with closing(plant.connection):
        for number in range(30):
            plant.now_ns += 10**9
            plant.result(viscosity(100.0, sample_id=f"I-{number}", material_lot_id=f"IN-{number}", product="FG-100"))
            plant.connection.execute(
                "INSERT INTO incoming_result (result_id, supplier, material, analyte, failed)"
                " SELECT result_id, 'Acme', 'M', 'ph', ? FROM lab_result WHERE sample_id = ?",
                (number >= 22, f"I-{number}"),
            )
        (card,) = [item for item in scorecards(plant.connection) if item.material == "M"]
        assert (card.risk.tested, card.risk.failed, card.trend) == (30, 8, Trend.WORSE)
        assert card.risk.low < 8 / 30 < card.risk.high


def test_actions_of_a_client_are_not_shown_to_others(tmp_path):
    plant = Plant(tmp_path)
    with closing(plant.connection):
        plant.context("lot_started", material_lot_id="C-1", client_id="Carl", job_order_id="WO-2", equipment_id="R2")
        plant.result(viscosity(110.0, sample_id="S-C", material_lot_id="C-1", product="FG-100", client_id="Carl"))
        plant.follow()
        (deviation,) = plant.deviations()
        plant.act(against(deviation.deviation_id))
        with searched(plant) as where:
            assert knowledge_of(where, deviation.deviation_id, NOBODYS_CLIENT) is None
            assert knowledge_of(where, deviation.deviation_id, EVERYTHING).actions
            assert search(where, Asked(text="filter", sight=NOBODYS_CLIENT)).findings == ()
