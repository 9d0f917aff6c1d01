"""Windows out of rings that are only as long as they are read, against rings that keep everything, whatever happens.

What memory does not hold comes from disk: no window may be short, whether it lies in memory, on disk, or on both sides.
"""

import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.deadlines import ClockReading
from gateway.history.columns import Columns, HeldSample, SampleFlag
from gateway.history.memory.rings import READ_LATE_NS, Rings
from gateway.history.memory.tag_ring import TagRing
from gateway.history.tag_history import History
from gateway.history.windows import WindowRequest
from gateway.history.writer import unsealed
from gateway.history.writer.historian import Historian
from gateway.history.writer.series_buffer import SeriesBuffer
from gateway.records.process import TagSample
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS

SOURCES = {"read": "plc1", "unread": "plc1"}
NEED_NS = {"read": 4 * SECOND_NS}
tags = st.sampled_from(sorted(SOURCES))

# (what happens, of which tag, how many tenths of a second before now its source time lies, its value)
lives = st.lists(
    st.tuples(st.sampled_from(["take", "take", "take", "take", "fill", "fill", "flush", "pause", "restart"]), tags,
              st.integers(0, 300), st.integers(-5, 5)),
    min_size=20, max_size=60,
)  # fmt: skip
BACK_SECONDS = (0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30)  # windows up to now, and up to some time ago


@pytest.fixture(autouse=True)
def _sealed_and_packed_soon(monkeypatch):
    monkeypatch.setattr(unsealed, "SEAL_SAMPLES", 7)
    monkeypatch.setattr(unsealed, "RECENT_BATCHES", 1)
    monkeypatch.setattr(unsealed, "_PACKED_SAMPLES", 3)


class Plant:
    """A history that keeps by need, beside rings that keep everything."""

    def __init__(self, directory):
        self.directory = directory
        self.everything = Rings(SOURCES, capacity=1000)
        self.now_ns = NOW_NS

    @asynccontextmanager
    async def running(self):
        self.rings = Rings(SOURCES, capacity=12, need_ns=NEED_NS)
        async with Historian(self.directory, now_ns=lambda: self.now_ns) as self.historian:
            self.history = History(self.rings, self.historian, now=self.moment)
            await self.history.load()
            yield

    def moment(self):
        return ClockReading(wall_ns=self.now_ns, latest_ns=self.now_ns, boot_ns=self.now_ns, boot_id="b")

    async def live(self, life):
        """Live until a restart; return whether there was one."""
        for what, tag, tenths, value in life:
            self.now_ns += SECOND_NS // 2
            source_ns = self.now_ns - tenths * SECOND_NS // (10 if what == "fill" else 100)
            sample = TagSample(tag=tag, value=float(value), status=0, source_ns=source_ns, server_ns=source_ns)
            match what:
                case "take":
                    self.history.add_notification("plc1", [sample], confirmed_ns=self.now_ns)
                    self.everything.add_notification("plc1", [sample], confirmed_ns=self.now_ns)
                case "fill":
                    self.history.backfill([sample], from_ns=source_ns)
                    self.everything.backfill([sample], from_ns=source_ns)
                case "flush":
                    await self.historian.flush()
                case "pause":
                    self.now_ns += 5 * SECOND_NS
                case "restart":
                    return True
        return False

    async def compare(self):
        requests = [
            WindowRequest(tag=tag, start_ns=self.now_ns - back * SECOND_NS, end_ns=self.now_ns - ago * SECOND_NS)
            for tag in SOURCES
            for back in BACK_SECONDS
            for ago in {0, back // 2}
        ]
        windows = await self.history.windows(requests)
        for request in requests:
            window, expected = windows[request], self.everything.window(request)
            assert window.held_ns.tolist() == expected.held_ns.tolist()
            np.testing.assert_array_equal(window.values, expected.values)
            assert window.statuses.tolist() == expected.statuses.tolist()


@given(lives)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_a_window_is_never_short_however_little_is_in_memory(life):
    with tempfile.TemporaryDirectory() as name:
        plant, lived = Plant(Path(name)), iter(life)
        restarted = True
        while restarted:
            async with plant.running():
                await plant.compare()
                restarted = await plant.live(lived)
                await plant.compare()


async def test_a_hole_that_was_filled_late_makes_no_window_short_after_a_restart(tmp_path):
    plant, live = Plant(tmp_path), [("take", "read", 0, at) for at in range(14)]
    late = [("fill", "read", 100 - at, at) for at in range(7)]  # ten seconds old: a chunk of its own, sealed last
    async with plant.running():
        await plant.live([*live, ("flush", "read", 0, 0), *late, ("flush", "read", 0, 0)])
        await plant.live([("take", "read", 0, 1), ("flush", "read", 0, 0)] * 3)
    async with plant.running():
        await plant.compare()


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3)), min_size=1, max_size=300), st.integers(0, 40))
def test_a_ring_never_says_that_it_reaches_back_to_where_samples_are_missing(samples, need_seconds):
    ring = TagRing(capacity=150, kept_ns=0)
    known = []
    for at, (tenths_back, step) in enumerate(samples):
        if at == len(samples) // 2:
            ring.keep(need_seconds * SECOND_NS)  # from now on
        held_ns = NOW_NS + (at + step) * SECOND_NS - tenths_back * SECOND_NS // 10
        ring.append(held_ns=held_ns, value=float(at), status=0)
        known.append((held_ns, float(at)))
    known.sort(key=lambda each: each[0])  # stable: of equal times the later arrival comes last
    for start_ns in {held_ns + off for held_ns, _ in known for off in (-1, 0, 1)}:
        if ring.reaches_back_to(start_ns):
            held = [each for each in known if each[0] <= start_ns][-1:]
            expected = held + [each for each in known if each[0] > start_ns]
            window = ring.window(WindowRequest(tag="t", start_ns=start_ns, end_ns=known[-1][0]), confirmed_ns=0)
            assert list(zip(window.held_ns.tolist(), window.values.tolist(), strict=True)) == expected


