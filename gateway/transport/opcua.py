"""OPC UA on asyncua: one subscription per server, whole notifications taken at once.

Reconnection is ours alone (asyncua's supervisor stays off): a lost connection or a silent subscription ends the
client, and a new one is made. Namespaces are given by URI and resolved at every connection, as their indexes
may change with a restart of the server.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from asyncua import Client, ua

from gateway.errors import SourceUnavailableError
from gateway.records import TagSample
from gateway.transport.reconnect import Backoff

log = structlog.get_logger()

_REQUEST_TIMEOUT_SECONDS = 5.0
_CONNECT_TIMEOUT_SECONDS = 15.0
_CLOSE_TIMEOUT_SECONDS = 5.0
_KEEPALIVE_SECONDS = 5.0
_SILENCES_ALLOWED = 3
_ITEMS_PER_REQUEST = 500
_WATCHDOG_SECONDS = 2.0
_NODE = re.compile(r"nsu=(?P<uri>[^;]+);(?P<identifier>[isgb]=.+)", re.DOTALL)
_NUMERIC = frozenset(
    {
        ua.VariantType.Boolean, ua.VariantType.SByte, ua.VariantType.Byte, ua.VariantType.Int16,
        ua.VariantType.UInt16, ua.VariantType.Int32, ua.VariantType.UInt32, ua.VariantType.Int64,
        ua.VariantType.UInt64, ua.VariantType.Float, ua.VariantType.Double,
    }
)  # fmt: skip
_BAD_TYPE_MISMATCH = 0x80740000
_LATEST_NS = 2**63 - 1
_FAILURES = (ua.UaError, OSError, asyncio.TimeoutError, ConnectionError)

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class OpcUaSource:
    """A server and the tags to take from it: tag name to node (``nsu=<uri>;<identifier>``)."""

    name: str
    url: str
    nodes: Mapping[str, str]
    publishing_interval_ms: float
    sampling_interval_ms: float
    security: str | None = None
    username: str | None = None
    password: str | None = None


class OpcUaSession:
    """Keeps the subscription of one source alive."""

    def __init__(
        self,
        source: OpcUaSource,
        *,
        now_ns: Callable[[], int],
        on_notification: Callable[[tuple[TagSample, ...]], None],
        on_state: Callable[[bool], None],
        on_alarm: Callable[[str], None],
    ) -> None:
        """``on_notification`` hears every publish response; an empty one is a keep-alive."""
        self._source = source
        self._now_ns = now_ns
        self._on_notification = on_notification
        self._on_state = on_state
        self._on_alarm = on_alarm
        self._backoff = Backoff()
        self._subscribed = asyncio.Event()
        self._last_heard = 0.0
        self._tag_of_handle: dict[int, str] = {}
        self.refused_nodes: dict[str, str] = {}

    async def wait_subscribed(self) -> None:
        """Wait until the subscription stands."""
        await self._subscribed.wait()

    async def run(self) -> None:
        """Keep the subscription alive until cancelled."""
        while True:
            try:
                await self._one_connection()
            except Exception as error:  # noqa: BLE001 - a loop's edge: asyncua and cryptography raise of every kind
                level = log.warning if self._backoff.attempts == 0 else log.debug
                level("opc ua connection failed", source=self._source.name, error=str(error) or repr(error))
            await asyncio.sleep(self._backoff.next_delay())

    async def _one_connection(self) -> None:
        async with connected(self._source) as client:
            lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

            async def connection_lost(error: Exception) -> None:
                if not lost.done():
                    lost.set_result(repr(error))

            client.connection_lost_callback = connection_lost
            keepalive_seconds = await self._subscribe(client)
            self._backoff.succeeded()
            self._subscribed.set()
            self._on_state(True)
            log.info("opc ua subscribed", source=self._source.name, tags=len(self._tag_of_handle))
            try:
                await self._watch(lost, silence_seconds=_SILENCES_ALLOWED * keepalive_seconds)
            finally:
                self._subscribed.clear()
                self._on_state(False)

    async def _watch(self, lost: "asyncio.Future[str]", *, silence_seconds: float) -> None:
        """Return when the connection is lost or nothing has been heard for too long."""
        while True:
            await asyncio.wait({lost}, timeout=1.0)
            if lost.done():
                raise SourceUnavailableError(f"the connection was lost: {lost.result()}")
            silent = time.monotonic() - self._last_heard
            if silent > silence_seconds:
                raise SourceUnavailableError(f"the subscription has been silent for {silent:.0f} s")

    async def _subscribe(self, client: Client) -> float:
        """Create the subscription and its items; return the keep-alive time that the server granted."""
        publishing_ms = self._source.publishing_interval_ms
        keepalive_count = max(1, round(_KEEPALIVE_SECONDS * 1000 / publishing_ms))
        wanted = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=publishing_ms,
            RequestedLifetimeCount=keepalive_count * 4,
            RequestedMaxKeepAliveCount=keepalive_count,
            MaxNotificationsPerPublish=0,
            PublishingEnabled=True,
        )
        nodes, self.refused_nodes = await resolve_nodes(client, self._source.nodes)
        self._last_heard = time.monotonic()
        self._tag_of_handle = dict(enumerate(nodes, start=1))
        granted = await client.uaclient.create_subscription(wanted, self._published)
        await self._create_items(client, granted.SubscriptionId, nodes)
        return float(granted.RevisedPublishingInterval * granted.RevisedMaxKeepAliveCount / 1000)

    async def _create_items(self, client: Client, subscription_id: int, nodes: Mapping[str, ua.NodeId]) -> None:
        queue_size = max(2, 2 * round(self._source.publishing_interval_ms / self._source.sampling_interval_ms))
        requests = [
            ua.MonitoredItemCreateRequest(
                ItemToMonitor=ua.ReadValueId(NodeId=nodes[tag], AttributeId=ua.AttributeIds.Value),
                MonitoringMode=ua.MonitoringMode.Reporting,
                RequestedParameters=ua.MonitoringParameters(
                    ClientHandle=handle,
                    SamplingInterval=self._source.sampling_interval_ms,
                    QueueSize=queue_size,
                    DiscardOldest=True,
                ),
            )
            for handle, tag in self._tag_of_handle.items()
        ]
        for begin in range(0, len(requests), _ITEMS_PER_REQUEST):
            chunk = requests[begin : begin + _ITEMS_PER_REQUEST]
            results = await client.uaclient.create_monitored_items(
                ua.CreateMonitoredItemsParameters(
                    SubscriptionId=subscription_id,
                    TimestampsToReturn=ua.TimestampsToReturn.Both,
                    ItemsToCreate=chunk,
                )
            )
            for request, result in zip(chunk, results, strict=True):
                if not result.StatusCode.is_good():
                    tag = self._tag_of_handle[request.RequestedParameters.ClientHandle]
                    self.refused_nodes[tag] = result.StatusCode.name
        if self.refused_nodes:
            self._on_alarm("NODES_REFUSED")
            log.error("nodes refused by the server", source=self._source.name, nodes=self.refused_nodes)

    def _published(self, result: ua.PublishResult) -> None:
        """Take one whole publish response; called by asyncua's publish loop."""
        self._last_heard = time.monotonic()
        now_ns = self._now_ns()
        samples = tuple(
            sample_of(self._tag_of_handle[item.ClientHandle], item.Value, now_ns)
            for notification in result.NotificationMessage.NotificationData or ()
            if isinstance(notification, ua.DataChangeNotification)
            for item in notification.MonitoredItems
            if item.ClientHandle in self._tag_of_handle
        )
        self._on_notification(samples)


