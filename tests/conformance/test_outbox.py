"""What any outbox must do: the store's own and its twin in memory are held to the same."""

import pytest

from gateway.records.outgoing import Lane, OutgoingMessage
from gateway.time_units import SECOND_NS
from tests.conformance.outboxes import MemoryOutbox, StoreOutbox
from tests.fixtures.building import NOW_NS, deadline, moment


@pytest.fixture(params=["store", "memory"])
def outbox(request, tmp_path):
    made = StoreOutbox(tmp_path) if request.param == "store" else MemoryOutbox()
    yield made
    made.close()


def message(name, lane=Lane.EVIDENCE, **changes):
    return OutgoingMessage(
        **{"message_id": name, "lane": lane, "topic": f"t/{name}", "payload": name.encode(), **changes}
    )


def names(outbox):
    return [each.message_id for each in outbox.waiting()]


def test_lanes_go_in_order_and_within_a_lane_the_older_first(outbox):
    outbox.append(message("t1", Lane.TELEMETRY), message("e1"), message("g1", Lane.GUIDANCE), message("e2"))
    assert names(outbox) == ["g1", "e1", "e2", "t1"]
    assert [each.message_id for each in outbox.waiting(most=2)] == ["g1", "e1"]


def test_what_is_acknowledged_waits_no_more_and_leaves_no_departure(outbox):
    outbox.append(message("a"), message("b"))
    first = outbox.waiting()[0].seq
    outbox.acknowledge(first)
    assert names(outbox) == ["b"]
    outbox.forget(first)
    outbox.wait_again()
    assert names(outbox) == ["b"]
    assert outbox.departures() == set()


def test_what_was_acknowledged_and_is_still_kept_waits_again_in_its_place_over_a_crash(outbox):
    outbox.append(message("a"), message("b"), message("c"))
    for each in outbox.waiting()[:2]:
        outbox.acknowledge(each.seq)
    outbox.crash_in_the_middle_of(message("never"))
    assert names(outbox) == ["c"]
    outbox.wait_again()
    assert names(outbox) == ["a", "b", "c"]
    assert [each.again for each in outbox.waiting()] == [True, True, False]


def test_what_the_broker_had_acknowledged_is_superseded_and_expires_without_a_word(outbox):
    outbox.append(message("a", topic="t"), message("b", expires=deadline(NOW_NS)), message("c", Lane.TELEMETRY))
    for each in outbox.waiting():
        outbox.acknowledge(each.seq)
    outbox.append(message("new", topic="t", replaces=Lane.EVIDENCE))
    outbox.wait_again()
    assert names(outbox) == ["b", "new", "c"]
    outbox.expire(moment(NOW_NS))
    outbox.evict(Lane.TELEMETRY, 1)
    assert names(outbox) == ["new", "c"]  # what the broker has had is not evicted
    assert outbox.departures() == set()


def test_what_is_parked_and_taken_back_counts_as_never_told(outbox):
    outbox.append(message("a", expires=deadline(NOW_NS)))
    outbox.acknowledge(outbox.waiting()[0].seq)
    outbox.wait_again()
    outbox.park(outbox.waiting()[0].seq)
    outbox.unpark("a")
    assert [each.again for each in outbox.waiting()] == [False]
    outbox.expire(moment(NOW_NS))
    assert outbox.departures() == {("a", "expired")}


def test_the_same_message_again_changes_nothing(outbox):
    outbox.append(message("a"))
    outbox.append(message("a", payload=b"other bytes"))
    assert [each.payload for each in outbox.waiting()] == [b"a"]


def test_a_message_supersedes_unsent_ones_of_its_topic_and_that_is_on_record(outbox):
    outbox.append(message("old", Lane.TELEMETRY, topic="t"), message("other", Lane.TELEMETRY, topic="u"))
    outbox.append(message("new", Lane.TELEMETRY, topic="t", replaces=Lane.TELEMETRY))
    assert names(outbox) == ["other", "new"]
    assert outbox.departures() == {("old", "superseded")}


def test_only_what_has_a_deadline_expires(outbox):
    outbox.append(message("a", expires=deadline(NOW_NS + SECOND_NS)), message("b"))
    outbox.expire(moment(NOW_NS))
    assert names(outbox) == ["a", "b"]
    outbox.expire(moment(NOW_NS + SECOND_NS))
    assert names(outbox) == ["b"]
    assert outbox.departures() == {("a", "expired")}


def test_eviction_takes_the_oldest_of_a_lane_and_is_on_record(outbox):
    outbox.append(*(message(f"t{at}", Lane.TELEMETRY) for at in range(3)), message("e"))
    outbox.evict(Lane.TELEMETRY, 2)
    assert names(outbox) == ["e", "t2"]
    assert outbox.departures() == {("t0", "evicted"), ("t1", "evicted")}


def test_a_parked_message_waits_apart_until_it_is_taken_back_to_its_place(outbox):
    outbox.append(message("a"), message("b"))
    outbox.park(outbox.waiting()[0].seq)
    assert names(outbox) == ["b"]
    outbox.reopen()
    outbox.unpark("a")
    assert names(outbox) == ["a", "b"]


def test_a_crash_keeps_what_was_committed_and_nothing_else(outbox):
    outbox.append(message("a"), message("b"))
    before = [(each.seq, each.payload) for each in outbox.waiting()]
    outbox.crash_in_the_middle_of(message("never"))
    assert [(each.seq, each.payload) for each in outbox.waiting()] == before
    outbox.append(message("c"))
    assert names(outbox) == ["a", "b", "c"]
