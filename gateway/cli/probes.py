"""What ``check --connect`` tries: each server and tag, each right at the broker, proven by a loop-back.

A client id of its own: the service's id would take over its live session. On MQTT 3.1.1 a denied publish looks
like success, so only a message that comes back proves the right to send it.
"""

import asyncio
import uuid
from contextlib import suppress
from dataclasses import dataclass

from gateway.clock import Clock, SystemClock
from gateway.contract.topics import Topics
from gateway.definitions import LineDefinition
from gateway.errors import LablineError, NotConnectedError
from gateway.line import broker_address, opcua_sources
from gateway.records import Quality, quality_of
from gateway.settings import Settings
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_connection import Delivery, Outgoing, SessionOptions
from gateway.transport.opcua_browse import read_once

_TIMEOUT_SECONDS = 10.0
_LOOP_BACK_SECONDS = 3.0
_PROBE = b'{"schema":"labline.check/1"}'


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was tried."""

    subject: str
    ok: bool
    found: str


async def probe_sources(settings: Settings, *, clock: Clock) -> list[Finding]:
    """Connect to every OPC UA server and read every tag once."""
    findings = []
    for source in opcua_sources(settings):
        try:
            samples, refused = await read_once(source, now_ns=clock.now_ns())
        except LablineError as error:
            findings.append(Finding(subject=f"opcua.{source.name}", ok=False, found=str(error)))
            continue
        findings.append(Finding(subject=f"opcua.{source.name}", ok=True, found=f"connected to {source.url}"))
        findings += [Finding(subject=f"tags.{tag}", ok=False, found=why) for tag, why in refused.items()]
        for tag, sample in samples.items():
            good = quality_of(sample.status) is Quality.GOOD
            found = f"{sample.value:g} {settings.tags[tag].unit}" if good else f"status 0x{sample.status:08X}"
            findings.append(Finding(subject=f"tags.{tag}", ok=good, found=found))
    return findings


async def probe_broker(settings: Settings, line: LineDefinition) -> list[Finding]:
    """Connect to the broker, subscribe to what we take, and publish to what we send, seeing it come back."""
    topics, name = Topics(line.topic_root), f"check-{uuid.uuid4().hex[:8]}"
    sent = (
        topics.guidance(name),
        topics.prediction(name, name),
        topics.disposition(name),
        topics.dead_letter,
        topics.board,
        topics.status,
    )
    taken = (settings.lims.topic, settings.mes.topic, topics.responses)
    came_back: set[str] = set()
    all_back = asyncio.Event()

    def on_delivery(delivery: Delivery) -> None:
        session.acknowledge(delivery)  # of a session of our own: nobody else misses it
        if delivery.payload == _PROBE:
            came_back.add(delivery.topic)
        if came_back == set(sent):
            all_back.set()

    session = MqttSession(
        SessionOptions(
            address=broker_address(settings),
            client_id=f"{settings.mqtt.client_id}-check",
            subscriptions=(*taken, *sent),
            on_delivery=on_delivery,
        ),
        clock=SystemClock(),
    )
    task = asyncio.create_task(session.run(), name="check-mqtt")
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            await session.wait_connected()
        await asyncio.gather(*(_send(session, topic) for topic in sent))
        with suppress(TimeoutError):  # what did not come back is the finding
            async with asyncio.timeout(_LOOP_BACK_SECONDS):
                await all_back.wait()
    except TimeoutError:
        found = f"{settings.mqtt.host}:{settings.mqtt.port} does not let us in"
        return [Finding(subject="mqtt", ok=False, found=found)]
    finally:
        task.cancel()
        await asyncio.wait({task})
    refused = set(session.refused_subscriptions)
    return [
        Finding(subject="mqtt", ok=True, found=f"connected to {settings.mqtt.host}:{settings.mqtt.port}"),
        *(_finding(f"subscribe {topic}", topic not in refused) for topic in taken),
        *(_finding(f"publish {topic}", topic in came_back) for topic in sent),
    ]


async def _send(session: MqttSession, topic: str) -> None:
    try:
        async with asyncio.timeout(_LOOP_BACK_SECONDS):
            await session.publish(Outgoing(topic=topic, payload=_PROBE, expires_in_seconds=5))
    except (NotConnectedError, TimeoutError):
        return  # it will not come back, which is the finding


def _finding(subject: str, ok: bool) -> Finding:
    return Finding(subject=subject, ok=ok, found="allowed" if ok else "refused by the broker's access rules")
