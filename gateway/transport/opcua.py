"""OPC UA on asyncua: one subscription per server, whole notifications taken at once.

Reconnection is ours alone (asyncua's supervisor stays off) and its state machine stands in ``reconnect``. What is
watched is *data*: a subscription that brings no first values, falls silent, or goes on without telling what a plain
read shows to have changed, ends the client, and a new one is made. Namespaces are given by URI and resolved at every
connection, as their indexes may change with a restart of the server. Notifications carry sequence numbers: a missing
one is asked for again, and what cannot be had again is told as lost.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from asyncua import Client, ua

from gateway.clock import Clock
from gateway.errors import CertificateUntrustedError, SourceUnavailableError
from gateway.records import TagSample
from gateway.transport.opcua_connection import (
    FAILURES,
    REQUEST_TIMEOUT_SECONDS,
    OpcUaSource,
    OperationLimits,
    connected,
    operation_limits,
    resolve_nodes,
)
from gateway.transport.opcua_notifications import samples_in
from gateway.transport.opcua_values import moment_of, nanoseconds, overflowed, sample_of
from gateway.transport.reconnect import Reconnection

log = structlog.get_logger()

_KEEPALIVE_SECONDS = 5.0
_SILENCES_ALLOWED = 1.5
_FIRST_DATA_SECONDS = 5.0
_UNCHANGED_SECONDS = 30.0
_LEFT_BEHIND_NS = 5_000_000_000
_MOST_REPUBLISHED = 50
_SLOWER_ALLOWED = 1.5
_SEQUENCE_WRAPS = 2**32 - 1
_VALUES_PER_HISTORY_READ = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Notification:
    """One whole publish response. Without samples it only says that the server and its values are still there."""

    samples: tuple[TagSample, ...]
    server_ns: int | None  # the server's clock when it was sent
    overflowed: frozenset[str] = frozenset()  # tags of which values were lost before these
    lost: bool = False  # a notification before this one is lost


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """Whom a session tells."""

    on_notification: Callable[[Notification], None]
    on_state: Callable[[bool], None]
    on_condition: Callable[[str, bool], None]  # (alarm's code, whether it stands)


class OpcUaSession:
    """Keeps the subscription of one source alive."""

    def __init__(self, source: OpcUaSource, *, clock: Clock, listener: Listener) -> None:
        self._source = source
        self._clock = clock
        self._listener = listener
        self._reconnection = Reconnection(f"opc ua {source.name}", clock=clock)
        self._untrusted = f"CERTIFICATE_UNTRUSTED_{source.name.upper()}"
        self._subscribed = asyncio.Event()
        self._client: Client | None = None
        self._limits = OperationLimits()
        self._subscription_id = 0
        self._nodes: Mapping[str, ua.NodeId] = {}
        self._tag_of_handle: dict[int, str] = {}
        self._expected_sequence: int | None = None
        self._ended: str | None = None
        self._last_heard = self._last_data = 0.0
        self._told: dict[str, TagSample] = {}
        self.refused_nodes: dict[str, str] = {}

    async def wait_subscribed(self) -> None:
        """Wait until the subscription stands."""
        await self._subscribed.wait()

    def renew(self, why: str) -> None:
        """End the client and make a new one, which tells every value anew."""
        self._ended = why

    async def run(self) -> None:
        """Keep the subscription alive until cancelled."""
        while True:
            self._reconnection.attempt()
            untrusted = False
            try:
                await self._one_connection()
                why = "the connection ended"
            except CertificateUntrustedError as error:
                why, untrusted = f"{error}; {error.hint}", True
            except Exception as error:  # noqa: BLE001 - a loop's edge: asyncua and cryptography raise of every kind
                why = str(error) or repr(error)
            self._listener.on_condition(self._untrusted, untrusted)
            await asyncio.sleep(self._reconnection.failed(why))

    async def _one_connection(self) -> None:
        async with connected(self._source) as client:
            self._reconnection.connected()
            self._listener.on_condition(self._untrusted, False)
            lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

            async def connection_lost(error: Exception) -> None:
                if not lost.done():
                    lost.set_result(repr(error))

            client.connection_lost_callback = connection_lost
            self._client = client
            try:
                keepalive_seconds = await self._subscribe(client)
                await self._until_data(lost)
                self._reconnection.proven()
                self._subscribed.set()
                self._listener.on_state(True)
                await self._watch(client, lost, silence_seconds=_SILENCES_ALLOWED * keepalive_seconds)
            finally:
                self._client = None
                if self._subscribed.is_set() or self._told:  # values may have come before it was proven
                    self._subscribed.clear()
                    self._listener.on_state(False)
                self._told = {}

    # --- watching data, not the socket

    async def _until_data(self, lost: "asyncio.Future[str]") -> None:
        """Return once every subscription has shown that it delivers: the server owes the first values at once."""
        begun = self._clock.monotonic()
        while self._tag_of_handle and not self._told:
            await self._pause(lost, 0.05)
            if self._clock.monotonic() - begun > _FIRST_DATA_SECONDS:
                raise SourceUnavailableError("the subscription stands, but brings no data")

    async def _watch(self, client: Client, lost: "asyncio.Future[str]", *, silence_seconds: float) -> None:
        """Raise when the connection is lost, nothing is heard for too long, or changes are not told."""
        while True:
            await self._pause(lost, 1.0)
            now = self._clock.monotonic()
            if now - self._last_heard > silence_seconds:
                raise SourceUnavailableError(f"the subscription has been silent for {now - self._last_heard:.0f} s")
            if self._tag_of_handle and now - self._last_data > _UNCHANGED_SECONDS:
                await self._prove_unchanged(client)
                self._last_data = now

    async def _pause(self, lost: "asyncio.Future[str]", seconds: float) -> None:
        await asyncio.wait({lost}, timeout=seconds)
        if lost.done():
            raise SourceUnavailableError(f"the connection was lost: {lost.result()}")
        if self._ended is not None:
            raise SourceUnavailableError(self._ended)

    async def _prove_unchanged(self, client: Client) -> None:
        """Read plainly what the subscription should have told; raise where the server has newer values."""
        tags = list(self._tag_of_handle.values())
        for begin in range(0, len(tags), self._limits.read):
            asked = tags[begin : begin + self._limits.read]
            values = await client.uaclient.read_attributes([self._nodes[tag] for tag in asked], ua.AttributeIds.Value)
            for tag, value in zip(asked, values, strict=True):
                read, told = sample_of(tag, value, self._clock.now_ns()), self._told.get(tag)
                if told is None or read.source_ns <= told.source_ns + _LEFT_BEHIND_NS:
                    continue
                # a newer time alone is no change: servers need not tell it
                if (read.status, repr(read.value)) != (told.status, repr(told.value)):
                    raise SourceUnavailableError(f"{tag} has changed, but the subscription does not tell it")

    # --- subscribing

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
        self._limits = await operation_limits(client)
        self._nodes, self.refused_nodes = await resolve_nodes(client, self._source.nodes)
        self._last_heard = self._clock.monotonic()
        self._expected_sequence, self._ended, self._told = None, None, {}
        self._tag_of_handle = dict(enumerate(self._nodes, start=1))
        granted = await client.uaclient.create_subscription(wanted, self._published)
        self._subscription_id = granted.SubscriptionId
        await self._create_items(client, granted.SubscriptionId)
        return float(granted.RevisedPublishingInterval * granted.RevisedMaxKeepAliveCount / 1000)

    async def _create_items(self, client: Client, subscription_id: int) -> None:
        queue_size = max(2, 2 * round(self._source.publishing_interval_ms / self._source.sampling_interval_ms))
        requests = [
            ua.MonitoredItemCreateRequest(
                ItemToMonitor=ua.ReadValueId(NodeId=self._nodes[tag], AttributeId=ua.AttributeIds.Value),
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
        granted_ms = _SLOWER_ALLOWED * self._source.sampling_interval_ms
        revised: list[str] = []
        for begin in range(0, len(requests), self._limits.monitored_items):
            chunk = requests[begin : begin + self._limits.monitored_items]
            results = await client.uaclient.create_monitored_items(
                ua.CreateMonitoredItemsParameters(
                    SubscriptionId=subscription_id,
                    TimestampsToReturn=ua.TimestampsToReturn.Both,
                    ItemsToCreate=chunk,
                )
            )
            for request, result in zip(chunk, results, strict=True):
                if not result.StatusCode.is_good():
                    handle = request.RequestedParameters.ClientHandle
                    self.refused_nodes[self._tag_of_handle.pop(handle)] = result.StatusCode.name
                elif 0 < result.RevisedQueueSize < queue_size or result.RevisedSamplingInterval > granted_ms:
                    revised.append(self._tag_of_handle[request.RequestedParameters.ClientHandle])
        self._listener.on_condition(f"NODES_REFUSED_{self._source.name.upper()}", bool(self.refused_nodes))
        if revised:
            log.warning("the server samples these slower, or keeps fewer values, than asked for",
                        source=self._source.name, tags=revised)  # fmt: skip
        if self.refused_nodes:
            log.error("nodes refused by the server", source=self._source.name, nodes=self.refused_nodes)

    # --- being told

    async def _published(self, result: ua.PublishResult) -> None:
        """Take one whole publish response; awaited by asyncua's publish loop before it asks for the next."""
        message = result.NotificationMessage
        contents = message.NotificationData or ()
        for content in contents:
            if isinstance(content, ua.StatusChangeNotification):
                self._ended = f"the server ended the subscription: {content.Status}"
                return
        missing = self._missing(message.SequenceNumber, bool(contents))
        lost = False
        for number in missing[-_MOST_REPUBLISHED:]:
            again = await self._republished(number) if number in (result.AvailableSequenceNumbers or ()) else None
            lost = lost or again is None
            if again is not None:
                self._tell(again, lost=False)
        if lost or len(missing) > _MOST_REPUBLISHED:
            log.warning("notifications lost on the way", source=self._source.name, count=len(missing))
        self._tell(message, lost=lost or len(missing) > _MOST_REPUBLISHED)

    def _missing(self, number: int, has_data: bool) -> list[int]:  # noqa: FBT001 - of one message
        """Return the numbers between the last notification and this one; a keep-alive tells the next number."""
        expected = self._expected_sequence
        missing = [] if expected is None or number == expected else _between(expected, number)
        self._expected_sequence = _next_sequence(number) if has_data else number
        return missing

    async def _republished(self, number: int) -> Any:
        if self._client is None:
            return None
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
                return await self._client.uaclient.session.republish(self._subscription_id, number)
        except Exception as error:  # noqa: BLE001 - asyncua raises of every kind; what stands behind it must be told
            log.warning("a notification cannot be had again", source=self._source.name, error=str(error))
            return None

    def _samples(self, message: ua.NotificationMessage) -> tuple[TagSample, ...] | None:
        """Return the samples of a notification; None where it cannot be read, which is as if it were lost."""
        now_ns, contents = self._clock.now_ns(), message.NotificationData or ()
        try:
            return tuple(sample for each in contents for sample in samples_in(each, self._tag_of_handle, now_ns))
        except Exception as error:  # noqa: BLE001 - a stranger's bytes; what is not told as lost would be gone unseen
            log.warning("a notification cannot be read", source=self._source.name, error=str(error))
            return None

    def _tell(self, message: ua.NotificationMessage, *, lost: bool) -> None:
        found = self._samples(message)
        samples = found or ()
        self._last_heard = self._clock.monotonic()
        if samples:
            self._last_data = self._last_heard
        for sample in samples:
            self._told[sample.tag] = sample
        self._listener.on_notification(
            Notification(
                samples=samples,
                server_ns=nanoseconds(message.PublishTime),
                overflowed=frozenset(sample.tag for sample in samples if overflowed(sample)),
                lost=lost or found is None,
            )
        )

    # --- what the server remembers

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the tags that the server tells of."""
        return tuple(self._tag_of_handle.values())

    async def read_history(self, tags: Sequence[str], *, start_ns: int, end_ns: int) -> dict[str, list[TagSample]]:
        """Return what the server's history has of some tags, with the value at the start; nothing where it refuses.

        Raises SourceUnavailableError where the connection is not there.
        """
        client = self._client
        if client is None or not self._subscribed.is_set():
            raise SourceUnavailableError(f"{self._source.name} is not connected")
        found: dict[str, list[TagSample]] = {}
        known = [tag for tag in tags if tag in self._nodes]
        try:
            for begin in range(0, len(known), self._limits.history_read):
                asked = known[begin : begin + self._limits.history_read]
                await self._read_history_of(client, asked, start_ns, end_ns, found)
        except FAILURES as error:
            raise SourceUnavailableError(f"history cannot be read: {str(error) or type(error).__name__}") from error
        return found

    async def _read_history_of(
        self, client: Client, tags: list[str], start_ns: int, end_ns: int, found: dict[str, list[TagSample]]
    ) -> None:
        details = ua.ReadRawModifiedDetails(
            IsReadModified=False,
            StartTime=moment_of(start_ns),
            EndTime=moment_of(end_ns),
            NumValuesPerNode=_VALUES_PER_HISTORY_READ,
            ReturnBounds=True,
        )
        continued: dict[str, bytes | None] = dict.fromkeys(tags)
        while continued:
            wanted = [
                ua.HistoryReadValueId(NodeId=self._nodes[tag], ContinuationPoint=point)
                for tag, point in continued.items()
            ]
            results = await client.uaclient.history_read(
                ua.HistoryReadParameters(
                    HistoryReadDetails=details,
                    TimestampsToReturn=ua.TimestampsToReturn.Both,
                    ReleaseContinuationPoints=False,
                    NodesToRead=wanted,
                )
            )
            following: dict[str, bytes | None] = {}
            for (tag, point), result in zip(continued.items(), results, strict=True):
                if not result.StatusCode.is_good():
                    continue  # this tag has no history; the gap's record names it
                values = getattr(result.HistoryData, "DataValues", None) or ()
                now_ns = self._clock.now_ns()
                found.setdefault(tag, []).extend(sample_of(tag, value, now_ns) for value in values)
                if result.ContinuationPoint and result.ContinuationPoint != point:
                    following[tag] = result.ContinuationPoint
            continued = following


def _next_sequence(number: int) -> int:
    """Return the sequence number after one; they go round and leave out zero (OPC 10000-4, 7.6)."""
    return 1 if number >= _SEQUENCE_WRAPS else number + 1


def _between(expected: int, number: int) -> list[int]:
    """Return the numbers from the expected one to before the one that came, at most a few more than can be asked."""
    distance = (number - expected) % _SEQUENCE_WRAPS
    if distance > _SEQUENCE_WRAPS // 2:
        return []  # an older one again
    first = max(0, distance - _MOST_REPUBLISHED - 1)
    return [(expected + at - 1) % _SEQUENCE_WRAPS + 1 for at in range(first, distance)]
