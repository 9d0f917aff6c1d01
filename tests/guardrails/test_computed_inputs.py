"""Inputs that are computed from several windows: each window passes the gates, and so does what comes of them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.advice.windows_read import read_back_ns
from gateway.config.bundles import on_this_line
from gateway.decisions.table import windows_needed
from gateway.errors import BundleRefusedError
from gateway.events import ModelDue
from gateway.guardrails.prediction import Occasion, guarded_predictions
from gateway.history.memory.rings import Rings
from gateway.history.windows import aggregate
from gateway.inference.features import parts_of, read_inputs, window_request, windows_of
from gateway.line.definition import Aggregate
from gateway.line.derived_inputs import Transform
from gateway.records.production import Context
from gateway.setpoints.interactions import gains_on
from gateway.time_units import seconds_to_ns
from tests.fixtures.building import (
    BAD,
    NOW_NS,
    UNCERTAIN,
    assignment,
    bundle,
    line,
    linear,
    mean_input,
    moment,
    sample,
    tag,
)

FLOW, STEAM = "temperature", "temperature_setpoint"
OPEN = (-math.inf, math.inf)


def made_of(**changes):
    return mean_input(FLOW, **{"aggregate": Aggregate.LAST, "window_ns": 0, "validated": OPEN, **changes})


def predict(item, samples, *, tags=None):
    model = assignment(bundle=bundle(inputs=(item,), manipulated=()), predict=linear([1.0], 100.0))
    here = line(models=(model,), **({} if tags is None else {"tags": tags}))
    rings = Rings({FLOW: "plc1", STEAM: "plc1"}, capacity=100)
    rings.add_notification("plc1", samples, confirmed_ns=NOW_NS)
    windows = rings.windows(windows_needed(ModelDue(event_id="e", at=moment(NOW_NS), model=model.name), here))
    occasion = Occasion(end_ns=NOW_NS, at_ns=NOW_NS, cause="e", context=Context())
    (prediction,) = guarded_predictions(model, here.tags, windows, occasion)
    return prediction


def codes(prediction):
    return [reason.code for reason in prediction.verdict.reasons]


def steps(*values, of=FLOW, **changes):
    """One value every ten seconds, the last of them now."""
    return [sample(of, value, at=-10 * (len(values) - 1 - at), **changes) for at, value in enumerate(values)]


CHANGE = made_of(difference_ns=seconds_to_ns(10))
RATIO = made_of(over=STEAM)


def test_a_difference_is_the_change_since_then_and_every_window_is_in_evidence():
    prediction = predict(CHANGE, steps(70.0, 73.0))
    assert prediction.value == pytest.approx(103.0)
    assert [item.count for item in prediction.features.evidence] == [1, 1]
    hashes = {item.samples_sha256 for item in prediction.features.evidence}
    assert len(hashes) == 2


def test_a_ratio_has_the_evidence_of_both_tags():
    prediction = predict(RATIO, [*steps(30.0), *steps(10.0, of=STEAM)])
    assert prediction.value == pytest.approx(103.0)
    assert [item.tag for item in prediction.features.evidence] == [FLOW, STEAM]


@pytest.mark.parametrize(
    ("item", "samples", "code"),
    [
        (CHANGE, [*steps(1.0, status=BAD), sample(FLOW, 3.0)], "NO_VALUE"),  # nothing is known of then
        (CHANGE, [sample(FLOW, 1.0, at=-10, status=BAD), sample(FLOW, 3.0)], "BAD_QUALITY"),
        (CHANGE, [sample(FLOW, 3.0, at=-5)], "NO_VALUE"),
        (CHANGE, [sample(FLOW, math.nan, at=-10), sample(FLOW, 3.0)], "NO_VALUE"),
        (RATIO, steps(3.0), "NO_VALUE"),
        (RATIO, [*steps(3.0), *steps(1.0, of=STEAM, status=BAD)], "BAD_QUALITY"),
        (RATIO, [*steps(3.0), *steps(0.0, of=STEAM)], "NOT_DEFINED"),
        (RATIO, [*steps(3.0), *steps(-1e-7, of=STEAM)], "NOT_DEFINED"),
        (made_of(transform=Transform.LOG), steps(0.0), "NOT_DEFINED"),
        (made_of(transform=Transform.SQRT), steps(-1.0), "NOT_DEFINED"),
        (made_of(transform=Transform.RECIPROCAL), steps(1e-9), "NOT_DEFINED"),
        (made_of(transform=Transform.SQUARE), steps(1e200), "NOT_DEFINED"),
        (replace(RATIO, validated=(0.0, 1.0)), [*steps(3.0), *steps(1.0, of=STEAM)], "OUTSIDE_VALIDATED_RANGE"),
        (replace(CHANGE, validated=(-1.0, 1.0)), steps(70.0, 73.0), "OUTSIDE_VALIDATED_RANGE"),
    ],
)
def test_what_is_wrong_with_any_window_or_with_the_result_abstains(item, samples, code):
    prediction = predict(item, samples)
    assert codes(prediction) == [code]
    assert prediction.value is None


def test_the_samples_of_a_divisor_and_of_earlier_lie_within_the_ranges_of_their_tags():
    tags = {**line().tags, STEAM: tag(STEAM, validated=(5.0, 50.0)), FLOW: tag(FLOW, validated=(60.0, 95.0))}
    assert codes(predict(RATIO, [*steps(80.0), *steps(3.0, of=STEAM)], tags=tags)) == ["OUTSIDE_VALIDATED_RANGE"]
    assert codes(predict(CHANGE, steps(50.0, 73.0), tags=tags)) == ["OUTSIDE_VALIDATED_RANGE"]
    assert predict(CHANGE, steps(70.0, 73.0), tags=tags).verdict.accepted


def test_a_divisor_that_is_stuck_abstains():
    item = replace(RATIO, over_frozen_after_ns=seconds_to_ns(20))
    moving = [*steps(30.0, 31.0, 32.0, 33.0), *steps(8.0, 9.0, 10.0, 11.0, of=STEAM)]
    stuck = [*steps(30.0, 31.0, 32.0, 33.0), *steps(10.0, 10.0, 10.0, 10.0, of=STEAM)]
    assert predict(item, moving).verdict.accepted
    assert codes(predict(item, stuck)) == ["FROZEN"]


def test_a_line_without_the_divisor_refuses_the_bundle_and_rings_reach_back_to_the_earlier_window(tmp_path):
    item = replace(RATIO, over="nowhere")
    with pytest.raises(BundleRefusedError, match="not configured: nowhere"):
        on_this_line(bundle(inputs=(item,), manipulated=()), dict(line().tags), tmp_path)
    both = replace(RATIO, difference_ns=seconds_to_ns(70), window_ns=seconds_to_ns(20), aggregate=Aggregate.MEAN)
    here = line(models=(assignment(bundle=bundle(inputs=(both,), manipulated=())),))
    assert read_back_ns(here) == {FLOW: seconds_to_ns(90), STEAM: seconds_to_ns(90)}


def test_a_tag_s_own_limits_do_not_narrow_what_is_not_in_its_scale(tmp_path):
    tags = {**line().tags, FLOW: tag(FLOW, validated=(60.0, 95.0), frozen_after_ns=5)}
    inputs = tuple(replace(item, validated=(-3.0, 3.0)) for item in (CHANGE, RATIO))
    here = on_this_line(bundle(inputs=inputs, manipulated=()), tags, tmp_path)
    assert [item.validated for item in here.inputs] == [(-3.0, 3.0)] * 2
    assert [item.frozen_after_ns for item in here.inputs] == [5, 5]


def test_a_move_passes_a_level_leaves_a_difference_and_is_refused_by_a_ratio():
    level, change, ratio = mean_input(STEAM), replace(CHANGE, tag=STEAM), replace(RATIO, name="ratio")
    made = bundle(inputs=(level, change, ratio))
    (setpoint,) = made.manipulated
    mover = assignment(bundle=replace(made, manipulated=(replace(setpoint, gains={level.name: 1.0}),)))
    gains = gains_on(mover, mover.bundle.manipulated[0], mover)
    assert gains[:2].tolist() == [1.0, 0.0]
    assert math.isnan(gains[2])
    other = assignment(bundle=replace(made, manipulated=()))
    assert np.isnan(gains_on(other, setpoint, mover)).tolist() == [False, False, True]
    stated = replace(setpoint, gains={level.name: 1.0, "ratio": -0.3})
    stating = assignment(bundle=replace(made, manipulated=(stated,)))
    assert gains_on(stating, stated, stating).tolist() == [1.0, 0.0, -0.3]


values = st.lists(st.tuples(st.floats(0, 60), st.floats(-1e6, 1e6)), min_size=1, max_size=12)


@given(values, values, st.sampled_from([None, *Transform]), st.sampled_from([None, 7.0, 20.0]), st.booleans(),
       st.sampled_from([Aggregate.LAST, Aggregate.MEAN, Aggregate.MAX]))  # fmt: skip
def test_what_is_computed_is_the_formula_over_the_aggregates_of_its_windows(flow, steam, transform, since, over, kind):
    item = made_of(
        aggregate=kind, window_ns=seconds_to_ns(15), transform=transform, over=STEAM if over else None,
        difference_ns=None if since is None else seconds_to_ns(since),
    )  # fmt: skip
    rings = Rings({FLOW: "plc1", STEAM: "plc1"}, capacity=100)
    samples = [sample(name, value, at=-age) for name, of in ((FLOW, flow), (STEAM, steam)) for age, value in of]
    rings.add_notification("plc1", sorted(samples, key=lambda each: each.source_ns), confirmed_ns=NOW_NS)
    (reading,) = read_inputs((item,), line().tags, rings.windows(windows_of((item,), NOW_NS)), NOW_NS)

    def level(lag_seconds):
        known = [
            aggregate(kind, rings.window(window_request(replace(part, lag_ns=seconds_to_ns(lag_seconds)), NOW_NS)))[0]
            for part in parts_of(replace(item, difference_ns=None))
        ]
        if None in known:
            return None
        ratio = known[0] if not over else known[0] / known[1] if abs(known[1]) >= 1e-6 else math.nan
        functions = {
            None: lambda x: x,
            Transform.LOG: lambda x: math.log(x) if x > 0 else math.nan,
            Transform.SQRT: lambda x: math.sqrt(x) if x >= 0 else math.nan,
            Transform.SQUARE: lambda x: x * x,
            Transform.RECIPROCAL: lambda x: 1 / x if abs(x) >= 1e-6 else math.nan,
        }
        return functions[transform](ratio)

    now = level(0)
    expected = now if since is None else None if now is None or level(since) is None else now - level(since)
    assert reading.value == (None if expected is None or math.isnan(expected) else expected)


@given(
    values, values, st.sampled_from([*Aggregate]), st.sampled_from([0.0, 15.0]), st.sampled_from([0, BAD, UNCERTAIN])
)
def test_values_alone_are_those_of_the_full_reading_bit_by_bit(flow, steam, kind, window, status):
    if kind in {Aggregate.DURATION, Aggregate.TIME_ABOVE, Aggregate.TIME_BELOW}:
        item = mean_input(FLOW, aggregate=Aggregate.TIME_ABOVE, level=3.0, window_ns=seconds_to_ns(15))
    else:
        item = made_of(aggregate=kind, window_ns=seconds_to_ns(window), over=STEAM, difference_ns=seconds_to_ns(7))
    rings = Rings({FLOW: "plc1", STEAM: "plc1"}, capacity=100)
    samples = [sample(FLOW, value, at=-age, status=status if at == 1 else 0) for at, (age, value) in enumerate(flow)]
    samples += [sample(STEAM, value, at=-age) for age, value in steam]
    rings.add_notification("plc1", samples, confirmed_ns=NOW_NS)
    windows = rings.windows(windows_of((item,), NOW_NS))
    (full,) = read_inputs((item,), line().tags, windows, NOW_NS)
    (alone,) = read_inputs((item,), line().tags, windows, NOW_NS, values_only=True)
    assert (alone.value, alone.coverage) == (full.value, full.coverage)
