"""The whole gateway stopped in the middle of things: a full disk, a silent broker, a hole that is being filled.

It runs in the test's own loop with short deadlines, on a real store, broker and server, and is stopped as by a signal;
what only a process can show is in tests/crash/test_stopping.py.
"""

import asyncio
import json
import signal
import sqlite3
from contextlib import asynccontextmanager, closing
from types import SimpleNamespace

import pytest

from gateway.clock import SystemClock
from gateway.config.file_in_force import ConfigurationFile
from gateway.contract.times import parse_rfc3339
from gateway.errors import SourceUnavailableError
from gateway.records.process import GapKind
from gateway.runtime import daemon
from gateway.runtime import process_loop as process_module
from gateway.store.database import read_state
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_options import BrokerAddress, SessionOptions
from gateway.transport.opcua import OpcUaSession
from gateway.transport.opcua_listener import Notification
from simulator.bench.load import Load
from simulator.broker import find_mosquitto, free_port
from simulator.disks import fill_up, small_disk
from simulator.faults import Fault, FaultyLink
from tests.crash.conftest import CLEAN, needs_root, until
from tests.fixtures.opcua_feed import Listener, source_of
from tests.fixtures.real_parts import missing

SOON_SECONDS = 5  # for what must not wait for anything, on a machine that is busy


class Stoppable:
    """A gateway in this loop."""

    def __init__(self):
        self.ready = asyncio.Event()
        self.signals = None

    async def stop(self, *, within_seconds):
        """Stop it as a signal does, and return once it has ended without an error, which is exit code 0."""
        self.signals._received()
        async with asyncio.timeout(within_seconds):
            await self.task


