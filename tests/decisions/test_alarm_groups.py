"""What is wrong with one server, or with the broker, is one call; the rest stands below it, and none is lost."""

import json
from contextlib import closing
from dataclasses import replace

import pytest

from gateway.advice.gateway_alarm_groups import counterpart_of
from gateway.clock import SystemClock
from gateway.ingest.event_queue import EventQueue
from gateway.operations.health import Health
from gateway.publish.notice_texts import is_wanted
from gateway.records.acts import Acknowledge, ActOutcome, Shelve
from gateway.records.alarms import AlarmChange
from gateway.runtime.alarm_watch import AlarmWatch
from gateway.store.queries.alarms import standing_alarms
from gateway.store.queries.readers import Reader
from gateway.time_units import SECOND_NS
from tests.decisions.test_alarms import Alarms
from tests.fixtures.building import line
from tests.publish.test_notifying import EVENT, target

LOST, SILENT, REFUSED = "SOURCE_PLC1_DISCONNECTED", "ITEMS_SILENT_PLC1", "NODES_REFUSED_PLC1"


@pytest.fixture
def bench(tmp_path):
    bench = Alarms(tmp_path)
    with closing(bench.connection):
        yield bench


def below(bench):
    return {alarm.alarm_id.removeprefix("gateway/"): alarm.group_id and alarm.group_id.removeprefix("gateway/")
            for alarm in standing_alarms(bench.connection)}  # fmt: skip


def calls(bench):
    return [name.removeprefix("gateway/") for (name,) in
            bench.rows("SELECT alarm_id FROM alarm_event WHERE change = 'raised' ORDER BY seq")]  # fmt: skip


@pytest.mark.parametrize("codes", [(LOST, SILENT, REFUSED), (SILENT, LOST, REFUSED)])
def test_a_server_that_is_away_calls_once_and_all_stands_below_the_first(bench, codes):
    for code in codes:
        bench.condition(code, True)
    assert calls(bench) == [codes[0]]
    assert below(bench) == {codes[0]: None, codes[1]: codes[0], codes[2]: codes[0]}


def test_both_sessions_with_the_broker_and_what_it_refuses_are_one_call(bench):
    for code in ("SOURCE_BROKER_DISCONNECTED", "SOURCE_BROKER_IN_DISCONNECTED", "CONNECTION_UNSTABLE_LINE-1"):
        bench.condition(code, True)
    assert calls(bench) == ["SOURCE_BROKER_DISCONNECTED"]


def test_other_servers_and_other_alarms_call_for_themselves(bench):
    lost = [LOST, "SOURCE_PLC2_DISCONNECTED", "SOURCE_BROKER_DISCONNECTED"]
    for code in (*lost, "ITEMS_SILENT_PLC2", "STORE_FULL_SOON"):
        bench.condition(code, True)
    assert calls(bench) == [*lost, "STORE_FULL_SOON"]
    assert {counterpart_of(code) for code in ("STORE_DAMAGED", "MODEL_DRIFT_X", "SETPOINT_MISMATCH_T")} == {None}


def test_who_has_seen_an_alarm_is_called_for_what_comes_after_it_but_not_while_the_connection_is_lost(bench):
    bench.condition(SILENT, True)
    bench.act(Acknowledge(alarm_id=f"gateway/{SILENT}"))
    bench.condition(LOST, True)
    assert calls(bench) == [SILENT, LOST]
    bench.act(Acknowledge(alarm_id=f"gateway/{LOST}"))
    bench.condition(REFUSED, True)
    assert calls(bench) == [SILENT, LOST]
    assert below(bench)[REFUSED] == LOST


def test_what_comes_long_after_is_a_call_of_its_own(bench):
    bench.condition(SILENT, True)
    bench.now_ns += bench.line.rationing.period_ns
    bench.condition(REFUSED, True)
    assert calls(bench) == [SILENT, REFUSED]


def test_nothing_stands_below_an_alarm_that_calls_nobody(bench):
    bench.condition(SILENT, True)
    bench.act(Shelve(alarm_id=f"gateway/{SILENT}", seconds=60.0))
    bench.condition(REFUSED, True)
    assert calls(bench) == [SILENT, REFUSED]


def test_to_acknowledge_the_call_acknowledges_what_stands_below_it_each_with_a_line_of_its_own(bench):
    for code in (LOST, SILENT):
        bench.condition(code, True)
    assert bench.act(Acknowledge(alarm_id=f"gateway/{LOST}"), reason="seen").outcome is ActOutcome.DONE
    assert set(bench.standing().values()) == {"acknowledged"}
    lines = [json.loads(body) for (body,) in bench.rows("SELECT body FROM audit WHERE kind = 'alarm_acknowledged'")]
    assert [line.get("below") for line in lines] == [None, f"gateway/{LOST}"]
    assert {line["reason"] for line in lines} == {"seen"}


async def test_what_outlives_the_call_below_which_it_stood_calls_half_a_minute_later(bench):
    health, inbox = Health(line=line()), EventQueue()
    health.sources["plc1"] = False
    health.alarms.add(SILENT)
    async with Reader(bench.directory) as reader:
        watch = AlarmWatch(health=health, reader=reader, inbox=inbox, clock=SystemClock())

        async def look():
            await watch.compare()
            for pending in await inbox.take(most=20) if len(inbox) else ():
                bench.now_ns += SECOND_NS
                bench.commit(replace(pending.event, at=replace(pending.event.at, wall_ns=bench.now_ns)))

        for _ in range(3):
            await look()
        assert calls(bench) == [LOST]
        bench.act(Acknowledge(alarm_id=f"gateway/{LOST}"))
        health.sources["plc1"] = True
        for _ in range(5):
            await look()
        assert calls(bench) == [LOST]
        assert below(bench) == {SILENT: LOST}
        for _ in range(5):
            await look()
        assert calls(bench) == [LOST, SILENT]
        assert below(bench) == {SILENT: None}
        assert bench.standing() == {f"gateway/{SILENT}": "unacknowledged"}


def test_the_end_of_what_has_never_called_is_told_to_nobody():
    ended = replace(EVENT, change=AlarmChange.RETURNED)
    assert is_wanted(ended, target(), now_ns=EVENT.at_ns)
    assert not is_wanted(replace(ended, group_id="gateway/X"), target(), now_ns=EVENT.at_ns)
