"""The server's own history at the first connection: all of it, once, without disturbing live values."""

import asyncio
import json
import math
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace

import pytest

from gateway.clock import SystemClock
from gateway.config.checks import doubts
from gateway.config.reading import read
from gateway.database.opening import open_for_reading
from gateway.history.columns import SampleFlag
from gateway.history.file.statements import HISTORY, HISTORY_FILE
from gateway.history.memory.rings import Rings
from gateway.history.reader.recorded import RecordedHistory
from gateway.history.tag_history import History
from gateway.history.windows import WindowRequest
from gateway.history.writer.historian import Historian
from gateway.ingest import first_history
from gateway.ingest.first_history import FirstFetch, FirstHistory, figures, read_progress, state_file
from gateway.records.process import TagSample
from gateway.time_units import DAY_NS, SECOND_NS
from simulator.broker import free_port
from tests.config.test_settings import MINIMAL, written
from tests.fixtures.opcua_feed import Listener, PlantOfTags, Unrecorded, source_of

MINUTE_NS = 60 * SECOND_NS
TAGS = ("a", "b")


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch):
    monkeypatch.setattr(first_history, "_PEACE", 0.0)
    monkeypatch.setattr(first_history, "_LEAST_PEACE_SECONDS", 0.0)
    monkeypatch.setattr(first_history, "_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(first_history, "_SAVED_EVERY_SECONDS", 0.0)


class Server:
    """A session whose server remembers a value a minute of each tag; ``fails``: stretches that it cannot read."""

    def __init__(self, tags=TAGS, *, step_ns=MINUTE_NS, fails=lambda _start_ns: False, after=None):
        self.tags = tags
        self.reads = []
        self._step_ns, self._fails, self._after = step_ns, fails, after

    async def wait_subscribed(self):
        await asyncio.sleep(0)

    async def read_history(self, tags, *, start_ns, end_ns):
        self.reads.append((tuple(tags), start_ns, end_ns))
        if self._after is not None:
            self._after(len(self.reads))
        if self._fails(start_ns):
            raise OSError("BadHistoryOperationUnsupported")
        first = -(-start_ns // self._step_ns) * self._step_ns
        return {
            tag: [TagSample(tag=tag, value=float(at_ns // self._step_ns), status=0, source_ns=at_ns, server_ns=at_ns)
                  for at_ns in range(first, end_ns + 1, self._step_ns)]
            for tag in tags if tag != "without"
        }  # fmt: skip


class Fetching:
    def __init__(self, directory, server, *, days=3.0, trusted=True, historian=None):
        self.clock = SystemClock()
        self.rings = Rings(dict.fromkeys(server.tags, "plc1"), capacity=100_000)
        self.history = History(self.rings, historian or Unrecorded(), now=self.clock.now)
        self.server = server
        self.told = []
        self.now_ns = self.clock.now_ns()
        lead = SimpleNamespace(known=True, trusted=trusted, lead_ns=0)
        self.clocks = SimpleNamespace(server_since_up=lead, distrusted=())
        self.backfill = SimpleNamespace(holes=())
        self.first = FirstHistory(
            "plc1",
            FirstFetch(span_ns=round(days * DAY_NS), directory=directory, on_progress=self.progress),
            session=server, clocks=self.clocks, history=self.history, backfill=self.backfill, clock=self.clock,
        )  # fmt: skip

    def progress(self, _source, figures):
        self.told.append(figures)

    def live(self, tag, value, *, at_ns=None):
        at_ns = at_ns or self.now_ns
        sample = TagSample(tag=tag, value=value, status=0, source_ns=at_ns, server_ns=at_ns)
        self.history.add_notification("plc1", [sample], confirmed_ns=self.now_ns)

    def window(self, tag, start_ns, end_ns):
        return self.rings.window(WindowRequest(tag=tag, start_ns=start_ns, end_ns=end_ns))

    def minutes(self, tag):
        """The minutes of good values that are known before the live ones."""
        window = self.window(tag, 0, self.now_ns - 1)
        return {int(value) for value, status in zip(window.values, window.statuses, strict=True) if status == 0}


async def test_all_of_it_is_fetched_and_the_live_value_stays_the_newest(tmp_path):
    fetching = Fetching(tmp_path, Server())
    for tag in TAGS:
        fetching.live(tag, -1.0)
    await fetching.first.run()
    now_minute, span = fetching.now_ns // MINUTE_NS, 3 * 24 * 60
    for tag in TAGS:
        assert fetching.minutes(tag) >= set(range(now_minute - span + 1, now_minute))
        newest = fetching.window(tag, fetching.now_ns, fetching.now_ns)
        assert (newest.values[-1], newest.statuses[-1]) == (-1.0, 0)
    assert fetching.told[-1]["share"] == 1.0
    assert fetching.told[-1]["samples"] >= 2 * (span - 1)
    assert [told["share"] for told in fetching.told] == sorted(told["share"] for told in fetching.told)


async def test_stretches_grow_where_little_comes_and_shrink_where_much_does(tmp_path):
    sparse, dense = Server(step_ns=3600 * SECOND_NS), Server(step_ns=SECOND_NS)
    (tmp_path / "s").mkdir()
    await Fetching(tmp_path / "s", sparse, days=30).first.run()
    assert len(sparse.reads) < 60
    (tmp_path / "d").mkdir()
    await Fetching(tmp_path / "d", dense, days=0.15).first.run()
    largest_ns = max(end_ns - start_ns for _tags, start_ns, end_ns in dense.reads)
    assert largest_ns * len(TAGS) / SECOND_NS <= 2 * first_history._MANY


async def test_what_was_fetched_stands_in_the_file_that_history_export_reads(tmp_path):
    clock = SystemClock()
    async with Historian(tmp_path, now_ns=clock.now_ns) as historian:
        await Fetching(tmp_path, Server(), days=1, historian=historian).first.run()
    with closing(open_for_reading(tmp_path / HISTORY_FILE, HISTORY)) as connection:
        columns = RecordedHistory(connection, TAGS).stretch("a", start_ns=0, end_ns=clock.now_ns())
    good = columns.where(columns.statuses == 0)
    assert len(set(good.values)) >= 24 * 60 - 2
    assert all(SampleFlag.BACKFILLED in SampleFlag(int(flags)) for flags in good.flags)


async def test_a_restart_goes_on_where_the_fetch_was_and_reads_nothing_twice(tmp_path):
    stop = asyncio.Event()
    server = Server(after=lambda count: stop.set() if count == 5 else None)
    fetching = Fetching(tmp_path, server)
    task = asyncio.create_task(fetching.first.run())
    await stop.wait()
    task.cancel()
    await asyncio.wait({task})
    read_before = max(end_ns for _tags, _start_ns, end_ns in server.reads[:-1])
    again = Server()
    resumed = Fetching(tmp_path, again)
    await resumed.first.run()
    assert min(start_ns for _tags, start_ns, _end_ns in again.reads) >= read_before
    assert resumed.told[-1]["share"] == 1.0
    idle = Server()
    await Fetching(tmp_path, idle).first.run()
    assert idle.reads == []


async def test_a_tag_that_is_configured_later_is_fetched_alone(tmp_path):
    await Fetching(tmp_path, Server(), days=1).first.run()
    later = Server(tags=(*TAGS, "c"))
    fetching = Fetching(tmp_path, later, days=1)
    await fetching.first.run()
    assert {tags for tags, _start_ns, _end_ns in later.reads} == {("c",)}
    assert max(end_ns for _tags, _start_ns, end_ns in later.reads) >= fetching.now_ns


async def test_what_cannot_be_read_is_counted_and_unknown_and_the_rest_is_there(tmp_path):
    now_ns = SystemClock().now_ns()
    server = Server(fails=lambda start_ns: now_ns - 2 * DAY_NS < start_ns < now_ns - DAY_NS)
    fetching = Fetching(tmp_path, server)
    await fetching.first.run()
    assert fetching.told[-1]["stretches_failed"] >= 1
    assert fetching.told[-1]["share"] == 1.0
    window = fetching.window("a", 0, fetching.now_ns)
    inside = [status for at_ns, status in zip(window.held_ns, window.statuses, strict=True)
              if now_ns - 2 * DAY_NS < at_ns < now_ns - DAY_NS]  # fmt: skip
    assert inside  # a mark stands there: nothing is known
    assert any(inside)


async def test_a_value_that_stands_since_long_is_not_made_unknown_by_an_empty_history(tmp_path):
    """A setpoint of three weeks ago: its live value counts from then, and no mark may stand behind it."""

    class Empty(Server):
        async def read_history(self, _tags, **_stretch):
            return {}

    fetching = Fetching(tmp_path, Empty(), days=30)
    fetching.live("a", 70.0, at_ns=fetching.now_ns - 21 * DAY_NS)
    await fetching.first.run()
    window = fetching.window("a", fetching.now_ns, fetching.now_ns)
    assert (window.values[-1], window.statuses[-1]) == (70.0, 0)
    assert fetching.told[-1]["tags_without_history"] == 2


async def test_with_a_wrong_clock_and_while_an_outage_is_filled_it_waits(tmp_path):
    server = Server()
    fetching = Fetching(tmp_path, server, trusted=False)
    task = asyncio.create_task(fetching.first.run())
    await asyncio.sleep(0.05)
    assert server.reads == []
    fetching.clocks.server_since_up.trusted = True
    fetching.backfill.holes = ("a hole",)
    await asyncio.sleep(0.05)
    assert server.reads == []
    fetching.backfill.holes = ()
    await asyncio.wait_for(task, 60)
    assert server.reads


async def test_values_of_a_tag_whose_clock_is_wrong_are_not_taken(tmp_path):
    fetching = Fetching(tmp_path, Server(), days=1)
    fetching.clocks.distrusted = {"a": "its clock is wrong"}
    await fetching.first.run()
    assert fetching.minutes("a") == set()
    assert fetching.minutes("b")


@pytest.mark.parametrize("kept", ["", "[]", "3", '{"nonsense": 1}', '{"from_ns": "soon"}', '{"next_ns": -1}', "null"])
def test_progress_that_cannot_be_read_begins_again(tmp_path, kept):
    state_file(tmp_path, "plc1").write_text(kept)
    assert read_progress(tmp_path, "plc1") == first_history.Progress()


async def test_the_progress_is_kept_for_each_server_and_closed_to_others(tmp_path):
    await Fetching(tmp_path, Server(), days=0.1).first.run()
    file = state_file(tmp_path, "plc1")
    assert json.loads(file.read_text())["done"] == list(TAGS)
    assert file.stat().st_mode & 0o007 == 0
    assert read_progress(tmp_path, "plc2") == first_history.Progress()


def test_of_no_tags_all_is_fetched():
    assert figures(first_history.Progress(), tags=0)["share"] == 1.0
    assert math.isclose(figures(first_history.Progress(done=["a"]), tags=2)["share"], 0.5)


def test_more_than_is_kept_is_warned_of(tmp_path):
    text = f'{MINIMAL}[opcua.plc1]\nurl = "opc.tcp://h"\nhistory = "60d"\ntime = "arrival"\n'
    warnings = [warning for warning in doubts(read(written(tmp_path, text))[0]) if "history" in warning]
    assert len(warnings) == 2
    assert "30d are fetched" in warnings[0]


async def test_a_real_servers_history_is_there_before_the_first_minute_is_over(tmp_path):
    async with PlantOfTags(free_port(), history=True) as server:
        begun = datetime.now(UTC).timestamp()
        for minute in range(30, 0, -1):
            await server.write("T", float(minute), at=datetime.fromtimestamp(begun - 60 * minute, UTC))
        await server.write("T", 0.0)
        told = []
        fetch = FirstFetch(span_ns=3600 * SECOND_NS, directory=tmp_path, on_progress=lambda _n, f: told.append(f))
        listener = Listener(source_of(server.url, "T"), first=fetch)
        async with listener.running():
            async with asyncio.timeout(60):
                for number in count(1):  # the server's clock is known once some values have come
                    if told and told[-1]["share"] == 1.0:
                        break
                    await server.write("T", -float(number))
                    await asyncio.sleep(0.02)
            ring = listener.rings.by_tag["T"]
            window = ring.window(WindowRequest(tag="T", start_ns=0, end_ns=ring.last_ns), confirmed_ns=0)
            assert {float(minute) for minute in range(31)} <= set(window.values[window.statuses == 0])
            value, status = listener.last("T")
            assert (value < 0, status) == (True, 0)
