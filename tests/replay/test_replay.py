"""In which order a replay decides: as it was decided, which is not always as it happened."""

import hashlib
from contextlib import closing

import pytest

from gateway.contract.lims.lab_results import LimsInterface
from gateway.database.opening import open_for_writing
from gateway.events import ModelDue, ResponseArrived, ResultArrived, TimerDue
from gateway.guardrails.reasons import Abstention, abstain
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.history.reader.recorded import RecordedHistory
from gateway.history.reader.windows_as_of import KnownThen
from gateway.ingest.lims import understand_results
from gateway.records.acts import StopWrites
from gateway.records.guidance import Guidance
from gateway.records.laboratory import ResultStatus
from gateway.records.setpoints import WriteState
from gateway.records.timers import Timer
from gateway.replay.recorded import Recording, Stretch, recorded_events
from gateway.replay.rerun import rerun
from gateway.replay.setpoint_writes import let_stand, write_steps
from gateway.store.care.opening import prepare
from gateway.store.codec import decode
from gateway.store.database import open_state, read_state
from gateway.store.queries.guidance import identified_answers
from gateway.store.queries.setpoints import last_move, stop_of
from gateway.store.statements import SQL
from gateway.store.transaction.records.guidance import guidance_changed
from gateway.store.transaction.records.setpoints import intent_made
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS, line, moment, new_state
from tests.fixtures.store_bench import Bench
from tests.fixtures.terminals import Terminal
from tests.fixtures.writes import TAG, WritingBench


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def replayed(bench):
    understand = understand_results(
        LimsInterface(source="lims", analytes={"pH": "ph"}, assume_status=ResultStatus.VALIDATED)
    )
    stretch = Stretch(from_ns=0, until_ns=NOW_NS + 100 * SECOND_NS)
    events = [recorded.event for recorded in recorded_events(bench.connection, stretch, understand=understand)]
    return [
        (
            event.result.sample_id if isinstance(event, ResultArrived) else event.model,
            (event.at_ns - NOW_NS) // SECOND_NS,
        )
        for event in events
        if isinstance(event, ResultArrived | ModelDue)
    ]


def at(bench, seconds):
    bench.now_ns = NOW_NS + seconds * SECOND_NS
    return bench


def result(sample_id):
    return {"sample_id": sample_id, "test_name": "pH", "result": 7.0}


def lived(bench):
    """A tick waits while a result comes in, and what is urgent goes first; then the wall clock is set back."""
    at(bench, 1).model_due(78.0)
    at(bench, 3).result(result("S-1"))
    at(bench, 2).model_due(78.0)
    at(bench, 9).result(result("S-2"))
    at(bench, 5).model_due(78.0)


def test_events_come_again_in_the_order_in_which_they_were_decided(bench):
    lived(bench)
    assert replayed(bench) == [("viscosity", 1), ("S-1", 3), ("viscosity", 2), ("S-2", 9), ("viscosity", 5)]


def test_where_the_order_is_not_on_record_they_come_by_time(bench):
    lived(bench)
    bench.connection.execute("UPDATE prediction SET after_event = NULL")
    assert replayed(bench) == [("viscosity", 1), ("viscosity", 2), ("S-1", 3), ("viscosity", 5), ("S-2", 9)]


def test_what_identified_people_answered_stands_in_a_replay_and_nobody_is_asked_again(bench, tmp_path):
    bench.line = line(models=())
    for lot in ("LOT-1", "LOT-2"):
        bench.result(result(f"S-{lot}") | {"result": 9.9, "material_lot_id": lot})
    first, second = (item["id"] for item in bench.sent("guidance"))
    bench.with_users()
    at(bench, 1)
    assert Terminal(bench, "q.head").answer(first, "acknowledge")["outcome"] == "ACKNOWLEDGED"
    bench.answer(second, "acknowledge")
    at(bench, 2).result(result("S-3"))
    stretch = Stretch(from_ns=0, until_ns=NOW_NS + 100 * SECOND_NS)
    understand = understand_results(
        LimsInterface(source="lims", analytes={"pH": "ph"}, assume_status=ResultStatus.VALIDATED)
    )
    events = recorded_events(bench.connection, stretch, understand=understand)
    responses = [item.event for item in events if isinstance(item.event, ResponseArrived)]
    assert [event.response.guidance_id for event in responses] == [second]
    folder = tmp_path / "replay"
    with closing(open_for_writing(tmp_path / HISTORY_FILE, HISTORY)) as connection:
        known = KnownThen(RecordedHistory(connection, []), {}, start_ns=stretch.from_ns, end_ns=stretch.until_ns)
        recording = Recording(events=events, stretch=stretch, answers=identified_answers(bench.connection))
        rerun(recording, line=bench.line, history=known, folder=folder)
    with closing(read_state(folder)) as connection:
        states = dict(connection.execute("SELECT guidance_id, state FROM guidance").fetchall())
    assert (states[first], states[second]) == ("acknowledged", "acknowledged")


