"""Orders and lots fetched over HTTP: the same events as by MQTT, each of them once, in their order."""

import json
from collections import deque
from contextlib import asynccontextmanager, closing

import pytest
from pydantic import ValidationError

from gateway.config.pull_tables import MesPullTable
from gateway.contract.mes_messages import context_messages
from gateway.contract.mes_pull import AnswerNotReadError, PullRule, pulled_messages
from gateway.contract.times import rfc3339
from gateway.ingest.event_queue import Urgency
from gateway.ingest.mes import understand_context
from gateway.ingest.mes_pull import TOPIC, UNAVAILABLE, MesPull, PullSource
from gateway.ingest.messages import Intake
from gateway.records.production import ContextKind
from gateway.time_units import SECOND_NS
from simulator.rest_systems import Fault, RestSystem, serving
from tests.fixtures.building import NOW_NS, moment
from tests.fixtures.sinks import HandClock, target
from tests.fixtures.store_bench import Bench

JOBS = PullRule(
    event=ContextKind.LOT_STARTED, at="times.start", fields={"material_lot_id": "lot", "job_order_id": "id"},
    constants={"equipment_id": "R1"}, when={"status": ("Running", "Done")},
)  # fmt: skip
ENDS = PullRule(event=ContextKind.LOT_ENDED, at="times.end", fields={"material_lot_id": "lot"})


def at(seconds):
    return rfc3339(NOW_NS + seconds * SECOND_NS)


def job(number, *, start=-60, end=None, status="Running"):
    times = {"start": at(start), "end": None if end is None else at(end)}
    return {"id": number, "lot": f"L-{number}", "status": status, "times": times}


class Committing:
    """An inbox that commits each event at once; ``stuck``: it does not."""

    def __init__(self, bench):
        self.bench = bench

    def put(self, event, _urgency, committed=lambda: None):
        self.bench.commit(event)
        committed()


@asynccontextmanager
async def pulling(bench, port, *rules, **how):
    intake = Intake(inbox=Committing(bench), urgency=Urgency.INBOUND, routes={TOPIC: understand_context},
                    splits={TOPIC: context_messages}, now=lambda: moment(NOW_NS))  # fmt: skip
    source = PullSource(endpoint=target(port).endpoint, path=how.pop("path", "/context"), interval_seconds=30.0,
                        look_back_seconds=3600.0, items="items", rules=rules)  # fmt: skip
    conditions = {}
    pull = MesPull(source, intake, clock=HandClock(), on_condition=conditions.__setitem__, chance=lambda: 0.0)
    yield pull, conditions


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    with closing(bench.connection):
        yield bench


def changes(bench):
    return bench.rows("SELECT kind, material_lot_id FROM context_change ORDER BY rowid")


async def test_what_comes_with_every_answer_is_one_event_also_after_a_restart(bench):
    system = RestSystem(context=[job(2, start=-30), job(1)])
    async with serving(system):
        for _run in range(2):  # the second time nothing is in memory
            async with pulling(bench, system.port, JOBS, ENDS) as (pull, conditions):
                assert [await pull.fetch() for _ in range(3)] == [30.0] * 3
        assert changes(bench) == [("lot_started", "L-1"), ("lot_started", "L-2")]
        system.context[1] = job(1, end=-10, status="Done")
        async with pulling(bench, system.port, JOBS, ENDS) as (pull, conditions):
            await pull.fetch()
        assert changes(bench)[2:] == [("lot_ended", "L-1")]
        assert conditions == {UNAVAILABLE: False}
    rows = bench.rows("SELECT job_order_id, equipment_id FROM lot WHERE material_lot_id = 'L-1'")
    assert rows == [("1", "R1")]


async def test_what_is_fetched_is_the_same_event_as_what_is_published(bench):
    message = {"event": "lot_started", "material_lot_id": "L-1", "equipment_id": "R1", "at": at(-30)}
    async with serving(RestSystem(context=[message])) as system, pulling(bench, system.port) as (pull, _conditions):
        await pull.fetch()
    assert changes(bench) == [("lot_started", "L-1")]


async def test_what_is_not_understood_is_one_dead_letter(bench):
    wrong = {"event": "lot_started", "equipment_id": "R1", "at": at(-30)}
    async with serving(RestSystem(context=[wrong])) as system:
        for _run in range(2):
            async with pulling(bench, system.port) as (pull, _conditions):
                await pull.fetch()
    assert bench.rows("SELECT count(*), topic FROM dead_letter") == [(1, TOPIC)]


