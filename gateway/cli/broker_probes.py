"""What ``check --connect`` tries at the broker: to enter as ``run`` does, to subscribe, and the right to each topic.

Client ids of its own: the service's ids would take over its live sessions. How a right is proven without a consumer
seeing a message stands in ``transport/mqtt_probe.py``; what is offered, in ``contract/probe_messages.py``. Where the
broker speaks MQTT 3.1.1 only, a refused message looks like a sent one: there only a message that comes back proves the
right, and it is sent only where a person asks for it (``--loop-back``), as consumers see it.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gateway.cli.broker_visitor import BrokerVisitor
from gateway.clock import Clock
from gateway.config.sparkplug import node_options
from gateway.config.tables import Settings
from gateway.contract.probe_messages import Probe, probes, standing_topics
from gateway.contract.publications import AUDIT_HEAD, STATUS
from gateway.contract.sparkplug.rights import sparkplug_probes, subscribed_topics
from gateway.contract.topics import Topics, is_shared, unshared
from gateway.errors import NotConnectedError
from gateway.line.definition import LineDefinition
from gateway.publish.sparkplug.options import NodeOptions
from gateway.publish.status import offline_payload
from gateway.transport.mqtt_failures import (
    PROTOCOL_UNSUPPORTED,
    RETAIN_UNSUPPORTED,
    ClosedUnansweredError,
    RefusedError,
    cause_of,
)
from gateway.transport.mqtt_messages import Outgoing
from gateway.transport.mqtt_options import Will
from gateway.transport.mqtt_probe import ProbeConnection, speaks_tls

_LARGEST_MESSAGE_BYTES = 128 * 1024  # what a draft of a deviation, with its table and texts, stays below
_ANSWER_SECONDS = 3.0
_RETAINED_SECONDS = 0.3  # what stands at the broker comes at once after the subscription
_REFUSED = 0x80
_MOST_HELD = 10  # messages that are never released, on one connection: brokers take 20 and answer no more
_QOS_2 = 2

REFUSED = "refused by the broker's access rules"
UNPROVEN = (
    "not proven: the broker does not take QoS 2 of MQTT 5, by which a right is asked for without a message; "
    "try again with --loop-back while the line stands (consumers see its messages)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """The outcome of one check; ``found``: what it found, in words."""

    subject: str
    ok: bool
    found: str


async def probe_broker(
    settings: Settings, line: LineDefinition, *, clock: Clock, loop_back: bool = False
) -> list[Finding]:
    """Try everything that ``run`` does at the broker; nothing that consumers see unless ``loop_back``."""
    check_id = f"check-{uuid.uuid4().hex[:8]}"
    visitor = BrokerVisitor(settings, check_id=check_id)
    place = f"{settings.mqtt.host}:{settings.mqtt.port}"
    try:
        first = await visitor.entered()
        first.close(polite=True)
    except (OSError, NotConnectedError) as error:
        return [Finding(subject="mqtt", ok=False, found=await _why(error, visitor))]
    now_ns = clock.now_ns()
    offered = _Offered(settings, line, check_id=check_id, now_ns=now_ns)
    rights = await _rights(visitor, offered, loop_back=loop_back)
    return [
        Finding(subject="mqtt", ok=True, found=f"connected to {place}"),
        *_room(first.answers.largest_packet),
        await _will(visitor, STATUS.topic_of(line.topic_root), offline_payload(line, now_ns)),
        *await _subscriptions(visitor, settings, line, check_id),
        *rights,
    ]


def _room(largest_bytes: int) -> list[Finding]:
    """Return a finding if the broker's largest packet is too small for our messages, which would then be parked."""
    if largest_bytes >= _LARGEST_MESSAGE_BYTES:
        return []
    message = (
        f"the broker takes {largest_bytes} bytes at most, and drafts of deviations may have {_LARGEST_MESSAGE_BYTES}: "
        "raise its limit (mosquitto: max_packet_size)"
    )
    return [Finding(subject="largest packet", ok=False, found=message)]


