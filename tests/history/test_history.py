"""History on disk: journal and chunks, reload, windows across both, damage, retention and eviction."""

import asyncio
import shutil
import sqlite3
from contextlib import asynccontextmanager, closing

import numpy as np
import pytest

from gateway.database.opening import open_for_reading
from gateway.deadlines import ClockReading
from gateway.errors import StoreUnavailableError
from gateway.history.columns import SampleFlag
from gateway.history.file.quarantine import set_aside_if_corrupt
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.history.memory.rings import Rings
from gateway.history.reader.recorded import RecordedHistory
from gateway.history.reader.windows_as_of import KnownThen
from gateway.history.tag_history import History
from gateway.history.windows import WindowRequest, aggregate
from gateway.history.writer import historian as writer
from gateway.history.writer import unsealed
from gateway.history.writer.historian import Historian
from gateway.line.definition import Aggregate
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS, sample

HOUR = 3600
LATEST_NS = {}  # per directory what the clock showed last, as a restart does not turn it back


class Recorder:
    """A history in a directory, with one source and two tags."""

    def __init__(self, directory, *, capacity=200):
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self.now_ns = LATEST_NS.get(directory, NOW_NS)
        self.trouble = []
        self.dropped = []
        self.damaged = 0
        self.clock_steps = []
        self.set_by_ns = 0  # how far the wall clock is from the one that never steps
        self.rings = Rings({"t": "plc1", "u": "plc1"}, capacity=capacity)

    @asynccontextmanager
    async def open(self):
        historian = Historian(
            self.directory, now_ns=lambda: self.now_ns, on_trouble=self.trouble.append,
            on_dropped=lambda *what: self.dropped.append(what),
        )  # fmt: skip
        async with historian:
            self.historian = historian
            self.history = History(
                self.rings, historian, now=self.moment, on_damage=self._damage,
                on_clock_step=lambda *what: self.clock_steps.append(what),
            )  # fmt: skip
            await self.history.load()
            yield self

    def moment(self):
        wall_ns = self.now_ns + self.set_by_ns
        return ClockReading(wall_ns=wall_ns, latest_ns=wall_ns, boot_ns=self.now_ns, boot_id="b")

    def _damage(self):
        self.damaged += 1

    def take(self, tag, value, at, **changes):
        at_ns = NOW_NS + round(at * SECOND_NS)
        self.now_ns = LATEST_NS[self.directory] = max(self.now_ns, at_ns)
        self.history.add_notification("plc1", [sample(tag, value, at=at, **changes)], confirmed_ns=at_ns)

    async def window(self, tag, start, end):
        request = WindowRequest(tag=tag, start_ns=NOW_NS + start * SECOND_NS, end_ns=NOW_NS + end * SECOND_NS)
        return (await self.history.windows([request]))[request]


@pytest.fixture
def sealing_soon(monkeypatch):
    monkeypatch.setattr(unsealed, "SEAL_SAMPLES", 50)
    monkeypatch.setattr(unsealed, "RECENT_BATCHES", 1)


def values(window):
    return window.values.tolist()


async def test_a_window_older_than_memory_comes_from_disk_as_if_it_were_in_memory(tmp_path, sealing_soon):
    async with Recorder(tmp_path).open() as recorder:
        everything = Rings({"t": "plc1", "u": "plc1"}, capacity=5000)
        for at in range(1000):
            recorder.take("t", at % 7, at)
            everything.add_notification("plc1", [sample("t", at % 7, at=at)], confirmed_ns=NOW_NS + at * SECOND_NS)
            if at % 37 == 0:
                await recorder.historian.flush()
        for start, end in ((0, 60), (95, 105), (300, 420), (700, 999), (0, 999)):
            request = WindowRequest(tag="t", start_ns=NOW_NS + start * SECOND_NS, end_ns=NOW_NS + end * SECOND_NS)
            window = await recorder.window("t", start, end)
            assert window.sha256() == everything.window(request).sha256()


