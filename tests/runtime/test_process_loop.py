"""The process loop on a real store: order, group commit, a full disk, cancellation."""

import asyncio
import errno
import json
import os
import sqlite3
import time
from contextlib import asynccontextmanager, closing
from functools import partial

import pytest

from gateway.clock import SystemClock
from gateway.contract.identity import sha256_hex
from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.database.writer import Writer
from gateway.errors import StoreCorruptError
from gateway.events import GatewayStopped, ModelDue, ResultArrived, TimerDue
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.records.deliveries import Origin
from gateway.records.follow_ups import FollowUp, FollowUpKind
from gateway.records.laboratory import ResultStatus
from gateway.records.timers import Timer
from gateway.runtime import follow_ups as followups
from gateway.runtime.follow_ups import FollowUps
from gateway.runtime.process_loop import Processor
from gateway.store.audit.heads import HeadFile
from gateway.store.database import STATE_FILE
from tests.fixtures.building import NOW_NS, line, moment, new_state
from tests.fixtures.listeners import of_processing


async def no_windows(_requests):
    return {}


class Loop:
    def __init__(self, writer):
        self.inbox = EventQueue()
        self.writer = writer
        self.committed = []
        self.store = []
        self.handed = []
        self.progress = 0
        self.processor = Processor(
            inbox=self.inbox, line=line(), windows=no_windows, writer=writer,
            listener=of_processing(committed=self.handed.append, progress=self._beat, store=self.store.append,
                                   alarm=self.store.append),
        )  # fmt: skip

    def _beat(self):
        self.progress += 1

    def result(self, number, **more):
        document = {"sample_id": f"S-{number}", "test_name": "pH", "result": 7, "result_version": 1, **more}
        payload = json.dumps(document).encode()
        read = lab_result(
            payload, LimsInterface(source="lims", analytes={}, assume_status=ResultStatus.APPROVED), now_ns=NOW_NS
        )
        origin = Origin(
            session="s", topic="t", message_number=number, redelivered=False, payload_sha256=sha256_hex(payload)
        )
        event = ResultArrived(at=moment(NOW_NS), origin=origin, result=read, payload=payload)
        self.inbox.put(event, Urgency.INBOUND, lambda: self.committed.append(number))

    async def rows(self, query):
        return await self.writer.run(lambda connection: [tuple(row) for row in connection.execute(query)])

    async def until(self, condition):
        async with asyncio.timeout(90):
            while not condition():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running(loop):
    task = asyncio.create_task(loop.processor.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


def pages_overwritten(file, *, of_table):
    """Overwrite the first page of a table and of each of its indexes."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        pages = connection.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = ? AND rootpage", (of_table,))
        roots = [page for (page,) in pages]
    with file.open("r+b") as opened:
        for root in roots:
            opened.seek((root - 1) * size)
            opened.write(b"\xff" * size)


@pytest.fixture
async def loop(tmp_path):
    async with Writer(partial(new_state, tmp_path), name="store") as writer:
        yield Loop(writer)


async def test_events_are_committed_in_order_and_acknowledged_after_it(loop):
    for number in range(50):
        loop.result(number)
    async with running(loop):
        await loop.until(lambda: len(loop.committed) == 50)
    assert loop.committed == list(range(50))
    assert await loop.rows("SELECT count(*) FROM lab_result") == [(50,)]


async def test_on_a_full_disk_nothing_is_acknowledged_and_everything_is_committed_when_space_returns(loop):
    ((pages,),) = await loop.rows("PRAGMA page_count")
    await loop.rows(f"PRAGMA max_page_count = {pages}")
    for number in range(30):
        loop.result(number)
    async with running(loop):
        await loop.until(lambda: any(loop.store))  # first the batch fails, then single events until no room is left
        assert "full" in next(filter(None, loop.store))
        before = loop.progress
        await loop.until(lambda: loop.progress > before)  # it waits for space, and the watchdog knows that it lives
        acknowledged = len(loop.committed)
        assert acknowledged < 30
        assert await loop.rows("SELECT count(*) FROM lab_result") == [(acknowledged,)]
        await loop.rows("PRAGMA max_page_count = 1073741823")
        await loop.until(lambda: len(loop.committed) == 30)
    assert loop.committed == list(range(30))
    assert loop.store[-1] is None
    assert await loop.rows("SELECT count(*) FROM lab_result") == [(30,)]


async def test_what_was_committed_as_the_disk_failed_is_not_acknowledged_before_the_disk_takes_writes_again(
    tmp_path, monkeypatch
):
    """A file system may say that all is on disk, and drop it, as it fails; from then on it takes no write."""
    failing, write = [], os.pwrite

    def pwrite(handle, content, offset):
        if failing:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return write(handle, content, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with HeadFile(tmp_path) as head:
        async with Writer(partial(new_state, tmp_path), name="store", after_commit=head.witness) as writer:
            loop = Loop(writer)
            failing.append(True)
            loop.result(1)
            async with running(loop):
                await loop.until(lambda: any(loop.store))
                assert (loop.committed, writer.reliable) == ([], False)
                assert "failed as it committed" in next(filter(None, loop.store))
                failing.clear()
                await loop.until(lambda: loop.committed == [1])
            assert writer.reliable
            assert set(loop.handed) == {None}  # what the failed attempt has left is to be read from the outbox
            assert await loop.rows("SELECT count(*) FROM lab_result") == [(1,)]


async def test_a_result_that_meets_a_malformed_page_is_neither_acknowledged_nor_called_a_dead_letter(tmp_path, capsys):
    async with Writer(partial(new_state, tmp_path), name="store") as writer:
        await writer.run(lambda _connection: None)
    pages_overwritten(tmp_path / STATE_FILE, of_table="provisional_hold")
    async with Writer(partial(new_state, tmp_path), name="store") as writer:
        loop = Loop(writer)
        loop.result(1, material_lot_id="LOT-1")
        async with running(loop) as task:
            with pytest.raises(StoreCorruptError, match="malformed"):
                await asyncio.wait_for(task, 20)
        assert loop.committed == []
    assert "dead letter" not in capsys.readouterr().out


async def test_what_is_given_up_and_may_have_been_committed_is_looked_for_by_the_drain(tmp_path):
    def fails(_connection):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    async with Writer(partial(new_state, tmp_path), name="store", after_commit=fails) as writer:
        loop = Loop(writer)
        loop.inbox.put(ModelDue(event_id="m", at=moment(NOW_NS), model="viscosity"), Urgency.MODELS_AND_TIMERS)
        async with running(loop):
            await loop.until(lambda: len(loop.handed) == 2)
        assert loop.handed == [None, None]  # after the batch, and after the attempt alone, which was the last


async def test_a_cancelled_loop_finishes_the_batch_it_has_begun(loop):
    gate = asyncio.Event()
    real = loop.writer.run

    async def slow(work):
        gate.set()
        await asyncio.sleep(0.05)
        return await real(work)

    loop.writer.run = slow
    loop.result(1)
    async with running(loop) as task:
        await gate.wait()
        task.cancel()
        await asyncio.wait({task})
    assert loop.committed == [1]


async def test_what_can_be_done_later_is_taken_alone_and_even_a_flood_does_not_stop_it():
    inbox = EventQueue()

    def result(number):
        inbox.put(GatewayStopped(event_id=f"result {number}", at=moment(number)), Urgency.INBOUND)

    board = TimerDue(event_id="board", at=moment(1), timer=Timer.REFRESH_BOARD)
    inbox.put(board, Urgency.LATER)
    taken = []
    for number in range(40):
        result(number)
        taken.append([pending.event.event_id for pending in await inbox.take(most=20)])
    assert taken[0] == ["result 0"]
    assert ["board"] in taken
    assert all(len(batch) == 1 for batch in taken if "board" in batch)
    inbox.put(board, Urgency.LATER)
    while len(inbox) > 1:
        await inbox.take(most=20)
    assert [pending.event for pending in await inbox.take(most=20)] == [board]


async def test_what_waits_for_later_and_becomes_urgent_waits_with_its_like():
    inbox = EventQueue()
    for number, urgency in ((1, Urgency.LATER), (2, Urgency.MODELS_AND_TIMERS), (3, Urgency.LATER)):
        inbox.put(TimerDue(event_id=f"board {number}", at=moment(number), timer=Timer.REFRESH_BOARD), urgency)
        if number == 2:
            inbox.put(GatewayStopped(event_id="stop", at=moment(9)), Urgency.MODELS_AND_TIMERS)
    assert [pending.event.event_id for pending in await inbox.take(most=20)] == ["board 3", "stop"]


async def test_a_board_that_is_never_committed_holds_up_no_follow_up():
    wanted = FollowUp(kind=FollowUpKind.FINGERPRINT, subject="L", equipment_id=None, from_ns=1, until_ns=2)
    inbox, waiting = EventQueue(), [("f-1", wanted)]

    class Waiting:
        async def follow_ups(self, *, most):
            return waiting[:most]

        async def restated(self, _at, **_most):
            return []

    async def quiet():
        pass

    follow_ups = FollowUps(line=line(), reader=Waiting(), inbox=inbox, windows=no_windows, clock=SystemClock(),
                           on_alarm=lambda _code: None, quiet=quiet)  # fmt: skip
    running = asyncio.create_task(follow_ups.run())
    for number in range(3):
        follow_ups.refresh_board(TimerDue(event_id=f"board {number}", at=moment(number), timer=Timer.REFRESH_BOARD))
        async with asyncio.timeout(90):
            (pending,) = await inbox.take(most=20)
            while isinstance(pending.event, TimerDue):  # given up, as where the store fails
                (pending,) = await inbox.take(most=20)
        assert pending.event.event_id == "f-1"
        pending.committed()
    running.cancel()
    await asyncio.wait({running})


async def test_the_board_is_told_at_once_and_then_only_so_often_with_the_newest(monkeypatch):
    monkeypatch.setattr(followups, "_BOARD_EVERY_SECONDS", 0.2)
    inbox = EventQueue()

    class Nothing:
        async def follow_ups(self, **_most):
            return []

        async def restated(self, _at, **_most):
            return []

    async def quiet():
        pass

    telling = FollowUps(line=line(), reader=Nothing(), inbox=inbox, windows=no_windows, clock=SystemClock(),
                        on_alarm=lambda _code: None, quiet=quiet)  # fmt: skip
    running, told = asyncio.create_task(telling.run()), []
    for number in range(4):
        telling.refresh_board(TimerDue(event_id=f"board {number}", at=moment(number), timer=Timer.REFRESH_BOARD))
        if number == 0:
            told += await inbox.take(most=1)
            begun = time.monotonic()
    async with asyncio.timeout(90):
        told += await inbox.take(most=20)
    assert [pending.event.event_id for pending in told] == ["board 0", "board 3"]
    assert time.monotonic() - begun > 0.15
    running.cancel()
    await asyncio.wait({running})


async def test_models_and_timers_wait_once_each_and_urgent_events_go_first():
    inbox = EventQueue()
    for at in range(5):
        inbox.put(ModelDue(event_id=f"m{at}", at=moment(at), model="viscosity"), Urgency.MODELS_AND_TIMERS)
        inbox.put(TimerDue(event_id=f"t{at}", at=moment(at), timer=Timer.EXPIRE_GUIDANCE), Urgency.MODELS_AND_TIMERS)
    inbox.put(GatewayStopped(event_id="stop", at=moment(9)), Urgency.STOP_AND_RESPONSES)
    taken = [pending.event.event_id for pending in await inbox.take(most=20)]
    assert taken == ["stop", "m4", "t4"]  # the newest of each: it looks at the present
    assert inbox.coalesced == 8
    for _ in range(30):
        inbox.put(GatewayStopped(event_id="flood", at=moment(9)), Urgency.INBOUND)
    inbox.put(ModelDue(event_id="again", at=moment(10), model="viscosity"), Urgency.MODELS_AND_TIMERS)
    flooded = [pending.event.event_id for pending in await inbox.take(most=20)]
    assert flooded[-1] == "again"  # a flood of results does not stop predictions