async def _will(visitor: BrokerVisitor, topic: str, payload: bytes) -> Finding:
    """Enter with the retained will that ``run`` has; it is never sent, as this leaves with a goodbye."""
    subject = f"will, retained, on {topic}"
    try:
        connection = await visitor.entered(will=Will(topic=topic, payload=lambda: payload))
    except (OSError, NotConnectedError) as error:
        if isinstance(error, ClosedUnansweredError):
            error = RefusedError(str(error), code=RETAIN_UNSUPPORTED)  # on 3.1.1 a broker can say no more than that
        return Finding(subject=subject, ok=False, found=cause_of(error, visitor.address))
    connection.close(polite=True)
    return Finding(subject=subject, ok=True, found="taken")


async def _subscriptions(
    visitor: BrokerVisitor, settings: Settings, line: LineDefinition, check_id: str
) -> list[Finding]:
    """Subscribe as the gateway does; a shared subscription in a group of its own, so that it takes no result away."""
    topics = Topics(line.topic_root)
    configured = (
        settings.lims.topic,
        settings.mes.topic,
        settings.master_data.topic,
        topics.responses,
        AUDIT_HEAD.topic_of(line.topic_root),
        topics.asks if settings.copilot.terminals else None,
    )
    node = _edge_node(settings)
    of_node = () if node is None else subscribed_topics(node.node, node.primary_host_id)
    filters = (*(topic for topic in configured if topic is not None), *of_node)
    sent_filters = tuple(f"$share/{check_id}/{unshared(topic)}" if is_shared(topic) else topic for topic in filters)
    try:
        connection = await visitor.entered(subscriptions=sent_filters)
    except (OSError, NotConnectedError) as error:
        return [Finding(subject="subscribe", ok=False, found=cause_of(error, visitor.address))]
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            refused = await connection.subscribe()
    except (NotConnectedError, TimeoutError):
        why = "the broker ends the connection, or does not answer, when we subscribe"
        return [Finding(subject=f"subscribe {topic}", ok=False, found=why) for topic in filters]
    finally:
        connection.close(polite=True)
    return [
        Finding(subject=f"subscribe {topic}", ok=sent not in refused, found=REFUSED if sent in refused else "allowed")
        for topic, sent in zip(filters, sent_filters, strict=True)
    ]


def _edge_node(settings: Settings) -> NodeOptions | None:
    """Return the edge node of Sparkplug where it is at the line's broker."""
    node = node_options(settings)
    ours = settings.mqtt.host, settings.mqtt.port
    return node if node is not None and (node.address.host, node.address.port) == ours else None


# --- the right to publish


class _Offered:
    """The probe for each topic, made once the retained messages at the broker are known."""

    def __init__(self, settings: Settings, line: LineDefinition, *, check_id: str, now_ns: int) -> None:
        self.standing_topics = standing_topics(line.topic_root)
        self._root, self._line = line.topic_root, settings.line_path
        self._check_id, self._now_ns = f"labline-{check_id}", now_ns
        node = _edge_node(settings)
        self.quietly_only = (
            () if node is None else sparkplug_probes(node.node, line)
        )  # never looped back: a host hears it

    def probes(self, standing: dict[str, bytes]) -> tuple[Probe, ...]:
        """Return a probe for each topic."""
        return probes(
            topic_root=self._root, line=self._line, check_id=self._check_id, at_ns=self._now_ns, standing=standing
        )


async def _rights(visitor: BrokerVisitor, offered: _Offered, *, loop_back: bool) -> list[Finding]:
    try:
        connection = await visitor.entered(subscriptions=offered.standing_topics, version_5=True)
    except (OSError, NotConnectedError):
        return await _looped_back(visitor, offered, loop_back=loop_back)
    try:
        asks_quietly = connection.answers.maximum_qos >= _QOS_2
        if asks_quietly:
            await _listen(visitor, connection, offered.standing_topics)
    finally:
        connection.close(polite=True)
    if not asks_quietly:
        return await _looped_back(visitor, offered, loop_back=loop_back)
    return await _proven(visitor, (*offered.probes(visitor.deliveries.newest), *offered.quietly_only))