async def test_after_a_restart_a_late_result_still_meets_the_window_of_its_sample_time(tmp_path, sealing_soon):
    async with Recorder(tmp_path).open() as recorder:
        for at in range(600):
            recorder.take("t", 20 + at / 100, at)
        before = await recorder.window("t", 100, 160)
    again = Recorder(tmp_path)
    async with again.open():
        again.history.mark_source_unknown("plc1")  # as the feed does: nothing was heard since
        after = await again.window("t", 100, 160)
        assert after.sha256() == before.sha256()
        assert aggregate(Aggregate.MEAN, after)[1] == pytest.approx(1.0)
        value, covered = aggregate(Aggregate.MEAN, await again.window("t", 590, 650))
        assert value is not None
        assert covered == pytest.approx(9 / 60)  # known until the last word, and not a second longer


async def test_what_was_flushed_survives_a_kill_and_what_was_not_counts_as_unknown(tmp_path):
    async with Recorder(tmp_path / "live").open() as recorder:
        for at in range(10):
            recorder.take("t", at, at)
        await recorder.historian.flush()
        recorder.take("t", 99, 10)
        shutil.copytree(tmp_path / "live", tmp_path / "killed")
    killed = Recorder(tmp_path / "killed")
    killed.now_ns = recorder.now_ns
    async with killed.open():
        killed.history.mark_source_unknown("plc1")
        window = await killed.window("t", 0, 20)
        assert values(window)[:-1] == list(range(10))
        assert np.isnan(window.values[-1])
        assert window.held_ns[-1] == NOW_NS + 9 * SECOND_NS


async def test_arrivals_go_on_counting_after_a_restart(tmp_path):
    async with Recorder(tmp_path).open() as recorder:
        recorder.take("t", 1, 0)
        recorder.take("t", 2, 1)
    async with Recorder(tmp_path).open() as again:
        again.take("t", 3, 2)
        found, _damage = await again.historian.stretches(
            [WindowRequest(tag="t", start_ns=NOW_NS, end_ns=NOW_NS + 9 * SECOND_NS)]
        )
        (columns,) = found.values()
    assert columns.arrival.tolist() == sorted(set(columns.arrival.tolist()))
    assert len(columns) == 3


async def test_what_the_servers_history_tells_of_a_hole_fills_it(tmp_path):
    async with Recorder(tmp_path).open() as recorder:
        recorder.take("t", 1, 0)
        recorder.history.mark_source_unknown("plc1")
        recorder.take("t", 5, 20)
        assert aggregate(Aggregate.MEAN, await recorder.window("t", 0, 30))[1] == pytest.approx(1 / 3)
        recorder.history.backfill([sample("t", 1, at=-3), sample("t", 3, at=10)], from_ns=NOW_NS)
        window = await recorder.window("t", 0, 30)
        assert aggregate(Aggregate.MEAN, window) == (pytest.approx((10 * 1 + 10 * 3 + 10 * 5) / 30), pytest.approx(1.0))
        await recorder.historian.flush()
        request = WindowRequest(tag="t", start_ns=NOW_NS, end_ns=NOW_NS + 30 * SECOND_NS)
        columns = (await recorder.historian.stretches([request]))[0][request]
        assert SampleFlag.BACKFILLED in {SampleFlag(int(flag)) for flag in columns.flags}


