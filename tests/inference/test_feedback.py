"""Bias, adaptive intervals and drift charts, folded from laboratory results."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from gateway.inference.corrections import BiasState, bias_at, half_width_of
from gateway.inference.feedback import Feedback, bias_state_of
from gateway.inference.interval import split_conformal_half_width
from gateway.line.outputs import AdaptiveLimits, BiasLimits, ValueOutput, Widening
from gateway.time_units import SECOND_NS

HOUR_NS = 3600 * SECOND_NS
BIAS = BiasLimits(trust=0.5, max_step=2.0, max_total=3.0, max_age_ns=24 * HOUR_NS)
OUTPUT = ValueOutput(column=0, valid=(0.0, 300.0), coverage=0.9, half_width=2.0, sigma=1.0, bias=BIAS)


def entries(*residuals, delay_hours=0.5, every_hours=1.0):
    """Results that differ from what the model says by these, drawn each hour, reported half an hour later."""
    return [
        Feedback(
            result_id=f"r{at}",
            sampled_ns=round(at * every_hours * HOUR_NS),
            arrived_ns=round((at * every_hours + delay_hours) * HOUR_NS),
            measured=100.0 + residual,
            predicted=100.0,
        )
        for at, residual in enumerate(residuals)
    ]


def test_the_bias_goes_towards_the_residual_by_its_trust_and_counts_its_versions():
    state = bias_state_of(entries(1.0, 1.0, 1.0), OUTPUT)
    assert state.bias == pytest.approx(1.0 * (1 - 0.5**3))
    assert state.version == 3


def test_a_step_and_the_total_are_bounded():
    assert bias_state_of(entries(50.0), OUTPUT).bias == 2.0
    assert bias_state_of(entries(50.0, 50.0, 50.0), OUTPUT).bias == 3.0
    assert bias_state_of(entries(-50.0, -50.0, -50.0), OUTPUT).bias == -3.0


def test_a_bias_whose_newest_result_is_too_old_holds_no_more():
    state = bias_state_of(entries(1.0), OUTPUT)
    assert bias_at(state, BIAS, 24 * HOUR_NS) == 0.5
    assert bias_at(state, BIAS, 24 * HOUR_NS + 1) == 0.0
    assert bias_at(state, None, HOUR_NS) == 0.0
    assert bias_at(BiasState(), BIAS, 0) == 0.0


def test_a_late_result_of_an_older_sample_moves_no_bias():
    first, second = entries(1.0, 1.0)
    late = replace(first, result_id="late", arrived_ns=9 * HOUR_NS, measured=90.0)
    assert bias_state_of([first, second, late], OUTPUT).bias == bias_state_of([first, second], OUTPUT).bias


def test_a_corrected_result_replays_the_bias():
    wrong = entries(1.0, 40.0, 1.0)
    right = [wrong[0], replace(wrong[1], result_id="corrected", measured=101.0), wrong[2]]
    assert bias_state_of(right, OUTPUT).bias == bias_state_of(entries(1.0, 1.0, 1.0), OUTPUT).bias


def test_a_result_is_held_against_what_was_known_when_its_sample_was_drawn():
    """With a delay of 2.5 h nothing is known of the first three samples; the fourth profits from the first."""
    state = bias_state_of(entries(4.0, 4.0, 4.0, 4.0, delay_hours=2.5), replace(OUTPUT, half_width=2.5))
    assert (state.results, state.covered) == (4, 1)


def test_without_limits_of_a_bias_nothing_is_corrected():
    state = bias_state_of(entries(1.0, 1.0), replace(OUTPUT, bias=None))
    assert (state.bias, state.version) == (0.0, 0)


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.floats(0.01, 1), st.floats(0.01, 10), st.floats(0.01, 10))
def test_whatever_comes_the_bias_stays_within_its_bounds_and_moves_no_faster(residuals, trust, max_step, max_total):
    limits = BiasLimits(trust=trust, max_step=max_step, max_total=max_total, max_age_ns=HOUR_NS)
    before = 0.0
    for count in range(1, len(residuals) + 1):
        bias = bias_state_of(entries(*residuals[:count]), replace(OUTPUT, bias=limits)).bias
        assert abs(bias) <= max_total
        assert abs(bias - before) <= max_step * (1 + 1e-9)
        before = bias


def test_a_drift_is_seen_and_a_chart_begins_anew_once_a_person_has_looked():
    plain = replace(OUTPUT, bias=None)
    drifting = entries(*[2.5] * 10)
    assert bias_state_of(drifting, plain).drifts
    assert not bias_state_of(drifting, plain, charts_from_ns=100 * HOUR_NS).drifts
    assert not bias_state_of(entries(*[0.3, -0.3] * 50), plain).drifts


# --- intervals -----------------------------------------------------------------------------------------

RESIDUALS = tuple(np.linspace(0.01, 4.0, 400).tolist())
ADAPTIVE = replace(
    OUTPUT, bias=None, residuals=RESIDUALS, adaptive=AdaptiveLimits(rate=0.02, min_coverage=0.6, max_coverage=0.99)
)


def test_without_feedback_the_half_width_is_the_calibrated_one():
    assert half_width_of(BiasState(), ADAPTIVE, 0) == 2.0


def test_misses_widen_the_interval_and_hits_narrow_it_within_bounds():
    wide = half_width_of(bias_state_of(entries(*[50.0] * 100), ADAPTIVE), ADAPTIVE, 0)
    narrow = half_width_of(bias_state_of(entries(*[0.0] * 400), ADAPTIVE), ADAPTIVE, 0)
    assert narrow == pytest.approx(0.6 * 4.0, abs=0.05)
    assert wide == pytest.approx(0.99 * 4.0, abs=0.05)


WIDENING = Widening(ages_ns=(HOUR_NS, 3 * HOUR_NS), factors=(1.0, 2.0), uncorrected=5.0)


@pytest.mark.parametrize(
    ("age_hours", "factor"), [(0, 1.0), (1, 1.0), (2, 1.5), (3, 2.0), (24, 2.0), (25, 5.0)], ids=str
)
def test_the_older_the_correction_the_wider_the_interval_and_widest_without_one(age_hours, factor):
    output = replace(OUTPUT, widening=WIDENING)
    state = bias_state_of(entries(1.0), output)  # the bias expires after 24 h
    assert half_width_of(state, output, age_hours * HOUR_NS) == pytest.approx(2.0 * factor)


def test_a_model_that_is_never_corrected_has_the_interval_of_one_without_correction():
    output = replace(OUTPUT, widening=WIDENING, bias=None)
    assert half_width_of(bias_state_of(entries(1.0), output), output, 0) == pytest.approx(10.0)


@given(
    st.lists(st.floats(-50, 50), max_size=30),
    st.lists(st.integers(0, 10**15), min_size=2, max_size=2),
    st.lists(st.floats(1, 10), min_size=3, max_size=3),
)
def test_time_without_results_makes_no_interval_narrower(residuals, instants, factors):
    low, middle, high = sorted(factors)
    widening = Widening(ages_ns=(HOUR_NS, 7 * HOUR_NS), factors=(low, middle), uncorrected=high)
    output = replace(ADAPTIVE, bias=BIAS, widening=widening)
    state = bias_state_of(entries(*residuals), output)
    early, late = (half_width_of(state, output, 100 * HOUR_NS + at) for at in sorted(instants))
    assert (early is None) == (late is None)
    assert early is None or late >= early


def test_where_the_calibration_cannot_vouch_for_so_wide_a_coverage_there_is_no_interval():
    few = replace(ADAPTIVE, residuals=tuple(range(1, 31)))
    assert half_width_of(BiasState(miss_rate=0.01), few, 0) is None
    assert half_width_of(BiasState(miss_rate=0.1), few, 0) == 28  # ceil(31 * 0.9)


def test_an_adaptive_interval_covers_what_it_promises_though_errors_have_doubled():
    """The errors in service have twice the spread of those of calibration: a fixed interval covers 59 %, not 90 %."""
    chance = np.random.default_rng(1)
    residuals = tuple(sorted(np.abs(chance.normal(size=2000)).tolist()))
    half_width = residuals[1800]
    output = replace(ADAPTIVE, residuals=residuals, half_width=half_width,
                     adaptive=AdaptiveLimits(rate=0.01, min_coverage=0.6, max_coverage=0.999))  # fmt: skip
    errors = (2.0 * chance.normal(size=500)).tolist()
    fixed = bias_state_of(entries(*errors, delay_hours=0.1), replace(output, adaptive=None))
    adapted = bias_state_of(entries(*errors, delay_hours=0.1), output)
    assert fixed.coverage == pytest.approx(0.59, abs=0.05)
    assert adapted.coverage == pytest.approx(0.87, abs=0.03)  # the first ones while it adapts included


def served_bias(state, hours):
    return bias_at(state, BIAS, round(hours * HOUR_NS))


def test_an_interval_covers_fresh_errors_as_often_as_it_says():
    """Calibrated 4,000 times on 99 errors, which makes it exactly 90 %, and asked about one fresh error each time."""
    chance = np.random.default_rng(11)
    hits = 0
    for _ in range(4000):
        errors = chance.standard_t(3, size=100)  # heavy tails, as laboratories have
        half_width = split_conformal_half_width(errors[:99], coverage=0.9)
        hits += abs(errors[99]) <= half_width
    low, high = binom.interval(0.999, 4000, 0.9)
    assert low <= hits <= high


def test_a_bias_that_has_expired_does_not_come_back_with_the_next_result():
    old, new = entries(4.0, 0.0, every_hours=30.0)
    state = bias_state_of([old, new], OUTPUT)
    assert served_bias(bias_state_of([old], OUTPUT), 29.9) == 0.0
    assert served_bias(state, 30.5) == 0.0  # the new result says that nothing is wrong


def test_a_bias_that_has_faded_goes_on_from_what_is_left_of_it():
    fading = replace(OUTPUT, bias=replace(BIAS, half_life_ns=HOUR_NS))
    state = bias_state_of(entries(4.0, 0.0, every_hours=3.0), fading)
    assert state.bias == pytest.approx(2.0 * 0.5**3 * 0.5)
