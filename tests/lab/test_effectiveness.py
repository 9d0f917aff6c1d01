"""Whether an action has helped: by counts and an interval, and nothing is said too early."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lab.effectiveness import ENOUGH_SAMPLES, Effectiveness, Recurrence, effect_of

BEFORE = Recurrence(samples=100, failed=20)


@pytest.mark.parametrize(
    ("samples", "failed", "effectiveness"),
    [
        (0, 0, Effectiveness.TOO_EARLY),
        (ENOUGH_SAMPLES - 1, 0, Effectiveness.TOO_EARLY),
        (ENOUGH_SAMPLES, 0, Effectiveness.EFFECTIVE),
        (10, 1, Effectiveness.NOT_EFFECTIVE),
        (200, 1, Effectiveness.REDUCED),
        (200, 40, Effectiveness.NOT_EFFECTIVE),
    ],
)
def test_an_action_is_judged_by_whether_the_failure_came_back(samples, failed, effectiveness):
    effect = effect_of(done=True, since=Recurrence(samples=samples, failed=failed), before=BEFORE)
    assert effect.effectiveness is effectiveness


def test_what_is_not_done_is_not_judged():
    effect = effect_of(done=False, since=Recurrence(samples=500, failed=0), before=BEFORE)
    assert effect.effectiveness is Effectiveness.NOT_DONE


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_share_lies_within_its_interval(samples, failed):
    low, high = Recurrence(samples=max(samples, failed), failed=failed).interval
    assert 0 <= low < high <= 1


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_failure_that_came_back_is_never_effective(samples, failed):
    since = Recurrence(samples=max(samples, failed), failed=failed)
    effect = effect_of(done=True, since=since, before=BEFORE)
    assert (effect.effectiveness is Effectiveness.EFFECTIVE) == (failed == 0 and since.samples >= ENOUGH_SAMPLES)