def mistyped(path, change):
    """Write a cell of another type than its column's, as a damaged page may hold."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')') WHERE name = 'chunk'")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(change)


@pytest.mark.parametrize("damage", ["garbage", "missing", "number = 'x'", "last_arrival = 'x'", "first_ns = 'x'"])
async def test_a_chunk_that_is_damaged_or_missing_is_a_hole_and_never_wrong_data(tmp_path, sealing_soon, damage):
    async with Recorder(tmp_path).open() as recorder:
        for at in range(400):
            recorder.take("t", float(at), at)
            if at % 10 == 9:
                await recorder.historian.flush()
    with closing(sqlite3.connect(tmp_path / HISTORY_FILE)) as connection, connection:
        of_t = "series_id = (SELECT series_id FROM series WHERE name = 't') AND number = 3"
        if damage.endswith("'x'"):
            connection.commit()
            mistyped(tmp_path / HISTORY_FILE, f"UPDATE chunk SET {damage} WHERE {of_t}")
        elif damage == "missing":
            connection.execute(f"DELETE FROM chunk WHERE {of_t}")
        else:
            (payload,) = connection.execute(f"SELECT payload FROM chunk WHERE {of_t}").fetchone()
            changed = payload[:40] + bytes([payload[40] ^ 1]) + payload[41:]
            connection.execute(f"UPDATE chunk SET payload = ? WHERE {of_t}", (changed,))
    again = Recorder(tmp_path)
    async with again.open():
        window = await again.window("t", 60, 190)
    assert again.damaged
    known = ~np.isnan(window.values)
    seconds = (window.held_ns - NOW_NS) // SECOND_NS
    assert (window.values[known] == seconds[known]).all()
    assert aggregate(Aggregate.MEAN, window)[1] == pytest.approx((130 - 51) / 130, abs=0.01)


async def test_a_newest_chunk_whose_row_is_damaged_stops_no_start_and_leaves_a_hole(tmp_path, sealing_soon):
    async with Recorder(tmp_path).open() as recorder:
        for at in range(400):
            recorder.take("t", float(at), at)
            if at % 10 == 9:
                await recorder.historian.flush()
    newest = "number = (SELECT max(number) FROM chunk WHERE typeof(number) = 'integer')"
    for change in (f"SET last_arrival = 'x' WHERE {newest}", f"SET number = 'x' WHERE {newest}"):
        mistyped(tmp_path / HISTORY_FILE, f"UPDATE chunk {change}")
        again = Recorder(tmp_path)
        async with again.open():
            again.take("t", 500.0, 500)
            window = await again.window("t", 345, 510)
        assert again.damaged
        assert np.isnan(window.values[0])  # what was held then, nobody knows
        assert values(window)[-1] == 500


@pytest.mark.parametrize("damage", [f"{cell} = {value}" for cell in ("last_arrival", "number")
                                    for value in (2**40, 2**63 - 1)])  # fmt: skip
async def test_a_newest_chunk_whose_row_says_too_much_takes_nothing_from_the_journal_and_stops_no_flush(
    tmp_path, sealing_soon, damage
):
    async with Recorder(tmp_path).open() as recorder:
        for at in range(170):
            recorder.take("t", float(at), at)
            if at % 10 == 9:
                await recorder.historian.flush()
    of_t = "series_id = (SELECT series_id FROM series WHERE name = 't')"
    newest = f"{of_t} AND number = (SELECT max(number) FROM chunk WHERE {of_t})"
    mistyped(tmp_path / HISTORY_FILE, f"UPDATE chunk SET {damage} WHERE {newest}")
    again = Recorder(tmp_path)
    async with again.open():
        assert again.damaged
        assert values(await again.window("t", 161, 169)) == [float(at) for at in range(161, 170)]
        for at in range(170, 300):
            again.take("t", float(at), at)
            await again.historian.flush()
        assert again.trouble[-1] is None
        assert values(await again.window("t", 171, 299)) == [float(at) for at in range(171, 300)]


async def test_a_window_read_while_a_flush_sorts_by_series_misses_nothing(tmp_path, sealing_soon, monkeypatch):
    async with Recorder(tmp_path, capacity=5).open() as recorder:
        for at in range(20):
            recorder.take("t", float(at), at)
            if at != 19:
                await recorder.historian.flush()
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slowly(work, *arguments):
            begun.set()
            await go_on.wait()
            return work(*arguments)

        monkeypatch.setattr(unsealed.asyncio, "to_thread", slowly)
        flushing = asyncio.create_task(recorder.historian.flush())
        async with asyncio.timeout(90):
            await begun.wait()
            assert values(await recorder.window("t", 0, 30)) == [float(at) for at in range(20)]
            go_on.set()
            await flushing
        assert values(await recorder.window("t", 0, 30)) == [float(at) for at in range(20)]


async def test_after_a_damaged_last_journal_entry_what_comes_live_is_kept(tmp_path, sealing_soon):
    async with Recorder(tmp_path, capacity=5).open() as recorder:
        for at in range(20):
            recorder.take("t", float(at), at)
            await recorder.historian.flush()
    with closing(sqlite3.connect(tmp_path / HISTORY_FILE)) as connection, connection:
        connection.execute("UPDATE journal SET hash = 'x' WHERE last_arrival = (SELECT max(last_arrival) FROM journal)")
    again = Recorder(tmp_path, capacity=5)
    later = 2 * unsealed.SEAL_AGE_NS // SECOND_NS  # so that what is left is sealed with the first flush
    async with again.open():
        for at in range(later, later + 20):
            again.now_ns = NOW_NS + at * SECOND_NS
            again.take("t", float(at), at)
            await again.historian.flush()
        assert again.trouble[-1] is None
        assert values(await again.window("t", later, later + 19)) == [float(at) for at in range(later, later + 20)]


async def test_a_damaged_journal_entry_makes_the_time_after_it_unknown(tmp_path):
    async with Recorder(tmp_path).open() as recorder:
        for at in range(30):
            recorder.take("t", float(at), at)
            await recorder.historian.flush()
    with closing(sqlite3.connect(tmp_path / HISTORY_FILE)) as connection, connection:
        connection.execute("UPDATE journal SET payload = zeroblob(length(payload)) WHERE last_arrival = 16")
    again = Recorder(tmp_path)
    async with again.open():
        window = await again.window("t", 10, 20)
    assert again.damaged
    assert values(window)[:5] == [10, 11, 12, 13, 14]
    assert np.isnan(window.values[5])
    assert values(window)[6:] == [16, 17, 18, 19, 20]


async def test_a_damaged_journal_entry_after_the_last_chunk_makes_the_time_unknown_on_disk_too(tmp_path, sealing_soon):
    async with Recorder(tmp_path).open() as recorder:
        for at in range(54):  # the fiftieth seals a chunk
            recorder.take("t", float(at), at)
            await recorder.historian.flush()
    with closing(sqlite3.connect(tmp_path / HISTORY_FILE)) as connection, connection:
        connection.execute("UPDATE journal SET payload = zeroblob(length(payload)) WHERE last_arrival > 50")
    again = Recorder(tmp_path, capacity=1)
    async with again.open():
        request = WindowRequest(tag="t", start_ns=NOW_NS + 45 * SECOND_NS, end_ns=NOW_NS + 60 * SECOND_NS)
        columns = (await again.historian.stretches([request]))[0][request]
    assert columns.values[:5].tolist() == [45, 46, 47, 48, 49]
    assert np.isnan(columns.values[5:]).all()
    assert len(columns.values) == 6


async def test_retention_forgets_the_old_and_eviction_the_oldest(tmp_path, sealing_soon):
    async with Recorder(tmp_path, capacity=20).open() as recorder:
        for at in range(1000):
            recorder.take("t", float(at), at)
            if at % 10 == 9:
                await recorder.historian.flush()
        assert await recorder.historian.retention.forget_before(NOW_NS + 500 * SECOND_NS) > 0
        assert values(await recorder.window("t", 100, 200)) == []
        assert len(await recorder.window("t", 600, 700)) == 101
        used = await recorder.historian.retention.bytes_used()
        oldest = await recorder.historian.retention.evictable()
        await recorder.historian.retention.evict(oldest)
        assert await recorder.historian.retention.bytes_used() < used


async def test_what_is_forgotten_while_it_is_read_is_no_damage(tmp_path, sealing_soon):
    async with Recorder(tmp_path, capacity=20).open() as recorder:
        for at in range(1000):
            recorder.take("t", float(at), at)
            if at % 10 == 9:
                await recorder.historian.flush()
        with (
            closing(open_for_reading(tmp_path / HISTORY_FILE, HISTORY)) as reading,
            closing(sqlite3.connect(tmp_path / HISTORY_FILE)) as forgetting,
        ):
            recorded = RecordedHistory(reading, ["t"])

            def forget(statement):
                if "payload" in statement:  # which chunks there are is known, and the first is read
                    with forgetting:
                        forgetting.execute("DELETE FROM chunk")

            reading.set_trace_callback(forget)
            found = recorded.stretch("t", start_ns=NOW_NS + 100 * SECOND_NS, end_ns=NOW_NS + 500 * SECOND_NS)
        assert not recorded.damage
        assert len(found) >= 401


async def test_while_the_disk_fails_samples_wait_and_are_bounded_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_MOST_WAITING", 100)
    async with Recorder(tmp_path).open() as recorder:

        async def failing(_work):
            raise StoreUnavailableError("disk full, says the test")

        real, recorder.historian._file.writer.run = recorder.historian._file.writer.run, failing
        for at in range(80):
            recorder.take("t", float(at), at)
        with pytest.raises(StoreUnavailableError):
            await recorder.historian.flush()
        assert recorder.trouble[-1] == "disk full, says the test"
        assert recorder.dropped
        recorder.historian._file.writer.run = real
        await recorder.historian.flush()
        assert recorder.trouble[-1] is None
    async with Recorder(tmp_path).open() as again:
        kept = await again.window("t", 0, 100)
    assert values(kept)[-1] == 79
    assert len(kept) <= 80


async def test_a_history_that_is_no_database_is_set_aside_and_a_new_one_begins(tmp_path):
    (tmp_path / HISTORY_FILE).write_bytes(b"no database at all, but long enough to be looked at" * 100)
    noticed = []
    set_aside_if_corrupt(tmp_path, at_ns=7, on_damage=lambda: noticed.append(True))
    assert noticed
    assert (tmp_path / "quarantine" / "7" / HISTORY_FILE).exists()
    async with Recorder(tmp_path).open() as recorder:
        recorder.take("t", 1.0, 0)
        assert len(await recorder.window("t", 0, 1)) == 1


async def test_windows_are_right_while_flushes_and_seals_go_on_beside_them(tmp_path, sealing_soon):
    async with Recorder(tmp_path, capacity=20).open() as recorder:
        for at in range(300):
            recorder.take("t", float(at), at)

        async def flushing():
            for at in range(300, 700):
                recorder.take("t", float(at), at)
                if at % 3 == 0:
                    await recorder.historian.flush()

        async def reading():
            for start in range(0, 200, 4):
                window = await recorder.window("t", start, start + 80)
                assert values(window) == [float(at) for at in range(start, start + 81)]

        await asyncio.gather(flushing(), reading())


# --- a wall clock that is set ---------------------------------------------------------------------------


async def ahead_for_ten_seconds(recorder, *, by=HOUR):
    """Two tags, heard each second; from 60 to 70 s the wall clock is an hour ahead. ``t`` changes, ``u`` does not."""
    recorder.take("u", 5.0, 0)
    for at in range(70):
        recorder.set_by_ns = by * SECOND_NS if at >= 60 else 0
        recorder.now_ns = NOW_NS + at * SECOND_NS
        shown = at + (by if at >= 60 else 0)
        recorder.history.add_notification(
            "plc1", [sample("t", float(at), at=at)], confirmed_ns=NOW_NS + shown * SECOND_NS, clock_trusted=at < 63
        )
    recorder.set_by_ns, recorder.now_ns = 0, NOW_NS + 70 * SECOND_NS


def age_seconds(window):
    """Return how old the value is that holds at a window's end, as the gate of age sees it; infinite where unknown."""
    if not np.isfinite(window.values[-1]):
        return np.inf
    return (window.end_ns - max(int(window.held_ns[-1]), window.confirmed_ns)) / SECOND_NS


