"""How far back memory must reach: as far as any model of the line reads at a tick, tag by tag."""

from dataclasses import replace

import pytest

from gateway.advice.windows_read import read_back_ns
from gateway.decisions.table import windows_needed
from gateway.events import ModelDue
from gateway.line.definition import Interlock
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS, assignment, bundle, line, mean_input, moment, tag

MINUTE_NS = 60 * SECOND_NS
TAGS = {name: tag(name) for name in ("temperature", "temperature_setpoint", "flow", "mode", "unread")}


def line_of(*models):
    return line(tags=TAGS, models=models)


def test_a_tag_is_read_as_far_back_as_its_window_and_its_lag_together():
    model = assignment(bundle=bundle(inputs=(mean_input("temperature", window_ns=MINUTE_NS, lag_ns=30 * SECOND_NS),)))
    assert read_back_ns(line_of(model))["temperature"] == 90 * SECOND_NS


def test_the_longest_of_all_models_counts_a_candidate_in_shadow_included():
    short = assignment(bundle=bundle(inputs=(mean_input("flow", window_ns=MINUTE_NS),)))
    identity = replace(short.bundle.identity, name="viscosity_candidate")
    long = bundle(identity=identity, inputs=(mean_input("flow", window_ns=10 * MINUTE_NS),))
    assert read_back_ns(line_of(short, assignment(bundle=long)))["flow"] == 10 * MINUTE_NS


def test_a_sensor_that_is_watched_for_being_stuck_is_read_as_far_back_as_that_takes():
    watched = mean_input("flow", window_ns=MINUTE_NS, lag_ns=SECOND_NS, frozen_after_ns=60 * MINUTE_NS)
    assert read_back_ns(line_of(assignment(bundle=bundle(inputs=(watched,)))))["flow"] == 60 * MINUTE_NS + SECOND_NS


def test_a_setpoint_is_read_until_its_next_move_may_follow_and_an_interlock_at_the_instant():
    (item,) = bundle().manipulated
    item = replace(item, interlocks=(Interlock(tag="mode", within=(1.0, 1.0)),))
    read = read_back_ns(line_of(assignment(bundle=bundle(manipulated=(item,)))))
    assert read["temperature_setpoint"] == item.minimum_interval_ns
    assert read["mode"] == 0


def test_what_no_model_reads_is_not_named():
    assert "unread" not in read_back_ns(line_of(assignment()))
    assert read_back_ns(line_of()) == {}


@pytest.mark.parametrize("lag_seconds", [0, 7])
def test_nothing_that_a_tick_asks_for_lies_further_back(lag_seconds):
    inputs = (mean_input("temperature", lag_ns=lag_seconds * SECOND_NS), mean_input("flow", frozen_after_ns=MINUTE_NS))
    model = assignment(bundle=bundle(inputs=inputs))
    read = read_back_ns(line_of(model))
    due = ModelDue(event_id="due", at=moment(NOW_NS), model=model.name)
    requests = windows_needed(due, line_of(model))
    assert {request.tag for request in requests} == set(read)
    assert all(request.start_ns >= NOW_NS - read[request.tag] for request in requests)