@asynccontextmanager
async def gateway_here(configuration, monkeypatch):
    """Run the gateway in this loop; the block is to stop it."""
    gateway = Stoppable()

    class Signals(daemon._Signals):
        def __enter__(self):  # pytest's own signals stay as they are
            gateway.signals = self
            return self

        def __exit__(self, *_exception):
            pass

    class Notifier:
        watchdog_seconds = None

        def __init__(self, _environment):
            pass

        def notify(self, **states):
            if "READY" in states:
                gateway.ready.set()

    monkeypatch.setattr(daemon, "_Signals", Signals)
    monkeypatch.setattr(daemon, "Notifier", Notifier)
    file = ConfigurationFile(configuration)
    gateway.task = asyncio.create_task(daemon.run(file, clock=SystemClock()), name="gateway")
    async with asyncio.timeout(90):
        ready = asyncio.create_task(gateway.ready.wait())
        await asyncio.wait({ready, gateway.task}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
    if gateway.task.done():
        await gateway.task  # raises why it could not start
    try:
        yield gateway
        assert gateway.task.done(), "the test has not stopped the gateway"
    finally:
        gateway.task.cancel()
        await asyncio.wait({gateway.task})


@pytest.fixture
def short_deadlines(monkeypatch):
    monkeypatch.setattr(daemon, "_DRAIN_SECONDS", 0.5)
    monkeypatch.setattr(daemon, "_GOODBYE_SECONDS", 0.5)
    monkeypatch.setattr(process_module, "_FINISH_SECONDS", 0.5)


@pytest.fixture
def load_of(tmp_path):
    """Make a running bench; ``async with load_of() as load``."""
    if find_mosquitto() is None:
        missing("mosquitto")

    @asynccontextmanager
    async def make(change=lambda text: text, **options):
        async with Load(tmp_path, **options).running(change=change) as load:
            yield load

    return make


# --- the store cannot commit ----------------------------------------------------------------------------


@asynccontextmanager
async def with_a_disk_that_is_full(load_of, folder, *, floor, code):
    """A bench on a disk of which nothing is free while the block runs; then there is room, and all must come back."""
    needs_root("mount a small disk")
    with small_disk(folder / "store", 24) as disk:
        directory = f'directory = "{folder / "store"}"'

        def with_floor(text):
            return text.replace(directory, f'{directory}\nfree_space_floor = "{floor}"')

        async with load_of(with_floor, with_plant=False) as load:

            async def fill():
                await load.publish(every_seconds=0.0, most=10)
                await load.until_all_back()
                ballast.append(fill_up(disk))
                await load.publish(every_seconds=0.0, most=60)
                await until(lambda: code in load.account.status.get("degraded", []))

            ballast = []
            yield load, fill
            assert any(not load.account.dispositions.get(sample) for sample in load.published)
            ballast[0].unlink()
            async with load.gateway():
                await load.until_all_back()
        assert load.verdict() == CLEAN


@pytest.mark.parametrize(("floor", "code"), [("0 B", "STORE_UNAVAILABLE"), ("4 MiB", "STORE_SPACE_LOW")])
async def test_a_stop_while_nothing_can_be_committed_ends_in_time_and_loses_nothing(
    load_of, tmp_path, monkeypatch, short_deadlines, floor, code
):
    async with (
        with_a_disk_that_is_full(load_of, tmp_path, floor=floor, code=code) as (load, fill),
        gateway_here(load.configuration, monkeypatch) as gateway,
    ):
        await fill()
        stopped_ns = SystemClock().now_ns()
        await gateway.stop(within_seconds=SOON_SECONDS)
        await until(lambda: load.account.status.get("online") is False)
        assert told_ns(load.account.status) > stopped_ns  # by the goodbye, which needs no disk: a will is older


async def test_two_signals_while_the_disk_is_full_end_the_process_at_once_with_0(load_of, tmp_path):
    full = with_a_disk_that_is_full(load_of, tmp_path, floor="0 B", code="STORE_UNAVAILABLE")
    async with full as (load, fill), load.gateway() as gateway:
        await fill()
        gateway.process.send_signal(signal.SIGTERM)
        gateway.process.send_signal(signal.SIGINT)  # another one, so that the two cannot become one
        async with asyncio.timeout(6):  # one signal takes the drain's five seconds and the batch's two
            assert await gateway.process.wait() == 0


@pytest.mark.parametrize("late", [False, True])
async def test_a_second_signal_waits_for_no_source_that_takes_long_to_leave(
    load_of, monkeypatch, short_deadlines, late
):
    leaving = asyncio.Event()

    async def slow_to_leave(self):
        try:
            await asyncio.Event().wait()
        finally:
            leaving.set()
            await asyncio.sleep(60)

    monkeypatch.setattr(OpcUaSession, "run", slow_to_leave)
    async with load_of() as load, gateway_here(load.configuration, monkeypatch) as gateway:
        gateway.signals._received()
        await asyncio.wait_for(leaving.wait(), SOON_SECONDS)
        if late:  # all else has ended meanwhile
            await until(lambda: load.account.status.get("online") is False)
        await gateway.stop(within_seconds=SOON_SECONDS)


# --- the broker does not answer -------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_broker_that_does_not_answer_the_goodbye_is_left_in_time_and_tells_of_us_by_the_will(
    load_of, monkeypatch, short_deadlines, protocol
):
    async with load_of(with_plant=False) as load, FaultyLink(port=load.broker.port, listen=free_port()) as link:
        text = load.configuration.read_text().replace(f"port = {load.broker.port}", f"port = {link.listen}")
        load.configuration.write_text(text.replace('protocol = "5"', f'protocol = "{protocol}"'))
        async with gateway_here(load.configuration, monkeypatch) as gateway:
            await until(lambda: load.account.status.get("online"))
            link.set(Fault.SWALLOW)
            stopped_ns = SystemClock().now_ns()
            await gateway.stop(within_seconds=SOON_SECONDS)
        assert load.account.status["online"]  # the broker has not heard of it
        link.set(Fault.NONE)
        await until(lambda: not load.account.status["online"])
        assert told_ns(load.account.status) < stopped_ns
        waiting = heads_waiting(load)
        assert waiting  # signed over the stop, and not sent
        async with load.gateway():
            await until(lambda: not set(heads_waiting(load)) & set(waiting))


def told_ns(status):
    return parse_rfc3339(status["issued_at"])


def heads_waiting(load):
    with closing(read_state(load.store)) as connection:
        return [seq for (seq,) in connection.execute("SELECT seq FROM outbox WHERE topic LIKE '%audit/head'")]


# --- a hole is being filled -----------------------------------------------------------------------------


async def test_a_hole_that_is_being_filled_at_the_stop_is_on_record_before_it(load_of, monkeypatch):
    reading = asyncio.Event()

    async def never_answers(*_arguments, **_more):
        reading.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(OpcUaSession, "read_history", never_answers)
    async with load_of() as load, gateway_here(load.configuration, monkeypatch) as gateway:
        async with asyncio.timeout(90):
            await reading.wait()  # of what was missed since the run before
        assert gaps_of(load) == []
        await gateway.stop(within_seconds=10)
        ((kind, body),) = gaps_of(load)
        with closing(read_state(load.store)) as connection:
            (clean,) = connection.execute("SELECT stopped_clean FROM store").fetchone()
            kinds = [kind for (kind,) in connection.execute("SELECT kind FROM audit ORDER BY seq")]
    assert (kind, body["details"]["read_to_the_end"]) == (GapKind.DISCONNECTED, False)
    assert clean
    assert kinds.index("gateway_stopped", kinds.index("gap")) > kinds.index("gap")


