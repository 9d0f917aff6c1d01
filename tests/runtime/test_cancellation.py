"""Cancelled in the middle: what is begun is finished or given up in time, and nothing is acknowledged that is not kept.

One small test for each wait of the shutdown; the whole gateway's are in tests/runtime/test_stopped_in_the_middle.py.
"""

import asyncio
import gc
import sqlite3
import threading
import time
from contextlib import asynccontextmanager, closing, nullcontext
from functools import partial
from types import SimpleNamespace

import pytest

from gateway.clock import SystemClock
from gateway.database import writer as writer_module
from gateway.database.writer import Writer
from gateway.errors import NotConnectedError, StoreCorruptError, StoreUnavailableError
from gateway.events import GatewayStopped, TimerDue
from gateway.history.writer import unsealed
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.operations.health import Health
from gateway.publish.drain import Drain
from gateway.publish.status import StatusPublisher
from gateway.records.outgoing import Lane, OutgoingMessage
from gateway.runtime import daemon, store_checks
from gateway.runtime import process_loop as process_module
from gateway.runtime.retries import Retries
from gateway.runtime.store_checks import Checker
from gateway.store.care.checking import Findings, check
from gateway.store.dead_letters import Retry
from gateway.store.outbox import enqueue
from gateway.store.queries.readers import Reader
from tests.fixtures.building import NOW_NS, line, new_state
from tests.fixtures.listeners import of_sending
from tests.history.test_history import Recorder, values
from tests.runtime.test_process_loop import Loop

SOON_SECONDS = 5  # for what must not wait for anything, on a machine that is busy


async def turns():
    """Let everything that can get on without waiting get on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def for_ever():
    await asyncio.Event().wait()


async def cancelled(task):
    """Cancel a task and return once it has ended by it."""
    task.cancel()
    async with asyncio.timeout(SOON_SECONDS):
        await asyncio.wait({task})
    assert task.cancelled()


@asynccontextmanager
async def held(writer):
    """Keep a writing thread busy until the block ends: what is given to it meanwhile waits, and is done then."""
    gate = threading.Event()
    holding = asyncio.create_task(writer.run(lambda _connection: gate.wait(30)))
    await turns()
    try:
        yield
    finally:
        gate.set()
        await holding


# --- the stop itself ------------------------------------------------------------------------------------


class Stopping:
    """The daemon's ``_stop`` within a group of tasks, as it lives there, over parts that do as the test says."""

    def __init__(self, hangs=None, *, fails=None, store_fails=False):
        """``hangs``: what does not end by itself; ``fails``: during which step another task of the gateway fails."""
        self.hangs = hangs
        self.fails = fails
        self.store_fails = store_fails
        self.inbox = EventQueue()
        self.signals = daemon._Signals()
        self.steps = []
        self.reached = {step: asyncio.Event() for step in ("intake", "commit", "send", "goodbye")}
        self.core = []
        self.parts = SimpleNamespace(
            inbox=self.inbox, clock=SystemClock(), settings=SimpleNamespace(mqtt=SimpleNamespace(protocol="5")),
            drain=SimpleNamespace(until_empty=self._until_empty),
            status=SimpleNamespace(say_goodbye=self._say_goodbye),
        )  # fmt: skip

    async def _step(self, name):
        self.steps.append(name)
        self.reached[name].set()
        if name in {self.hangs, self.fails}:
            await for_ever()

    async def _intake(self):
        try:
            await for_ever()
        finally:
            if self.hangs == "intake":
                self.reached["intake"].set()
                await for_ever()  # one cancellation has come already, and ends no wait that begins after it
            elif self.fails == "intake":
                raise StoreCorruptError("the intake's last word failed, says the test")
            await asyncio.sleep(0)
            self.inbox.put(GatewayStopped(event_id="last word", at=self.parts.clock.now()), Urgency.MODELS_AND_TIMERS)

    async def _process(self):
        while True:
            for pending in await self.inbox.take(most=20):
                if pending.event.event_id == "last word":
                    self.steps.append("last word")
                else:
                    await self._step("commit")
                pending.committed()

    async def _until_empty(self):
        await self._step("send")
        if self.store_fails:
            raise StoreUnavailableError("the store fails in the last moment, says the test")

    async def _say_goodbye(self, *, messages_expire):
        assert messages_expire
        await self._step("goodbye")

    async def _failing(self):
        if self.fails in {None, "intake"}:
            await for_ever()
        await self.reached[self.fails].wait()
        raise StoreCorruptError("the file is malformed, says the test")

    async def run(self):
        """Stop as the daemon does: the group ends once all of its tasks have."""
        async with asyncio.TaskGroup() as tasks:
            intake = [tasks.create_task(self._intake())]
            self.core = [tasks.create_task(work) for work in (self._process(), self._failing())]
            await asyncio.sleep(0)
            await daemon._stop(self.parts, intake, self.core, self.signals)


