"""What a server says of itself and grants: its clock, its limits, how fast it publishes. Nothing stays behind."""

import asyncio
from dataclasses import dataclass
from typing import Any

from asyncua import Client, ua

from gateway.clock import Clock
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_connection import connected
from gateway.transport.opcua_reading import OperationLimits, operation_limits, read_or_refused
from gateway.transport.opcua_source import OpcUaSource
from gateway.transport.opcua_subscription import subscription_request
from gateway.transport.opcua_values import nanoseconds

_ANSWER_SECONDS = 4.0
_OBJECTS = ua.ObjectIds
_MOST_ITEMS = "Server_ServerCapabilities_MaxMonitoredItemsPerSubscription"  # OPC 10000-5 1.05, 6.3.2


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerFacts:
    """A server at this instant; ``lead_seconds``: how far its clock is ahead of ours, None where it shows none."""

    name: str
    software: str
    lead_seconds: float | None
    requested_ms: float
    granted_ms: float
    limits: OperationLimits
    most_items: int | None  # of one subscription, None where it names no limit


async def server_facts(source: OpcUaSource, *, clock: Clock) -> ServerFacts:
    """Return the facts of a server; raises SourceUnavailableError."""
    async with connected(source) as client:
        lead = await _lead_seconds(client, clock)
        limits = await operation_limits(client)
        most = await _value(client, getattr(_OBJECTS, _MOST_ITEMS, 0))
        product = await _value(client, _OBJECTS.Server_ServerStatus_BuildInfo_ProductName)
        version = await _value(client, _OBJECTS.Server_ServerStatus_BuildInfo_SoftwareVersion)
        granted_ms = await _granted_ms(client, source)
    return ServerFacts(
        name=source.name,
        software=" ".join(str(part) for part in (product, version) if part),
        lead_seconds=lead,
        requested_ms=source.publishing_interval_ms,
        granted_ms=granted_ms,
        limits=limits,
        most_items=most if isinstance(most, int) and most > 0 else None,
    )


async def _value(client: Client, number: int) -> Any:
    if not number:
        return None
    (value,) = await read_or_refused(client, [ua.NodeId(number)])
    return None if value.Value is None else value.Value.Value


async def _lead_seconds(client: Client, clock: Clock) -> float | None:
    """Return how far the server's clock is ahead, by half of the way there and back exact."""
    before_ns = clock.now_ns()
    shown_ns = nanoseconds(await _value(client, _OBJECTS.Server_ServerStatus_CurrentTime))
    after_ns = clock.now_ns()
    return None if shown_ns is None else (shown_ns - (before_ns + after_ns) / 2) / SECOND_NS


async def _granted_ms(client: Client, source: OpcUaSource) -> float:
    """Return how often the server would publish: a subscription without items is made and ended."""
    async with asyncio.timeout(_ANSWER_SECONDS):
        granted = await client.uaclient.create_subscription(subscription_request(source), lambda _response: None)
        await client.uaclient.delete_subscriptions([granted.SubscriptionId])
    return float(granted.RevisedPublishingInterval)
