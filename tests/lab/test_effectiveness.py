"""Whether an action has helped: by lots and an interval, and nothing is said too early."""

from math import asin, cos, pi, sin, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lab.effectiveness import FEWEST_LOTS, Effectiveness, Recurrence, effect_of


def lots(failed, of):
    return Recurrence(lots=of, failed_lots=failed, samples=3 * of, failed=failed)


BEFORE = lots(3, 40)  # (0.5 + 3) / 41 = 8.54 %


def by_hand(lots, share):
    """Return the probability of at most this share where none of so many lots fails: A and S 26.7.3, of t."""
    angle = asin(sqrt(share))
    terms, factor = 0.0, 1.0
    for number in range(1, lots + 1):
        terms += factor * cos(angle) ** (2 * number - 1)
        factor *= 2 * number / (2 * number + 1)
    return 2 / pi * (angle + sin(angle) * terms)


def test_none_of_twelve_lots_and_three_of_forty_by_hand():
    assert BEFORE.share == pytest.approx(3.5 / 41)
    low, high = lots(0, 12).interval
    assert (low, high) == pytest.approx((0.000160, 0.145057), abs=1e-6)
    assert (by_hand(12, low), by_hand(12, high)) == pytest.approx((0.05, 0.95), abs=1e-9)
    assert BEFORE.interval == pytest.approx((0.0276, 0.1661), abs=1e-4)


@pytest.mark.parametrize(
    ("failed", "of", "effectiveness"),
    [
        (0, 0, Effectiveness.TOO_EARLY),
        (0, 12, Effectiveness.TOO_EARLY),  # 14.5 % is possible, and it was 8.5 %
        (0, 21, Effectiveness.TOO_EARLY),  # 8.64 %
        (0, 22, Effectiveness.EFFECTIVE),  # 8.27 %
        (1, 5, Effectiveness.NOT_EFFECTIVE),
        (1, 30, Effectiveness.NOT_EFFECTIVE),  # 12.3 %
        (1, 60, Effectiveness.REDUCED),
        (5, 60, Effectiveness.NOT_EFFECTIVE),
    ],
)
def test_an_action_is_judged_by_the_lots_in_which_the_failure_came_back(failed, of, effectiveness):
    assert effect_of(done=True, since=lots(failed, of), before=BEFORE).effectiveness is effectiveness


def test_many_samples_of_few_lots_say_no_more_than_the_lots():
    since = Recurrence(lots=4, failed_lots=0, samples=400, failed=0)
    assert effect_of(done=True, since=since, before=BEFORE).effectiveness is Effectiveness.TOO_EARLY


def test_after_a_few_lots_nothing_is_called_effective_however_often_it_failed_before():
    effect = effect_of(done=True, since=lots(0, FEWEST_LOTS - 1), before=lots(40, 40))
    assert effect.effectiveness is Effectiveness.TOO_EARLY


def test_what_is_not_done_is_not_judged():
    assert effect_of(done=False, since=lots(0, 500), before=BEFORE).effectiveness is Effectiveness.NOT_DONE


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_share_lies_within_its_interval(of, failed):
    low, high = lots(failed, max(of, failed)).interval
    assert 0 <= low < high <= 1


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_failure_that_came_back_is_never_effective(of, failed):
    effect = effect_of(done=True, since=lots(failed, max(of, failed)), before=BEFORE)
    assert (effect.effectiveness is Effectiveness.EFFECTIVE) <= (failed == 0 and of >= 22)
