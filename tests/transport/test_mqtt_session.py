"""The MQTT edge against a real mosquitto: acknowledgement by hand, generations, reconnection, refusals."""

import asyncio
import socket
import threading
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.clock import SystemClock
from gateway.errors import NotConnectedError
from gateway.transport import mqtt_subscriptions
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_connection import Connection
from gateway.transport.mqtt_messages import Outgoing
from gateway.transport.mqtt_options import BrokerAddress, SessionOptions, Will
from simulator.mqtt import Participant
from tests.fixtures.strict_broker import GrudgingBroker


class Box:
    """Collects deliveries and lets a test wait for them."""

    def __init__(self):
        self.deliveries = []
        self._arrived = asyncio.Event()

    def take(self, delivery):
        self.deliveries.append(delivery)
        self._arrived.set()

    async def until(self, count):
        async with asyncio.timeout(90):
            while len(self.deliveries) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.deliveries


@asynccontextmanager
async def running(session):
    task = asyncio.create_task(session.run(), name=session.client_id)
    try:
        async with asyncio.timeout(90):
            await session.wait_connected()
        yield session
    finally:
        task.cancel()
        await asyncio.wait({task})


def session_of(broker, box, *, version_5=True, client_id="labline-test", **options):
    return MqttSession(
        SessionOptions(
            address=BrokerAddress(host="127.0.0.1", port=broker.port, version_5=version_5),
            client_id=client_id,
            subscriptions=("in/#",),
            on_delivery=box.take,
            **{"session_expiry_seconds": 600, **options},
        ),
        clock=SystemClock(),
    )


@pytest.mark.parametrize("version_5", [True, False])
async def test_what_is_not_acknowledged_comes_again_on_the_next_connection(broker, version_5):
    box = Box()
    async with Participant("p", port=broker.port, version_5=True) as sender:
        async with running(session_of(broker, box, version_5=version_5)) as session:
            await sender.publish("in/a", b"one")
            await sender.publish("in/a", b"two")
            await box.until(2)
            session.acknowledge(box.deliveries[0])
            await asyncio.wait_for(session.publish(Outgoing(topic="out", payload=b"flush")), 60)
        box.deliveries.clear()
        async with running(session_of(broker, box, version_5=version_5)):
            (again,) = await box.until(1)
    assert (again.payload, again.redelivered) == (b"two", True)


async def test_an_acknowledgement_of_an_older_connection_is_dropped(broker):
    box = Box()
    async with (
        Participant("p", port=broker.port, version_5=True) as sender,
        running(session_of(broker, box)) as session,
    ):
        await sender.publish("in/a", b"one")
        (old,) = await box.until(1)
        session.drop("a test wants it")
        await box.until(2)  # it comes again on the new connection
        assert session.acknowledge(old) is False
        assert session.acknowledge(replace(old, generation=box.deliveries[1].generation)) is True


async def test_the_receive_maximum_bounds_what_is_in_flight_to_us(broker):
    box = Box()
    async with (
        Participant("p", port=broker.port, version_5=True) as sender,
        running(session_of(broker, box, receive_maximum=3)) as session,
    ):
        for number in range(6):
            await sender.publish("in/a", bytes([number]))
        await box.until(3)
        await asyncio.wait_for(session.publish(Outgoing(topic="out", payload=b"round trip")), 60)
        assert len(box.deliveries) == 3
        session.acknowledge(box.deliveries[0])
        await box.until(4)


async def test_publishing_without_a_connection_says_so_and_keeps_nothing(broker):
    session = session_of(broker, Box())
    with pytest.raises(NotConnectedError):
        session.publish(Outgoing(topic="out", payload=b"x"))


async def test_a_publish_in_flight_when_the_connection_goes_is_failed_not_forgotten(broker):
    async with running(session_of(broker, Box())) as session:
        outcome = session.publish(Outgoing(topic="out", payload=b"x"))
        session.drop("a test wants it")
        with pytest.raises(NotConnectedError):
            await asyncio.wait_for(outcome, 60)


async def test_the_session_comes_back_by_itself_after_the_broker_was_gone(broker):
    states = []
    async with running(session_of(broker, Box(), on_state=states.append)) as session:
        await broker.mosquitto.stop()
        async with asyncio.timeout(90):
            while session.connected:
                await asyncio.sleep(0.01)
        await broker.mosquitto.start()
        async with asyncio.timeout(90):
            await session.wait_connected()
        assert await asyncio.wait_for(session.publish(Outgoing(topic="out", payload=b"x")), 60) < 0x80
    assert states == [True, False, True, False]


