"""What systems are told over HTTP is written with its cause, or not at all; a release only while it stands."""

import asyncio
import json
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.line.sinks import Sink, SinkMessage
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import ActOutcome, RetryMessages
from gateway.records.lot_decisions import Verdict
from gateway.store.deliveries import why_not_released
from gateway.store.transaction import write_decision
from gateway.time_units import SECOND_NS
from simulator.rest_systems import RestSystem, serving
from tests.fixtures.deciding import Deciding
from tests.fixtures.sinks import told
from tests.fixtures.store_bench import viscosity

MES = Sink(name="mes", template="generic", messages=frozenset({SinkMessage.HOLD, SinkMessage.RELEASE}))
QMS = Sink(name="qms", template="generic", messages=frozenset({SinkMessage.DEVIATION, SinkMessage.DISPOSITION}))
PLEX = Sink(name="plex", template="plex", messages=frozenset({SinkMessage.HOLD, SinkMessage.RELEASE}))


@pytest.fixture
def bench(tmp_path):
    bench = Deciding(tmp_path)
    with closing(bench.connection):
        bench.line = replace(bench.line, sinks=(MES, QMS))
        yield bench


def deliveries(bench, sink="mes", columns="kind"):
    return [row[0] for row in bench.rows(f"SELECT {columns} FROM delivery WHERE sink = ? ORDER BY seq", sink)]


def test_a_sink_is_told_of_what_it_wants_as_it_was_published(bench):
    bench.result(viscosity(120.0))
    assert deliveries(bench) == ["hold"]
    assert deliveries(bench, "qms") == ["disposition"]
    (body,) = deliveries(bench, columns="body")
    assert json.loads(body) == bench.sent("disposition")[-1]
    ((lot, order),) = bench.rows("SELECT material_lot_id, ordered_by FROM delivery WHERE sink = 'mes'")
    assert (lot, order) == ("LOT/1", "lot LOT/1")


def test_a_line_without_sinks_writes_nothing(bench):
    bench.line = replace(bench.line, sinks=())
    bench.result(viscosity(120.0))
    assert bench.rows("SELECT count(*) FROM delivery") == [(0,)]


def test_a_hold_is_told_once_and_a_recommendation_alone_releases_nothing(bench):
    bench.result(viscosity(100.0))
    assert bench.newest()["recommendation"] == "release"
    assert deliveries(bench) == []
    bench.result(viscosity(120.0, sample_id="S-2"))
    bench.result(viscosity(121.0, sample_id="S-3"))
    assert deliveries(bench) == ["hold"]


def test_a_release_by_a_person_is_told_and_a_hold_again_once_it_has_lapsed(bench):
    bench.result(viscosity(100.0))
    assert bench.decide(Verdict.RELEASE).outcome is ActOutcome.DONE
    assert deliveries(bench) == ["release"]
    bench.result(viscosity(120.0, sample_id="S-2"))
    assert deliveries(bench) == ["release", "hold"]


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.HOLD])
def test_a_person_who_rejects_or_holds_is_a_hold(bench, verdict):
    bench.result(viscosity(100.0))
    bench.decide(verdict)
    assert deliveries(bench)[-1] == "hold"
    assert "release" not in deliveries(bench)


def test_a_cause_that_is_not_committed_leaves_no_delivery(bench, monkeypatch):
    real = write_decision.audit.append_for_changes

    def fails(*_arguments, **_how):
        raise RuntimeError("cut off")

    monkeypatch.setattr(write_decision.audit, "append_for_changes", fails)
    with pytest.raises(RuntimeError):
        bench.result(viscosity(120.0))  # its dead letter cannot be written either
    bench.connection.execute("ROLLBACK")
    assert bench.rows("SELECT (SELECT count(*) FROM delivery) + (SELECT count(*) FROM disposition)") == [(0,)]
    monkeypatch.setattr(write_decision.audit, "append_for_changes", real)
    bench.result(viscosity(120.0))
    assert deliveries(bench) == ["hold"]


def test_a_template_that_cannot_take_a_message_stops_no_decision_and_a_person_hears_of_it(bench, monkeypatch):
    bench.line = replace(bench.line, sinks=(PLEX,))
    bench.result(viscosity(120.0, material_lot_id="LOT/9", product="FG-100"))  # of no order
    assert bench.rows("SELECT state, answer FROM delivery") == [("refused", "the message has no job_order_id")]
    assert bench.sent("disposition")[-1]["recommendation"] == "hold"


def test_every_delivery_is_vouched_for_by_the_trail(bench):
    bench.result(viscosity(120.0))
    lines = bench.rows("SELECT body FROM audit")
    assert any("delivery " in body for (body,) in lines)


# --- the second check ---------------------------------------------------------------------------------------------


def run(directory, system, doing, **how):
    async def session():
        async with serving(system), told(directory, system.port, **how) as line:
            return await doing(line)

    return asyncio.run(session())


async def _sends(line):
    await line.after()
    return await line.rows("kind, state, answer")


def test_a_release_that_something_has_overtaken_is_not_told_any_more(bench, tmp_path):
    """The system was away meanwhile: for a moment it would take the lot for released."""
    bench.result(viscosity(100.0))
    bench.decide(Verdict.RELEASE)
    bench.result(viscosity(120.0, sample_id="S-2"))
    system = RestSystem()
    rows = run(tmp_path, system, _sends)
    told_to_mes = [(kind, state) for kind, state, _answer in rows if kind in {"release", "hold"}]
    assert told_to_mes == [("release", "superseded"), ("hold", "delivered")]
    assert [call.headers["x-labline-kind"] for call in system.effects] == ["hold"]