@pytest.mark.parametrize("by", [HOUR, 24 * HOUR])
async def test_after_a_clock_that_was_ahead_a_dead_servers_values_are_not_fresh(tmp_path, by):
    async with Recorder(tmp_path).open() as recorder:
        await ahead_for_ten_seconds(recorder, by=by)  # and nothing is heard any more
        for end in (71, 90, 600, by - 10):
            recorder.now_ns = NOW_NS + end * SECOND_NS
            for tag in ("t", "u"):
                window = recorder.history.window(
                    WindowRequest(tag=tag, start_ns=recorder.now_ns, end_ns=recorder.now_ns)
                )
                assert age_seconds(window) == np.inf
    assert [until - since for since, until in recorder.clock_steps] == [by * SECOND_NS, -by * SECOND_NS]


async def test_once_resent_values_count_at_once_after_a_clock_that_was_ahead(tmp_path):
    async with Recorder(tmp_path).open() as recorder:
        await ahead_for_ten_seconds(recorder)
        recorder.take("u", 6.0, 65)  # it changed while the clock was ahead; told again, as all values are then
        recorder.take("t", 70.0, 70)
        for at in range(71, 75):
            recorder.now_ns = NOW_NS + at * SECOND_NS
            recorder.take("t", float(at), at)
        window = await recorder.window("t", 71, 74)
        assert window.values.tolist() == [71.0, 72.0, 73.0, 74.0]
        assert (window.statuses == 0).all()
        quiet = await recorder.window("u", 74, 74)
        assert (quiet.values[-1], age_seconds(quiet)) == (6.0, 0.0)
        told_before = await recorder.window("u", 60, 69)  # that it was 5.0 all the while, nobody can say
        assert not np.isfinite(told_before.values[-1])


