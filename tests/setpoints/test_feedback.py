"""The feedback of a setpoint that stands: it reaches the value and stays, or what kept it from that is named."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.line.setpoint_writes import Point, WriteProfile
from gateway.records.setpoints import WriteState
from gateway.setpoints.feedback import FeedbackWatch
from gateway.setpoints.handshake import Ended, Seen
from gateway.time_units import SECOND_NS
from tests.fixtures.writes import write

GOAL = 79.0
WRITE = write(
    profile=WriteProfile.MTP, nodes=dict.fromkeys((Point.REQUEST, Point.ACTUAL, Point.FEEDBACK), "n"),
    settle_ns=SECOND_NS, timeout_ns=5 * SECOND_NS, feedback_within_ns=30 * SECOND_NS,
)  # fmt: skip
WATCH = FeedbackWatch(write=WRITE, goal=GOAL, looked_since_ns=0)


def looked(looks, *, overdue_from=30.0, watch=WATCH):
    """What comes of looks at (second, actual, feedback); None: it is still awaited."""
    for second, actual, feedback in looks:
        following = watch.step(
            Seen(actual=actual, feedback=feedback), round(second * SECOND_NS), overdue=second >= overdue_from
        )
        if isinstance(following, Ended):
            return following
        watch = following
    return None


def outcome(looks, **more):
    ended = looked(looks, **more)
    return None if ended is None else (ended.state.value, None if ended.reason is None else ended.reason.code)


def test_a_feedback_that_reaches_the_value_and_stays_is_written():
    assert outcome([(0, GOAL, 78.0), (10, GOAL, 78.6), (20, GOAL, 79.0), (21, GOAL, 79.005)]) == ("written", None)


def test_one_that_only_passes_by_has_not_reached_it():
    passing = [(1, GOAL, 79.0), (1.5, GOAL, 79.2), (2, GOAL, 79.0)]
    assert outcome(passing) is None
    assert outcome([*passing, (2.5, GOAL, 78.0), (30, GOAL, 78.0)]) == ("not_followed", "FEEDBACK_NOT_REACHED")


def test_one_that_arrives_at_the_last_moment_may_still_settle():
    assert outcome([(29.9, GOAL, 79.0), (30.5, GOAL, 79.0), (30.9, GOAL, 79.0)]) == ("written", None)


def test_one_that_sticks_is_not_followed_and_the_reason_has_both_numbers():
    ended = looked([(0, GOAL, 78.0), (29, GOAL, 78.0), (30, GOAL, 78.0)])
    assert (ended.state, ended.feedback, ended.read_back) == (WriteState.NOT_FOLLOWED, 78.0, GOAL)
    assert ("79" in ended.reason.text, "78" in ended.reason.text, "30 s" in ended.reason.text) == (True, True, True)


def test_a_reading_that_is_missing_is_waited_for_and_then_said_to_be_missing():
    assert outcome([(0, GOAL, None), (29, GOAL, None)]) is None
    assert outcome([(0, GOAL, None), (29, GOAL, None), (30, GOAL, None)]) == ("not_followed", "FEEDBACK_UNKNOWN")


def test_after_a_reconnection_a_missing_reading_has_a_while_to_become_good():
    back = FeedbackWatch(write=WRITE, goal=GOAL, looked_since_ns=100 * SECOND_NS)
    missing = [(100, None, None), (104, None, None)]
    assert outcome(missing, watch=back) is None
    assert outcome([*missing, (104.5, GOAL, 79.0), (105.5, GOAL, 79.0)], watch=back) == ("written", None)
    assert outcome([*missing, (105, None, None)], watch=back) == ("not_followed", "FEEDBACK_UNKNOWN")


def test_a_setpoint_that_somebody_moves_meanwhile_is_theirs_and_no_alarm():
    assert outcome([(0, GOAL, 78.0), (5, 77.0, 78.0)]) == ("overridden", "MOVED_BY_OTHERS")


def test_where_the_feedback_was_taken_out_of_the_configuration_nothing_is_awaited():
    bare = write(profile=WriteProfile.MTP, nodes={Point.REQUEST: "n", Point.ACTUAL: "n"})
    assert outcome([(0, GOAL, None)], watch=FeedbackWatch(write=bare, goal=GOAL, looked_since_ns=0)) == (
        "written", None
    )  # fmt: skip


values = st.none() | st.floats(70, 90) | st.sampled_from([GOAL, GOAL + 0.01, GOAL - 0.0101])


@given(st.lists(st.tuples(st.floats(0.01, 4), values, values), max_size=40))
def test_whatever_is_read_it_ends_in_time_and_written_means_that_it_stayed_near(steps):
    now, looks = 0.0, []
    for seconds, actual, feedback in steps:
        now += seconds
        looks.append((now, actual, feedback))
    ended = looked(looks)
    if ended is None:
        assert now < 30 + 5 + 1 + 4  # its time, a missing reading's, settling, and the longest pause between two looks
        return
    if ended.state is WriteState.WRITTEN:
        near = [abs(feedback - GOAL) <= WRITE.tolerance for _second, _actual, feedback in looks if feedback is not None]
        assert any(near)
    if ended.state is WriteState.NOT_FOLLOWED:
        assert now >= 30
        assert ended.feedback is None or abs(ended.feedback - GOAL) > WRITE.tolerance
