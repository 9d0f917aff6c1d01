"""What became of a move of a setpoint is seen where people look: on its guidance, with its setpoint and in the lot."""

from contextlib import closing
from types import SimpleNamespace

import pytest

from gateway.console.views.lot import lot_view
from gateway.console.views.moves import move_of_guidance, newest_move
from gateway.guardrails.reasons import Abstention, abstain
from gateway.records.setpoints import WriteState
from gateway.records.timers import Timer
from gateway.time_units import SECOND_NS
from tests.fixtures.building import moment
from tests.fixtures.seeing import SEES_ALL
from tests.fixtures.store_bench import viscosity
from tests.fixtures.writes import TAG, WritingBench


@pytest.fixture
def bench(tmp_path):
    bench = WritingBench(tmp_path)
    with closing(bench.connection):
        yield bench


def begun(bench):
    bench.suggest()
    ((intent, _state),) = bench.open
    bench.begin(intent.intent_id)
    return intent


def shown(bench, intent):
    by_guidance = move_of_guidance(bench.connection, intent.guidance_id, bench.line)
    assert newest_move(bench.connection, TAG, bench.line, SEES_ALL.seen(bench.connection)) == by_guidance
    return by_guidance


def timeline(bench, intent):
    ((lot,),) = bench.rows("SELECT json_extract(body, '$.material_lot_id') FROM guidance WHERE guidance_id = ?",
                           intent.guidance_id)  # fmt: skip
    snapshot = SimpleNamespace(line=bench.line, at=moment(bench.now_ns), latches=frozenset(), seen=SEES_ALL.seen)
    view = lot_view(bench.connection, snapshot, lot)
    return [(entry.kind, entry.state, entry.severity) for entry in view.timeline if entry.kind in {"move", "outcome"}]


def test_a_move_on_its_way_is_shown_as_such(bench):
    intent = begun(bench)
    move = shown(bench, intent)
    assert (move.state, move.on_its_way, move.outcomes, move.helped) == ("writing", True, [], None)
    assert (move.from_value, move.to_value, move.analyte_unit) == (78.0, intent.to_value, "mPa.s")
    assert timeline(bench, intent) == []


def test_what_came_of_a_written_move_is_shown_by_prediction_and_laboratory_and_whether_it_helped(bench):
    intent = begun(bench)
    bench.end(intent.intent_id, written=intent.to_value, read_back=intent.to_value)
    assert timeline(bench, intent) == [("move", "written", None)]
    bench.now_ns += 70 * SECOND_NS
    bench.model_due(78.0, setpoint=intent.to_value)
    bench.result(viscosity(120.0, sampled_at="2027-01-15T08:01:10Z"))
    bench.timer(Timer.FOLLOW_SETPOINTS)
    move = shown(bench, intent)
    assert (move.state, move.on_its_way, move.read_back) == ("written", False, intent.to_value)
    assert [(item.followed, item.as_expected) for item in move.outcomes] == [("predicted", True), ("measured", False)]
    assert move.helped is False  # the laboratory has the last word
    assert timeline(bench, intent)[1:] == [("outcome", "predicted", None), ("outcome", "measured", "warning")]


@pytest.mark.parametrize("state", [WriteState.MISMATCH, WriteState.OVERRIDDEN, WriteState.NOT_TAKEN])
def test_a_move_that_did_not_come_about_says_why(bench, state):
    intent = begun(bench)
    reason = abstain(Abstention.WRITE_MISMATCH, tag=TAG, written=76.0, read=75.0)
    bench.end(intent.intent_id, state, written=76.0, read_back=75.0, reason=reason)
    move = shown(bench, intent)
    assert (move.state, move.reason, move.read_back) == (state.value, reason.text, 75.0)
    assert timeline(bench, intent) == [("move", state.value, "warning")]


def test_a_record_of_a_move_that_was_edited_says_so_and_not_that_the_move_helped(bench):
    intent = begun(bench)
    bench.end(intent.intent_id, written=intent.to_value, read_back=intent.to_value)
    bench.connection.execute(
        "INSERT INTO setpoint_outcome (intent_id, followed, at_ns, by, expected, value, as_expected) "
        "VALUES (?, 'measured', 1, 'x', 1.0, 1.0, 0)",
        (intent.intent_id,),
    )
    assert shown(bench, intent).helped is False
    bench.connection.execute("UPDATE setpoint_outcome SET as_expected = 1")
    move = shown(bench, intent)
    assert (move.helped, move.holds) == (None, False)