class Stepped:
    """A history whose clock is set now and then; source and gateway share it, or the source's is right."""

    def __init__(self, recorder, *, shared):
        self.recorder, self.shared, self.boot = recorder, shared, 0

    async def run(self, seconds, value, *, by=0, tags="tu"):
        """Tell a value each second, with the clock so far off."""
        self.recorder.set_by_ns = by * SECOND_NS
        for _ in range(seconds):
            self.boot += 1
            self.recorder.now_ns = LATEST_NS[self.recorder.directory] = NOW_NS + self.boot * SECOND_NS
            at = self.boot + (by if self.shared else 0)
            for tag, said in ((tag, {"t": value, "u": 5.0}[tag]) for tag in tags):
                self.recorder.history.add_notification(
                    "plc1", [sample(tag, said + 1e-6 * self.boot * (tag == "t"), at=at)],
                    confirmed_ns=NOW_NS + (self.boot + by) * SECOND_NS, clock_trusted=self.shared or not by,
                )  # fmt: skip
            if self.boot % 10 == 0:
                await self.recorder.historian.flush()


async def mean_of(recorder, tag, start, end):
    value, covered = aggregate(Aggregate.MEAN, await recorder.window(tag, start, end))
    return None if value is None else round(value, 2), round(covered, 2)