def sample_of(tag: str, value: ua.DataValue, now_ns: int) -> TagSample:
    """Return a data value as a sample; what is no number becomes a bad one, never a made-up one."""
    status = value.StatusCode.value if value.StatusCode is not None else 0
    variant = value.Value
    if variant is None or variant.VariantType not in _NUMERIC or variant.is_array or variant.Value is None:
        number, status = float("nan"), max(status, _BAD_TYPE_MISMATCH)
    else:
        number = float(variant.Value)
    server_ns = _nanoseconds(value.ServerTimestamp, now_ns)
    return TagSample(
        tag=tag,
        value=number,
        status=status,
        source_ns=_nanoseconds(value.SourceTimestamp, server_ns),
        server_ns=server_ns,
    )


def _nanoseconds(moment: datetime | None, fallback_ns: int) -> int:
    """Return int64 nanoseconds; the standard's "no time" (1601) is none, the end of time (9999) the largest int64."""
    if moment is None:
        return fallback_ns
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)  # asyncua gives naive UTC
    delta = aware - datetime(1970, 1, 1, tzinfo=UTC)
    found_ns = (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1_000
    return min(found_ns, _LATEST_NS) if found_ns > 0 else fallback_ns


@asynccontextmanager
async def connected(source: OpcUaSource) -> AsyncIterator[Client]:
    """Connect a client and close it whatever happens; raises SourceUnavailableError."""
    try:
        client = Client(source.url, timeout=_REQUEST_TIMEOUT_SECONDS, watchdog_intervall=_WATCHDOG_SECONDS)
    except ValueError as error:
        raise SourceUnavailableError(f"{source.url} is no address: {error}") from error
    client.name = client.description = "labline"
    client.application_uri = "urn:labline:gateway"
    client.session_timeout = 60_000
    if source.username is not None:
        client.set_user(source.username)
        client.set_password(source.password or "")
    try:
        if source.security is not None:
            await client.set_security_string(source.security)
        async with asyncio.timeout(_CONNECT_TIMEOUT_SECONDS):
            await client.connect()
    except Exception as error:  # asyncua and cryptography raise of every kind
        client.disconnect_socket()
        raise SourceUnavailableError(
            f"{source.url} cannot be reached: {str(error) or type(error).__name__}",
            hint="is the server up, the address right, and this gateway's certificate trusted there?",
        ) from error
    try:
        yield client
    except _FAILURES as error:
        raise SourceUnavailableError(f"{source.url}: {str(error) or type(error).__name__}") from error
    finally:
        await _close(client)


async def _close(client: Client) -> None:
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
            await client.disconnect()
    except _FAILURES:
        client.disconnect_socket()


async def resolve_nodes(client: Client, nodes: Mapping[str, str]) -> tuple[dict[str, ua.NodeId], dict[str, str]]:
    """Return (each tag's node id with this server's namespace index, the tags that have none here and why)."""
    namespaces = await client.get_namespace_array()
    resolved: dict[str, ua.NodeId] = {}
    refused: dict[str, str] = {}
    for tag, node in nodes.items():
        match = _NODE.fullmatch(node)
        if match is None:
            refused[tag] = f"{node!r} is not nsu=<uri>;<identifier>"
        elif match["uri"] not in namespaces:
            refused[tag] = f"the server has no namespace {match['uri']}; it has {', '.join(namespaces)}"
        else:
            try:
                resolved[tag] = ua.NodeId.from_string(f"ns={namespaces.index(match['uri'])};{match['identifier']}")
            except (ValueError, ua.UaError) as error:
                refused[tag] = f"{match['identifier']!r} is no identifier: {error}"
    return resolved, refused


async def read_once(source: OpcUaSource, *, now_ns: int) -> tuple[dict[str, TagSample], dict[str, str]]:
    """Connect, read every tag once, and leave: (samples, refused tags and why); for ``check --connect``."""
    async with connected(source) as client:
        nodes, refused = await resolve_nodes(client, source.nodes)
        values = await client.uaclient.read_attributes(list(nodes.values()), ua.AttributeIds.Value) if nodes else []
        samples = {tag: sample_of(tag, value, now_ns) for tag, value in zip(nodes, values, strict=True)}
        return samples, refused


@dataclass(frozen=True, kw_only=True, slots=True)
class BrowsedNode:
    """One variable found in a server's address space, with its name as the configuration wants it."""

    path: str
    node: str
    data_type: str
    value: str
    writable: bool


async def browse(url: str, *, most: int) -> list[BrowsedNode]:
    """Return the variables below Objects, without the Server object, at most ``most``."""
    source = OpcUaSource(name="browse", url=url, nodes={}, publishing_interval_ms=500, sampling_interval_ms=250)
    async with connected(source) as client:
        namespaces = await client.get_namespace_array()
        found: list[BrowsedNode] = []
        waiting: list[tuple[str, Any]] = [("", client.nodes.objects)]
        seen: set[ua.NodeId] = set()
        while waiting and len(found) < most:
            path, parent = waiting.pop(0)
            for child in await parent.get_children():
                name = await child.read_browse_name()
                if child.nodeid in seen or child.nodeid == ua.NodeId(ua.ObjectIds.Server):
                    continue
                seen.add(child.nodeid)
                here = f"{path}/{name.Name}"
                waiting.append((here, child))
                if await child.read_node_class() is ua.NodeClass.Variable:
                    found.append(await _browsed(here, child, namespaces))
        return found[:most]


async def _browsed(path: str, node: Any, namespaces: list[str]) -> BrowsedNode:
    value = await node.read_data_value(raise_on_bad_status=False)
    access = await node.get_user_access_level()
    variant = value.Value
    identifier = node.nodeid.to_string().split(";", 1)[-1]
    return BrowsedNode(
        path=path,
        node=f"nsu={namespaces[node.nodeid.NamespaceIndex]};{identifier}",
        data_type=variant.VariantType.name if variant is not None else "-",
        value=str(variant.Value)[:40] if variant is not None else "-",
        writable=ua.AccessLevel.CurrentWrite in access,
    )
