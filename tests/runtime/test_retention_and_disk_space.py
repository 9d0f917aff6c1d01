"""Keeping the store within its bounds: the floor, the quota, retention; and gaps on record before anything goes."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest

from gateway.database.writer import Writer
from gateway.history.file import retention as chunk_retention
from gateway.history.writer import unsealed
from gateway.ingest.event_queue import EventQueue
from gateway.ingest.gaps import Gaps
from gateway.records.outgoing import Lane, OutgoingMessage
from gateway.records.process import GapKind
from gateway.runtime.disk_space import Bounds, Space
from gateway.runtime.retention import Retention
from gateway.store.outbox import enqueue
from gateway.time_units import SECOND_NS
from tests.fixtures.building import NOW_NS, moment, new_state, sample
from tests.fixtures.listeners import of_retention
from tests.history.test_history import Recorder

MIB = 2**20


class HandClock:
    def __init__(self):
        self.at = 1000.0

    def monotonic(self):
        return self.at

    set_by_ns = 0

    def now_ns(self):
        return NOW_NS + 10_000 * SECOND_NS + self.set_by_ns

    def now(self):
        return replace(moment(self.now_ns()), boot_ns=round(self.at * SECOND_NS))


def bounds(**changes):
    return Bounds(**{"quota_bytes": 100 * MIB, "floor_bytes": 500 * MIB, "retention_seconds": 10**6, **changes})


class Watched:
    def __init__(self, tmp_path):
        self.free = 1000 * MIB
        self.clock = HandClock()
        self.room, self.conditions, self.figures = [], {}, {}
        self.space = Space(
            tmp_path, bounds(), clock=self.clock, on_room=self.room.append,
            on_condition=self.conditions.__setitem__, on_figures=self.figures.update, free=lambda _folder: self.free,
        )  # fmt: skip


def test_below_the_floor_there_is_no_room_and_above_it_there_is_again(tmp_path):
    watched = Watched(tmp_path)
    watched.space.look()
    watched.free = 499 * MIB
    watched.space.look()
    assert watched.conditions["STORE_SPACE_LOW"]
    watched.free = 501 * MIB
    watched.space.look()
    assert watched.room == [True, False, True]
    assert not watched.conditions["STORE_SPACE_LOW"]


def test_a_disk_that_fills_within_a_week_is_told_in_time(tmp_path):
    watched = Watched(tmp_path)
    for _ in range(24 * 60):
        watched.space.look()
        watched.clock.at += 60
        watched.free -= 100 * MIB / (24 * 60)
    watched.space.look()
    assert watched.figures["days_to_floor"] == pytest.approx(4.0, rel=0.01)
    assert watched.conditions["STORE_FULL_SOON"]


class Keeping:
    """Retention over a real store and a real history; gaps are committed when the test says so."""

    def __init__(self, recorder, writer, **changes):
        self.inbox = EventQueue()
        self.writer = writer
        self.evicted = 0
        self.clock = HandClock()
        self.clock_in_doubt = False
        self.retention = Retention(
            bounds(**changes), clock=self.clock, writer=writer, history=recorder.historian.retention,
            gaps=Gaps(inbox=self.inbox, now=lambda: moment(NOW_NS)),
            listener=of_retention(evicted=self._evicted), clock_in_doubt=lambda: self.clock_in_doubt,
        )  # fmt: skip

    def _evicted(self):
        self.evicted += 1

    async def keep(self):
        """Keep the bounds; return the gaps that were put on record on the way."""
        gaps = []

        async def commit():
            while True:
                for pending in await self.inbox.take(most=20):
                    gaps.append(pending.event.gap)
                    pending.committed()

        committing = asyncio.create_task(commit())
        async with asyncio.timeout(90):
            await self.retention.keep()
        committing.cancel()
        await asyncio.wait({committing})
        return gaps

    async def rows(self, query):
        return await self.writer.run(lambda connection: [tuple(row) for row in connection.execute(query)])


@pytest.fixture
async def recorder(tmp_path, monkeypatch):
    monkeypatch.setattr(unsealed, "SEAL_SAMPLES", 100)
    monkeypatch.setattr(unsealed, "RECENT_BATCHES", 1)
    monkeypatch.setattr(chunk_retention, "_DELETE_AT_ONCE", 8)
    async with Recorder(tmp_path / "history").open() as recording:
        for at in range(4000):
            recording.history.add_notification(
                "plc1", [sample("t", at * 0.37, at=at)], confirmed_ns=NOW_NS + at * SECOND_NS
            )
            if at % 50 == 0:
                await recording.historian.flush()
        yield recording


@pytest.fixture
async def writer(tmp_path):
    async with Writer(partial(new_state, tmp_path), name="store") as opened:
        yield opened


def put(*messages):
    def work(connection):
        for message in messages:
            enqueue(connection, message, at_ns=NOW_NS)

    return work


async def test_over_the_quota_the_oldest_history_goes_first_and_each_eviction_is_a_gap_before(recorder, writer):
    used = await recorder.historian.retention.bytes_used()
    keeping = Keeping(recorder, writer, quota_bytes=used - 8192)
    gaps = await keeping.keep()
    assert {(gap.kind, gap.subject) for gap in gaps} == {(GapKind.EVICTED, "history")}
    assert await recorder.historian.retention.bytes_used() <= used - 8192
    newest = await recorder.window("t", 3900, 3990)
    assert len(newest) == 91
    assert gaps[0].from_ns < NOW_NS + 100 * SECOND_NS


async def test_when_there_is_no_more_history_telemetry_goes_then_advice_and_evidence_never(recorder, writer):
    body = b"x" * 20_000
    await writer.run(put(*(
        OutgoingMessage(message_id=f"{lane.name}-{at}", lane=lane, topic=f"t/{lane.name}/{at}", payload=body)
        for lane in Lane for at in range(5)
    )))  # fmt: skip
    keeping = Keeping(recorder, writer, quota_bytes=1)
    gaps = await keeping.keep()
    assert [gap.subject for gap in gaps if gap.subject != "history"] == ["telemetry", "guidance"]
    assert keeping.evicted == 2  # the drain, which may hold some of them already, has heard of both
    assert await keeping.rows("SELECT DISTINCT lane FROM outbox") == [(int(Lane.EVIDENCE),)]
    assert await keeping.rows("SELECT reason, count(*) FROM departure GROUP BY reason") == [("evicted", 10)]


class Held(Keeping):
    """Keeping whose gaps are not committed until the test says so; it counts what could be evicted."""

    def __init__(self, recorder, writer, subject):
        super().__init__(recorder, writer, quota_bytes=1)
        self._historian = recorder.historian
        self._subject = subject

    async def present(self):
        """Return how much of the subject there is, once all that was asked of its database before is done."""
        if self._subject != "history":
            ((messages,),) = await self.rows(f"SELECT count(*) FROM outbox WHERE lane = {Lane[self._subject.upper()]}")
            return messages
        ((chunks,),) = await self.history_rows("SELECT count(*) FROM chunk")
        return chunks

    async def history_rows(self, query):
        work = self._historian._file.write
        return await work(lambda connection: [tuple(row) for row in connection.execute(query)])

    @asynccontextmanager
    async def noticed(self):
        """Keep the bounds up to the first gap of the subject: (the task, the gap that waits to be committed)."""
        keeping = asyncio.create_task(self.retention.keep())
        try:
            async with asyncio.timeout(90):
                while True:
                    (pending,) = await self.inbox.take(most=1)
                    if pending.event.gap.subject == self._subject:
                        break
                    pending.committed()
            yield keeping, pending
        finally:
            keeping.cancel()
            await asyncio.wait({keeping}, timeout=20)


async def held_at(recorder, writer, subject):
    """A bench on which something of the subject goes next: (it, how much of it is there)."""
    body = b"x" * 20_000
    await writer.run(put(*(
        OutgoingMessage(message_id=f"{lane.name}-{at}", lane=lane, topic=f"t/{lane.name}/{at}", payload=body)
        for lane in Lane for at in range(5)
    )))  # fmt: skip
    held = Held(recorder, writer, subject)
    before = await held.present()
    assert before > 0
    return held, before


EVICTED = ["history", "telemetry", "guidance"]


@pytest.mark.parametrize("subject", EVICTED)
async def test_nothing_is_evicted_before_its_gap_is_committed(recorder, writer, subject):
    held, before = await held_at(recorder, writer, subject)
    async with held.noticed() as (_keeping, pending):
        for _ in range(3):
            assert await held.present() == before
        pending.committed()
        async with asyncio.timeout(90):
            while await held.present() == before:
                await asyncio.sleep(0)


@pytest.mark.parametrize("subject", EVICTED)
async def test_what_was_to_be_evicted_stays_where_the_gateway_stops_before_the_gap_is_committed(
    recorder, writer, subject
):
    held, before = await held_at(recorder, writer, subject)
    async with held.noticed() as (keeping, pending):
        keeping.cancel()
        await asyncio.wait({keeping}, timeout=60)
        pending.committed()  # by the batch that was on its way
        await asyncio.sleep(0)
        assert await held.present() == before


async def test_a_gap_covers_what_goes_after_it(recorder, writer):
    held, _before = await held_at(recorder, writer, "history")
    async with held.noticed() as (_keeping, pending):
        oldest = "SELECT min(first_ns), max(last_ns), sum(count) FROM (SELECT * FROM chunk ORDER BY last_ns LIMIT 8)"
        ((first_ns, last_ns, samples),) = await held.history_rows(oldest)
    gap = pending.event.gap
    assert (gap.from_ns, gap.until_ns, gap.details) == (first_ns, last_ns, {"samples": samples})


async def test_retention_forgets_history_and_predictions_but_not_those_of_a_sample(recorder, writer):
    columns = "prediction_id, at_ns, model, equipment_id, analyte, sample_result_id, accepted, body"
    await writer.run(lambda connection: connection.executemany(
        f"INSERT INTO prediction ({columns}) VALUES (?, ?, 'm', 'R1', 'ph', ?, 1, '{{}}')",
        [("old", 5, None), ("of a sample", 5, "r"), ("new", NOW_NS + 10_000 * SECOND_NS, None)],
    ))  # fmt: skip
    keeping = Keeping(recorder, writer, retention_seconds=7000)
    assert await keeping.keep() == []
    assert await keeping.rows("SELECT prediction_id FROM prediction ORDER BY 1") == [("new",), ("of a sample",)]
    assert len(await recorder.window("t", 100, 200)) == 0
    assert len(await recorder.window("t", 3200, 3300)) == 101


async def test_a_clock_that_was_just_set_or_that_a_source_contradicts_makes_nothing_old(recorder, writer):
    keeping = Keeping(recorder, writer, retention_seconds=7000)

    async def kept():
        await keeping.keep()
        return len(await recorder.window("t", 100, 200))

    keeping.clock.set_by_ns = 40 * 86_400 * SECOND_NS
    assert await kept() == 101
    keeping.clock_in_doubt = True  # a few readings later
    assert await kept() == 101
    keeping.clock.at += 6 * 86_400
    keeping.clock.set_by_ns += 6 * 86_400 * SECOND_NS
    assert await kept() == 101
    keeping.clock.at += 2 * 86_400
    keeping.clock.set_by_ns += 2 * 86_400 * SECOND_NS
    assert await kept() == 0  # a week of it: it is the source's clock that nobody mends
