"""What comes on the laboratory's topic: listened to for some seconds, and how a mapping understands it."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gateway.cli.lims import understood
from gateway.config.connection_tables import LimsTable
from gateway.contract.lims.mapping import MAPPINGS
from gateway.contract.topics import unshared
from gateway.records.laboratory import ResultStatus
from gateway.transport.mqtt_messages import Delivery
from gateway.transport.mqtt_options import BrokerAddress, SessionOptions
from gateway.transport.mqtt_probe import ProbeConnection

_MOST_MESSAGES, _LARGEST_BYTES = 200, 256 * 1024
_ENTER_SECONDS = 6.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One message; ``results``: as the mapping understands it, each with ``refused`` where it does not."""

    topic: str
    results: list[dict[str, object]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Laboratory:
    """What came, by the mapping that understands most of it."""

    mapping: str
    messages: list[Heard]
    refused_topic: bool = False

    @property
    def understood(self) -> list[dict[str, object]]:
        """Return the results that are understood."""
        return [result for message in self.messages for result in message.results if "refused" not in result]

    @property
    def tests(self) -> list[str]:
        """Return the laboratory's names of tests, in their order."""
        return list(dict.fromkeys(str(result["test_id"]) for result in self.understood))


async def heard(address: BrokerAddress, topic: str, *, seconds: float) -> tuple[list[Delivery], bool]:
    """Return (the messages that came on a topic within so many seconds, whether the broker refused to send them).

    A session of its own, which the broker forgets, and no share of a group: nobody misses a message. Raises OSError and
    NotConnectedError.
    """
    came: list[Delivery] = []
    enough = asyncio.Event()
    connection: ProbeConnection | None = None

    def on_delivery(delivery: Delivery) -> None:
        if len(delivery.payload) <= _LARGEST_BYTES:
            came.append(delivery)
        if connection is not None:
            connection.acknowledge(delivery)
        if len(came) >= _MOST_MESSAGES:
            enough.set()

    options = SessionOptions(
        address=address, client_id=f"labline-init-{uuid.uuid4().hex[:8]}", subscriptions=(unshared(topic),),
        on_delivery=on_delivery,
    )  # fmt: skip
    connection = ProbeConnection(options, 1)
    try:
        async with asyncio.timeout(_ENTER_SECONDS):
            await connection.open()
            refused = await connection.subscribe()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await enough.wait()
    finally:
        connection.close(polite=True)
    return came[:_MOST_MESSAGES], bool(refused)


def understood_best(deliveries: Sequence[Delivery], *, refused_topic: bool = False) -> Laboratory:
    """Return the messages by the mapping that understands most results; canonical where several do."""
    tried = [_by(mapping, deliveries) for mapping in sorted(MAPPINGS, key=lambda name: name != "canonical")]
    best = max(tried, key=lambda laboratory: len(laboratory.understood))
    return Laboratory(mapping=best.mapping, messages=best.messages, refused_topic=refused_topic)


def _by(mapping: str, deliveries: Iterable[Delivery]) -> Laboratory:
    table = LimsTable.model_validate({"mapping": mapping, "assume_status": ResultStatus.VALIDATED})
    messages = [Heard(topic=delivery.topic, results=understood(delivery.payload, table)) for delivery in deliveries]
    return Laboratory(mapping=mapping, messages=messages)


def why_refused(laboratory: Laboratory) -> list[tuple[str, int]]:
    """Return why results are not understood, and how often, the most frequent first."""
    reasons = Counter(
        str(result["refused"]) for message in laboratory.messages for result in message.results if "refused" in result
    )
    return reasons.most_common(5)
