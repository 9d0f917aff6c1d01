"""Delays and dead band: never later than the on delay, never over before the off delay, whatever the predictions do."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.advice.condition import Standing, calm_since_ns, standing_by_value, stands_since_ns
from gateway.facts.model_due import PastPrediction
from tests.fixtures.building import VISCOSITY

RUNS = st.lists(st.sampled_from(Standing), min_size=1, max_size=30).map(
    lambda standings: [(100 - place, standing) for place, standing in enumerate(standings)]
)


def lying(low, high):
    return standing_by_value(PastPrediction(at_ns=0, low=low, high=high), VISCOSITY, dead_band=0.5)


def test_where_an_interval_lies_follows_from_limits_and_dead_band():
    assert lying(94.9, 99.0) is Standing.OUTSIDE
    assert lying(95.5, 99.5) is Standing.NEAR  # half of the half width, 1.0, is not there
    assert lying(96.0, 100.0) is Standing.CALM
    assert lying(None, None) is Standing.UNKNOWN


@given(RUNS)
def test_a_run_beyond_the_limits_holds_nothing_that_was_known_to_be_inside(run):
    since = stands_since_ns(run)
    assert (since is None) == (run[0][1] is not Standing.OUTSIDE)
    if since is not None:
        within = [standing for at, standing in run if at >= since]
        assert set(within) <= {Standing.OUTSIDE, Standing.UNKNOWN}
        before = [standing for at, standing in run if at < since and standing is not Standing.UNKNOWN]
        assert not before or before[0] is not Standing.OUTSIDE  # it begins as early as it can: a warning is never late


@given(RUNS)
def test_a_run_of_calm_holds_nothing_but_calm(run):
    since = calm_since_ns(run)
    assert all(standing is Standing.CALM for at, standing in run if since is not None and at >= since)
    assert (since is None) == (run[0][1] is not Standing.CALM)
