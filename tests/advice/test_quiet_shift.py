"""Hours of the demo's plant with an operator who does nothing: few messages, none of them chatters, none is lost."""

from collections import Counter
from dataclasses import replace

import pytest

from gateway.line.alarm_rules import WarningRules
from gateway.records.guidance import Attention, GuidanceKind, GuidanceState, Severity
from gateway.time_units import SECOND_NS, seconds_to_ns
from tests.fixtures.once import once
from tests.fixtures.shift import DELAYED, EVERY_SECONDS, PERIOD_NS, demo_line, run_shift

SECONDS = 60.0  # four hours of plant time
PERIOD = PERIOD_NS / SECOND_NS


@pytest.fixture(scope="module")
def shifts(tmp_path_factory):
    return once(
        tmp_path_factory,
        "shifts",
        lambda _: {seed: run_shift(demo_line(), seed=seed, seconds=SECONDS) for seed in (1, 2)},
    )


def calls(shift):
    """Return when operators were called by a message of its own, and to which guidance."""
    announced = {}
    for at, item in shift.published:
        if item.role == "operator" and item.attention is Attention.NEW:
            announced.setdefault(item.guidance_id, (at, item))
    return sorted(announced.values(), key=lambda call: call[0])


@pytest.mark.parametrize("seed", [1, 2])
def test_an_operator_who_does_nothing_gets_at_most_two_new_messages_in_ten_minutes_of_plant_time(shifts, seed):
    times = [at for at, _ in calls(shifts[seed])]
    assert times  # the plant does leave its limits
    assert max(sum(at - PERIOD < other <= at for other in times) for at in times) <= 2


@pytest.mark.parametrize("seed", [1, 2])
def test_no_warning_chatters(shifts, seed):
    by_subject = Counter((item.equipment_id, item.analyte, int(at / (PERIOD / 10))) for at, item in calls(shifts[seed]))
    assert max(by_subject.values()) < 3  # in a minute of plant time


@pytest.mark.parametrize("seed", [1, 2])
def test_a_warning_keeps_its_id_while_its_condition_stands(shifts, seed):
    states = [item.state for _, item in shifts[seed].guidance if item.kind is GuidanceKind.WARNING]
    assert GuidanceState.SUPERSEDED not in states
    standing = {}
    for _, item in shifts[seed].guidance:
        if item.kind is GuidanceKind.WARNING:
            assert standing.setdefault(item.analyte, item.guidance_id) == item.guidance_id
            if item.state is GuidanceState.RESOLVED:
                assert item.lowest <= item.predicted.value <= item.highest
                del standing[item.analyte]


@pytest.mark.parametrize("seed", [1, 2])
def test_no_warning_is_lost_or_later_than_its_on_delay(shifts, seed):
    at_once = run_shift(demo_line(warnings=WarningRules()), seed=seed, seconds=SECONDS)
    delay = DELAYED.on_delay_ns / SECOND_NS
    open_at = {analyte: spans(shifts[seed], analyte) for analyte in ("viscosity", "ph")}
    for analyte, with_delay in open_at.items():
        for begun, ended in spans(at_once, analyte):
            if ended - begun > delay + EVERY_SECONDS:  # what is shorter than the delay is no warning, by design
                assert any(start <= begun + delay and begun <= end for start, end in with_delay), (analyte, begun)


def spans(shift, analyte):
    """Return from when until when a warning about an analyte stood on record."""
    begun, ended = {}, {}
    for at, item in shift.guidance:
        if item.kind is GuidanceKind.WARNING and item.analyte == analyte:
            begun.setdefault(item.guidance_id, at)
            if item.state in {GuidanceState.RESOLVED, GuidanceState.WITHDRAWN, GuidanceState.EXPIRED}:
                ended[item.guidance_id] = at
    return [(at, ended.get(guidance_id, float("inf"))) for guidance_id, at in begun.items()]


def test_with_one_message_in_an_hour_the_rest_is_on_record_and_made_known_in_one_message(shifts):
    line = demo_line(most=1)
    strict = replace(line, rationing=replace(line.rationing, period_ns=seconds_to_ns(15.0)))
    shift = run_shift(strict, seed=1, seconds=SECONDS)
    freely = shifts[1]
    assert spans(shift, "ph") == spans(freely, "ph")  # on record at the same instants
    assert spans(shift, "viscosity") == spans(freely, "viscosity")
    warnings = [(at, item) for at, item in calls(shift) if item.severity is Severity.WARNING]
    assert len(warnings) < len([item for _, item in calls(freely) if item.severity is Severity.WARNING])
