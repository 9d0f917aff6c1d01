"""Windows cut again from what is on record, against the rings as they were then, at every moment of a random life."""

import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.database.opening import open_for_reading
from gateway.deadlines import ClockReading
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.history.memory.rings import Rings
from gateway.history.reader.recorded import RecordedHistory
from gateway.history.reader.windows_as_of import KnownThen
from gateway.history.tag_history import History
from gateway.history.windows import WindowRequest
from gateway.history.writer import unsealed
from gateway.history.writer.historian import Historian
from gateway.records.process import TagSample
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS

SOURCES = {"t": "plc1", "u": "plc1"}

# (what happens, of which tag, how many tenths of a second before now its source time lies, its value)
steps = st.lists(
    st.tuples(st.sampled_from(["take", "take", "take", "confirm", "lose", "fill", "flush"]), st.sampled_from("tu"),
              st.integers(0, 80), st.integers(-5, 5)),
    min_size=1, max_size=40,
)  # fmt: skip
requested_windows = st.tuples(st.sampled_from("tu"), st.integers(0, 90), st.integers(0, 60))


@pytest.fixture(autouse=True)
def _sealed_soon(monkeypatch):
    monkeypatch.setattr(unsealed, "SEAL_SAMPLES", 5)
    monkeypatch.setattr(unsealed, "RECENT_BATCHES", 1)


@given(steps, requested_windows)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_what_was_known_then_is_known_again(steps_taken, request_of):
    tag, back_tenths, length_tenths = request_of
    rings, windows_then = Rings(SOURCES, capacity=1000), []
    with tempfile.TemporaryDirectory() as name:
        async with Historian(Path(name), now_ns=lambda: NOW_NS) as historian:
            for number, (what, of, tenths, value) in enumerate(steps_taken):
                now_ns = NOW_NS + number * SECOND_NS
                source_ns = now_ns - tenths * SECOND_NS // 10
                sample = TagSample(tag=of, value=float(value), status=0, source_ns=source_ns, server_ns=source_ns)
                recorded = {
                    "take": lambda: rings.add_notification("plc1", [sample], confirmed_ns=now_ns),  # noqa: B023 - called at once
                    "confirm": lambda: rings.confirm("plc1", confirmed_ns=now_ns),  # noqa: B023
                    "lose": lambda: rings.mark_source_unknown("plc1"),
                    "fill": lambda: rings.backfill([sample], from_ns=source_ns),  # noqa: B023
                    "flush": list,
                }[what]()
                historian.record(recorded)
                if what == "flush":
                    await historian.flush()
                end_ns = now_ns - back_tenths * SECOND_NS // 10
                request = WindowRequest(tag=tag, start_ns=end_ns - length_tenths * SECOND_NS // 10, end_ns=end_ns)
                windows_then.append((request, rings.window(request)))
        with closing(open_for_reading(Path(name) / HISTORY_FILE, HISTORY)) as connection:
            history = RecordedHistory(connection, [*SOURCES, "@plc1"])
            known = KnownThen(history, SOURCES, start_ns=NOW_NS, end_ns=NOW_NS + 60 * SECOND_NS)
            for request, then in windows_then:
                now = known.windows([request], arrival=then.arrival)[request]
                assert now.held_ns.tolist() == then.held_ns.tolist()
                np.testing.assert_array_equal(now.values, then.values)
                assert now.statuses.tolist() == then.statuses.tolist()
                assert (now.confirmed_ns, now.arrival) == (then.confirmed_ns, then.arrival)
        assert not history.damage


lives_with_a_clock_that_is_set = st.lists(
    st.tuples(st.sampled_from(["take", "take", "take", "confirm", "flush", "set"]), st.sampled_from("tu"),
              st.integers(0, 30), st.integers(-5, 5), st.sampled_from([-60, -7, 7, 60, 10**8])),
    min_size=1, max_size=40,
)  # fmt: skip


# set ahead, back and behind: an unsealed sample is dated earlier than the chunk that holds what was known then
SET_AHEAD_BACK_AND_BEHIND = [
    ("take", "t", 0, 0, 7), ("set", "t", 0, 0, 60), ("set", "t", 0, 0, 0), ("take", "t", 0, 0, 7),
    ("take", "t", 0, 0, 7), ("take", "t", 0, 0, 7), ("flush", "t", 0, 0, 7), ("take", "t", 0, 0, 7),
    ("flush", "t", 0, 0, 7), ("set", "t", 0, 0, -60),
]  # fmt: skip


@given(lives_with_a_clock_that_is_set, requested_windows)
@example(SET_AHEAD_BACK_AND_BEHIND, ("t", 0, 0))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_what_was_known_then_is_known_again_however_the_clock_was_set(steps_taken, request_of):
    tag, back_tenths, length_tenths = request_of
    windows_then, now, set_by = [], ClockReading(wall_ns=NOW_NS, latest_ns=NOW_NS, boot_ns=0, boot_id="b"), 0
    with tempfile.TemporaryDirectory() as name:
        async with Historian(Path(name), now_ns=lambda: NOW_NS) as historian:
            history = History(Rings(SOURCES, capacity=7), historian, now=lambda: now)
            await history.load()
            for number, (what, of, tenths, value, by) in enumerate(steps_taken):
                if what == "set":
                    set_by = 0 if set_by else by
                wall_ns = NOW_NS + (number + set_by) * SECOND_NS
                now = ClockReading(wall_ns=wall_ns, latest_ns=wall_ns, boot_ns=number * SECOND_NS, boot_id="b")
                source_ns = wall_ns - tenths * SECOND_NS // 10
                sample = TagSample(tag=of, value=float(value), status=0, source_ns=source_ns, server_ns=source_ns)
                if what == "flush":
                    await historian.flush()
                elif what in ("take", "confirm"):
                    history.add_notification("plc1", [sample] if what == "take" else [], confirmed_ns=wall_ns)
                end_ns = wall_ns - back_tenths * SECOND_NS // 10
                request = WindowRequest(tag=tag, start_ns=end_ns - length_tenths * SECOND_NS // 10, end_ns=end_ns)
                windows_then.append((request, (await history.windows([request]))[request]))
        with closing(open_for_reading(Path(name) / HISTORY_FILE, HISTORY)) as connection:
            recorded = RecordedHistory(connection, [*SOURCES, "@plc1"])
            known = KnownThen(recorded, SOURCES, start_ns=NOW_NS - 60 * SECOND_NS, end_ns=NOW_NS + 60 * SECOND_NS)
            for request, then in windows_then:
                again = known.windows([request], arrival=then.arrival)[request]
                assert again.held_ns.tolist() == then.held_ns.tolist()
                np.testing.assert_array_equal(again.values, then.values)
                assert again.statuses.tolist() == then.statuses.tolist()
                assert (again.confirmed_ns, again.arrival) == (then.confirmed_ns, then.arrival)
        assert not recorded.damage
