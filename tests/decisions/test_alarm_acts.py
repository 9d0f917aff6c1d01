"""What the page shows as possible about an alarm is what the decision accepts, in every state of an alarm."""

from contextlib import closing
from itertools import product

import pytest

from gateway.advice.alarm_acts import acts_possible
from gateway.advice.alarm_states import gateway_alarm_id
from gateway.records.act_kinds import ActKind
from gateway.records.acts import (
    Acknowledge,
    AcknowledgeAlarm,
    ActOutcome,
    ReturnToService,
    Shelve,
    TakeOutOfService,
    Unshelve,
)
from gateway.records.alarms import Suppression
from gateway.store.queries.alarms import alarm_of
from tests.fixtures.store_bench import Bench

CODE = "SOURCE_PLC1_DISCONNECTED"
ALARM = gateway_alarm_id(CODE)
ACTS = (
    Acknowledge(alarm_id=ALARM), Shelve(alarm_id=ALARM, seconds=60.0), Unshelve(alarm_id=ALARM),
    TakeOutOfService(alarm_id=ALARM), ReturnToService(alarm_id=ALARM), AcknowledgeAlarm(code=CODE),
)  # fmt: skip
_WRITE = "INSERT INTO alarm VALUES (?, 'T', ?, 'engineer', ?, ?, ?, ?, ?, '', '', 1, NULL, NULL)"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("alarms"))
    with closing(bench.connection):
        yield bench


@pytest.mark.parametrize("severity", ["warning", "critical"])
@pytest.mark.parametrize("latched", [0, 1])
def test_what_is_shown_as_possible_is_what_is_done_and_nothing_else(bench, severity, latched):
    for active, acknowledged, suppression in product((0, 1), (0, 1), Suppression):
        shown, accepted = None, []
        for act in ACTS:
            bench.connection.execute("DELETE FROM alarm")
            bench.connection.execute("DELETE FROM latch")
            until_ns = bench.now_ns + 10**12 if suppression is Suppression.SHELVED else None
            bench.connection.execute(
                _WRITE, (ALARM, severity, active, acknowledged, latched, suppression.value, until_ns)
            )
            if latched and active:
                bench.connection.execute("INSERT INTO latch VALUES (?, 1, '{}')", (CODE,))
            shown = acts_possible(alarm_of(bench.connection, ALARM))
            bench.now_ns += 1
            accepted += [act.kind] if bench.act(act).outcome is ActOutcome.DONE else []
        if latched and active:  # such an alarm is reset, and by nothing else
            accepted = [kind for kind in accepted if kind is ActKind.ACKNOWLEDGE_ALARM]
        assert sorted(shown) == sorted(accepted), (active, acknowledged, suppression)
