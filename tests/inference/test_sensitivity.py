"""What a prediction hangs on: the change of the output per unit of each input, around its value."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InferenceError
from gateway.inference.sensitivity import sensitivities
from gateway.records.prediction import FeatureVector
from tests.fixtures.building import bundle, mean_input

WEIGHTS = np.array([0.5, -3.0, 0.0, 8.0])


def of_four(*limits):
    return bundle(
        inputs=tuple(mean_input(f"t{number}", name=f"x{number}", validated=each) for number, each in enumerate(limits))
    )


def vector(*values):
    names = tuple(f"x{number}" for number in range(len(values)))
    return FeatureVector(end_ns=0, names=names, values=values, evidence=(), sha256="")


def linear(rows):
    return (rows @ WEIGHTS)[:, None]


def test_of_a_linear_model_they_are_its_weights_the_strongest_over_its_range_first():
    result = sensitivities(
        of_four((0.0, 100.0), (0.0, 10.0), (0.0, 1.0), (0.0, 1.0)), linear, vector(50.0, 5.0, 0.5, 0.5), column=0
    )
    assert [(each.input, each.over) for each in result] == [("x0", 10.0), ("x1", 1.0), ("x3", pytest.approx(0.1))]
    assert [each.per_unit for each in result] == pytest.approx([0.5, -3.0, 8.0])  # one without effect explains nothing


def test_at_the_edge_of_its_range_an_input_is_moved_inwards_only():
    batches = []

    def watched(rows):
        batches.append(rows)
        return linear(rows)

    (first, *_rest) = sensitivities(of_four(*[(0.0, 10.0)] * 4), watched, vector(0.0, 10.0, 5.0, 5.0), column=0)
    assert first.input == "x3"
    assert batches[0].min() >= 0.0
    assert batches[0].max() <= 10.0
    assert len(batches) == 1  # one batch


def test_a_model_that_fails_explains_nothing_and_stops_nothing():
    def failing(_rows):
        raise InferenceError("it fails, says the test")

    assert sensitivities(of_four(*[(0.0, 1.0)] * 4), failing, vector(*[0.5] * 4), column=0) == ()


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4),
    st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e308, -1e308]), min_size=8, max_size=8),
)
def test_whatever_a_model_returns_only_numbers_are_told(values, outputs):
    limits = [(value - 1.0, value + 1.0) for value in values]
    with np.errstate(all="ignore"):
        result = sensitivities(of_four(*limits), lambda _rows: np.array(outputs)[:, None], vector(*values), column=0)
    assert all(np.isfinite([each.per_unit, each.over]).all() for each in result)


def test_an_input_without_limits_is_left_out():
    four = of_four((0.0, 1.0), (-np.inf, np.inf), (0.0, 1.0), (0.0, 1.0))
    result = sensitivities(replace(four), linear, vector(0.5, 5.0, 0.5, 0.5), column=0)
    assert [each.input for each in result] == ["x3", "x0"]
