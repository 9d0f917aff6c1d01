"""EWMA and CUSUM against published numbers and run lengths."""

import numpy as np
import pytest

from gateway.lab.charts import Cusum, Ewma

EWMA_DATA = [52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5, 49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4,
             53.6, 52.1]  # fmt: skip
CUSUM_DATA = [324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125, 324.525, 325.225, 324.600, 324.625,
              325.150, 328.325, 327.250, 327.825, 328.500, 326.675, 327.775, 326.875, 328.350]  # fmt: skip


def test_ewma_gives_the_numbers_of_the_handbook():
    """NIST/SEMATECH 6.3.2.4: target 50, s 2.0539, lambda 0.3, three sigma: last 51.99, limits 47.4115 and 52.5884."""
    chart, signals = Ewma(weight=0.3, width=3.0), []
    for value in EWMA_DATA:
        chart = chart.after((value - 50) / 2.0539)
        signals.append(chart.signals)
    assert 50 + 2.0539 * chart.value == pytest.approx(51.99, abs=0.005)
    assert 50 + 2.0539 * chart.limit == pytest.approx(52.5884, abs=1e-3)
    assert 50 - 2.0539 * chart.limit == pytest.approx(47.4115, abs=1e-3)
    assert not any(signals)


def test_cusum_gives_the_numbers_of_the_handbook():
    """NIST/SEMATECH 6.3.2.3: target 325, k 0.3175, h 4.1959, in units of the data."""
    chart, highs, signals = Cusum(allowance=0.3175, decision=4.1959), [], []
    for at, value in enumerate(CUSUM_DATA, start=1):
        chart = chart.after(value - 325)
        highs.append(chart.high)
        if chart.signals:
            signals.append(at)
    assert highs[12:] == pytest.approx([3.01, 4.94, 7.45, 10.63, 11.99, 14.44, 16.00, 19.04], abs=0.01)
    assert signals == list(range(14, 21))


def run_lengths(chart, count, seed, shift=0.0):
    chance = np.random.default_rng(seed)
    lengths = []
    for _ in range(count):
        running, length = chart, 0
        while not running.signals:
            running, length = running.after(float(chance.normal(shift))), length + 1
        lengths.append(length)
    return lengths


@pytest.mark.parametrize(("chart", "published"), [(Cusum(), 465.2), (Ewma(), 499.0)])
def test_in_control_run_lengths_are_the_published_ones(chart, published):
    """Run lengths are about geometric: the mean of 500 lies within 4 standard errors of the published one.

    The EWMA's limits widen to the asymptotic ones over the first values, which costs it a few early signals.
    """
    lengths = run_lengths(chart, 500, seed=3)
    error = np.std(lengths) / np.sqrt(len(lengths))
    assert abs(np.mean(lengths) - published) < 4 * error


@pytest.mark.parametrize("chart", [Cusum(), Ewma()])
def test_a_shift_of_one_sigma_is_seen_within_about_ten_values(chart):
    assert np.mean(run_lengths(chart, 300, seed=4, shift=1.0)) < 12