@pytest.fixture
def short_deadlines(monkeypatch):
    monkeypatch.setattr(daemon, "_DRAIN_SECONDS", 0.2)
    monkeypatch.setattr(daemon, "_GOODBYE_SECONDS", 0.2)


@pytest.fixture
def long_deadlines(monkeypatch):
    monkeypatch.setattr(daemon, "_DRAIN_SECONDS", 60.0)
    monkeypatch.setattr(daemon, "_GOODBYE_SECONDS", 60.0)


@pytest.fixture
async def complaints():
    """What the event loop was told of in vain: exceptions that nobody looked at."""
    found = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: found.append(context["message"]))
    return found


async def test_a_stop_goes_step_by_step_and_the_last_words_of_the_intake_go_before_it(long_deadlines):
    stopping = Stopping()
    async with asyncio.timeout(SOON_SECONDS):
        await stopping.run()
    # the board and the stop, then a head over them
    assert stopping.steps == ["last word", "commit", "commit", "commit", "send", "goodbye"]
    assert all(task.cancelled() for task in stopping.core)


async def test_the_head_is_signed_after_the_stop_is_committed():
    inbox, order = EventQueue(), []
    at = SystemClock().now()
    parts = SimpleNamespace(inbox=inbox, drain=SimpleNamespace(until_empty=lambda: asyncio.sleep(0)))
    draining = asyncio.create_task(daemon._drained(parts, GatewayStopped(event_id="stop", at=at)))
    while not draining.done():
        await turns()
        order.append([type(pending.event) for queue in inbox._queues for pending in queue])
        for pending in await inbox.take(most=20) if len(inbox) else ():
            pending.committed()
    assert [kinds for kinds in order if kinds] == [[TimerDue, GatewayStopped], [TimerDue]]  # the board, and the head


@pytest.mark.parametrize("hangs", ["intake", "commit", "send", "goodbye"])
async def test_whatever_does_not_end_the_stop_says_goodbye_and_ends_within_its_deadlines(short_deadlines, hangs):
    stopping = Stopping(hangs)
    async with asyncio.timeout(SOON_SECONDS):
        await stopping.run()
    assert "goodbye" in stopping.steps
    assert "commit" in stopping.steps  # the stop was given to the store even where the intake did not end
    assert all(task.cancelled() for task in stopping.core)


@pytest.mark.parametrize("during", ["commit", "send", "goodbye"])
async def test_a_second_signal_ends_the_drain_and_the_goodbye_at_once(long_deadlines, during):
    stopping = Stopping(during)
    running = asyncio.create_task(stopping.run())
    stopping.signals._received()
    async with asyncio.timeout(SOON_SECONDS):
        await stopping.reached[during].wait()
        assert not running.done()
        stopping.signals._received()
        await running
    assert all(task.cancelled() for task in stopping.core)


async def test_a_store_that_fails_in_the_last_moment_hinders_no_goodbye(long_deadlines, complaints):
    stopping = Stopping(store_fails=True)
    async with asyncio.timeout(SOON_SECONDS):
        await stopping.run()
    assert stopping.steps[-2:] == ["send", "goodbye"]
    assert complaints == []


@pytest.mark.parametrize("during", ["intake", "commit", "send", "goodbye"])
async def test_a_task_that_fails_during_the_stop_ends_it_and_its_error_is_told(long_deadlines, during):
    stopping = Stopping(fails=during)
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(SOON_SECONDS):
            await stopping.run()
    assert caught.group_contains(StoreCorruptError)
    assert all(task.done() for task in stopping.core)


@pytest.mark.parametrize("during", ["commit", "send", "goodbye"])
async def test_after_a_task_has_failed_during_the_stop_nothing_of_the_stop_is_left_running(long_deadlines, during):
    before = asyncio.all_tasks()
    with pytest.raises(ExceptionGroup):
        await Stopping(fails=during).run()
    await turns()
    assert {task.get_name() for task in asyncio.all_tasks() - before} == set()