@pytest.mark.parametrize("by", [600, 10 * 365 * 24 * HOUR])
@pytest.mark.parametrize("shared", [True, False])
async def test_what_a_clock_that_was_ahead_has_dated_later_is_in_no_window(tmp_path, sealing_soon, shared, by):
    async with Recorder(tmp_path).open() as recorder:
        stepped = Stepped(recorder, shared=shared)
        await stepped.run(300, 100.0)
        await stepped.run(300, 150.0, by=by)
        await stepped.run(1200, 200.0)
        for start, end in ((603, 900), (900, 1200), (1300, 1500), (1650, 1790)):  # some of it on disk alone
            assert await mean_of(recorder, "t", start, end) == (200.0, 1.0)
        for start, end in ((10, 290), (320, 590)):
            expected = (100.0, 1.0) if end < 300 else (None, 0.0)
            assert await mean_of(recorder, "t", start, end) == expected
    again = Recorder(tmp_path)
    async with again.open():
        assert await mean_of(again, "t", 603, 900) == (200.0, 1.0)
        assert await mean_of(again, "t", 1650, 1790) == (200.0, 1.0)
        with closing(open_for_reading(tmp_path / HISTORY_FILE, HISTORY)) as connection:
            sources = {"t": "plc1"}
            recorded = RecordedHistory(connection, ["t", "@plc1"])
            known = KnownThen(recorded, sources, start_ns=NOW_NS, end_ns=NOW_NS + 4000 * SECOND_NS)
            request = WindowRequest(tag="t", start_ns=NOW_NS + 1000 * SECOND_NS, end_ns=NOW_NS + 1100 * SECOND_NS)
            live = (await again.history.windows([request]))[request]
            (replayed,) = known.windows([request], arrival=live.arrival).values()
            assert (replayed.held_ns.tolist(), replayed.values.tolist()) == (live.held_ns.tolist(), values(live))
            if shared and by == 600:  # what was believed before the clock was set back stays to be known
                (then,) = known.windows([request], arrival=1150).values()
                assert aggregate(Aggregate.MEAN, then)[0] == pytest.approx(150.0, abs=0.1)
        assert not again.damaged


