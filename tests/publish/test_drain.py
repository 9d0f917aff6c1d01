"""The drain against a real broker and a real store: order, expiry, the second check, refusals, a failing store."""

import asyncio
import itertools
import json
import time
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace

import pytest

from gateway.clock import SystemClock
from gateway.database.writer import Writer
from gateway.errors import StoreUnavailableError
from gateway.operations.health import Health
from gateway.publish.drain import Drain
from gateway.publish.status import StatusPublisher
from gateway.records.outgoing import Lane, OutgoingMessage
from gateway.store.outbox import enqueue
from gateway.store.queries.readers import Reader
from simulator.broker import free_port
from simulator.faults import Fault, FaultyLink
from simulator.mqtt import Participant
from tests.fixtures.building import NOW_NS, deadline, line, moment, new_state
from tests.fixtures.listeners import of_sending
from tests.fixtures.strict_broker import StrictBroker
from tests.transport.test_mqtt_session import Box, session_of


class SteadyClock(SystemClock):
    """Wall time stands; the rest runs."""

    def now(self):
        return moment(NOW_NS)


class Bench:
    def __init__(self, writer, reader, session, received):
        self.writer, self.reader, self.session, self.received = writer, reader, session, received
        self.alarms = []
        self.drain = Drain(
            session=session, reader=reader, writer=writer, line=line(), present=lambda _tag: 78.0,
            clock=SteadyClock(), listener=of_sending(alarm=self.alarms.append),
        )  # fmt: skip

    async def enqueue(self, *messages):
        def work(connection):
            return [enqueue(connection, message, at_ns=NOW_NS) for message in messages]

        queued = await self.writer.run(work)
        self.drain.committed(None if any(message.replaces is not None for message in messages) else queued)

    async def rows(self, query):
        return await self.writer.run(lambda connection: [tuple(row) for row in connection.execute(query)])

    async def watcher_is_back(self):
        """Until it hears again what it says itself; what it has heard until then is forgotten."""
        async with asyncio.timeout(90):
            await self._echoed()
        self.received.clear()

    async def until_empty(self, *, within_seconds=90):
        """Until nothing is left to send, and the watcher has heard what was sent; patience is for what stands still."""
        async with asyncio.timeout(within_seconds) as patience:
            emptied = asyncio.create_task(self.drain.until_empty())
            try:
                while not emptied.done():
                    sent = self.drain.sent
                    await asyncio.wait({emptied}, timeout=0.5)
                    if self.drain.sent > sent:
                        patience.reschedule(asyncio.get_running_loop().time() + within_seconds)
                await emptied
            finally:
                emptied.cancel()
            await self._echoed()
        self.received[:] = [each for each in self.received if each.topic != "out/echo"]

    async def _echoed(self):
        while not any(each.topic == "out/echo" for each in self.received):
            await self.watcher.publish("out/echo", b"")
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(*works):
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@pytest.fixture
async def bench(broker, tmp_path):
    received = []
    async with (
        Participant(
            "watcher", port=broker.port, version_5=True, subscriptions=("out/#",), on_message=received.append
        ) as watcher,
        Writer(partial(new_state, tmp_path), name="store") as writer,
        Reader(tmp_path) as reader,
    ):
        session = session_of(broker, Box())
        found = Bench(writer, reader, session, received)
        found.watcher = watcher
        async with running(session.run(), found.drain.run()):
            yield found


def message(number, *, lane=Lane.EVIDENCE, **changes):
    return OutgoingMessage(
        **{
            "message_id": f"{lane}-{number}",
            "lane": lane,
            "topic": f"out/{lane.name}",
            "payload": b"%d" % number,
            **changes,
        }
    )


async def test_messages_leave_in_order_within_their_topic_and_are_deleted(bench):
    await bench.enqueue(*(message(number) for number in range(300)))
    await bench.until_empty()
    assert [int(each.payload) for each in bench.received] == list(range(300))
    assert bench.drain.sent == 300
    assert bench.alarms == []


async def test_what_is_handed_over_while_the_outbox_is_read_is_sent_once_and_in_order(bench):
    begun = await bench.rows("SELECT coalesce(max(seq), 0) FROM outbox")
    for number in range(0, 200, 2):
        bench.drain.wake()  # reads, beside what is handed over
        await bench.enqueue(message(number), message(number + 1))
    await bench.until_empty()
    assert begun == [(0,)]
    assert [int(each.payload) for each in bench.received] == list(range(200))
    assert bench.drain.sent == 200


