"""The monitored items of one subscription: created in batches that the server takes, and distinguished by a handle."""

import itertools
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from asyncua import Client, ua

from gateway.errors import SourceUnavailableError
from gateway.transport.opcua_failures import session_is_gone
from gateway.transport.opcua_reading import TOO_MANY, TOO_MANY_CODES
from gateway.transport.opcua_source import OpcUaSource
from gateway.transport.opcua_values import status_text

log = structlog.get_logger()

_SLOWER_ALLOWED = 1.5
_MOST_RETIRED = 1000
_NS_PER_MS = 1_000_000


@dataclass(slots=True)
class MonitoredItems:
    """The items of a subscription: by tag its node, by handle its tag; and how the server has revised them."""

    source: OpcUaSource
    client: Client
    subscription_id: int
    publishing_ms: float  # as granted
    at_once: int
    nodes: dict[str, ua.NodeId] = field(default_factory=dict)
    tag_of_handle: dict[int, str] = field(default_factory=dict)
    retired: deque[int] = field(
        default_factory=partial(deque, maxlen=_MOST_RETIRED)
    )  # handles of items that are no more
    delays_ns: dict[str, int] = field(default_factory=dict)  # by tag, how late its changes may come
    delays_seconds: dict[str, float] = field(default_factory=dict)
    slower: list[str] = field(default_factory=list)  # tags that the server samples slower, or keeps less of
    _id_of: dict[str, int] = field(default_factory=dict)
    _handles: Any = field(default_factory=lambda: itertools.count(1))

    def expect(self, tags: Iterable[str]) -> None:
        """Note how late the changes of these tags may come at least; what the server grants may make it later."""
        for tag in tags:
            self._delayed(tag, self.publishing_ms + self.source.sampling_interval_ms)

    def _delayed(self, tag: str, by_ms: float) -> None:
        self.delays_ns[tag] = round(by_ms * _NS_PER_MS)
        self.delays_seconds[tag] = by_ms / 1000

    async def create(self, nodes: Mapping[str, ua.NodeId]) -> dict[str, str]:
        """Create an item for each tag; return the tags that the server refuses, and why."""
        queue_size = max(2, 2 * round(self.source.publishing_interval_ms / self.source.sampling_interval_ms))
        requests = [(tag, self._request(next(self._handles), node, queue_size)) for tag, node in nodes.items()]
        for tag, request in requests:  # before it is created: the first value may come before the answer
            self.tag_of_handle[request.RequestedParameters.ClientHandle] = tag
        refused: dict[str, str] = {}
        begin = 0
        while begin < len(requests):
            chunk = requests[begin : begin + self.at_once]
            results = await self._created([request for _tag, request in chunk])
            if results is None:
                continue  # in smaller batches
            if len(chunk) > 1:  # some servers refuse too many items one by one
                too_many = [at for at, result in enumerate(results) if result.StatusCode.value in TOO_MANY_CODES]
                requests += [chunk[at] for at in too_many]
                self.at_once = max(1, len(chunk) // 2) if too_many else self.at_once
            for (tag, request), result in zip(chunk, results, strict=True):
                if len(chunk) > 1 and result.StatusCode.value in TOO_MANY_CODES:
                    continue  # later, with fewer
                if result.StatusCode.is_good():
                    self._granted(tag, nodes[tag], result, queue_size)
                else:
                    del self.tag_of_handle[request.RequestedParameters.ClientHandle]
                    refused[tag] = status_text(result.StatusCode.value)
            begin += len(chunk)
        return refused

    async def _created(self, requests: list[Any]) -> Sequence[Any] | None:
        """Return the server's answers, or None where it takes fewer at once: then half as many are tried."""
        parameters = ua.CreateMonitoredItemsParameters(
            SubscriptionId=self.subscription_id,
            TimestampsToReturn=ua.TimestampsToReturn.Both,
            ItemsToCreate=requests,
        )
        try:
            results: Sequence[Any] = await self.client.uaclient.create_monitored_items(parameters)
        except TOO_MANY:
            if len(requests) == 1:
                raise
            self.at_once = max(1, len(requests) // 2)
            return None
        if len(results) != len(requests):
            raise SourceUnavailableError(f"the server answers {len(results)} of {len(requests)} new items")
        return results

    def _request(self, handle: int, node: ua.NodeId, queue_size: int) -> Any:
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=ua.MonitoringParameters(
                ClientHandle=handle,
                SamplingInterval=self.source.sampling_interval_ms,
                QueueSize=queue_size,
                DiscardOldest=True,
            ),
        )

    def _granted(self, tag: str, node: ua.NodeId, result: Any, queue_size: int) -> None:
        sampling_ms = max(result.RevisedSamplingInterval, 0.0)
        if 0 < result.RevisedQueueSize < queue_size or sampling_ms > _SLOWER_ALLOWED * self.source.sampling_interval_ms:
            self.slower.append(tag)
        self.nodes[tag] = node
        self._id_of[tag] = result.MonitoredItemId
        self._delayed(tag, self.publishing_ms + sampling_ms)

    async def delete(self, tag: str) -> None:
        """Delete a tag's item from the subscription; values still on their way are ignored."""
        self.retired.extend(handle for handle, of_tag in self.tag_of_handle.items() if of_tag == tag)
        self.tag_of_handle = {handle: of_tag for handle, of_tag in self.tag_of_handle.items() if of_tag != tag}
        item = self._id_of.pop(tag, None)
        self.nodes.pop(tag, None)
        if item is None:
            return
        try:
            await self.client.uaclient.delete_monitored_items(
                ua.DeleteMonitoredItemsParameters(SubscriptionId=self.subscription_id, MonitoredItemIds=[item])
            )
        except ua.UaStatusCodeError as error:
            if session_is_gone(error):
                raise
            log.warning("an item cannot be deleted", tag=tag, reason=status_text(error.code))

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the tags that have an item."""
        return tuple(self.nodes)
