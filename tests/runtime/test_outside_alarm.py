"""That the process is outside what a model has learned is an alarm of the equipment, and stands in status and view."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.advice.gateway_alarms import title_of, what_to_do
from gateway.ingest.event_queue import EventQueue
from gateway.line.alarm_rules import WarningRules
from gateway.line.definition import Stage
from gateway.line.sustained_outside import SustainedOutside
from gateway.operations.health import Health
from gateway.publish.status import StatusPublisher
from gateway.runtime.alarm_watch import AlarmWatch
from gateway.store.queries.outside import outside_since_ns
from gateway.store.queries.readers import Reader
from gateway.time_units import SECOND_NS
from tests.fixtures.building import assignment, bundle, line
from tests.fixtures.console_on_lots import HandClock
from tests.fixtures.store_bench import Bench

RULES = SustainedOutside(enters_after=2, of=5, leaves_after=3)
INSIDE, OUTSIDE = 78.0, 99.0
CODE = "MODEL_OUTSIDE_DOMAIN_R1"
DELAY_NS = 3 * SECOND_NS


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    model = assignment(bundle=bundle(outside=RULES))
    bench.line = line(models=(replace(model, warnings=WarningRules(on_delay_ns=DELAY_NS)),))
    return bench


def predicts(bench, *temperatures):
    for temperature in temperatures:
        bench.now_ns += SECOND_NS
        bench.model_due(temperature)


@asynccontextmanager
async def watched(bench):
    """Yield a watch, what it puts on record, and the health."""
    async with Reader(bench.directory) as reader:
        health, inbox, clock = Health(line=bench.line), EventQueue(), HandClock(bench.now_ns)
        watch = AlarmWatch(health=health, reader=reader, inbox=inbox, clock=clock)

        async def look():
            clock.wall_ns = bench.now_ns
            await watch.compare()
            return health.alarms

        yield look, health, reader


async def test_the_alarm_waits_for_the_on_delay_and_ends_with_the_state(bench):
    async with watched(bench) as (look, _health, _reader):
        predicts(bench, OUTSIDE)
        assert await look() == set()  # once is none
        predicts(bench, OUTSIDE)
        assert await look() == set()  # the state stands, for less than the delay
        predicts(bench, INSIDE, OUTSIDE, INSIDE)
        assert await look() == {CODE}
        predicts(bench, INSIDE)
        assert await look() == {CODE}
        predicts(bench, INSIDE)
        assert await look() == set()


async def test_the_models_of_an_equipment_raise_one_alarm_and_one_that_is_taken_out_raises_none(bench):
    first = bench.line.models[0]
    second = replace(first, bundle=replace(first.bundle, identity=replace(first.bundle.identity, name="other")))
    bench.line = replace(bench.line, models=(first, second))
    async with watched(bench) as (look, health, _reader):
        predicts(bench, *[OUTSIDE] * 6)
        assert await look() == {CODE}
        health.take_line(replace(bench.line, models=(second,)))
        assert await look() == set()


async def test_a_model_in_shadow_calls_nobody(bench):
    bench.line = replace(bench.line, models=(replace(bench.line.models[0], stage=Stage.SHADOW),))
    async with watched(bench) as (look, _health, _reader):
        predicts(bench, *[OUTSIDE] * 6)
        assert await look() == set()
        assert outside_since_ns(bench.connection, bench.line.models[0], bench.now_ns) is not None


async def test_who_no_longer_predicts_says_nothing_of_now(bench):
    async with watched(bench) as (look, _health, _reader):
        predicts(bench, *[OUTSIDE] * 6)
        bench.now_ns += 3600 * SECOND_NS
        assert await look() == set()


async def test_the_status_says_for_how_long(bench):
    async with watched(bench) as (_look, health, reader):
        publisher = StatusPublisher(line=bench.line, health=health, reader=reader, session=None,
                                    now_ns=lambda: bench.now_ns, due=asyncio.Event())  # fmt: skip
        name = bench.line.models[0].name
        predicts(bench, INSIDE)
        assert (await publisher.model_figures())[name]["outside_seconds"] == 0
        predicts(bench, *[OUTSIDE] * 6)
        assert (await publisher.model_figures())[name]["outside_seconds"] == 4


def test_the_title_fits_and_says_where():
    assert len(title_of("MODEL_OUTSIDE_DOMAIN_EXTRUDER-LINE-12")) <= 60
    assert "r1" in title_of(CODE)
    assert what_to_do(CODE)