async def test_a_clock_that_was_set_back_for_a_minute_costs_that_minute_only(tmp_path, sealing_soon):
    async with Recorder(tmp_path).open() as recorder:
        stepped = Stepped(recorder, shared=False)
        await stepped.run(1300, 100.0)
        await stepped.run(60, 150.0, by=-600)
        await stepped.run(300, 200.0)
        assert await mean_of(recorder, "t", 500, 1290) == (100.0, 1.0)
        assert await mean_of(recorder, "u", 500, 1290) == (5.0, 1.0)  # it did not change for all that time
        assert await mean_of(recorder, "t", 1305, 1355) == (None, 0.0)
        assert await mean_of(recorder, "t", 1365, 1650) == (200.0, 1.0)
    again = Recorder(tmp_path)
    async with again.open():
        assert await mean_of(again, "t", 500, 1290) == (100.0, 1.0)
        assert await mean_of(again, "u", 500, 1290) == (5.0, 1.0)
        assert await mean_of(again, "t", 1305, 1355) == (None, 0.0)


@pytest.mark.parametrize("behind", [900, 5 * 365 * 24 * HOUR])
async def test_a_start_with_a_clock_that_is_behind_costs_nothing_of_what_is_recorded(tmp_path, sealing_soon, behind):
    async with Recorder(tmp_path).open() as recorder:
        await Stepped(recorder, shared=True).run(600, 100.0)
        recorder.set_by_ns = -behind * SECOND_NS
    again = Recorder(tmp_path)
    again.set_by_ns = -behind * SECOND_NS
    async with again.open():
        stepped = Stepped(again, shared=False)
        stepped.boot = 600
        await stepped.run(20, 150.0, by=-behind)  # until the time is synchronised
        await stepped.run(300, 200.0)
        assert await mean_of(again, "t", 10, 590) == (100.0, 1.0)
        assert await mean_of(again, "t", 625, 900) == (200.0, 1.0)
        with closing(sqlite3.connect(tmp_path / HISTORY_FILE)) as connection:
            count = "SELECT count(*) FROM chunk WHERE last_ns > 1800000000000000000"
            chunks = connection.execute(count).fetchone()
            await again.historian.retention.forget_before(NOW_NS - HOUR * SECOND_NS)
            assert connection.execute(count).fetchone() == chunks


@pytest.mark.parametrize(("back", "after"), [(3, 600), (600, 2 * HOUR)])
async def test_two_settings_that_have_nothing_to_do_with_each_other_take_nothing_back(tmp_path, back, after):
    async with Recorder(tmp_path).open() as recorder:
        stepped = Stepped(recorder, shared=True)
        await stepped.run(100, 100.0)
        await stepped.run(after, 150.0, by=-back)
        await stepped.run(60, 200.0)
        assert await mean_of(recorder, "t", 110, 90 + after - back) == (150.0, 1.0)


async def test_a_value_that_does_not_change_is_known_where_a_clock_that_was_ahead_had_dated_others(
    tmp_path, sealing_soon, monkeypatch
):
    monkeypatch.setattr(unsealed, "SEAL_AGE_NS", 60 * SECOND_NS)
    async with Recorder(tmp_path, capacity=20).open() as recorder:
        stepped = Stepped(recorder, shared=True)
        await stepped.run(200, 100.0)
        await stepped.run(120, 150.0, by=1000)
        await stepped.run(60, 200.0)
        await stepped.run(1500, 200.0, tags="t")
        assert await mean_of(recorder, "u", 1400, 1800) == (5.0, 1.0)  # told last at 380 s
    with closing(open_for_reading(tmp_path / HISTORY_FILE, HISTORY)) as connection:
        when = {"start_ns": NOW_NS + 1250 * SECOND_NS, "end_ns": NOW_NS + 1800 * SECOND_NS}
        assert values(RecordedHistory(connection, ["u"]).stretch("u", **when)) == [5.0]


