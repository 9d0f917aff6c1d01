"""The plan of the laboratory is made beside the decisions: on a thread of its own, by a connection of its own."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import replace
from zoneinfo import ZoneInfo

from gateway.clock import SystemClock
from gateway.events import LaboratoryPlanned
from gateway.ingest.event_queue import EventQueue
from gateway.line.laboratory import LaboratoryCalendar, LaboratoryLoad
from gateway.runtime import laboratory_planning
from gateway.runtime.laboratory_planning import LaboratoryPlanner
from tests.fixtures.store_bench import Bench


def planner_of(bench, inbox, on_condition=lambda _code, _stands: None):
    load = LaboratoryLoad(plan=True, weeks=1, calendar=LaboratoryCalendar(zone=ZoneInfo("UTC")))
    bench.line = replace(bench.line, laboratory_load=load)
    return LaboratoryPlanner(
        bench.line, directory=bench.directory, inbox=inbox, clock=SystemClock(), on_alarm=lambda _code: None,
        on_condition=on_condition, begin_after_seconds=0.0,
    )  # fmt: skip


async def test_a_plan_is_made_on_another_thread_and_committed_by_the_one_that_decides(tmp_path, monkeypatch):
    bench, inbox, threads = Bench(tmp_path), EventQueue(), []
    made_by = laboratory_planning.plan_due

    def noted(*arguments, **named):
        threads.append(threading.get_ident())
        return made_by(*arguments, **named)

    monkeypatch.setattr(laboratory_planning, "plan_due", noted)
    running = asyncio.create_task(planner_of(bench, inbox).run())
    try:
        async with asyncio.timeout(60):
            (pending,) = await inbox.take(most=20)
        assert isinstance(pending.event, LaboratoryPlanned)
        assert threads != [threading.get_ident()]
        bench.commit(pending.event)
        pending.committed()
        assert [plan["state"] for plan in bench.sent("laboratory-plan")] == ["proposed"]
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_a_line_without_a_plan_asks_for_nothing_until_it_has_one(tmp_path):
    bench, inbox = Bench(tmp_path), EventQueue()
    planner = planner_of(bench, inbox)
    planning = bench.line
    planner.take_line(replace(planning, laboratory_load=replace(planning.laboratory_load, plan=False)))
    await planner.look()
    assert len(inbox) == 0
    planner.take_line(planning)
    looking = asyncio.create_task(planner.look())
    async with asyncio.timeout(60):
        (pending,) = await inbox.take(most=20)
        pending.committed()
        await looking


async def test_a_forecast_that_fails_is_an_alarm_and_ends_nothing(tmp_path, monkeypatch):
    bench, inbox, conditions, failed, works = Bench(tmp_path), EventQueue(), [], asyncio.Event(), asyncio.Event()

    def noted(code, stands):
        conditions.append((code, stands))
        (failed if stands else works).set()

    def fails(*_arguments, **_named):
        raise IndexError("odd history")

    monkeypatch.setattr(laboratory_planning, "plan_due", fails)
    monkeypatch.setattr(laboratory_planning, "_EVERY_SECONDS", 0.01)
    running = asyncio.create_task(planner_of(bench, inbox, noted).run())
    try:
        async with asyncio.timeout(60):
            await failed.wait()
            monkeypatch.setattr(laboratory_planning, "plan_due", lambda *_arguments, **_named: (None, ()))
            await works.wait()
        assert not running.done()
        assert {code for code, _stands in conditions} == {"LABORATORY_PLAN_FAILED"}
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