async def _listen(visitor: BrokerVisitor, connection: ProbeConnection, topics: Sequence[str]) -> None:
    """Receive the retained messages at the broker, if we may subscribe to them."""
    with suppress(NotConnectedError, TimeoutError):  # not to hear it is no fault: something empty is offered then
        async with asyncio.timeout(_ANSWER_SECONDS):
            await connection.subscribe()
        await visitor.deliveries.until(
            lambda: visitor.deliveries.newest.keys() >= set(topics), within_seconds=_RETAINED_SECONDS
        )


async def _proven(visitor: BrokerVisitor, offers: Sequence[Probe]) -> list[Finding]:
    """Offer each probe; a broker that ends the connection over one is entered again for the next."""
    findings, connection, held = [], None, 0
    try:
        for probe in offers:
            try:
                if connection is not None and held == _MOST_HELD:
                    connection.close(polite=True)
                    connection = None
                if connection is None:
                    connection, held = await visitor.entered(version_5=True), 0
                async with asyncio.timeout(_ANSWER_SECONDS):
                    retain = probe.retain and connection.answers.retains  # that it keeps none is found with the will
                    held += 1
                    code = await connection.offer(probe.topic, probe.payload, retain=retain)
            except (OSError, NotConnectedError) as error:
                if connection is not None:
                    connection.close(polite=True)
                connection = None
                findings.append(_finding(probe, ok=False, found=f"the broker ends the connection over it: {error}"))
                continue
            refused = code >= _REFUSED
            verdict = f"{REFUSED} (reason code 0x{code:02X})" if refused else "allowed"
            findings.append(_finding(probe, ok=not refused, found=verdict))
    finally:
        if connection is not None:
            connection.close(polite=True)
    return findings


async def _looped_back(visitor: BrokerVisitor, offered: _Offered, *, loop_back: bool) -> list[Finding]:
    """Send each probe and see whether it comes back; without ``loop_back`` send nothing, and prove nothing."""
    if not loop_back:
        return [_finding(probe, ok=False, found=UNPROVEN) for probe in offered.probes({})]
    connection = await visitor.entered(subscriptions=tuple(probe.topic for probe in offered.probes({})))
    try:
        await _listen(visitor, connection, offered.standing_topics)
        sent = offered.probes(dict(visitor.deliveries.newest))
        visitor.deliveries.newest.clear()
        for probe in sent:
            with suppress(NotConnectedError, TimeoutError):  # it will not come back, which is the finding
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await connection.publish(Outgoing(topic=probe.topic, payload=probe.payload, retain=probe.retain))
        back = visitor.deliveries.newest
        await visitor.deliveries.until(
            lambda: all(back.get(probe.topic) == probe.payload for probe in sent), within_seconds=_ANSWER_SECONDS
        )
    finally:
        connection.close(polite=True)
    return [
        _finding(probe, ok=back.get(probe.topic) == probe.payload,
                 found="came back" if back.get(probe.topic) == probe.payload else f"did not come back: {REFUSED}")
        for probe in sent
    ]  # fmt: skip


def _finding(probe: Probe, *, ok: bool, found: str) -> Finding:
    return Finding(subject=f"publish {probe.shown}", ok=ok, found=found)


# --- why it cannot be entered


async def _why(error: OSError | NotConnectedError, visitor: BrokerVisitor) -> str:
    """Return the cause; if the broker gave none, find out whether it wants TLS or another version of MQTT."""
    address = visitor.address
    silent = isinstance(error, ClosedUnansweredError | ConnectionResetError | BrokenPipeError)
    if silent and address.tls is None and await speaks_tls(address.host, address.port):
        return f"{address.host}:{address.port} wants TLS: set mqtt.tls = true"
    if silent and await _enters(lambda: visitor.entered(version_5=not address.version_5)):
        error = RefusedError(str(error), code=PROTOCOL_UNSUPPORTED)
    return cause_of(error, address)


async def _enters(enter: Callable[[], Awaitable[ProbeConnection]]) -> bool:
    """Return whether a connection comes up, or is refused for a reason other than the version of MQTT."""
    try:
        (await enter()).close(polite=True)
    except RefusedError as error:
        return error.code != PROTOCOL_UNSUPPORTED
    except (OSError, NotConnectedError):
        return False
    return True
