"""Clocks behind one OPC UA server: each tag's is judged by itself, and what is wrong is said."""

import math

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from gateway.history.memory.rings import Rings
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_values import retimed
from tests.fixtures.building import NOW_NS, sample
from tests.fixtures.opcua_feed_by_hand import FedSource

DAY = 86_400.0


def test_connections_05_a_value_whose_source_time_stands_costs_only_its_own_tag():
    source = FedSource("A", "B")
    source.tell(A=(0.0, 0.0), B=(0.0, -600.0))
    for at in range(1, 40):
        source.after(0.25)
        source.tell_at(-600.0, B=(float(at)))
        if at % 4 == 0:
            source.tell(A=(float(at), 0.0))
            assert source.is_good("A")
    assert "CLOCK_SKEW_PLC1" not in source.alarms()
    assert abs(source.listener.skews["plc1"]) < 2
    assert not source.is_good("B")
    assert "TAG_CLOCK_SKEW_PLC1" in source.alarms()
    assert "source time stands still" in source.listener.tag_reasons["plc1"]["B"]


def test_connections_05_a_constant_nan_that_is_sent_again_and_again_says_nothing_of_the_clock():
    source = FedSource("A", "B")
    for at in range(40):
        source.tell(A=(float(at), 0.0))
        source.tell_at(-600.0, B=(math.nan))
        source.after(0.5)
    assert source.alarms() == set()
    assert source.is_good("A")


def test_connections_05_two_changes_within_a_coarse_source_time_are_no_trouble():
    source = FedSource("A")
    for at in range(40):
        source.tell_at(float(math.floor(source.clock.seconds)), A=(float(at)))
        source.after(0.25)
        assert source.is_good("A")
    assert source.alarms() == set()


def test_connections_05_a_source_time_that_goes_on_again_is_believed_again():
    source = FedSource("A", "B")
    for at in range(30):
        source.tell_at(0.0, B=(float(at)))
        source.tell(A=(float(at), 0.0))
        source.after(1.0)
    assert not source.is_good("B")
    source.tell(B=(99.0, 0.0))
    assert source.is_good("B")
    assert source.alarms() == set()


@pytest.mark.parametrize("lead", [3600.0, -3600.0])
def test_connections_09_one_device_with_a_wrong_clock_is_alarmed_and_only_its_tag_is_bad(lead):
    source = FedSource("A", "B")
    for at in range(6):
        source.tell(A=(float(at), 0.0), B=(float(at), lead))
        source.after(1.0)
        assert source.is_good("A")
    assert not source.is_good("B")
    assert source.alarms() == {"TAG_CLOCK_SKEW_PLC1"}
    side = "ahead of" if lead > 0 else "behind"
    assert f"3600 s {side}" in source.listener.tag_reasons["plc1"]["B"]


def test_connections_09_source_times_that_run_backwards_are_said():
    source = FedSource("A", "B")
    for at in range(30):
        source.tell_at(-3.0 * at, A=(float(at)))
        source.tell(B=(float(at), 0.0))
        source.after(1.0)
    assert not source.is_good("A")
    assert source.is_good("B")
    assert source.alarms() == {"TAG_CLOCK_SKEW_PLC1"}


def test_connections_09_the_first_change_that_is_an_hour_old_is_not_taken_for_good():
    source = FedSource("A", "B")
    source.tell(A=(1.0, 0.0), B=(1.0, -3600.0))  # a first value may be as old as it likes
    assert source.is_good("B")
    source.after(600.0)
    source.tell(A=(2.0, 0.0), B=(2.0, -3600.0))
    assert not source.is_good("B")


def test_connections_09_a_device_whose_clock_is_mended_is_believed_again():
    source = FedSource("A", "B")
    for at in range(20):
        source.tell(A=(float(at), 0.0), B=(float(at), 3600.0 if at < 5 else 0.0))
        source.after(1.0)
    assert source.is_good("B")
    assert source.alarms() == set()


def test_connections_09_values_that_a_stalled_line_brought_late_are_still_of_their_time():
    source = FedSource("A")
    for at in range(5):
        source.tell(A=(float(at), 0.0))
        source.after(1.0)
    source.after(8.0)
    source.tell(A=(9.0, -8.0))
    source.tell(A=(9.5, -1.0))
    assert source.is_good("A")
    assert source.alarms() == set()


def test_connections_09_a_clock_that_is_right_now_and_then_is_alarmed_once_and_its_tag_stays_bad():
    source, alarmed = FedSource("A", "B"), []
    for at in range(60):
        source.tell(A=(float(at), 0.0), B=(float(at), -60.0 * (at % 2)))
        alarmed.append("TAG_CLOCK_SKEW_PLC1" in source.alarms())
        source.after(61.0)  # so that its source times go on all the same
    first = alarmed.index(True)
    assert all(alarmed[first:])
    assert not source.is_good("B")
    assert source.is_good("A")
    assert "60 s behind" in source.listener.tag_reasons["plc1"]["B"]