async def test_a_signal_while_connections_are_awaited_ends_the_wait_and_leaves_nothing_behind(monkeypatch):
    monkeypatch.setattr(daemon, "_READY_WAIT_SECONDS", 60.0)
    signals, before = daemon._Signals(), asyncio.all_tasks()
    waiting = asyncio.create_task(daemon._until_ready([for_ever(), for_ever()], signals))
    await turns()
    signals._received()
    async with asyncio.timeout(SOON_SECONDS):
        await waiting
    assert asyncio.all_tasks() == before


# --- the process loop -----------------------------------------------------------------------------------


@pytest.fixture
async def loop(tmp_path):
    async with Writer(partial(new_state, tmp_path), name="store") as writer:
        yield Loop(writer)


async def _windows_never_come(loop, reached):
    async def never(_requests):
        reached.set()
        await for_ever()

    loop.processor._windows = never


async def _commit_never_ends(loop, reached):
    async def never(_work):
        reached.set()
        await for_ever()

    loop.writer.run = never


async def _store_fails(loop, reached):
    async def failing(_work):
        reached.set()
        raise StoreUnavailableError("disk full, says the test")

    loop.writer.run = failing


async def _no_room(loop, reached):
    loop.processor.room(False)
    loop.processor._listener.progress = reached.set


@pytest.mark.parametrize("trouble", [_windows_never_come, _commit_never_ends, _store_fails, _no_room])
async def test_a_cancelled_process_loop_gives_up_what_cannot_be_committed_and_acknowledges_nothing(
    loop, monkeypatch, trouble
):
    monkeypatch.setattr(process_module, "_FINISH_SECONDS", 0.2)
    reached, before, real = asyncio.Event(), asyncio.all_tasks(), loop.writer.run
    await trouble(loop, reached)
    for number in range(3):
        loop.result(number)
    running = asyncio.create_task(loop.processor.run())
    async with asyncio.timeout(SOON_SECONDS):
        await reached.wait()
    await cancelled(running)
    await turns()
    assert loop.committed == []
    assert asyncio.all_tasks() == before  # nothing of it goes on
    loop.writer.run = real
    assert await loop.rows("SELECT count(*) FROM lab_result") == [(0,)]


async def test_a_store_found_corrupt_by_the_batch_that_is_finished_at_the_stop_is_told(loop):
    found = asyncio.Event()

    async def corrupt(_work):
        found.set()
        await turns()
        raise StoreCorruptError("the file is malformed, says the test")

    loop.writer.run = corrupt
    loop.result(1)
    running = asyncio.create_task(loop.processor.run())
    async with asyncio.timeout(SOON_SECONDS):
        await found.wait()
        running.cancel()
        await asyncio.wait({running})
    assert loop.committed == []
    assert not running.cancelled()  # else no note is left, and the next start goes on with the file
    assert isinstance(running.exception(), StoreCorruptError)


# --- the writing thread ---------------------------------------------------------------------------------


def noting(number):
    return lambda connection: connection.execute("INSERT INTO latch VALUES (?, 0, '')", (str(number),))


def noted(directory):
    with closing(sqlite3.connect(directory / "state.db")) as connection:
        return sorted(code for (code,) in connection.execute("SELECT code FROM latch"))


async def test_work_whose_caller_is_cancelled_is_done_all_the_same_and_before_the_store_is_closed(tmp_path):
    async with Writer(partial(new_state, tmp_path), name="store") as writer, held(writer):
        callers = [asyncio.create_task(writer.run(noting(number))) for number in range(3)]
        await turns()
        for caller in callers:
            await cancelled(caller)
    assert noted(tmp_path) == ["0", "1", "2"]


