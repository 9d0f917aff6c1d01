"""Single items of an OPC UA subscription: one that tells nothing is seen, whatever the others do."""

from gateway.time_units import SECOND_NS
from gateway.transport.opcua_watch import READ_SECONDS, SILENT_SECONDS, Finding, ItemWatch
from tests.fixtures.building import NOW_NS, sample

WAIT = 2.0


def watched(*tags, delays=None):
    watch = ItemWatch()
    watch.begin(tags, now=0.0, delays_seconds=delays or {})
    for tag in tags:
        watch.reported(sample(tag, 1.0), now=0.0)
    return watch


def test_connections_01_an_item_that_is_silent_is_read_though_others_tell():
    watch = watched("A", "B")
    for second in range(1, 31):
        watch.reported(sample("B", float(second), at=second), now=float(second))
    assert watch.due(SILENT_SECONDS - 1) == []
    assert watch.due(SILENT_SECONDS) == ["A"]


def test_connections_01_a_change_that_it_does_not_tell_makes_it_anew_once_it_cannot_be_on_its_way():
    watch = watched("A", delays={"A": 1.0})
    read = sample("A", 9.0, at=30)
    assert watch.read(read, now=30.0) is Finding.WAIT
    assert watch.due(30.0 + 2.9) == []
    assert watch.due(30.0 + 1.0 + WAIT) == ["A"]
    assert watch.read(read, now=33.0) is Finding.STALLED


def test_connections_01_a_change_that_was_on_its_way_is_none():
    watch = watched("A")
    assert watch.read(sample("A", 9.0, at=30), now=30.0) is Finding.WAIT
    watch.reported(sample("A", 9.0, at=30), now=30.5)
    assert watch.due(33.0) == []


def test_connections_01_a_standing_source_time_hides_no_change():
    watch = watched("A")
    assert watch.read(sample("A", 9.0), now=30.0) is Finding.WAIT
    assert watch.read(sample("A", 10.0), now=32.0) is Finding.STALLED


def test_connections_01_a_value_that_stays_is_read_again_after_half_a_minute_and_agrees():
    watch = watched("A")
    assert watch.read(sample("A", 1.0, at=30), now=30.0) is Finding.AGREES
    assert watch.due(59.0) == []
    assert watch.due(60.0) == ["A"]


def test_connections_01_an_item_made_anew_that_tells_nothing_is_silent_and_read_from_then_on():
    watch = watched("A")
    watch.renewed("A", now=40.0)
    assert watch.due(45.0) == ["A"]
    assert watch.read(sample("A", 9.0, at=45), now=45.0) is Finding.SILENT
    assert watch.due(45.0 + READ_SECONDS) == ["A"]
    assert watch.read(sample("A", 10.0, at=50), now=50.0) is Finding.TAKEN


def test_connections_01_an_item_that_never_tells_its_first_value_is_silent():
    watch = ItemWatch()
    watch.begin(("A",), now=0.0, delays_seconds={})
    assert watch.due(SILENT_SECONDS) == ["A"]
    assert watch.read(sample("A", 1.0), now=30.0) is Finding.WAIT
    assert watch.read(sample("A", 1.0), now=35.0) is Finding.SILENT


def test_connections_25_within_a_dead_band_what_is_read_is_taken_every_few_seconds():
    watch = watched("A")
    watch.renewed("A", now=33.0)
    watch.reported(sample("A", 2.0, at=33), now=33.0)  # its first value; the drift goes on within the band
    assert watch.read(sample("A", 2.1, at=63), now=63.0) is Finding.WAIT
    assert watch.read(sample("A", 2.1, at=63), now=65.0) is Finding.TAKEN
    for at in range(70, 100, 5):
        assert watch.due(float(at)) == ["A"]
        assert watch.read(sample("A", 2.1 + at / 1000, at=at), now=float(at)) is Finding.TAKEN
    watch.reported(sample("A", 5.0, at=100), now=100.0)  # a change beyond the band is told: no need to read
    assert watch.due(110.0) == []


def test_a_read_that_is_refused_says_nothing_of_the_item():
    watch = watched("A")
    denied = sample("A", float("nan"), at=30, status=0x801F0000)
    assert watch.read(denied, now=30.0) is Finding.AGREES


def test_reads_of_many_constant_tags_spread_over_time():
    tags = [f"T{at}" for at in range(2000)]
    watch = watched(*tags)
    most, second, read = 0, SILENT_SECONDS, 0
    while read < len(tags):
        due = watch.due(second)
        for tag in due:
            watch.read(sample(tag, 1.0), now=second)
        most, read, second = max(most, len(due)), read + len(due), second + 1
    assert most <= 2000 / 15 + 1
    assert second < SILENT_SECONDS + 30


def test_the_time_of_a_value_alone_is_no_change():
    watch = watched("A")
    assert watch.read(sample("A", 1.0, at=1e6), now=30.0) is Finding.AGREES
    assert watch.last("A").source_ns == NOW_NS + 0 * SECOND_NS