async def test_a_start_that_is_planned_is_no_event_before_it_has_come(bench):
    system = RestSystem(context=[job(1, start=100)])
    async with serving(system), pulling(bench, system.port, JOBS) as (pull, _conditions):
        await pull.fetch()
        assert changes(bench) == []
        pull._clock.passed = 101.0
        bench.now_ns += 101 * SECOND_NS
        pull._intake._now = lambda: moment(NOW_NS + 101 * SECOND_NS)
        await pull.fetch()
        assert changes(bench) == [("lot_started", "L-1")]


@pytest.mark.parametrize("fault", [Fault.ERROR_500, Fault.ERROR_503, Fault.DROP_BEFORE, Fault.REDIRECT])
async def test_a_mes_that_is_away_is_an_alarm_the_second_time_and_asked_less_often(bench, fault):
    system = RestSystem(faults=deque([fault] * 3), context=[job(1)])
    async with serving(system), pulling(bench, system.port, JOBS) as (pull, conditions):
        assert await pull.fetch() == 10.0
        assert conditions == {UNAVAILABLE: False}
        assert await pull.fetch() == 20.0
        assert conditions == {UNAVAILABLE: True}
        assert await pull.fetch() == 40.0
        assert await pull.fetch() == 30.0
        assert conditions == {UNAVAILABLE: False}
    assert changes(bench) == [("lot_started", "L-1")]
    assert {call.path for call in system.calls} == {"/context"}


async def test_a_pause_that_the_mes_asks_for_is_kept(bench):
    system = RestSystem(calls_per_minute=1, retry_after="120")
    async with serving(system), pulling(bench, system.port, JOBS) as (pull, _conditions):
        await pull.fetch()
        assert await pull.fetch() == 120.0


async def test_an_answer_that_is_something_else_is_no_context(bench):
    async with serving(RestSystem(context=[1, "x", None, []])) as system, pulling(bench, system.port, JOBS) as (
        pull, conditions,
    ):  # fmt: skip
        assert await pull.fetch() == 30.0  # rows that no rule fits
        assert changes(bench) == []
        pull._source = PullSource(endpoint=target(system.port).endpoint, path="/context", items="rows",
                                  interval_seconds=30.0, look_back_seconds=60.0)  # fmt: skip
        assert await pull.fetch() == 10.0
        assert await pull.fetch() == 20.0
        assert conditions == {UNAVAILABLE: True}


async def test_only_what_is_since_then_is_asked_for(bench):
    system = RestSystem()
    async with serving(system), pulling(bench, system.port, JOBS, path="/context?since={since}") as (pull, _conditions):
        await pull.fetch()
    assert system.calls[0].path == f"/context?since={at(-3600).replace(':', '%3A')}"


def test_rows_are_read_in_the_order_of_their_times_whatever_their_zone():
    at_eight = "2026-03-02T08:00:00Z"
    rows = [{"event": kind, "at": at_eight} for kind in ("lot_ended", "order_ended", "order_started")]
    rows.append({"event": "lot_started", "at": "2026-03-02T08:30:00+01:00"})
    read = [json.loads(item) for item in pulled_messages(json.dumps(rows).encode(), (), items=None, now_ns=NOW_NS)]
    assert [item["event"] for item in read] == ["lot_started", "order_started", "lot_ended", "order_ended"]


def test_too_many_rows_are_refused():
    with pytest.raises(AnswerNotReadError, match="narrow the path"):
        pulled_messages(json.dumps([{}] * 1001).encode(), (), items=None, now_ns=NOW_NS)


@pytest.mark.parametrize(
    "table",
    [{"path": "//evil.example/"}, {"path": "/a/../b"}, {"path": "http://evil.example"}, {"interval": "0s"},
     {"rule": [{"event": "lot_begun", "at": "x"}]},
     {"rule": [{"event": "lot_started", "at": "x", "fields": {"lot": "id"}}]}],
)  # fmt: skip
def test_what_is_wrong_in_the_configuration_is_refused(table):
    with pytest.raises(ValidationError):
        MesPullTable.model_validate({"url": "https://mes.example.com", **table})
    MesPullTable.model_validate({"url": "https://mes.example.com", "path": "/jobs?since={since}&status=Running"})