def test_a_hold_does_not_wait_behind_a_release_that_is_tried_again(bench, tmp_path):
    bench.result(viscosity(100.0))
    bench.decide(Verdict.RELEASE)
    bench.connection.execute("UPDATE delivery SET attempts = 9, due_ns = ?", (bench.now_ns + 900 * SECOND_NS,))
    bench.result(viscosity(120.0, sample_id="S-2"))
    rows = bench.rows("SELECT kind, state FROM delivery WHERE sink = 'mes' ORDER BY seq")
    assert rows == [("release", "superseded"), ("hold", "waiting")]
    system = RestSystem()
    run(tmp_path, system, _sends)
    assert [call.headers["x-labline-kind"] for call in system.effects] == ["hold"]


def test_a_release_without_a_signed_decision_on_record_is_not_told_whoever_wrote_its_row(bench, tmp_path):
    bench.result(viscosity(100.0))
    bench.connection.execute(
        "INSERT INTO delivery"
        " (delivery_id, sink, message_id, kind, material_lot_id, ordered_by, path, body, created_ns)"
        " SELECT 'd-9', 'mes', disposition_id, 'release', 'LOT/1', 'lot LOT/1', '/x', x'7B7D', 1 FROM disposition"
        " WHERE material_lot_id = 'LOT/1' ORDER BY rowid DESC LIMIT 1"
    )
    system = RestSystem()
    rows = run(tmp_path, system, _sends)
    assert [row[1:] for row in rows if row[0] == "release"] == [
        ("superseded", "no signed release of the lot stands on record")
    ]
    assert system.effects == []


def test_a_release_that_stands_is_told(bench, tmp_path):
    bench.result(viscosity(100.0))
    bench.decide(Verdict.RELEASE)
    system = RestSystem()
    run(tmp_path, system, _sends)
    assert [call.headers["x-labline-kind"] for call in system.effects] == ["release"]


def test_a_job_is_released_with_the_last_of_its_lots_that_was_held(bench, tmp_path):
    bench.line = replace(bench.line, sinks=(PLEX,))
    bench.order()
    bench.context("lot_started", material_lot_id="LOT/2", job_order_id="WO-1", equipment_id="R1")
    bench.result(viscosity(120.0))
    bench.result(viscosity(100.0, sample_id="S-9", material_lot_id="LOT/2"))
    bench.decide(Verdict.RELEASE, lot="LOT/2")
    system = RestSystem()
    rows = run(tmp_path, system, _sends, name="plex")
    assert [(kind, state) for kind, state, _answer in rows] == [("hold", "delivered"), ("release", "superseded")]
    assert rows[1][2] == "1 other lots of the job WO-1 are on hold"
    assert system.jobs_on_hold == {"WO-1"}


# --- a person wants it sent again -----------------------------------------------------------------------------------


def refuse(bench, sink="mes"):
    bench.connection.execute("UPDATE delivery SET state = 'refused', answer = 'answered 422' WHERE sink = ?", (sink,))


def test_a_refused_delivery_is_sent_again_as_a_person_asks(bench, tmp_path):
    bench.result(viscosity(120.0))
    refuse(bench)
    (delivery_id,) = deliveries(bench, columns="delivery_id")
    answer = bench.act(RetryMessages(message_ids=(delivery_id,), all_parked=False))
    assert (answer.outcome, answer.details["messages"]) == (ActOutcome.DONE, {delivery_id: "refused_delivery"})
    assert bench.rows("SELECT count(*) FROM audit WHERE kind = 'delivery_retried'") == [(1,)]
    system = RestSystem()
    run(tmp_path, system, _sends)
    assert [call.key for call in system.effects] == [delivery_id]


def test_all_that_was_refused_is_meant_by_all_that_is_parked(bench):
    bench.result(viscosity(120.0))
    refuse(bench)
    answer = bench.act(RetryMessages(message_ids=(), all_parked=True))
    assert list(answer.details["messages"].values()) == ["refused_delivery"]


def test_a_delivery_that_a_later_one_has_overtaken_is_not_sent_again(bench):
    """Else an old release would follow the hold that came after it."""
    bench.result(viscosity(100.0))
    bench.decide(Verdict.RELEASE)
    refuse(bench)
    bench.result(viscosity(120.0, sample_id="S-2"))
    (delivery_id, _hold) = deliveries(bench, columns="delivery_id")
    answer = bench.act(RetryMessages(message_ids=(delivery_id,), all_parked=False))
    assert answer.code == ActRefusal.DELIVERY_OVERTAKEN
    assert bench.act(RetryMessages(message_ids=(), all_parked=True)).details["messages"] == {}


def test_a_delivery_that_has_no_form_is_not_sent_again(bench):
    bench.line = replace(bench.line, sinks=(PLEX,))
    bench.result(viscosity(120.0, material_lot_id="LOT/9", product="FG-100"))
    (delivery_id,) = deliveries(bench, "plex", "delivery_id")
    answer = bench.act(RetryMessages(message_ids=(delivery_id,), all_parked=False))
    assert answer.code == ActRefusal.DELIVERY_UNFIT


def test_a_release_of_a_lot_that_nothing_is_known_of_is_not_told(bench):
    row = type("Row", (), {"material_lot_id": "LOT/404", "message_id": "m", "ordered_by": "lot LOT/404"})()
    assert why_not_released(bench.connection, "mes", row) == "something else has been decided on the lot since"