async def test_work_that_found_no_room_when_its_caller_was_cancelled_is_not_done_and_takes_no_room(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(writer_module, "_LONGEST_QUEUE", 2)
    async with asyncio.timeout(SOON_SECONDS), Writer(partial(new_state, tmp_path), name="store") as writer:
        async with held(writer):
            first = asyncio.create_task(writer.run(noting("first")))
            await turns()
            late = asyncio.create_task(writer.run(noting("late")))
            await turns()
            await cancelled(late)
        await first
        async with held(writer):
            again = asyncio.create_task(writer.run(noting("again")))
            await turns()
        await again
    assert noted(tmp_path) == ["again", "first"]


# --- history --------------------------------------------------------------------------------------------


@pytest.fixture
def sealing_soon(monkeypatch):
    monkeypatch.setattr(unsealed, "SEAL_SAMPLES", 50)
    monkeypatch.setattr(unsealed, "RECENT_BATCHES", 1)


def failing_disk():
    raise sqlite3.OperationalError("database or disk is full, says the test")


async def flush_cancelled_while_it_writes(recorder):
    """Cancel a flush whose write waits for the thread; return once it has ended, which is after the write."""
    async with held(recorder.historian._file.writer):
        flushing = asyncio.create_task(recorder.historian.flush())
        await turns()
        flushing.cancel()
        await turns()
        assert not flushing.done()  # it waits for its write
    async with asyncio.timeout(SOON_SECONDS):
        await asyncio.wait({flushing})
    assert flushing.cancelled()


async def test_a_cancelled_flush_waits_for_its_write_and_each_sample_is_kept_once(tmp_path, sealing_soon):
    async with Recorder(tmp_path).open() as recorder:
        for at in range(30):
            recorder.take("t", float(at), at)
        await flush_cancelled_while_it_writes(recorder)
        for at in range(30, 60):  # what was written must go into the chunk that these fill
            recorder.take("t", float(at), at)
        await recorder.historian.flush()
        recorder.take("t", 60.0, 60)
    again = Recorder(tmp_path, capacity=1)
    async with again.open():
        assert values(await again.window("t", 0, 60)) == [float(at) for at in range(61)]


async def test_what_a_cancelled_flush_could_not_write_is_written_when_the_history_is_closed(tmp_path):
    async with Recorder(tmp_path).open() as recorder:
        recorder.historian._write = lambda *_arguments: failing_disk()
        recorder.take("t", 1.0, 0)
        await flush_cancelled_while_it_writes(recorder)
        assert "disk is full" in recorder.trouble[-1]
        del recorder.historian._write
    again = Recorder(tmp_path)
    async with again.open():
        assert values(await again.window("t", 0, 0)) == [1.0]


async def test_a_cancelled_flush_that_could_not_write_leaves_no_exception_that_nobody_looked_at(tmp_path, complaints):
    async with Recorder(tmp_path).open() as recorder:
        recorder.historian._write = lambda *_arguments: failing_disk()
        recorder.take("t", 1.0, 0)
        await flush_cancelled_while_it_writes(recorder)
        gc.collect()
        assert complaints == []


async def test_a_history_that_cannot_be_written_can_be_closed_all_the_same(tmp_path):
    recorder = Recorder(tmp_path)
    async with asyncio.timeout(SOON_SECONDS), recorder.open():
        recorder.take("t", 1.0, 0)
        recorder.historian._write = lambda *_arguments: failing_disk()
    assert "disk is full" in recorder.trouble[-1]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("labline-history")]


async def test_a_historian_cancelled_between_flushes_writes_what_came_since_when_it_is_closed(tmp_path):
    async with Recorder(tmp_path).open() as recorder:
        running = asyncio.create_task(recorder.historian.run())
        await turns()
        recorder.take("t", 1.0, 0)
        await cancelled(running)
        assert recorder.historian.samples_written == 0
    again = Recorder(tmp_path)
    async with again.open():
        assert values(await again.window("t", 0, 0)) == [1.0]


# --- the drain ------------------------------------------------------------------------------------------


class SilentSession:
    """Takes what is published, and answers when the test says so."""

    connected, generation, inflight_limit, largest_packet_bytes, taken_over = True, 1, 100, 10**6, False
    has_room = True

    def __init__(self):
        self.answers = {}
        self.published = asyncio.Event()

    def batched(self):
        return nullcontext()

    def publish(self, message):
        self.answers[message.topic] = asyncio.get_running_loop().create_future()
        if len(self.answers) == 2:
            self.published.set()
        return self.answers[message.topic]

    def drop(self, _why):
        raise AssertionError("nothing here takes so long")


async def test_a_cancelled_drain_keeps_what_was_not_acknowledged_and_notes_what_was(tmp_path):
    session = SilentSession()
    async with Writer(partial(new_state, tmp_path), name="store") as writer, Reader(tmp_path) as reader:

        def put(connection):
            for name in ("answered", "unanswered"):
                message = OutgoingMessage(message_id=name, lane=Lane.EVIDENCE, topic=name, payload=b"{}")
                enqueue(connection, message, at_ns=NOW_NS)

        await writer.run(put)
        drain = Drain(
            session=session, reader=reader, writer=writer, line=line(), present=lambda _tag: None,
            clock=SystemClock(), listener=of_sending(),
        )  # fmt: skip
        running = asyncio.create_task(drain.run())
        async with asyncio.timeout(SOON_SECONDS):
            await session.published.wait()
        async with held(writer):
            session.answers["answered"].set_result(0)
            await turns()  # noting it waits for the thread
            await cancelled(running)
        query = "SELECT topic, acknowledged > 0 FROM outbox ORDER BY seq"
        left = await writer.run(lambda connection: [tuple(row) for row in connection.execute(query)])
    assert left == [("answered", 1), ("unanswered", 0)]


