"""Values without intervals, as a choice among corrections looks at them, are those that the gateway's fold serves."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gateway.line.outputs import BiasLimits, FunctionSpaceLimits, ValueOutput
from gateway.training.backtest import Timing, serve
from gateway.training.corrected_values import values_served
from gateway.training.files.instants import NEVER

numbers = st.floats(-50, 50)
a_row = st.tuples(
    st.integers(1, 40),  # since the row before
    st.one_of(st.none(), st.integers(1, 200)),  # until its result arrives
    numbers,
    numbers,
    st.sampled_from(["A", "B", None]),
)


def biases():
    return st.builds(
        BiasLimits,
        trust=st.sampled_from([0.3, 0.6, 1.0]),
        max_step=st.floats(0.1, 30),
        max_total=st.floats(30, 60),
        max_age_ns=st.integers(1, 400),
        half_life_ns=st.one_of(st.none(), st.integers(1, 500)),
        signed=st.booleans(),
        per_product=st.booleans(),
    )


def timing_of(rows, *, with_products=True):
    at_ns = np.cumsum([row[0] for row in rows]).astype(np.int64)
    arrives_ns = np.array([NEVER if row[1] is None else int(at) + row[1] for row, at in zip(rows, at_ns, strict=True)])
    products = np.array([row[4] for row in rows], object) if with_products else None
    features = np.array([[row[2], row[3]] for row in rows], np.float64)
    return Timing(at_ns=at_ns, arrives_ns=arrives_ns, features=features, products=products)


def compared(rows, output, *, with_products=True):
    timing = timing_of(rows, with_products=with_products)
    predicted, measured = (np.array([row[at] for row in rows]) for at in (2, 3))
    expected = serve(timing, predicted, measured, output=output).values
    np.testing.assert_array_equal(values_served(timing, predicted, measured, output=output), expected)


@given(st.lists(a_row, min_size=1, max_size=40), st.one_of(st.none(), biases()), st.booleans())
def test_values_with_a_bias_are_those_of_the_fold(rows, bias, with_products):
    output = ValueOutput(column=0, valid=(-1e9, 1e9), coverage=0.9, half_width=1.0, bias=bias)
    compared(rows, output, with_products=with_products)


@given(st.lists(a_row, min_size=1, max_size=25), st.sampled_from([0.3, 1.0]))
def test_values_with_a_correction_in_function_space_are_those_of_the_fold(rows, weight):
    limits = FunctionSpaceLimits(
        tau_ns=100, memory_ns=1000, length=2.0, weight=weight, noise=0.1, max_residual=30.0, max_total=40.0,
        max_age_ns=300, most_results=10, center=(0.0, 0.0), scale=(10.0, 10.0),
    )  # fmt: skip
    compared(rows, ValueOutput(column=0, valid=(-1e9, 1e9), coverage=0.9, half_width=1.0, function_space=limits))
