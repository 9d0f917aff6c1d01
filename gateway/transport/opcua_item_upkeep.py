"""Keeps the items of one subscription: created, read where they are silent, renewed, taken out where undecodable.

An item that does not report the value that a plain read shows (``opcua_watch``) is created again, alone. Nodes that the
server does not know, and values that cannot be decoded, are tried again every minute; the other items are not touched.
"""

from collections.abc import Mapping, Sequence

import structlog
from asyncua import ua

from gateway.records.process import TagSample
from gateway.transport.opcua_failures import session_is_gone
from gateway.transport.opcua_listener import SILENT
from gateway.transport.opcua_nodes import namespaces_of, resolved
from gateway.transport.opcua_reading import read_or_refused, read_values
from gateway.transport.opcua_source import OpcUaSource
from gateway.transport.opcua_subscription import Subscription
from gateway.transport.opcua_values import BAD_DECODING_ERROR, retimed, sample_of
from gateway.transport.opcua_watch import Finding

log = structlog.get_logger()


class ItemUpkeep:
    """Looks after the items of one subscription."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._source = subscription.source
        self._clock = subscription.clock

    async def create(self, nodes: Mapping[str, ua.NodeId], *, renewed: bool = False) -> None:
        """Create items for these tags, and watch those that the server grants."""
        subscription, items = self._subscription, self._subscription.items
        if items is None:
            return
        now, watch = self._clock.monotonic(), subscription.watch
        items.expect(nodes)
        watch.begin(nodes, now=now, delays_seconds=items.delays_seconds)  # before: a value may come before the answer
        for tag in nodes if renewed else ():
            watch.renewed(tag, now=now)
        subscription.not_on_change |= nodes.keys()
        refused = await items.create(nodes)
        for tag in refused:
            watch.end(tag)
        subscription.troubles.refused |= refused
        subscription.report_troubles()

    async def take(self, source: OpcUaSource) -> None:
        """Take other tags of the same server: items that stay are not touched, those that go are deleted first."""
        subscription, items, before = self._subscription, self._subscription.items, self._source
        if items is None:
            return
        kept = {tag for tag, node in source.nodes.items()
                if before.nodes.get(tag) == node and before.indexes.get(tag) == source.indexes.get(tag)}  # fmt: skip
        for tag in sorted(before.nodes.keys() - kept):
            await items.delete(tag)
            subscription.watch.end(tag)
            subscription.troubles.forget(tag)
        self._source = subscription.source = items.source = source
        new = {tag: node for tag, node in source.nodes.items() if tag not in kept}
        came, refused = resolved(new, await namespaces_of(subscription.client))
        subscription.troubles.refused |= refused
        await self.create(came)

    async def look(self) -> bool:
        """Read the items that were silent for a while; return whether any of them failed to report a change.

        The value that was read is taken, or the item is created again.
        """
        subscription, samples, stalled = self._subscription, [], []
        tags = subscription.watch.due(self._clock.monotonic())
        for tag, sample in (await self._read(tags)).items():
            finding = subscription.watch.read(sample, now=self._clock.monotonic())
            if finding in {Finding.TAKEN, Finding.SILENT}:
                samples.append(sample)
            if finding is Finding.SILENT:
                subscription.troubles.silent[tag] = SILENT
            if finding is Finding.STALLED:
                stalled.append(tag)
        subscription.report_read(samples)
        for tag in stalled:
            log.warning("a value has changed, and the server did not report it", source=self._source.name, tag=tag)
            subscription.report_read((), lost_tags=frozenset({tag}))  # until its new item reports it
            await self._make_again(tag)
        if samples or stalled:
            subscription.report_troubles()
        return bool(samples or stalled)

    async def try_again(self) -> None:
        """Try those again that had no item so far: a node may have come, a value may be of another kind now."""
        troubles = self._subscription.troubles
        without = troubles.cannot_be_monitored()
        for tag in [tag for tag in troubles.silent if tag not in without]:
            await self._make_again(tag)
        if not without:
            return
        client, at_once = self._subscription.client, self._subscription.limits.read
        nodes_without_item = {tag: self._source.nodes[tag] for tag in without if tag in self._source.nodes}
        nodes, refused = resolved(nodes_without_item, await namespaces_of(client))
        try:
            values = await read_or_refused(client, list(nodes.values()), at_once=at_once)
        except TimeoutError:
            return  # a slow server: in a minute
        troubles.refused |= refused
        there = {
            tag: nodes[tag] for tag, value in zip(nodes, values, strict=True)
            if value.StatusCode is None or value.StatusCode.value != BAD_DECODING_ERROR
        }  # fmt: skip
        for tag in there:
            troubles.undecodable.pop(tag, None)
            troubles.refused.pop(tag, None)
        await self.create(there)
        came = sorted(there.keys() - troubles.refused.keys())
        if came:
            log.info("tags can be had now", source=self._source.name, tags=came)

    async def end_undecodable(self) -> None:
        """Delete items whose values cannot be decoded, and read the values that came after them."""
        subscription, items = self._subscription, self._subscription.items
        if items is None or not subscription.unread:
            return
        unread, subscription.unread = subscription.unread, set()
        for tag in [tag for tag in subscription.troubles.undecodable if tag in items.nodes]:
            log.error("a value cannot be decoded", source=self._source.name, tag=tag)
            await items.delete(tag)
            subscription.watch.end(tag)
        subscription.report_troubles()
        behind = sorted((unread - subscription.troubles.undecodable.keys()) & set(items.tags))
        samples = await self._read(behind)
        if behind and not samples:
            subscription.unread |= set(behind)  # the server was too slow: at the next look
        for sample in samples.values():
            subscription.watch.taken(sample, now=self._clock.monotonic())
        subscription.has_data = subscription.has_data or bool(samples)
        subscription.report_read(samples.values(), overflowed=frozenset(samples))

    async def _make_again(self, tag: str) -> None:
        """Create an item again that no longer reports its value."""
        items = self._subscription.items
        if items is None or tag not in items.nodes:
            return
        node = items.nodes[tag]
        await items.delete(tag)
        await self.create({tag: node}, renewed=True)

    async def _read(self, tags: Sequence[str]) -> dict[str, TagSample]:
        """Return the present values of monitored tags; nothing where the server takes too long to read them."""
        subscription, items = self._subscription, self._subscription.items
        known = [] if items is None else [tag for tag in tags if tag in items.nodes]
        if items is None or not known:
            return {}
        nodes = [items.nodes[tag] for tag in known]
        try:
            values = await read_values(subscription.client, nodes, at_once=subscription.limits.read)
        except (TimeoutError, ua.UaStatusCodeError) as error:
            if isinstance(error, ua.UaStatusCodeError) and session_is_gone(error):
                raise
            subscription.watch.postpone(known, now=self._clock.monotonic())
            return {}
        now_ns = self._clock.now_ns()
        return {tag: self._sample(tag, value, now_ns) for tag, value in zip(known, values, strict=True)}

    def _sample(self, tag: str, value: ua.DataValue, now_ns: int) -> TagSample:
        index = self._source.indexes.get(tag)
        return retimed(sample_of(tag, value, now_ns, index=index), self._source.time_of, now_ns)