async def test_a_damaged_journal_beside_a_setting_of_the_clock_stops_no_start_and_no_export(
    tmp_path, sealing_soon, monkeypatch
):
    monkeypatch.setattr(unsealed, "SEAL_AGE_NS", 60 * SECOND_NS)
    async with Recorder(tmp_path).open() as recorder:
        stepped = Stepped(recorder, shared=True)
        await stepped.run(100, 100.0)
        await stepped.run(10, 150.0, by=600)
        await stepped.run(300, 200.0)
    mistyped(tmp_path / HISTORY_FILE, "UPDATE journal SET payload = x'00' WHERE last_arrival = "
             "(SELECT max(last_arrival) FROM journal)")  # fmt: skip
    again = Recorder(tmp_path)
    async with again.open():
        assert again.damaged
        assert await mean_of(again, "t", 120, 300) == (200.0, 1.0)
        with closing(open_for_reading(tmp_path / HISTORY_FILE, HISTORY)) as connection:
            recorded = RecordedHistory(connection, ["t"])
            assert recorded.damage.journal_entries == 1
            assert recorded.clock_steps.steps_back()


async def test_what_a_clock_far_ahead_has_dated_is_forgotten_in_its_turn_and_taken_for_no_damage(
    tmp_path, sealing_soon, monkeypatch
):
    monkeypatch.setattr(unsealed, "SEAL_AGE_NS", 300 * SECOND_NS)
    async with Recorder(tmp_path).open() as recorder:
        stepped = Stepped(recorder, shared=True)
        await stepped.run(200, 100.0)
        await stepped.run(200, 150.0, by=365 * 24 * HOUR)
        await stepped.run(1000, 200.0)
        await recorder.historian.flush()
        await recorder.historian.retention.forget_before(NOW_NS + 900 * SECOND_NS)
        assert await mean_of(recorder, "t", 1000, 1300) == (200.0, 1.0)
        assert not recorder.damaged
        with closing(sqlite3.connect(tmp_path / HISTORY_FILE)) as connection:
            (latest_ns,) = connection.execute("SELECT max(last_ns) FROM chunk").fetchone()
            assert latest_ns < NOW_NS + 2000 * SECOND_NS
            ((entries,),) = connection.execute("SELECT count(*) FROM journal").fetchall()
            assert entries < 50  # of 140: pruned, though the first sample of a series was of another year


async def test_a_value_that_changed_by_a_clock_that_the_server_shared_counts_once_resent(tmp_path):
    """Gateway and server have one time, an hour ahead; a setpoint changes; then both are set right."""
    async with Recorder(tmp_path).open() as recorder:
        recorder.take("u", 5.0, 0)
        recorder.set_by_ns = HOUR * SECOND_NS
        changed_at = HOUR + 5
        recorder.history.add_notification(
            "plc1", [sample("u", 6.0, at=changed_at)], confirmed_ns=NOW_NS + changed_at * SECOND_NS
        )
        recorder.set_by_ns, recorder.now_ns = 0, NOW_NS + 10 * SECOND_NS
        recorder.history.add_notification("plc1", [sample("u", 6.0, at=changed_at)], confirmed_ns=recorder.now_ns)
        recorder.now_ns = NOW_NS + 12 * SECOND_NS
        window = await recorder.window("u", 12, 12)
        assert (window.values[-1], int(window.statuses[-1])) == (6.0, 0)


async def test_what_counts_from_a_future_that_was_none_stops_no_start_from_hearing_values(tmp_path):
    async with Recorder(tmp_path).open() as recorder:
        await ahead_for_ten_seconds(recorder)
        recorder.set_by_ns = HOUR * SECOND_NS  # the clock is still ahead when the gateway is stopped
    again = Recorder(tmp_path)
    again.now_ns = NOW_NS + 80 * SECOND_NS
    async with again.open():
        assert again.rings.confirmed_ns("plc1") <= again.now_ns
        again.take("t", 80.0, 80)
        again.take("t", 81.0, 81)
        window = await again.window("t", 80, 81)
        assert window.values.tolist()[-2:] == [80.0, 81.0]
        assert (window.statuses[-2:] == 0).all()


@pytest.mark.parametrize("by_seconds", [-1.5, 1.5])
async def test_a_clock_that_is_set_by_less_than_what_is_allowed_anyway_costs_nothing(tmp_path, by_seconds):
    async with Recorder(tmp_path).open() as recorder:
        recorder.take("t", 1.0, 0)
        recorder.set_by_ns = round(by_seconds * SECOND_NS)
        recorder.take("t", 2.0, 1)
        assert (await recorder.window("t", 1, 1)).values.tolist() == [2.0]
    assert recorder.clock_steps == []
