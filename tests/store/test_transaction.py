"""The process step against a real database: identity, versions, poison, one transaction, the audit chain."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest

from gateway.contract.times import rfc3339
from gateway.database.writer import Writer
from gateway.decisions import table
from gateway.decisions.table import windows_needed
from gateway.errors import InferenceError, LablineError, StoreCorruptError, StoreLockedError, StoreUnavailableError
from gateway.events import GatewayStarted, ModelDue, ResultArrived
from gateway.line.definition import Stage
from gateway.records.timers import Timer
from gateway.store.audit import trail as audit
from gateway.store.database import locked, open_state, read_state
from gateway.time_units import SECOND_NS, seconds_to_ns
from tests.fixtures.building import NOW_NS, assignment, line, moment, sample, steady_rings
from tests.fixtures.store_bench import Bench, viscosity


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    with closing(made.connection):
        yield made


def test_an_out_of_specification_result_becomes_disposition_and_hold_in_one_transaction(bench):
    bench.order()
    bench.result(viscosity(110.0))
    (disposition,) = bench.sent("disposition")
    (hold,) = bench.sent("guidance")
    assert (disposition["recommendation"], disposition["latched"]) == ("hold", True)
    assert (hold["kind"], hold["state"], hold["requires"]) == (
        "hold",
        "proposed",
        {"role": "quality", "signature": True},
    )
    assert hold["material_definition_id"] == "FG-100"
    assert bench.rows("SELECT topic, retain FROM outbox WHERE topic LIKE '%disposition%'") == [
        ("acme/lyon/polymers/line-1/quality/disposition/LOT%2F1", 1)
    ]
    assert audit.verify(bench.connection)[1] is None


def test_each_version_has_one_disposition_and_a_second_hold_is_not_repeated(bench):
    bench.order()
    bench.result(viscosity(110.0, result_version=1))
    bench.result(viscosity(111.0, result_version=2))
    bench.result(viscosity(100.0, result_version=3))
    recommendations = [disposition["recommendation"] for disposition in bench.sent("disposition")]
    assert recommendations == ["hold", "hold", "review"]  # a latched hold is never lifted by itself
    assert [guidance["kind"] for guidance in bench.sent("guidance")] == ["hold"]
    assert bench.rows("SELECT result_version, current FROM lab_result ORDER BY 1") == [(1, 0), (2, 0), (3, 1)]


def test_an_older_version_that_comes_late_is_kept_but_does_not_take_over(bench):
    bench.order()
    bench.result(viscosity(100.0, result_version=2))
    bench.result(viscosity(110.0, result_version=1))
    assert bench.rows("SELECT result_version, current FROM lab_result ORDER BY 1") == [(1, 0), (2, 1)]
    late = bench.sent("disposition")[1]
    assert (late["recommendation"], late["latched"]) == ("review", True)  # it was out: in whatever order that is said
    assert "OLDER_VERSION" in late["flags"]


def test_a_redelivery_changes_nothing(bench):
    bench.result(viscosity(100.0, result_version=1))
    before = bench.rows("SELECT count(*), max(seq) FROM outbox"), bench.rows("SELECT count(*) FROM audit")
    bench.result(viscosity(100.0, result_version=1))
    assert (bench.rows("SELECT count(*), max(seq) FROM outbox"), bench.rows("SELECT count(*) FROM audit")) == before


def test_without_versions_the_store_counts_and_recognises_repeats(bench):
    bench.result(viscosity(100.0), number=7)
    bench.result(viscosity(100.0), number=7, dup=True)  # the broker sends the same delivery again
    bench.result(viscosity(100.0), number=8)  # the laboratory repeats itself: a duplicate
    assert len(bench.sent("disposition")) == 1
    bench.result(viscosity(101.0), number=9)  # a correction
    bench.result(viscosity(100.0), number=10)  # back to what was superseded: a resend, or meant?
    assert len(bench.sent("disposition")) == 2
    bench.wait(61)  # nothing has followed: a new version, for review
    dispositions = bench.sent("disposition")
    assert len(dispositions) == 3
    assert dispositions[-1]["recommendation"] == "review"
    assert bench.rows("SELECT result_version, current FROM lab_result ORDER BY 1") == [(1, 0), (2, 0), (3, 1)]
    assert bench.rows("SELECT count(*) FROM audit WHERE kind = 'result_repeated'") == [(1,)]


def test_another_value_under_the_same_version_is_refused_and_kept(bench):
    bench.result(viscosity(100.0, result_version=1))
    bench.result(viscosity(120.0, result_version=1))
    (letter,) = bench.sent("dead-letter")
    assert letter["reasons"][0]["code"] == "RESULT_VERSION_CONFLICT"
    assert len(bench.rows("SELECT 1 FROM lab_result")) == 1


def test_a_retest_releases_nothing_and_stands_beside_the_sample_it_names(bench):
    bench.order()
    bench.result(viscosity(103.0))
    bench.result(viscosity(100.0, sample_id="S-2", retest_of="S-1"))
    samples = [result["sample_id"] for result in bench.sent("disposition")[-1]["rests_on"]["results"]]
    assert samples == ["S-1", "S-2"]
    assert bench.sent("disposition")[-1]["recommendation"] == "review"


def test_a_retest_does_not_erase_other_tests_itself_or_anything_when_it_is_rejected(bench):
    bench.order()
    bench.result(viscosity(110.0, replicate=2, retest_of="S-1"))
    assert bench.sent("disposition")[-1]["recommendation"] == "hold"
    bench.result({"sample_id": "S-1", "test_id": "pH", "value": 7, "status": "entered", "material_lot_id": "LOT/2"})
    bench.result(viscosity(100.0, sample_id="S-2", retest_of="S-1", material_lot_id="LOT/2", product="FG-100"))
    assert bench.sent("disposition")[-1]["recommendation"] == "review"  # the pH is still only entered
    bench.result(viscosity(103.0, sample_id="S-3", material_lot_id="LOT/3", product="FG-100", status="entered"))
    bench.result(viscosity(100.0, sample_id="S-4", material_lot_id="LOT/3", product="FG-100", retest_of="S-3",
                           status="rejected"))  # fmt: skip
    assert bench.sent("disposition")[-1]["recommendation"] == "review"


def test_a_lot_never_rests_on_another_lots_result(bench):
    bench.order()
    bench.result(viscosity(100.0, result_version=2, material_lot_id="LOT-B", product="FG-100"))
    bench.result(viscosity(110.0, result_version=1))
    late = bench.sent("disposition")[-1]
    assert (late["material_lot_id"], late["recommendation"], late["rests_on"]["results"]) == ("LOT/1", "review", [])


def test_a_correction_that_moves_a_result_to_another_lot_sends_the_old_lot_to_review(bench):
    bench.order()
    bench.result(viscosity(100.0, result_version=1))
    bench.result(viscosity(100.0, result_version=2, material_lot_id="LOT-B", product="FG-100"))
    new, old = bench.sent("disposition")[-2:]
    assert (new["material_lot_id"], new["recommendation"]) == ("LOT-B", "release")
    assert (old["material_lot_id"], old["recommendation"]) == ("LOT/1", "review")
    assert old["reasons"][0]["code"] == "RESULT_LEFT_LOT"


def test_a_later_result_without_product_does_not_judge_the_lot_anew(bench):
    bench.result(viscosity(110.0, product="FG-100"))
    bench.result({"sample_id": "S-2", "test_id": "pH", "value": 7, "material_lot_id": "LOT/1"})
    assert bench.sent("disposition")[-1]["recommendation"] == "hold"


def test_a_restored_value_stays_a_review_when_other_results_come(bench):
    bench.order()
    for value in (100.0, 101.0, 100.0):
        bench.result(viscosity(value))
    bench.wait(61)
    bench.result({"sample_id": "S-2", "test_id": "pH", "value": 7, "material_lot_id": "LOT/1"})
    assert bench.sent("disposition")[-1]["recommendation"] == "review"


def test_two_samples_without_a_lot_have_a_hold_each(bench):
    for name in ("A", "B"):
        bench.result({"sample_id": name, "test_id": "pH", "value": 9.9, "product": "FG-100"})
    holds = bench.sent("guidance")
    assert [(hold["kind"], hold["measured"]["sample_id"]) for hold in holds] == [("hold", "A"), ("hold", "B")]


def test_a_harmless_result_of_a_held_lot_raises_no_second_hold(bench):
    bench.order()
    bench.result(viscosity(110.0))
    bench.result({"sample_id": "S-2", "test_id": "pH", "value": 7, "material_lot_id": "LOT/1"})
    assert [guidance["analyte"] for guidance in bench.sent("guidance")] == ["viscosity"]


def test_a_release_resolves_every_review_of_the_lot(bench):
    bench.order()
    bench.result(viscosity(100.0, status="entered", result_version=1))
    bench.result({"sample_id": "S-2", "test_id": "pH", "value": 7, "material_lot_id": "LOT/1"})
    bench.result(viscosity(100.0, result_version=2))
    assert bench.sent("disposition")[-1]["recommendation"] == "release"
    assert bench.sent("board")[-1]["guidance"] == []


def test_results_after_the_closing_of_a_lot_are_flagged_and_not_retained(bench):
    bench.order()
    bench.context("lot_closed", material_lot_id="LOT/1")
    bench.result(viscosity(110.0))
    assert "LOT_CLOSED" in bench.sent("disposition")[-1]["flags"]
    assert bench.rows("SELECT retain FROM outbox WHERE topic LIKE '%disposition%' ORDER BY seq")[-1] == (0,)


def test_a_lot_whose_end_was_lost_is_over_when_the_next_one_starts(bench):
    bench.order()
    bench.context("lot_started", material_lot_id="LOT/2", job_order_id="WO-1", equipment_id="R1")
    bench.context("lot_ended", material_lot_id="LOT/2")
    bench.model_due(78.0)
    assert bench.sent("prediction")[-1]["material_lot_id"] is None


def test_a_plain_result_with_its_own_limits_is_judged_by_them(bench):
    bench.result({"sample_id": "B-5", "test_name": "Colour", "result": 9.8, "spec_min": 6.5, "spec_max": 7.5,
                  "material_lot": "LOT-X"})  # fmt: skip
    (disposition,) = bench.sent("disposition")
    assert disposition["recommendation"] == "hold"
    assert disposition["flags"] == ["NO_SAMPLED_AT"]


def test_an_unknown_test_without_limits_is_recorded_for_review(bench):
    bench.result({"sample_id": "B-5", "test_name": "Smell", "result": 3, "material_lot": "LOT-X"})
    assert bench.sent("disposition")[0]["recommendation"] == "review"


def test_a_result_without_a_lot_finds_it_by_equipment_and_drawn_time(bench):
    bench.order()
    document = viscosity(100.0, equipment_id="R1", sampled_at=rfc3339(NOW_NS))
    del document["material_lot_id"]
    bench.result(document)
    (disposition,) = bench.sent("disposition")
    assert disposition["material_lot_id"] == "LOT/1"
    (predicted,) = disposition["rests_on"]["predictions"]  # what the model says of the drawn time
    assert predicted["value"] == pytest.approx(100.0)


def test_a_result_that_belongs_to_no_lot_is_flagged(bench):
    bench.result({"sample_id": "B-5", "test_name": "pH", "result": 7})
    (disposition,) = bench.sent("disposition")
    assert disposition["material_lot_id"] is None
    assert "NO_LOT" in disposition["flags"]
    assert bench.rows("SELECT topic, retain FROM outbox WHERE topic LIKE '%disposition%'")[0][1] == 0


def test_closing_a_lot_clears_its_disposition_and_its_guidance(bench):
    bench.order()
    bench.result(viscosity(110.0))
    bench.context("lot_closed", material_lot_id="LOT/1")
    assert bench.rows("SELECT length(payload) FROM outbox WHERE topic LIKE '%disposition%' ORDER BY seq")[-1] == (0,)
    assert bench.sent("guidance")[-1]["state"] == "resolved"
    assert bench.sent("board")[-1]["guidance"] == []


def test_a_predicted_excursion_warns_suggests_is_applied_and_resolves(bench):
    bench.order()
    bench.model_due(76.0)  # predicts 108
    kinds = [(guidance["kind"], guidance["state"]) for guidance in bench.sent("guidance")]
    assert kinds == [("warning", "proposed"), ("setpoint", "proposed")]
    suggestion = bench.sent("guidance")[1]["suggestion"]
    assert suggestion["proposed"] == pytest.approx(79.9)
    bench.now_ns += seconds_to_ns(1)
    bench.model_due(76.0, setpoint=suggestion["proposed"])  # the operator followed; the reactor has not moved yet
    assert bench.sent("guidance")[-1]["state"] == "applied"
    bench.now_ns += seconds_to_ns(1)
    bench.model_due(78.0, setpoint=suggestion["proposed"])
    after = {(guidance["kind"], guidance["state"]) for guidance in bench.sent("guidance")}
    assert {("setpoint", "resolved"), ("warning", "resolved")} <= after
    assert bench.sent("board")[-1]["guidance"] == []


def test_advice_that_nobody_answers_expires(bench):
    bench.order()
    bench.model_due(76.0)
    bench.now_ns += seconds_to_ns(601)
    bench.timer(Timer.EXPIRE_GUIDANCE)
    assert [guidance["state"] for guidance in bench.sent("guidance")][-2:] == ["expired", "expired"]


def test_advice_that_has_outlived_its_time_is_renewed_by_a_prediction_before_any_timer_has_looked(bench):
    bench.order()
    bench.model_due(76.0)
    bench.now_ns += seconds_to_ns(601)
    bench.model_due(76.0)
    assert [(guidance["kind"], guidance["state"]) for guidance in bench.sent("guidance")] == [
        ("warning", "expired"), ("setpoint", "expired"), ("warning", "proposed"), ("setpoint", "proposed"),
    ]  # fmt: skip


def test_a_suggestion_is_withdrawn_when_the_model_abstains(bench):
    bench.order()
    bench.model_due(76.0)
    bench.now_ns += seconds_to_ns(1)
    bench.model_due(120.0)  # outside the validated range
    assert bench.sent("prediction")[-1]["verdict"]["accepted"] is False
    assert ("setpoint", "withdrawn") in {(guidance["kind"], guidance["state"]) for guidance in bench.sent("guidance")}


def test_a_suggestion_is_withdrawn_when_the_setpoint_has_gone_elsewhere(bench):
    bench.order()
    bench.model_due(76.0)
    bench.now_ns += seconds_to_ns(1)
    bench.model_due(76.0, setpoint=76.0)
    assert ("setpoint", "withdrawn") in {(guidance["kind"], guidance["state"]) for guidance in bench.sent("guidance")}


def test_advice_that_changed_before_it_was_sent_is_not_sent(bench):
    bench.order()
    bench.model_due(76.0)
    waiting = "SELECT count(*) FROM outbox WHERE lane = 0"
    assert bench.rows(waiting) == [(2,)]
    bench.now_ns += seconds_to_ns(1)
    bench.model_due(78.0)
    assert bench.rows(waiting) == [(0,)]
    assert {guidance["state"] for guidance in bench.sent("guidance")} == {"resolved", "withdrawn"}


def test_a_move_that_the_operator_made_counts_for_the_minimum_interval(bench):
    bench.order()
    rings = steady_rings(76.0, 78.0)
    rings.add_notification("plc1", [sample("temperature_setpoint", 79.0, at=-1)], confirmed_ns=NOW_NS)
    event = ModelDue(event_id="due", at=moment(NOW_NS), model="viscosity")
    bench.commit(event, rings.windows(windows_needed(event, bench.line)))
    assert [guidance["kind"] for guidance in bench.sent("guidance")] == ["warning"]
    ((body,),) = bench.rows("SELECT body FROM prediction")
    assert json.loads(body)["no_suggestion"][0]["code"] == "TOO_SOON"


def test_a_model_that_fails_in_the_search_still_predicts_and_warns(bench):
    def failing_in_batches(rows):
        if len(rows) > 1:
            raise InferenceError("batches are too much for it")
        return 100 - 4.0 * (rows - 78)

    bench.line = line(models=(assignment(predict=failing_in_batches),))
    bench.order()
    bench.model_due(76.0)
    assert [guidance["kind"] for guidance in bench.sent("guidance")] == ["warning"]
    ((body,),) = bench.rows("SELECT body FROM prediction")
    assert json.loads(body)["no_suggestion"][0]["code"] == "MODEL_FAILED"


def test_advice_for_another_product_is_withdrawn_when_the_product_changes(bench):
    bench.order()
    bench.model_due(76.0)
    bench.now_ns += seconds_to_ns(40)
    bench.context("order_started", job_order_id="WO-2", material_definition_id="FG-200", equipment_id="R1")
    bench.context("lot_started", material_lot_id="LOT/9", job_order_id="WO-2", equipment_id="R1")
    bench.model_due(76.0)
    assert bench.sent("board")[-1]["guidance"] == []
    ((body,),) = bench.rows("SELECT body FROM prediction ORDER BY at_ns DESC LIMIT 1")
    assert json.loads(body)["no_suggestion"][0]["code"] == "NO_SPECIFICATION"


def test_a_response_changes_the_guidance_once(bench):
    bench.order()
    bench.result(viscosity(110.0))
    hold = bench.sent("guidance")[0]["id"]
    bench.answer(hold, "acknowledge")
    bench.answer(hold, "acknowledge")  # the terminal sends it again
    bench.answer(hold, "reject", response_id="r-2")
    bench.answer("nobody", "acknowledge", response_id="r-3")
    assert bench.rows("SELECT outcome FROM response ORDER BY rowid") == [
        ("ACKNOWLEDGED",), ("SIGNATURE_REQUIRED",), ("UNKNOWN_GUIDANCE",),
    ]  # fmt: skip
    assert [guidance["state"] for guidance in bench.sent("guidance")] == ["proposed", "acknowledged"]


def test_a_model_in_shadow_records_and_says_nothing(bench):
    bench.line = line(models=(assignment(stage=Stage.SHADOW),))
    bench.order()
    before = bench.rows("SELECT count(*) FROM outbox")
    bench.model_due(76.0)
    assert bench.rows("SELECT count(*) FROM prediction") == [(1,)]
    assert bench.rows("SELECT count(*) FROM outbox") == before


def test_telemetry_keeps_only_the_latest_of_a_topic_and_says_so(bench):
    for _ in range(3):
        bench.now_ns += seconds_to_ns(1)
        bench.model_due(78.0)
    assert len(bench.sent("prediction")) == 1
    assert bench.rows("SELECT reason, count(*) FROM departure GROUP BY reason") == [("superseded", 2)]


def test_poison_is_buried_and_what_came_with_it_lives(bench, monkeypatch):
    bench.order()
    poisoned = viscosity(100.0, sample_id="S-bad")
    real = table.on_result

    def failing(event, facts):
        if event.result.sample_id == "S-bad":
            raise ZeroDivisionError("poison")
        return real(event, facts)

    row = table.DECISIONS[ResultArrived, None]
    monkeypatch.setitem(table.DECISIONS, (ResultArrived, None), replace(row, decide=failing))
    assert bench.result(poisoned).failed == 1
    assert bench.sent("disposition")[-1]["recommendation"] == "review"  # its lot is for a person
    assert bench.result(viscosity(100.0)).failed == 0
    (letter,) = bench.sent("dead-letter")
    assert letter["reasons"][0]["code"] == "DECISION_FAILED"
    assert len(bench.sent("disposition")) == 2
    assert audit.verify(bench.connection)[1] is None


def test_the_start_is_audited_with_the_configuration_and_whether_it_changed(bench):
    for configuration in ("one", "one", "two"):
        bench.now_ns += 1
        bench.commit(
            GatewayStarted(event_id=f"s{bench.now_ns}", at=moment(bench.now_ns), version="0", bundles={}, stages={},
                           configuration_sha256=configuration)
        )  # fmt: skip
    bodies = [json.loads(body) for (body,) in bench.rows("SELECT body FROM audit WHERE kind = 'gateway_started'")]
    assert [body["changed"] for body in bodies] == [True, False, True]


def test_the_audit_trail_refuses_changes_and_notices_them(bench):
    bench.order()
    bench.result(viscosity(110.0))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        bench.connection.execute("UPDATE audit SET body = '{}' WHERE seq = 2")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        bench.connection.execute("DELETE FROM audit")
    bench.connection.execute("DROP TRIGGER audit_is_append_only_update")
    bench.connection.execute("UPDATE audit SET body = '{}' WHERE seq = 2")
    assert audit.verify(bench.connection) == (1, "line 2 has been changed")


def test_a_missing_line_of_the_audit_trail_is_noticed(bench):
    bench.order()
    bench.connection.execute("DROP TRIGGER audit_is_append_only_delete")
    bench.connection.execute("DELETE FROM audit WHERE seq = 1")
    assert audit.verify(bench.connection) == (0, "line 1 is missing")


def test_a_second_process_is_refused_with_a_clear_message(tmp_path):
    with locked(tmp_path), pytest.raises(StoreLockedError, match="in use by process"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass  # and the lock is free again


def test_reading_where_no_store_is_says_so(tmp_path):
    with pytest.raises(LablineError, match="there is no store"):
        read_state(tmp_path)


def test_a_store_of_a_newer_version_is_left_alone(tmp_path):
    with closing(open_state(tmp_path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailableError, match="schema 99"):
        open_state(tmp_path)


async def test_the_writer_rolls_back_what_fails_and_goes_on(tmp_path):
    def fails(connection):
        connection.execute("INSERT INTO departure VALUES (1, 'a', 0, 't', 'expired', 0)")
        connection.execute("SELECT * FROM nothing_like_it")

    async with Writer(partial(open_state, tmp_path), name="store") as writer:
        with pytest.raises(StoreUnavailableError):
            await writer.run(fails)
        count = await writer.run(lambda connection: connection.execute("SELECT count(*) FROM departure").fetchone()[0])
    assert count == 0


async def test_a_writer_that_cannot_open_its_store_says_so(tmp_path):
    (tmp_path / "state.db").write_bytes(b"this is no database, and long enough to be looked at" * 100)
    with pytest.raises(StoreCorruptError, match="cannot be opened"):
        async with Writer(partial(open_state, tmp_path), name="store"):
            pass


def test_a_redelivered_message_of_several_results_changes_nothing(bench):
    """Both are committed, the acknowledgements are lost, and both come again: nothing old takes the place of new."""

    def send(number, values, *, dup=False):
        bench.now_ns += SECOND_NS
        for test, value in values.items():
            bench.result(
                {"sample_id": "S-1", "test_id": test, "value": value, "status": "approved"}, dup=dup, number=number
            )

    first, second = {"pH": 7.1, "Ca": 41.0}, {"pH": 7.2, "Ca": 42.0}
    send(1, first)
    send(2, second)
    send(1, first, dup=True)
    send(2, second, dup=True)
    assert bench.rows("SELECT test_id, count(*) FROM lab_result GROUP BY test_id ORDER BY 1") == [("Ca", 2), ("pH", 2)]
