"""The two quantiles that a gateway needs, against another implementation and against their own distribution."""

from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betainc, betaincinv, fdtri

from gateway.lab.quantiles import beta_quantile, f_quantile, incomplete_beta

halves = st.integers(1, 4000).map(lambda count: count / 2)  # degrees of freedom, and lots with half of one before
probabilities = st.floats(0.001, 0.999)


@settings(max_examples=60)
@given(halves, halves, probabilities)
def test_the_quantile_of_beta_is_the_one_of_another_implementation(a, b, probability):
    assert beta_quantile(a, b, probability) == pytest.approx(float(betaincinv(a, b, probability)), rel=1e-9)


@settings(max_examples=40)
@given(st.integers(1, 30), st.integers(2, 3000), st.sampled_from((0.5, 0.9, 0.99, 0.999)))
def test_the_quantile_of_f_is_the_one_of_another_implementation(numerator, denominator, probability):
    known = float(fdtri(numerator, denominator, probability))
    assert f_quantile(numerator, denominator, probability) == pytest.approx(known, rel=1e-9)


@settings(max_examples=60)
@given(halves, halves, st.floats(0, 1))
def test_the_incomplete_beta_function_is_the_one_of_another_implementation(a, b, x):
    assert incomplete_beta(a, b, x) == pytest.approx(float(betainc(a, b, x)), abs=1e-11)


@settings(max_examples=40)
@given(halves, halves, probabilities)
def test_a_quantile_grows_with_its_probability(a, b, probability):
    assert 0 <= beta_quantile(a, b, probability / 2) <= beta_quantile(a, b, probability) <= 1


def test_values_of_tables():
    assert f_quantile(1, 1, 0.95) == pytest.approx(161.4476, abs=1e-4)
    assert f_quantile(5, 20, 0.99) == pytest.approx(4.1027, abs=1e-4)
    assert beta_quantile(0.5, 0.5, 0.5) == pytest.approx(0.5)
    assert (beta_quantile(2, 3, 0.0), beta_quantile(2, 3, 1.0)) == (0.0, 1.0)


@pytest.mark.parametrize("wrong", [(0, 1, 0.5), (1, -1, 0.5), (1, 1, 1.5), (1, 1, -0.1), (1, 1, nan), (inf, 1, 0.5)])
def test_what_has_no_quantile_is_refused(wrong):
    with pytest.raises(ValueError, match="no quantile"):
        beta_quantile(*wrong)