async def test_a_commit_that_has_left_nothing_to_send_keeps_nobody_waiting(bench):
    await bench.enqueue(message(1))
    await bench.drain.caught_up(within_seconds=90)
    bench.drain.committed([])
    begun = time.monotonic()
    await bench.drain.caught_up(within_seconds=90)
    assert time.monotonic() - begun < 0.5


async def received(bench, count):
    async with asyncio.timeout(90):
        while len(heard(bench)) < count:
            await asyncio.sleep(0.01)
    return heard(bench)


async def sent(bench, count):
    async with asyncio.timeout(90):
        while bench.drain.sent < count:
            await asyncio.sleep(0.01)
    return bench.drain.sent


async def connected_again(bench, generation):
    """Until the drain has begun on a newer connection."""
    async with asyncio.timeout(90):
        while bench.drain._sending.generation <= generation:
            await asyncio.sleep(0.01)


def heard(bench):
    return [each.payload for each in bench.received if each.topic != "out/echo"]


async def the_broker_forgets(bench, broker):
    """What it has acknowledged, as one that is killed before it saves."""
    generation = bench.drain._sending.generation
    await broker.mosquitto.kill()
    bench.received.clear()
    await broker.mosquitto.start()
    await connected_again(bench, generation)


async def test_what_a_broker_acknowledged_just_before_it_was_killed_is_told_again_in_its_order(bench, broker):
    told = [b"%d" % number for number in range(20)]
    await bench.enqueue(*(message(number) for number in range(20)), message(1, lane=Lane.TELEMETRY))
    assert sorted(await received(bench, 21)) == sorted([*told, b"1"])
    await sent(bench, 21)
    await the_broker_forgets(bench, broker)
    assert await sent(bench, 41) == 41  # but the telemetry, of which there is something newer soon
    again = [each.payload for each in bench.received if each.payload in told]  # the watcher may come back later
    assert again == told[len(told) - len(again) :]
    await bench.until_empty()
    assert await bench.rows("SELECT count(*) FROM outbox") == [(0,)]
    assert await bench.rows("SELECT count(*) FROM departure") == [(0,)]


async def test_what_was_told_on_two_connections_is_not_told_on_a_third(bench, broker):
    await bench.enqueue(message(0))
    await received(bench, 1)
    for count in (1, 2):
        await sent(bench, count)
        await the_broker_forgets(bench, broker)
        await bench.watcher_is_back()
    await bench.enqueue(message(1))
    await received(bench, 1)
    assert await sent(bench, 3) == 3


async def test_what_a_broker_has_lived_on_after_is_not_told_again(bench, broker):
    await bench.enqueue(message(0))
    await received(bench, 1)
    async with asyncio.timeout(90):
        number = 0
        while await bench.rows("SELECT count(*) FROM outbox WHERE message_id = '1-0'") != [(0,)]:
            number += 1
            await bench.enqueue(message(number, lane=Lane.TELEMETRY))
            await received(bench, number + 1)
    before = await sent(bench, number + 1)
    await the_broker_forgets(bench, broker)
    await bench.watcher_is_back()
    await bench.enqueue(message(7))
    assert await received(bench, 1) == [b"7"]
    assert await sent(bench, before + 1) == before + 1


async def test_a_suggestion_told_once_and_overtaken_by_the_plant_is_not_told_again_and_alarms_nobody(bench, broker):
    suggestion = {"kind": "setpoint", "model": {"name": "viscosity", "sha256": "ab" * 32},
                  "suggestion": {"tag": "temperature_setpoint", "current": 78.0, "proposed": 79.0}}  # fmt: skip
    await bench.enqueue(message(1, lane=Lane.GUIDANCE, payload=json.dumps(suggestion).encode()))
    await sent(bench, 1)
    bench.drain.holding_back._present = lambda _tag: 84.0  # the operator has gone elsewhere
    await the_broker_forgets(bench, broker)
    await bench.watcher_is_back()
    await bench.enqueue(message(2))
    assert await received(bench, 1) == [b"2"]
    assert await sent(bench, 2) == 2
    assert bench.alarms == []


async def test_guidance_goes_before_evidence_before_telemetry(broker, tmp_path):
    async with behind_a_link(broker, tmp_path) as bench:
        bench.link.set(Fault.REFUSE)
        for lane in (Lane.TELEMETRY, Lane.EVIDENCE, Lane.GUIDANCE):
            await bench.enqueue(*(message(number, lane=lane, payload=b"{}") for number in range(3)))
        bench.link.set(Fault.NONE)
        await bench.until_empty()
    assert [each.topic for each in bench.received] == ["out/GUIDANCE"] * 3 + ["out/EVIDENCE"] * 3 + [
        "out/TELEMETRY"
    ] * 3