def gaps_of(load):
    with closing(sqlite3.connect(f"file:{load.store / 'state.db'}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT kind, body FROM gap WHERE subject = 'plc1'").fetchall()
    return [(kind, json.loads(body)) for kind, body in found]


class Filling:
    """A feed with two holes and no server; ``reached`` is set where its filling is to be cancelled."""

    def __init__(self):
        self.listener = Listener(source_of("opc.tcp://127.0.0.1:1/test", "T"))
        (self.feed,) = self.listener.feeds
        self.reached = asyncio.Event()
        for lost in (False, True, True):
            self.feed.on_notification(Notification(samples=(), server_ns=None, lost=lost))

    def subscribed(self, read_history):
        session = self.feed._session
        session._subscription = SimpleNamespace(tags=("T",))
        session.read_history = read_history
        session._subscribed.set()

    async def for_ever(self, *_arguments, **_more):
        self.reached.set()
        await asyncio.Event().wait()


def not_connected(filling):
    filling.reached.set()


def while_reading(filling):
    filling.subscribed(filling.for_ever)


def before_the_next_attempt(filling):
    async def refused(*_arguments, **_more):
        filling.reached.set()
        raise SourceUnavailableError("not now, says the test")

    filling.subscribed(refused)


def while_what_was_read_is_written(filling):
    async def nothing(*_arguments, **_more):
        return {}

    filling.subscribed(nothing)
    filling.feed._history.wait_for_backlog = filling.for_ever


@pytest.mark.parametrize(
    "where", [not_connected, while_reading, before_the_next_attempt, while_what_was_read_is_written]
)
async def test_holes_whose_filling_is_cancelled_go_on_record_as_they_are(where):
    filling = Filling()
    where(filling)
    task = asyncio.create_task(filling.feed.fill())
    async with asyncio.timeout(SOON_SECONDS):
        await filling.reached.wait()
        await asyncio.sleep(0)
        assert filling.listener.gaps() == []
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled()
    gaps = filling.listener.gaps()
    assert [(gap.kind, gap.subject) for gap in gaps] == [(GapKind.SEQUENCE, "plc1")] * 2
    assert [gap.details["read_to_the_end"] for gap in gaps] == [False, False]


# --- sessions that are still connecting -----------------------------------------------------------------


MQTT_5_CONNACK = b"\x20\x03\x00\x00\x00"


class SilentServer:
    """Accepts connections, answers once or not at all; ``waited_for``: it was spoken to, and says nothing."""

    def __init__(self, answer):
        self.port = free_port()
        self._answer = answer
        self.waited_for = asyncio.Event()
        self.left = asyncio.Event()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_exception):
        self._server.close()

    async def _serve(self, reader, writer):
        try:
            if self._answer:
                await reader.read(65_536)
                writer.write(self._answer)
            while await reader.read(65_536):
                self.waited_for.set()
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            self.left.set()
            writer.close()


def mqtt_session(port):
    options = SessionOptions(
        address=BrokerAddress(host="127.0.0.1", port=port), client_id="labline-test", subscriptions=("in/#",),
        on_delivery=lambda _delivery: None,
    )  # fmt: skip
    return MqttSession(options, clock=SystemClock())


def opcua_session(port):
    (session,) = Listener(source_of(f"opc.tcp://127.0.0.1:{port}/test", "T")).sessions
    return session


@pytest.mark.parametrize(
    ("session_at", "answer"), [(mqtt_session, b""), (mqtt_session, MQTT_5_CONNACK), (opcua_session, b"")]
)
async def test_a_session_cancelled_while_the_other_side_does_not_answer_ends_at_once_and_hangs_up(session_at, answer):
    async with SilentServer(answer) as server:
        running = asyncio.create_task(session_at(server.port).run())
        async with asyncio.timeout(SOON_SECONDS):
            await server.waited_for.wait()
            running.cancel()
            await asyncio.wait({running})
        assert running.cancelled()
        async with asyncio.timeout(SOON_SECONDS):
            await server.left.wait()