@pytest.mark.parametrize("version_5", [True, False])
async def test_a_refused_subscription_is_asked_for_again_as_rights_may_be_given_meanwhile(monkeypatch, version_5):
    """mosquitto ends the connections of those whose rights change; other brokers do not."""
    monkeypatch.setattr(mqtt_subscriptions, "_ASK_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(mqtt_subscriptions, "CONNECT_TIMEOUT_SECONDS", 2.0)
    box, standing = Box(), []

    def condition(code, stands):
        if code == "SUBSCRIPTION_REFUSED":
            standing.append(stands)

    refused = 0x87 if version_5 else 0x80
    async with (
        GrudgingBroker(refused, refused, None, retained=b"{}", version_5=version_5) as broker,
        running(session_of(broker, box, on_condition=condition, version_5=version_5)) as session,
    ):
        assert [each.payload for each in await box.until(1)] == [
            b"{}"
        ]  # what is retained is new to a known session too
        assert standing == [True, True, False]
        assert (session.generation, session.subscriptions.refused) == (1, ())  # one slow answer costs no connection


async def test_a_name_found_too_late_connects_nobody(monkeypatch):
    loop, looked_up, answered = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    connects = socket.create_connection

    def slow(*arguments, **options):
        loop.call_soon_threadsafe(looked_up.set)
        answered.wait(15)
        return connects(*arguments, **options)

    monkeypatch.setattr(socket, "create_connection", slow)  # paho looks names up in it
    with socket.create_server(("127.0.0.1", 0)) as broker:
        broker.settimeout(60)
        address = BrokerAddress(host="localhost", port=broker.getsockname()[1])
        options = SessionOptions(address=address, client_id="late", subscriptions=(), on_delivery=Box().take)
        connection = Connection(options, 1)
        opening = asyncio.create_task(connection.open(), name="opening")
        await asyncio.wait_for(looked_up.wait(), 60)
        opening.cancel()
        connection.close(polite=False)
        answered.set()
        accepted, _from = await asyncio.to_thread(broker.accept)
        with accepted:
            accepted.settimeout(60)
            assert await asyncio.to_thread(accepted.recv, 100) == b""  # no CONNECT: it would take our place over


async def test_the_will_is_published_when_the_session_goes_without_a_word(broker):
    seen = asyncio.Event()
    will = Will(topic="root/status", payload=lambda: b"offline")
    async with Participant(
        "watcher", port=broker.port, version_5=True, subscriptions=("root/status",), on_message=lambda _m: seen.set()
    ):  # fmt: skip
        session = session_of(broker, Box(), will=will)
        async with running(session):
            session._connection.socket.close()  # the cable is pulled
            async with asyncio.timeout(40):
                await seen.wait()


async def test_a_session_that_ends_without_a_goodbye_leaves_its_will_and_a_polite_one_does_not(broker):
    seen = []
    will = Will(topic="root/status", payload=lambda: b"offline")
    async with Participant(
        "watcher", port=broker.port, version_5=True, subscriptions=("root/status",), on_message=seen.append
    ) as watcher:
        polite = session_of(broker, Box(), will=will, client_id="polite")
        async with running(polite):
            polite.polite = True
        await watcher.publish("root/status", b"marker")
        async with running(session_of(broker, Box(), will=will, client_id="crashed")):
            pass  # its task is cancelled, as when another part of the daemon fails
        async with asyncio.timeout(90):
            while len(seen) < 2:
                await asyncio.sleep(0.01)
    assert [message.payload for message in seen] == [b"marker", b"offline"]


async def test_a_retained_message_comes_once_not_with_every_reconnect(broker):
    for version_5 in (True, False):
        box = Box()
        async with Participant("p", port=broker.port, version_5=True) as sender:
            sender._client.publish("in/kept", b"retained", qos=1, retain=True).wait_for_publish(60)
            session = session_of(broker, box, version_5=version_5, client_id=f"retained-{version_5}")
            async with running(session):
                (first,) = await box.until(1)
                session.acknowledge(first)
                await asyncio.wait_for(session.publish(Outgoing(topic="out", payload=b"flush")), 60)
                session.drop("a test wants it")
                async with asyncio.timeout(90):
                    while session.connected:
                        await asyncio.sleep(0.01)
                    await session.wait_connected()
                await sender.publish("in/live", b"live")
                deliveries = await box.until(2)
        assert [delivery.payload for delivery in deliveries] == [b"retained", b"live"]


async def test_large_bursts_are_written_whole(broker):
    box, count, size = Box(), 60, 200_000
    listener = session_of(broker, box, client_id="listener")
    async with running(listener), running(session_of(broker, Box())) as session:
        outcomes = [session.publish(Outgoing(topic="in/big", payload=bytes([at]) * size)) for at in range(count)]
        received = 0
        while received < count:
            await box.until(received + 1)
            while received < len(box.deliveries):
                listener.acknowledge(box.deliveries[received])
                received += 1
        assert all(code < 0x80 for code in await asyncio.gather(*outcomes))
    assert [delivery.payload[0] for delivery in box.deliveries] == list(range(count))
    assert {len(delivery.payload) for delivery in box.deliveries} == {size}


async def test_pausing_holds_deliveries_back_and_resuming_brings_them(broker):
    box = Box()
    async with (
        Participant("p", port=broker.port, version_5=True) as sender,
        running(session_of(broker, box)) as session,
    ):
        session.pause()
        await sender.publish("in/a", b"one")
        assert not box.deliveries
        session.resume()
        await box.until(1)