async def test_expired_advice_is_not_sent_and_that_is_recorded(bench):
    await bench.enqueue(message(1, lane=Lane.GUIDANCE, payload=b"{}", expires=deadline(NOW_NS - 1)), message(2))
    await bench.until_empty()
    assert [each.payload for each in bench.received] == [b"2"]
    assert await bench.rows("SELECT message_id, reason FROM departure") == [("0-1", "expired")]


async def test_a_suggestion_outside_its_limits_is_withheld_with_an_alarm(bench):
    suggestion = {"kind": "setpoint", "model": {"name": "viscosity", "sha256": "ab" * 32},
                  "suggestion": {"tag": "temperature_setpoint", "current": 78.0, "proposed": 89.0}}  # fmt: skip
    await bench.enqueue(message(1, lane=Lane.GUIDANCE, payload=json.dumps(suggestion).encode()))
    await bench.until_empty()
    assert bench.received == []
    assert bench.alarms == ["GUIDANCE_WITHHELD"]
    assert await bench.rows("SELECT reason FROM departure") == [("withheld",)]


async def test_a_message_larger_than_the_broker_takes_is_parked_and_blocks_nothing(bench, broker):
    configuration = broker.mosquitto._configuration
    configuration.write_text(configuration.read_text().replace("max_packet_size 1048576", "max_packet_size 65536"))
    await broker.mosquitto.stop()
    await broker.mosquitto.start()
    async with asyncio.timeout(90):
        await bench.session.wait_connected()
    await bench.enqueue(message(1, payload=b"x" * 100_000), message(2))
    await bench.until_empty()
    assert bench.alarms == ["PUBLISH_REFUSED"]
    ((reason,),) = await bench.rows("SELECT parked FROM outbox")
    assert "more than the broker takes" in reason


async def test_a_read_that_fails_does_not_end_the_wait_until_all_is_sent(bench, monkeypatch):
    real, failures = bench.reader.waiting, iter(range(2))

    async def failing(*, most, cursors):
        if most == 1 and next(failures, None) is not None:
            raise StoreUnavailableError("an I/O error, says the test")
        return await real(most=most, cursors=cursors)

    monkeypatch.setattr(bench.reader, "waiting", failing)
    await bench.until_empty()
    assert next(failures, None) is None


async def test_answers_are_settled_when_a_failing_store_works_again(bench):
    real, failures = bench.writer.run, 3

    async def failing(work):
        nonlocal failures
        if failures and "acknowledged" in work.__qualname__:
            failures -= 1
            raise StoreUnavailableError("disk full, says the test")
        return await real(work)

    bench.writer.run = failing
    await bench.enqueue(*(message(number) for number in range(5)))
    await bench.until_empty()
    assert failures == 0
    assert await bench.rows("SELECT count(*) FROM outbox") == [(0,)]
    assert len(bench.received) == 5


@asynccontextmanager
async def behind_a_link(broker, folder, **options):
    """A drain whose way to the broker is a link that a test can cut; the watcher has its own."""
    received, link_port = [], free_port()
    async with (
        FaultyLink(port=broker.port, listen=link_port, **options) as link,
        Participant(
            "watcher", port=broker.port, version_5=True, subscriptions=("out/#",), on_message=received.append
        ) as watcher,
        Writer(partial(new_state, folder), name="store") as writer,
        Reader(folder) as reader,
    ):
        session = session_of(SimpleNamespace(port=link_port), Box())
        found = Bench(writer, reader, session, received)
        found.link, found.watcher = link, watcher
        async with running(session.run(), found.drain.run()):
            yield found


async def test_what_is_live_goes_before_a_long_backlog_but_never_before_its_own_topic(broker, tmp_path):
    async with behind_a_link(broker, tmp_path) as bench:
        bench.link.set(Fault.REFUSE)
        backlog = 3000
        await bench.enqueue(*(message(number, topic=f"out/lot-{number % 100}") for number in range(backlog)))
        bench.received.clear()
        first = asyncio.Event()

        def on_message(each):
            bench.received.append(each)
            first.set()

        bench.watcher._on_message = on_message
        bench.link.set(Fault.NONE)
        async with asyncio.timeout(90):
            await first.wait()
        await bench.enqueue(
            message(-1, lane=Lane.GUIDANCE, topic="out/warning", payload=b"{}"),
            message(-2, topic="out/lot-new"),
            message(-3, topic="out/lot-7"),
        )
        await bench.until_empty()
    topics = [each.topic for each in bench.received]
    assert topics.index("out/warning") < backlog - 200
    assert topics.index("out/lot-new") < backlog - 200
    live = {"out/warning", "out/lot-new"}
    assert all(each.late == (each.topic not in live and each.payload != b"-3") for each in bench.received)
    of_lot_7 = [int(each.payload) for each in bench.received if each.topic == "out/lot-7"]
    assert of_lot_7 == [*range(7, backlog, 100), -3]
    assert len({each.payload for each in bench.received}) == backlog + 3