# --- the goodbye ----------------------------------------------------------------------------------------


class EndingSession:
    connected = True

    def __init__(self):
        self.answer = asyncio.get_running_loop().create_future()
        self.said = []
        self.polite = False

    async def wait_room(self):
        pass

    def publish(self, message):
        self.said.append(message)
        return self.answer


def publisher(session):
    health = Health(line=line())
    return StatusPublisher(
        line=line(), health=health, reader=None, session=session, now_ns=lambda: NOW_NS, due=asyncio.Event()
    )


@pytest.mark.parametrize(
    ("answer", "polite"), [(0, True), (0x97, False), (NotConnectedError("gone, says the test"), False)]
)
async def test_the_session_leaves_politely_only_where_the_broker_took_the_goodbye(answer, polite):
    session = EndingSession()
    session.answer.set_result(answer) if isinstance(answer, int) else session.answer.set_exception(answer)
    await publisher(session).say_goodbye(messages_expire=True)
    assert len(session.said) == 1
    assert session.polite is polite


async def test_a_goodbye_cancelled_while_the_broker_does_not_answer_leaves_the_word_to_the_will():
    session = EndingSession()
    saying = asyncio.create_task(publisher(session).say_goodbye(messages_expire=True))
    await turns()
    assert len(session.said) == 1
    await cancelled(saying)
    assert not session.polite


# --- upkeep ---------------------------------------------------------------------------------------------


async def test_a_check_in_the_background_is_told_to_end_when_the_gateway_stops(tmp_path, monkeypatch):
    begun, told, given_up = threading.Event(), threading.Event(), threading.Event()

    def endless(_directory, *, stopping):
        begun.set()
        while not stopping():
            if given_up.wait(0.01):
                return Findings()
        told.set()
        return Findings()

    monkeypatch.setattr(store_checks, "check", endless)
    inbox = EventQueue()
    running = asyncio.create_task(Checker(tmp_path, clock=SystemClock(), inbox=inbox, due=True).run())
    try:
        assert await asyncio.to_thread(begun.wait, SOON_SECONDS)
        await cancelled(running)
        assert await asyncio.to_thread(told.wait, SOON_SECONDS)  # else its thread holds the process up
    finally:
        given_up.set()
    assert len(inbox) == 0  # a check that was cut short says nothing of the store


async def test_a_check_that_is_to_end_does_so_at_its_next_step(tmp_path):
    async with Writer(partial(new_state, tmp_path), name="store") as writer:
        await writer.run(lambda connection: connection.execute("INSERT INTO event VALUES ('e','k',1,'s','t',1,'h','')"))
    asked = []

    def after_the_third():
        asked.append(time.monotonic())
        return len(asked) == 3

    assert check(tmp_path, stopping=after_the_third, gently=False).rows == 0
    assert len(asked) == 3
    assert check(tmp_path, gently=False).rows == 1


async def test_a_retry_that_was_not_committed_when_the_gateway_stopped_is_asked_again_by_the_next():
    retry = Retry(dead_letter_id="d", topic="lims/results/qc", payload=b"{}", person="p")
    taken, done = asyncio.Queue(), asyncio.Event()

    async def retries():
        return [] if done.is_set() else [retry]

    async def write(_work):
        done.set()

    def begun():
        parts = {"reader": SimpleNamespace(retries=retries), "writer": SimpleNamespace(run=write)}
        again = Retries(clock=SystemClock(), again=lambda *message: taken.put_nowait(message), **parts)
        return asyncio.create_task(again.run())

    first = begun()
    async with asyncio.timeout(SOON_SECONDS):
        await taken.get()
    await cancelled(first)
    assert not done.is_set()
    second = begun()
    async with asyncio.timeout(SOON_SECONDS):
        topic, payload, committed = await taken.get()
        committed()
        await done.wait()
    await cancelled(second)
    assert (topic, payload) == (retry.topic, retry.payload)