def test_connections_08_a_clock_ahead_within_max_clock_skew_counts_from_its_arrival():
    source = FedSource("A", max_clock_skew_seconds=7200.0)
    for at in range(6):
        source.tell(server_ahead=3600.0, A=(float(at), 3600.0))
        assert source.is_good("A")
        assert source.value("A") == float(at)
        source.after(1.0)
    assert source.alarms() == set()


def test_connections_08_beyond_max_clock_skew_it_is_alarmed_with_how_far_it_is_off():
    source = FedSource("A", max_clock_skew_seconds=60.0)
    for at in range(6):
        source.tell(server_ahead=3600.0, A=(float(at), 3600.0))
        source.after(1.0)
    assert not source.is_good("A")
    assert "CLOCK_SKEW_PLC1" in source.alarms()
    assert abs(source.listener.skews["plc1"] - 3600.0) < 1


def test_connections_14_a_clock_at_2000_is_alarmed_with_the_way_out():
    source = FedSource("A")
    for at in range(4):
        source.tell(A=(float(at), -26 * 365 * DAY))
        source.after(1.0)
    assert not source.is_good("A")
    assert {"CLOCK_SKEW_PLC1", "TAG_CLOCK_SKEW_PLC1"} <= source.alarms()
    assert 'time = "server" or "arrival"' in source.listener.tag_reasons["plc1"]["A"]


def test_connections_14_where_arrival_counts_no_clock_of_the_source_matters():
    source = FedSource("A", time_of="arrival")
    for at in range(4):
        arrived = retimed(sample("A", float(at), at=-26 * 365 * DAY), "arrival", source.clock.now_ns())
        source.tell(
            server_ahead=-26 * 365 * DAY, A=(float(at), (arrived.source_ns - source.clock.now_ns()) / SECOND_NS)
        )
        source.after(1.0)
        assert source.is_good("A")
    assert source.alarms() == set()


def test_connections_14_the_time_of_a_value_is_the_one_that_is_configured():
    told = sample("A", 1.0, at=-1000.0)
    server = retimed(told, "server", NOW_NS)
    arrival = retimed(told, "arrival", NOW_NS)
    assert retimed(told, "source", NOW_NS) is told
    assert (server.source_ns, server.time_from) == (told.server_ns, "server")
    assert (arrival.source_ns, arrival.time_from) == (NOW_NS, "gateway")


def test_a_tag_that_is_lost_is_unknown_until_it_is_told_again_though_with_its_old_time():
    source = FedSource("A", "B")
    source.tell(A=(1.0, 0.0), B=(1.0, 0.0))
    source.after(60.0)
    source.tell(B=(2.0, 0.0), lost_tags=frozenset({"A"}))
    assert not source.is_good("A")
    assert source.is_good("B")
    source.tell_at(0.0, A=(1.0))
    assert source.is_good("A")
    (gap,) = source.listener.gaps()
    assert (gap.subject, gap.from_ns) == ("A", NOW_NS)


def test_what_was_read_by_us_does_not_confirm_what_else_the_server_has():
    rings = Rings({"A": "plc1", "B": "plc1"}, capacity=10)
    rings.add_notification("plc1", [sample("A", 1.0)], confirmed_ns=NOW_NS)
    rings.add_notification("plc1", [sample("B", 1.0, at=5.0)], confirmed_ns=NOW_NS + 5 * SECOND_NS, confirms=False)
    assert rings.confirmed_ns("plc1") == NOW_NS


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e4, 1e4), st.floats(0, 100)), min_size=1, max_size=30),
    st.floats(0.1, 7200.0),
)
def test_whatever_the_clocks_do_no_value_counts_from_the_future(told, limit):
    source = FedSource("A", max_clock_skew_seconds=limit)
    for value, ahead, after in told:
        source.tell(A=(value, ahead))
        last_ns = source.listener.rings.by_tag["A"].last_ns
        assert last_ns <= source.clock.now_ns() + 2 * SECOND_NS
        source.after(after)


def test_connections_10_a_bad_status_without_a_value_stays_what_it_is():
    rings = Rings({"A": "plc1"}, capacity=10)
    (held, _confirmation) = rings.add_notification(
        "plc1",
        [sample("A", 1.0, status=ua.StatusCodes.BadCommunicationError)],
        confirmed_ns=NOW_NS,
        clock_trusted=False,
    )
    assert held.status == ua.StatusCodes.BadCommunicationError


@given(st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=40))
def test_connections_05_09_a_clock_within_the_limit_is_never_distrusted(leads):
    source = FedSource("A")
    for at, lead in enumerate(leads):
        source.tell(A=(float(at), lead))
        source.after(5.0)  # so that the source time goes on
        assert source.alarms() == set()


@given(st.floats(33.0, 1e6), st.booleans(), st.integers(2, 12))
def test_connections_09_a_clock_that_no_late_answer_explains_is_distrusted_from_the_first_change(off, ahead, changes):
    source = FedSource("A", "B")
    for at in range(changes):
        source.tell(A=(float(at), off if ahead else -off), B=(float(at), 0.0))
        source.after(1.0)
        assert at == 0 or not source.is_good("A")
        assert source.is_good("B")