@given(st.lists(st.lists(st.builds(
    HeldSample, series=st.just("t"), arrival=st.integers(0, 2**40), source_ns=st.sampled_from([5, 7]),
    held_ns=st.sampled_from([5, 7]), value=st.floats(), status=st.sampled_from([0, 0, 0, 2**31]),
    flags=st.sampled_from([SampleFlag.NONE, SampleFlag.NONE, SampleFlag.MARK]),
), min_size=1, max_size=5), max_size=6), st.integers(1, 8))  # fmt: skip
@settings(max_examples=40)
def test_what_waits_to_be_sealed_comes_back_to_the_bit_packed_or_not(parts, packed_samples):
    buffer, everything = SeriesBuffer(), Columns.of(())
    for samples in parts:
        before = buffer.buffered()
        buffer.add(Columns.of(samples))
        if buffer.unpacked >= packed_samples:
            buffer.replace_unpacked(buffer.packed())
        assert len(before.columns()) == len(everything)  # as it was, whatever came since
        everything = Columns.joined([everything, Columns.of(samples)])
    columns = buffer.buffered().columns()
    for name in ("arrival", "source_ns", "held_ns", "values", "statuses", "flags"):
        assert getattr(columns, name).tobytes() == getattr(everything, name).tobytes()
    assert buffer.count == len(everything)


async def test_many_tags_are_sealed_at_different_ages_and_all_of_their_windows_are_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(unsealed, "SEAL_SAMPLES", 1000)
    monkeypatch.setattr(unsealed, "SEAL_AGE_NS", 20 * SECOND_NS)
    names, now_ns = [f"T{number:03d}" for number in range(150)], NOW_NS
    rings = Rings(dict.fromkeys(names, "plc1"), capacity=1000, need_ns={})
    moment = lambda: ClockReading(wall_ns=now_ns, latest_ns=now_ns, boot_ns=now_ns, boot_id="b")  # noqa: E731
    async with Historian(tmp_path, now_ns=lambda: now_ns) as historian:
        history = History(rings, historian, now=moment)
        await history.load()
        chunks = set()
        for at in range(30):
            now_ns = NOW_NS + at * SECOND_NS
            samples = [
                TagSample(tag=name, value=float(at), status=0, source_ns=now_ns, server_ns=now_ns) for name in names
            ]
            history.add_notification("plc1", samples, confirmed_ns=now_ns)
            await historian.flush()
            evictable = await historian.retention.evictable()
            chunks |= set() if evictable is None else {(chunk, at) for chunk in evictable.chunks}
        requests = [WindowRequest(tag=name, start_ns=NOW_NS + SECOND_NS, end_ns=now_ns) for name in names]
        windows = await history.windows(requests)
    assert not any(rings.reaches_back(request) for request in requests)
    assert all(windows[request].values.tolist() == [float(at) for at in range(1, 30)] for request in requests)
    assert min(at for _chunk, at in chunks) < 15 < max(at for _chunk, at in chunks)


def test_a_tag_that_nobody_reads_takes_a_kilobyte_and_one_that_is_read_as_much_as_its_window():
    rings = Rings({"unread": "plc1"}, capacity=2**15, need_ns={})
    read = Rings({"read": "plc1"}, capacity=2**15, need_ns={"read": 600 * SECOND_NS})
    for at in range(3000):
        for tag, ring in (("unread", rings), ("read", read)):
            now_ns = NOW_NS + at * SECOND_NS
            sample = TagSample(tag=tag, value=float(at), status=0, source_ns=now_ns, server_ns=now_ns)
            ring.add_notification("plc1", [sample], confirmed_ns=now_ns)
    assert rings.nbytes() <= 1024
    kept = 600 + READ_LATE_NS // SECOND_NS + 2
    assert read.nbytes() <= 1.6 * 20 * kept
    request = WindowRequest(tag="read", start_ns=now_ns - 600 * SECOND_NS, end_ns=now_ns)
    assert read.reaches_back(request)
    assert len(read.window(request)) == 601


def test_a_ring_grows_when_a_version_reads_further_back_and_gives_room_back_when_none_does():
    rings = Rings({"t": "plc1"}, capacity=2**15, need_ns={})
    taken = iter(range(10_000))

    def take(count):
        for at in (next(taken) for _ in range(count)):
            now_ns = NOW_NS + at * SECOND_NS
            sample = TagSample(tag="t", value=float(at), status=0, source_ns=now_ns, server_ns=now_ns)
            rings.add_notification("plc1", [sample], confirmed_ns=now_ns)
        return WindowRequest(tag="t", start_ns=now_ns - 1000 * SECOND_NS, end_ns=now_ns)

    small = take(500), rings.nbytes()
    rings.set_need({"t": 1000 * SECOND_NS})
    assert not rings.reaches_back(take(500))  # what it had let go is on disk
    assert rings.reaches_back(take(600))
    assert rings.nbytes() > 20_000
    rings.set_need({})
    take(2000)
    assert rings.nbytes() <= small[1]