def test_what_was_written_to_the_plc_stands_in_a_replay_and_nothing_is_written_again(tmp_path):
    bench = WritingBench(tmp_path)
    with closing(bench.connection):
        bench.suggest()
        ((intent, _state),) = bench.open
        bench.now_ns += SECOND_NS
        bench.begin(intent.intent_id)
        bench.end(intent.intent_id, before=78.0, written=intent.to_value, read_back=intent.to_value)
        bench.act(StopWrites(), at_ns=bench.now_ns)
        steps = write_steps(bench.connection)
        (body,) = bench.rows("SELECT body FROM guidance WHERE kind = 'setpoint'")
    folder = tmp_path / "replay"
    folder.mkdir()
    with closing(new_state(folder)) as connection:
        again = decode(Guidance, body[0].replace('"applied"', '"approved"'))
        approved = TimerDue(event_id="t", at=moment(NOW_NS), timer=Timer.EXPIRE_GUIDANCE)
        guidance_changed(connection, approved, again)
        intent_made(connection, approved, intent)
        for step in steps:
            let_stand(connection, step, moment(step.at_ns))
        assert [tuple(row) for row in connection.execute("SELECT state FROM setpoint_intent")] == [("written",)]
        assert [tuple(row) for row in connection.execute("SELECT state FROM guidance")] == [("applied",)]
        assert stop_of(connection) is not None


@pytest.mark.parametrize("states", [("written",), ("overridden",), ("overridden", "cause_ended")])
def test_what_became_of_the_last_move_is_known_to_a_replay_as_it_was_then(tmp_path, states):
    bench = WritingBench(tmp_path)
    with closing(bench.connection):
        bench.suggest()
        ((intent, _state),) = bench.open
        bench.now_ns += SECOND_NS
        bench.begin(intent.intent_id)
        bench.end(intent.intent_id, WriteState.FOLLOWING, written=intent.to_value)
        for state in map(WriteState, states):
            bench.now_ns += SECOND_NS
            reason = abstain(Abstention.OPERATOR_MODE, tag=TAG) if state is WriteState.OVERRIDDEN else None
            bench.end(intent.intent_id, state, written=intent.to_value, reason=reason)
        steps, then = write_steps(bench.connection), last_move(bench.connection, TAG)
        (body,) = bench.rows("SELECT body FROM guidance WHERE kind = 'setpoint'")
    assert [step.record.state.value for step in steps] == ["writing", "following", *states]
    folder = tmp_path / "replay"
    folder.mkdir()
    prepare(folder, at_ns=0)
    with closing(open_state(folder, vouching=False)) as connection:
        approved = TimerDue(event_id="t", at=moment(NOW_NS), timer=Timer.EXPIRE_GUIDANCE)
        guidance_changed(connection, approved, decode(Guidance, body[0].replace('"applied"', '"approved"')))
        intent_made(connection, approved, intent)
        for step in steps:
            let_stand(connection, step, moment(step.at_ns))
        assert last_move(connection, TAG) == then
    assert (then.cause, then.in_force, then.holds) == (
        "OPERATOR_MODE" if states[-1] == "overridden" else None, states == ("written",), True,
    )  # fmt: skip


def test_a_replay_says_the_same_bytes_and_keeps_no_trail(bench, tmp_path):
    bench.line = line(models=())
    for number, value in enumerate((7.0, 9.9, 7.1)):
        at(bench, number).result(result(f"S-{number}") | {"result": value, "material_lot_id": "LOT-1"})
    stretch = Stretch(from_ns=0, until_ns=NOW_NS + 100 * SECOND_NS)
    understand = understand_results(
        LimsInterface(source="lims", analytes={"pH": "ph"}, assume_status=ResultStatus.VALIDATED)
    )
    folder = tmp_path / "replay"
    with closing(open_for_writing(tmp_path / HISTORY_FILE, HISTORY)) as connection:
        known = KnownThen(RecordedHistory(connection, []), {}, start_ns=stretch.from_ns, end_ns=stretch.until_ns)
        recording = Recording(events=recorded_events(bench.connection, stretch, understand=understand), stretch=stretch)
        replayed_again = rerun(recording, line=bench.line, history=known, folder=folder)
    sent = [(row["topic"], row["payload"]) for row in bench.connection.execute(SQL["outbox_messages"])]
    kept = [(topic, payload) for topic, payload in sent if not topic.endswith("/board")]  # sent now and then
    assert replayed_again.messages == len(kept) > 3
    assert (
        replayed_again.sha256
        == hashlib.sha256(b"".join(f"{topic}\n".encode() + body + b"\n" for topic, body in kept)).hexdigest()
    )
    with closing(read_state(folder)) as connection:
        assert connection.execute("SELECT count(*) FROM audit").fetchone()[0] == 0
    assert bench.rows("SELECT count(*) FROM audit") != [(0,)]
