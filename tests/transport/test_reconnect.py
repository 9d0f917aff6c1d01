"""When to try again, as a state machine driven through any life a connection may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.transport.reconnect import (
    LONGEST_IN_FIRST_MINUTE_SECONDS,
    LONGEST_SECONDS,
    STABLE_SECONDS,
    Reconnection,
    State,
)


class HandClock:
    def __init__(self):
        self.at = 1000.0

    def monotonic(self):
        return self.at


lives = st.lists(st.tuples(st.integers(0, 3), st.floats(0, 120)), min_size=1, max_size=60)


@given(lives)
def test_delays_stay_short_in_the_first_minute_and_never_exceed_the_cap(drawn):
    clock = HandClock()
    reconnection = Reconnection("it", clock=clock)
    away_since = clock.at
    for reached, seconds in drawn:
        reconnection.attempt()
        if reached >= 1:
            reconnection.connected()
        if reached >= 2:
            reconnection.proven()
        clock.at += seconds
        if reached >= 2 and seconds >= STABLE_SECONDS:
            away_since = clock.at
        delay = reconnection.failed("the test says so")
        away = clock.at - away_since
        assert 0 < delay <= LONGEST_SECONDS
        if away <= 60:
            assert delay <= LONGEST_IN_FIRST_MINUTE_SECONDS
        assert reconnection.state is State.AWAY
        clock.at += delay


def test_a_server_that_accepts_and_drops_is_not_hammered_and_counts_as_unstable():
    clock = HandClock()
    reconnection = Reconnection("it", clock=clock)
    delays = []
    for _ in range(8):
        reconnection.attempt()
        reconnection.connected()
        reconnection.proven()
        clock.at += 0.1
        delays.append(reconnection.failed("dropped"))
    assert delays[-1] > delays[0]
    assert reconnection.unstable


def test_two_that_take_a_connection_from_each_other_try_less_and_less_often():
    clock = HandClock()
    reconnection = Reconnection("it", clock=clock)
    delays = []
    for _ in range(60):
        reconnection.attempt()
        reconnection.connected()
        reconnection.proven()
        clock.at += 1.0
        delays.append(reconnection.failed("taken over"))
        clock.at += delays[-1]
    assert delays[-1] > LONGEST_IN_FIRST_MINUTE_SECONDS


def test_a_connection_that_stood_begins_again_with_the_first_delay():
    clock = HandClock()
    reconnection = Reconnection("it", clock=clock)
    for _ in range(6):
        reconnection.attempt()
        reconnection.failed("refused")
    reconnection.attempt()
    reconnection.connected()
    reconnection.proven()
    clock.at += 60
    assert reconnection.failed("lost") <= 0.25
    assert not reconnection.unstable


def test_what_cannot_follow_is_refused():
    reconnection = Reconnection("it", clock=HandClock())
    with pytest.raises(RuntimeError, match="cannot follow"):
        reconnection.proven()
