import numpy as np
import pytest

from gateway.history.columns import BAD_NO_COMMUNICATION
from gateway.history.memory.rings import Rings
from gateway.history.memory.tag_ring import TagRing
from gateway.history.windows import WindowRequest, aggregate
from gateway.line.definition import Aggregate
from gateway.time_units import seconds_to_ns
from tests.fixtures.building import BAD, NOW_NS, UNCERTAIN, sample


def window_of(*samples, seconds=10.0):
    rings = Rings({"t": "plc1"}, capacity=100)
    rings.add_notification("plc1", samples, confirmed_ns=NOW_NS + seconds_to_ns(5))
    return rings.window(WindowRequest(tag="t", start_ns=NOW_NS - seconds_to_ns(seconds), end_ns=NOW_NS))


def test_mean_weighs_by_time_not_by_number_of_samples():
    # 10 for 8 s, then 20 for 2 s although sent three times
    window = window_of(
        sample("t", 10, at=-10), sample("t", 20, at=-2), sample("t", 20, at=-1), sample("t", 20, at=-0.5)
    )
    assert aggregate(Aggregate.MEAN, window) == (pytest.approx(12.0), pytest.approx(1.0))


def test_a_value_before_the_window_counts():
    window = window_of(sample("t", 10, at=-300), sample("t", 20, at=-5))
    assert aggregate(Aggregate.MEAN, window) == (pytest.approx(15.0), pytest.approx(1.0))
    assert aggregate(Aggregate.MIN, window) == (10.0, pytest.approx(1.0))


def test_a_window_that_begins_before_the_first_sample_is_covered_in_part():
    value, covered = aggregate(Aggregate.MEAN, window_of(sample("t", 10, at=-4)))
    assert (value, covered) == (10.0, pytest.approx(0.4))


def test_bad_samples_hold_nothing_and_lower_the_coverage():
    window = window_of(sample("t", 10, at=-10), sample("t", 99, at=-5, status=BAD), sample("t", 20, at=-3))
    value, covered = aggregate(Aggregate.MEAN, window)
    assert value == pytest.approx((10 * 5 + 20 * 3) / 8)
    assert covered == pytest.approx(0.8)


def test_uncertain_samples_count_only_where_accepted():
    window = window_of(sample("t", 10, at=-10, status=UNCERTAIN))
    assert aggregate(Aggregate.MEAN, window) == (None, 0.0)
    assert aggregate(Aggregate.MEAN, window, accept_uncertain=True) == (10.0, pytest.approx(1.0))


def test_last_is_the_value_that_holds_at_the_end():
    window = window_of(sample("t", 10, at=-100), sample("t", 20, at=5))
    assert aggregate(Aggregate.LAST, window) == (10.0, 1.0)


def test_last_is_unknown_where_the_last_sample_is_bad():
    window = window_of(sample("t", 10, at=-100), sample("t", 20, at=-5, status=BAD))
    assert aggregate(Aggregate.LAST, window) == (None, 0.0)


def test_slope_of_a_finely_sampled_ramp():
    ramp = [sample("t", 2.5 * at, at=at) for at in np.arange(-10, 0, 0.01)]
    assert aggregate(Aggregate.SLOPE, window_of(*ramp))[0] == pytest.approx(2.5, rel=1e-3)


def test_slope_of_a_constant_is_zero_and_its_deviation_too():
    window = window_of(sample("t", 7, at=-100))
    assert aggregate(Aggregate.SLOPE, window)[0] == pytest.approx(0.0)
    assert aggregate(Aggregate.STANDARD_DEVIATION, window)[0] == pytest.approx(0.0)


def test_nothing_known_is_no_value():
    assert aggregate(Aggregate.MEAN, window_of()) == (None, 0.0)
    assert aggregate(Aggregate.LAST, window_of()) == (None, 0.0)


def test_a_lost_source_makes_its_windows_unknown_from_its_last_word():
    rings = Rings({"t": "plc1", "other": "plc2"}, capacity=100)
    rings.add_notification("plc1", [sample("t", 10, at=-20)], confirmed_ns=NOW_NS - seconds_to_ns(6))
    rings.add_notification("plc2", [sample("other", 1, at=-20)], confirmed_ns=NOW_NS)
    rings.mark_source_unknown("plc1")
    requests = [WindowRequest(tag=name, start_ns=NOW_NS - seconds_to_ns(10), end_ns=NOW_NS) for name in ("t", "other")]
    lost, kept = (rings.window(request) for request in requests)
    assert aggregate(Aggregate.MEAN, lost) == (10.0, pytest.approx(0.4))
    assert lost.statuses[-1] == BAD_NO_COMMUNICATION
    assert aggregate(Aggregate.MEAN, kept) == (1.0, pytest.approx(1.0))


def test_a_value_resent_after_a_loss_is_known_from_then_on_and_not_for_the_gap():
    rings = Rings({"t": "plc1"}, capacity=100)
    rings.add_notification("plc1", [sample("t", 10, at=-20)], confirmed_ns=NOW_NS - seconds_to_ns(8))
    rings.mark_source_unknown("plc1")
    # the server never noticed; it tells the same value with the same source time
    rings.add_notification("plc1", [sample("t", 10, at=-20)], confirmed_ns=NOW_NS - seconds_to_ns(3))
    window = rings.window(WindowRequest(tag="t", start_ns=NOW_NS - seconds_to_ns(10), end_ns=NOW_NS))
    assert aggregate(Aggregate.MEAN, window) == (10.0, pytest.approx(0.5))
    assert aggregate(Aggregate.LAST, window) == (10.0, 1.0)


def test_a_server_whose_clock_is_behind_catches_up_after_a_loss_without_hiding_new_values():
    rings = Rings({"t": "plc1"}, capacity=100)
    second = seconds_to_ns(1)
    rings.add_notification("plc1", [sample("t", 1, at=-40)], confirmed_ns=NOW_NS - 10 * second)
    rings.mark_source_unknown("plc1")
    for at in range(-9, 1):  # its clock is five seconds behind ours
        rings.add_notification("plc1", [sample("t", 100 + at, at=at - 5)], confirmed_ns=NOW_NS + at * second)
        window = rings.window(WindowRequest(tag="t", start_ns=0, end_ns=NOW_NS + at * second))
        assert window.values[-1] == 100 + at
        assert (window.held_ns[1:] >= window.held_ns[:-1]).all()
    assert window.held_ns[-1] == NOW_NS - 5 * second


def test_a_ring_keeps_the_newest_in_order_and_counts_what_it_overwrote():
    ring = TagRing(capacity=5)
    for at in (1, 2, 4, 3, 5, 6, 7):
        ring.append(held_ns=at, value=float(at), status=0)
    window = ring.window(WindowRequest(tag="t", start_ns=0, end_ns=100), confirmed_ns=0)
    assert window.held_ns.tolist() == [3, 4, 5, 6, 7]
    assert ring.overwritten == 2


def test_windows_are_copies_that_later_samples_do_not_change():
    ring = TagRing(capacity=3)
    ring.append(held_ns=1, value=1.0, status=0)
    window = ring.window(WindowRequest(tag="t", start_ns=0, end_ns=10), confirmed_ns=0)
    for at in range(2, 20):
        ring.append(held_ns=at, value=-1.0, status=0)
    assert window.values.tolist() == [1.0]
