"""A correction in function space: bounded, the same whatever the order of arrival, surer near what was measured."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.inference.corrections import BiasState, Instant, corrected
from gateway.inference.feedback import Feedback, bias_state_of
from gateway.line.outputs import DriftLimits, FunctionSpaceLimits, TrackedLimits, ValueOutput
from gateway.records.prediction import FeatureVector
from gateway.setpoints.interactions import coupled_outputs_of_model
from gateway.store.codec import decode, encode
from gateway.time_units import SECOND_NS
from tests.fixtures.building import assignment, bundle, value_output

HOUR_NS = 3600 * SECOND_NS
LIMITS = FunctionSpaceLimits(
    tau_ns=4 * HOUR_NS, memory_ns=40 * HOUR_NS, length=1.0, weight=1.0, noise=0.1, max_residual=5.0, max_total=4.0,
    max_age_ns=48 * HOUR_NS, most_results=10, center=(50.0, 1.0), scale=(10.0, 0.5),
)  # fmt: skip
OUTPUT = ValueOutput(column=0, valid=(0, 300), coverage=0.9, half_width=2.0, sigma=1.0, function_space=LIMITS)
TRACKED = replace(OUTPUT, tracked=TrackedLimits(rate=0.2, mean_error=1.0, least_scale=0.25, most_scale=4.0))
NEAR, FAR = (50.0, 1.0), (90.0, 3.0)


def result(at, error, features=NEAR, *, late_hours=0.5):
    sampled_ns = round(at * HOUR_NS)
    return Feedback(
        result_id=f"r{at}", sampled_ns=sampled_ns, arrived_ns=sampled_ns + round(late_hours * HOUR_NS),
        measured=100.0 + error, predicted=100.0, features=features,
    )  # fmt: skip


def at(hours, features=NEAR):
    return Instant(at_ns=round(hours * HOUR_NS), features=features)


def test_the_correction_is_that_of_a_gaussian_process_conditioned_on_the_results():
    state = bias_state_of([result(0, 1.0), result(2, 2.0, FAR)], OUTPUT)
    apart = np.mean([4.0**2, 4.0**2])
    between = np.exp(-2 / 4) + np.exp(-apart / 2 - 2 / 40)
    among = np.array([[2.1, between], [between, 2.1]])
    to = np.array([np.exp(-3 / 4) + np.exp(-3 / 40), np.exp(-1 / 4) + np.exp(-apart / 2 - 1 / 40)])
    said = corrected(state, OUTPUT, at(3))
    assert said.correction == pytest.approx(to @ np.linalg.solve(among, [1.0, 2.0]))
    assert said.half_width == pytest.approx(2.0 * np.sqrt((2.1 - to @ np.linalg.solve(among, to)) / 2.1))
    assert said.version == 2


def test_what_resembles_a_result_is_corrected_more_and_surer_than_what_does_not():
    state = bias_state_of([result(0, 3.0), result(1, 3.0)], OUTPUT)
    near, far = corrected(state, OUTPUT, at(12)), corrected(state, OUTPUT, at(12, FAR))
    assert near.correction > 3 * far.correction > 0
    assert near.half_width < far.half_width <= 2.0


def test_results_that_are_too_old_correct_nothing_and_say_nothing_of_how_sure_it_is():
    state = bias_state_of([result(0, 3.0)], OUTPUT)
    assert corrected(state, OUTPUT, at(48)).correction > 0
    late = corrected(state, OUTPUT, at(48.1))
    assert (late.correction, late.version, late.half_width) == (0.0, 0, 2.0)
    assert corrected(BiasState(), OUTPUT, at(0)).correction == 0.0


def test_no_more_results_count_than_the_bundle_says_the_newest_samples_whenever_they_arrive():
    entries = [result(hour, 1.0) for hour in range(20)]
    late = replace(result(0.5, 1.0), arrived_ns=30 * HOUR_NS)
    state = bias_state_of([*entries, late], OUTPUT)
    assert [error.result_id for error in state.errors] == [f"r{hour}" for hour in range(10, 20)]


def test_a_result_without_its_inputs_corrects_nothing():
    assert bias_state_of([replace(result(0, 3.0), features=())], OUTPUT).errors == ()


def test_a_corrected_result_replays_the_correction():
    right = [result(0, 1.0), result(1, 2.0)]
    wrong = [right[0], replace(right[1], measured=140.0)]
    assert bias_state_of(wrong, OUTPUT) != bias_state_of(right, OUTPUT)
    assert bias_state_of([right[0], replace(wrong[1], measured=102.0)], OUTPUT) == bias_state_of(right, OUTPUT)


errors_of = st.lists(
    st.tuples(
        st.floats(0, 200), st.floats(-1e9, 1e9), st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)), st.floats(0, 9)
    ),
    max_size=30, unique_by=lambda drawn: drawn[0],
)  # fmt: skip


@settings(max_examples=60)
@given(errors_of, st.floats(0, 300), st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)), st.randoms())
def test_whatever_comes_the_correction_is_bounded_the_interval_positive_and_the_bytes_are_the_same(
    drawn, hours, features, chance
):
    entries = [result(hour, error, inputs, late_hours=late) for hour, error, inputs, late in drawn]
    state = bias_state_of(entries, TRACKED)
    chance.shuffle(entries)
    again = bias_state_of(entries, TRACKED)
    assert encode(again) == encode(state)
    assert decode(BiasState, encode(state)) == state
    said = corrected(state, TRACKED, at(hours, features))
    assert abs(said.correction) <= LIMITS.max_total
    assert 0 < said.half_width <= 2.0 * 4.0
    assert 0.25 <= state.scale <= 4.0


def test_the_interval_follows_the_size_of_errors_up_and_down_within_bounds():
    plain = replace(TRACKED, function_space=None)
    large = bias_state_of([result(hour, 3.0) for hour in range(40)], plain)
    small = bias_state_of([result(hour, 0.5) for hour in range(40)], plain)
    assert large.scale == pytest.approx(3.0, rel=0.01)
    assert small.scale == pytest.approx(0.5, rel=0.01)
    assert corrected(large, plain, at(99)).half_width == pytest.approx(2.0 * large.scale)
    assert bias_state_of([result(hour, 1e12) for hour in range(40)], plain).scale == 4.0
    assert bias_state_of([result(hour, 0.0) for hour in range(40)], plain).scale == 0.25


def test_one_peak_makes_no_drift_where_errors_are_cut_but_a_shift_does():
    peak = [result(hour, 14.0 if hour == 20 else 0.3 * (-1) ** hour) for hour in range(40)]
    shift = [result(hour, 1.5) for hour in range(40)]
    plain = replace(OUTPUT, function_space=None)
    cut = replace(plain, charts=DriftLimits(winsorise=3.0, ewma_width=4.0, cusum_decision=6.0))
    assert any(bias_state_of(peak[:count], plain).drifts for count in range(41))
    assert not any(bias_state_of(peak[:count], cut).drifts for count in range(41))
    assert bias_state_of(shift, cut).drifts


def test_what_a_move_would_lead_to_is_no_surer_than_a_prediction_without_results():
    state = bias_state_of([result(0, 3.0), result(1, 3.0)], OUTPUT)
    features = FeatureVector(end_ns=2 * HOUR_NS, names=("a", "b"), values=NEAR, evidence=(), sha256="")
    outputs = (value_output(), replace(value_output(column=1), analyte="ph", value=OUTPUT))
    model = assignment(bundle=bundle(outputs=outputs))
    (coupled,) = coupled_outputs_of_model(model, "viscosity", features, {"ph": state}, {}, at(2))
    assert corrected(state, OUTPUT, at(2)).half_width < 1.5
    assert coupled.basis.half_width == 2.0
    assert coupled.basis.bias == pytest.approx(corrected(state, OUTPUT, at(2)).correction)