@pytest.mark.parametrize("receive_maximum", [1, 10])
async def test_no_more_is_in_flight_than_the_broker_takes_whoever_publishes(tmp_path, receive_maximum):
    async with (
        StrictBroker(receive_maximum=receive_maximum) as strict,
        Writer(partial(new_state, tmp_path), name="store") as writer,
        Reader(tmp_path) as reader,
    ):
        session = session_of(strict, Box())
        found = Bench(writer, reader, session, [])
        status = StatusPublisher(
            line=line(), health=Health(line=line()), reader=reader, session=session,
            now_ns=SteadyClock().now_ns, due=asyncio.Event(),
        )  # fmt: skip
        await found.enqueue(*(message(number, topic=f"out/lot-{number % 5}") for number in range(60)))
        async with running(session.run(), found.drain.run(), status.run()):
            await session.wait_connected()
            async with asyncio.timeout(90):
                while len(strict.topics) < 20 + receive_maximum:  # live ones pull what waits of their topic before them
                    await asyncio.sleep(0.005)
                await found.enqueue(*(message(number, topic=f"out/lot-{number % 5}") for number in range(60, 70)))
                status._due.set()
                await found.drain.until_empty()
    assert strict.dropped == 0
    assert strict.most_unacknowledged <= receive_maximum
    assert len([topic for topic in strict.topics if topic.startswith("out/")]) == 70
    assert [topic for topic in strict.topics if topic.endswith("/status")]


async def test_a_parked_message_that_a_person_wants_sent_is_sent_while_traffic_never_pauses(broker, tmp_path):
    async with behind_a_link(broker, tmp_path) as bench:
        bench.link.set(Fault.REFUSE)
        await bench.enqueue(message(0, topic="out/parked"))
        await bench.rows("UPDATE outbox SET parked = 'refused' RETURNING seq")
        bench.link.delay_seconds = 0.06
        bench.link.set(Fault.DELAY)

        async def traffic():
            for number in itertools.count(1):
                await bench.enqueue(message(number, topic=f"out/{number % 7}"))
                await asyncio.sleep(0.015)

        async with running(traffic()), asyncio.timeout(30):
            while len(bench.received) < 20:
                await asyncio.sleep(0.005)
            await bench.rows("UPDATE outbox SET parked = NULL WHERE parked IS NOT NULL RETURNING seq")
            while not any(each.topic == "out/parked" for each in bench.received):
                await asyncio.sleep(0.005)


async def test_a_message_over_which_the_broker_drops_the_connection_is_parked_and_blocks_nothing(broker, tmp_path):
    async with behind_a_link(broker, tmp_path, cut_on=b"POISON") as bench:
        await bench.enqueue(message(1, topic="out/a", payload=b"POISON"), message(2, topic="out/b"))
        await bench.until_empty(within_seconds=60)
        assert bench.alarms == ["PUBLISH_REFUSED"]
        ((reason,),) = await bench.rows("SELECT parked FROM outbox")
        assert "drops the connection" in reason
    assert {each.payload for each in bench.received} == {b"2"}


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.HALF_CLOSE, Fault.DELAY])
async def test_whatever_a_link_does_everything_arrives_and_in_order(broker, tmp_path, fault):
    async with behind_a_link(broker, tmp_path, delay_seconds=0.2) as bench:
        for burst in range(6):
            await bench.enqueue(*(message(number) for number in range(burst * 100, burst * 100 + 100)))
            bench.link.set(fault if burst % 2 == 0 else Fault.NONE)
        bench.link.set(Fault.NONE)
        await bench.until_empty(within_seconds=60)
    numbers = [int(each.payload) for each in bench.received]
    assert sorted(set(numbers)) == list(range(600))
    firsts = list(dict.fromkeys(numbers))
    assert firsts == sorted(firsts)
    assert bench.alarms == []
