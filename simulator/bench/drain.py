"""The drain against bare pipelined paho, both at QoS 1 to the same mosquitto, in pairs."""

import asyncio
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import uvloop
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gateway.clock import SystemClock
from gateway.database.writer import Writer
from gateway.line.definition import LineDefinition
from gateway.publish.drain import Drain
from gateway.records.outgoing import Lane, OutgoingMessage
from gateway.records.verdicts import Reason
from gateway.store.database import open_state
from gateway.store.outbox import enqueue
from gateway.store.queries.readers import Reader
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_options import BrokerAddress, SessionOptions
from simulator.bench.measuring import Figure, Goal
from simulator.broker import running_broker

MESSAGES = 6000
PAIRS = 3
IN_FLIGHT = 100
PAYLOAD = b'{"schema":"labline.disposition/1","text":"' + b"x" * 560 + b'"}'
_LINE = LineDefinition(path="bench", topic_root="bench", tags={}, specifications=(), models=())


def measure(small: bool) -> dict[str, Figure]:  # noqa: FBT001 - every bench takes it
    """Return how many messages per second the drain sends, over what bare paho sends."""
    return uvloop.run(_measure(1 if small else PAIRS))


async def _measure(pairs: int) -> dict[str, Figure]:
    ours, floors = [], []
    with tempfile.TemporaryDirectory(prefix="labline-bench-") as name:
        folder = Path(name)
        async with running_broker(folder) as broker:
            for pair in range(pairs):
                floors.append(await asyncio.to_thread(_bare_paho, broker.port))
                store = folder / f"store-{pair}"
                store.mkdir()
                ours.append(await _our_drain(broker.port, store))
    return {
        "drain": Figure(
            value=statistics.median(ours), floor=statistics.median(floors), unit="messages/s",
            goal=Goal(op=">=", value=0.8),
        )
    }  # fmt: skip


def _topic(number: int) -> str:
    return f"bench/disposition/lot-{number % 50}"


def _bare_paho(port: int) -> float:
    client = Client(CallbackAPIVersion.VERSION2, client_id="bench-bare", protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(65_535)
    client.max_queued_messages_set(0)
    connected, done, room = threading.Event(), threading.Event(), threading.Semaphore(IN_FLIGHT)
    acknowledged = 0

    def on_publish(*_arguments: object) -> None:
        nonlocal acknowledged
        acknowledged += 1
        room.release()
        if acknowledged == MESSAGES:
            done.set()

    client.on_connect = lambda *_arguments: connected.set()
    client.on_publish = on_publish
    client.connect("127.0.0.1", port)
    client.loop_start()
    connected.wait(10)
    begun = time.perf_counter()
    for number in range(MESSAGES):
        room.acquire()
        client.publish(_topic(number), PAYLOAD, qos=1)
    done.wait(60)
    elapsed = time.perf_counter() - begun
    client.disconnect()
    client.loop_stop()
    return MESSAGES / elapsed


class _Listener:
    """Ends the bench where something goes wrong."""

    def progress(self) -> None:
        """Hear that the drain gets on."""

    def alarm(self, code: str) -> None:
        """End: nothing may go wrong here."""
        raise RuntimeError(code)

    def withheld(self, message_id: str, refused: Mapping[str, Reason]) -> None:
        """End: nothing is to be kept back here."""
        raise RuntimeError(f"{message_id} is kept back: {refused}")


async def _our_drain(port: int, directory: Path) -> float:
    async with Writer(partial(open_state, directory), name="store") as writer, Reader(directory) as reader:
        await writer.run(_fill)
        clock = SystemClock()
        options = SessionOptions(
            address=BrokerAddress(host="127.0.0.1", port=port),
            client_id="bench-drain",
            subscriptions=(),
            on_delivery=lambda _delivery: None,
        )
        session = MqttSession(options, clock=clock)
        drain = Drain(
            session=session, reader=reader, writer=writer, line=_LINE, present=lambda _tag: None,
            clock=clock, listener=_Listener(),
        )  # fmt: skip
        connection = asyncio.create_task(session.run(), name="bench-session")
        await session.wait_connected()
        begun = time.perf_counter()
        work = asyncio.create_task(drain.run(), name="bench-drain")
        async with asyncio.timeout(120):
            await drain.until_empty()
        elapsed = time.perf_counter() - begun
        for task in (work, connection):
            task.cancel()
        await asyncio.wait({work, connection})
        return MESSAGES / elapsed


def _fill(connection: sqlite3.Connection) -> None:
    for number in range(MESSAGES):
        message = OutgoingMessage(
            message_id=f"bench-{number}", lane=Lane.EVIDENCE, topic=_topic(number), payload=PAYLOAD
        )
        enqueue(connection, message, at_ns=time.time_ns())
