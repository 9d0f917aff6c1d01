"""OPC UA on asyncua: one subscription per server, whole notifications taken at once.

Reconnection is ours alone (asyncua's supervisor stays off) and its state machine stands in ``reconnect``. What is
watched is *data*: a subscription that brings no first values or falls silent ends the client, and a new one is made;
an item that goes on without telling what a plain read shows (``opcua_watch``) is made anew by itself. Namespaces are
given by URI and resolved at every connection, as their indexes may change with a restart of the server. What the
server does not know, or nobody can decode, is tried again every minute, and the others go on. Notifications carry
sequence numbers: a missing one is asked for again, and what cannot be had again is told as lost.
"""

import asyncio
import datetime as dt
import math
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as AbstractSequence
from typing import Any

import structlog
from asyncua import Client, ua

from gateway.clock import Clock
from gateway.errors import CertificateUntrustedError, LablineError, SourceUnavailableError
from gateway.records.process import TagSample
from gateway.transport import opcua_history
from gateway.transport.opcua_certificates import certificates_in, judge
from gateway.transport.opcua_connection import REQUEST_TIMEOUT_SECONDS, connected
from gateway.transport.opcua_failures import session_is_gone
from gateway.transport.opcua_items import MonitoredItems
from gateway.transport.opcua_listener import SILENT, UNDECODABLE, Listener, Notification, Troubles
from gateway.transport.opcua_nodes import namespaces_of, resolved
from gateway.transport.opcua_notifications import Decoded, decoded
from gateway.transport.opcua_reading import OperationLimits, operation_limits, read_or_refused, read_values
from gateway.transport.opcua_sequence import MOST_REPUBLISHED, Sequence
from gateway.transport.opcua_source import OpcUaSource
from gateway.transport.opcua_values import (
    BAD_DECODING_ERROR,
    nanoseconds,
    overflowed,
    retimed,
    sample_of,
)
from gateway.transport.opcua_watch import FIRST_VALUE_SECONDS, Finding, ItemWatch
from gateway.transport.reconnect import Reconnection

log = structlog.get_logger()

_KEEPALIVE_SECONDS = 5.0
_SILENCES_ALLOWED = 1.5
_LOOK_SECONDS = 1.0
_TRY_AGAIN_SECONDS = 60.0
_CERTIFICATES_SECONDS = 3600.0
_LEFT_AGAIN_SECONDS = 600.0
_SLOWER_PUBLISHING = 1.5
_MOST_SAID = 20  # tags in one line of the log


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
        self._items: MonitoredItems | None = None
        self._watch_of_items = ItemWatch()
        self._troubles = Troubles()
        self._refused_said: dict[str, str] = {}  # in the log, at the last connection
        self._unread: set[str] = set()  # tags that were behind undecodable bytes
        self._sequence = Sequence()
        self._ended: str | None = None
        self._last_heard = 0.0
        self._has_told = False
        self._left_at = -math.inf  # when a connection was ended as its items told nothing
        self._not_told: set[str] = set()  # tags whose next value is the first of an item made anew

    @property
    def refused_nodes(self) -> Mapping[str, str]:
        """Return the tags whose nodes the server does not know or refuses, and why."""
        return self._troubles.refused

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
            except LablineError as error:
                why = f"{error}; {error.hint}" if error.hint else str(error)
            except Exception as error:  # noqa: BLE001 - a loop's edge: asyncua and cryptography raise of every kind
                why = str(error) or repr(error)
            self._listener.on_condition(self._untrusted, untrusted)
            self._listener.on_reason(why)
            await asyncio.sleep(self._reconnection.failed(why))

    async def _one_connection(self) -> None:
        self._judge_certificates()
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
                silence_seconds = await self._subscribe(client)
                await self._until_data(lost)
                self._reconnection.proven()
                self._subscribed.set()
                self._listener.on_state(True)
                await self._watch(client, lost, silence_seconds=silence_seconds)
            finally:
                self._client = None
                if self._subscribed.is_set() or self._has_told:  # values may have come before it was proven
                    self._subscribed.clear()
                    self._listener.on_state(False)
                self._has_told = False

    def _judge_certificates(self) -> None:
        """Tell whether our certificate, or every pinned one of the server, expires soon or has expired."""
        security = self._source.security
        if security is None:
            return
        now = dt.datetime.fromtimestamp(self._clock.now_ns() / 1e9, dt.UTC)
        try:
            own = [judge(each, now=now) for each in certificates_in(security.certificate)]
            theirs = [judge(each, now=now) for each in certificates_in(security.server_certificate)]
        except SourceUnavailableError:
            return  # told by the attempt to connect
        expires = any(each.wrong or each.soon for each in own)
        expires = expires or (bool(theirs) and all(each.wrong or each.soon for each in theirs))
        self._listener.on_condition(f"CERTIFICATE_EXPIRES_{self._source.name.upper()}", expires)

    # --- watching data, not the socket

    async def _until_data(self, lost: "asyncio.Future[str]") -> None:
        """Return once the subscription has shown that it delivers: the server owes the first values at once."""
        items = self._items
        allowed = FIRST_VALUE_SECONDS + (items.publishing_ms / 1000 if items is not None else 0.0)
        begun = self._clock.monotonic()
        while items is not None and items.tags and not self._has_told:
            await self._pause(lost, 0.05)
            if self._clock.monotonic() - begun > allowed:
                raise SourceUnavailableError("the subscription stands, but brings no data")
        await self._end_undecodable()
        self._must_have_tags()

    def _must_have_tags(self) -> None:
        """Raise where of the configured tags none can be had: such a source is not connected."""
        if self._source.nodes and (self._items is None or not self._items.tags):
            told = self._troubles.all()
            tag = next(iter(told), "")
            raise SourceUnavailableError(
                f"none of its {len(self._source.nodes)} tags can be had: {tag}: {told.get(tag, 'unknown')}",
                hint="labline opcua browse shows what the server has",
            )

    async def _watch(self, client: Client, lost: "asyncio.Future[str]", *, silence_seconds: float) -> None:
        """Raise when the connection is lost or nothing is heard for too long; see after single items."""
        try_again_at = self._clock.monotonic() + _TRY_AGAIN_SECONDS
        judge_at = self._clock.monotonic() + _CERTIFICATES_SECONDS
        while True:
            await self._pause(lost, _LOOK_SECONDS)
            now = self._clock.monotonic()
            if now - self._last_heard > silence_seconds:
                raise SourceUnavailableError(f"the subscription has been silent for {now - self._last_heard:.0f} s")
            await self._end_undecodable()
            await self._look_at_items(client)
            if now >= try_again_at:
                try_again_at = now + _TRY_AGAIN_SECONDS
                await self._try_again(client)
            if now >= judge_at:
                judge_at = now + _CERTIFICATES_SECONDS
                self._judge_certificates()
            self._must_have_tags()

    async def _pause(self, lost: "asyncio.Future[str]", seconds: float) -> None:
        await asyncio.wait({lost}, timeout=seconds)
        if lost.done():
            raise SourceUnavailableError(f"the connection was lost: {lost.result()}")
        if self._ended is not None:
            raise SourceUnavailableError(self._ended)

    async def _look_at_items(self, client: Client) -> None:
        """Read what items have not told for a while; what they do not tell is taken, or the item made anew."""
        tags = self._watch_of_items.due(self._clock.monotonic())
        samples, stalled = [], []
        for tag, sample in (await self._read(client, tags)).items():
            finding = self._watch_of_items.read(sample, now=self._clock.monotonic())
            if finding in {Finding.TAKEN, Finding.SILENT}:
                samples.append(sample)
            if finding is Finding.SILENT:
                self._troubles.silent[tag] = SILENT
            if finding is Finding.STALLED:
                stalled.append(tag)
        self._tell_what_was_read(samples)
        for tag in stalled:
            log.warning("a value has changed, and the server did not tell it", source=self._source.name, tag=tag)
            self._tell_what_was_read((), lost_tags=frozenset({tag}))  # until its new item tells it
            await self._make_anew(tag)
        if samples or stalled:
            self._tell_troubles()
            self._must_tell_of_most()

    def _must_tell_of_most(self) -> None:
        """Raise where most items have fallen silent: it is the subscription, and a new connection may bring them back.

        Seldom: a server of which no subscription tells anything is read, rather than left all the time.
        """
        now = self._clock.monotonic()
        most = self._items is not None and 2 * len(self._troubles.silent) > len(self._items.tags)
        if most and now - self._left_at >= _LEFT_AGAIN_SECONDS:
            self._left_at = now
            raise SourceUnavailableError("the subscription no longer tells what changes")

    async def _make_anew(self, tag: str) -> None:
        """Create an item anew that no longer tells its value."""
        items = self._items
        if items is None or tag not in items.nodes:
            return
        node = items.nodes[tag]
        await items.delete(tag)
        await self._create({tag: node}, renewed=True)

    async def _read(self, client: Client, tags: AbstractSequence[str]) -> dict[str, TagSample]:
        """Return the present values of monitored tags; nothing where the server takes too long to read them."""
        items = self._items
        known = [] if items is None else [tag for tag in tags if tag in items.nodes]
        if items is None or not known:
            return {}
        try:
            values = await read_values(client, [items.nodes[tag] for tag in known], at_once=self._limits.read)
        except (TimeoutError, ua.UaStatusCodeError) as error:
            if isinstance(error, ua.UaStatusCodeError) and session_is_gone(error):
                raise
            self._watch_of_items.postpone(known, now=self._clock.monotonic())
            return {}
        now_ns = self._clock.now_ns()
        return {tag: self._sample(tag, value, now_ns) for tag, value in zip(known, values, strict=True)}

    def _sample(self, tag: str, value: ua.DataValue, now_ns: int) -> TagSample:
        index = self._source.indexes.get(tag)
        return retimed(sample_of(tag, value, now_ns, index=index), self._source.time_of, now_ns)

    # --- subscribing

    async def _subscribe(self, client: Client) -> float:
        """Create the subscription and its items; return for how many seconds it may be silent."""
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
        nodes, refused = resolved(self._source.nodes, await namespaces_of(client))
        self._last_heard = self._clock.monotonic()
        self._sequence, self._ended, self._has_told = Sequence(), None, False
        self._watch_of_items, self._troubles, self._items = ItemWatch(), Troubles(refused=refused), None
        self._unread, self._not_told = set(), set()
        granted = await client.uaclient.create_subscription(wanted, self._published)
        if granted.RevisedPublishingInterval > _SLOWER_PUBLISHING * publishing_ms:
            log.warning("the server publishes slower than asked for; tags with a shorter max_age are often too old",
                        source=self._source.name, seconds=granted.RevisedPublishingInterval / 1000)  # fmt: skip
        self._items = MonitoredItems(
            source=self._source,
            client=client,
            subscription_id=granted.SubscriptionId,
            publishing_ms=granted.RevisedPublishingInterval,
            at_once=self._limits.monitored_items,
        )
        await self._create(nodes)
        if self._items.slower:
            log.warning("the server samples these slower, or keeps fewer values, than asked for",
                        source=self._source.name, tags=self._items.slower[:_MOST_SAID],
                        count=len(self._items.slower))  # fmt: skip
        if self._troubles.refused and self._troubles.refused != self._refused_said:
            some = dict(sorted(self._troubles.refused.items())[:_MOST_SAID])
            log.error("nodes refused by the server", source=self._source.name, nodes=some,
                      count=len(self._troubles.refused))  # fmt: skip
        self._refused_said = dict(self._troubles.refused)
        self._must_have_tags()
        keepalive_ms = granted.RevisedPublishingInterval * granted.RevisedMaxKeepAliveCount
        return float(_SILENCES_ALLOWED * keepalive_ms / 1000)

    async def _create(self, nodes: Mapping[str, ua.NodeId], *, renewed: bool = False) -> None:
        """Create items for these tags, and watch those that the server grants."""
        items = self._items
        if items is None:
            return
        now, watch = self._clock.monotonic(), self._watch_of_items
        items.expect(nodes)
        watch.begin(nodes, now=now, delays_seconds=items.delays_seconds)  # before: a value may come before the answer
        for tag in nodes if renewed else ():
            watch.renewed(tag, now=now)
        self._not_told |= nodes.keys()
        refused = await items.create(nodes)
        for tag in refused:
            watch.end(tag)
        self._troubles.refused |= refused
        self._tell_troubles()

    async def _try_again(self, client: Client) -> None:
        """Try those again that had no item so far: a node may have come, a value may be of another kind now."""
        without = self._troubles.cannot_be_monitored()
        silent = [tag for tag in self._troubles.silent if tag not in without]
        for tag in silent:
            await self._make_anew(tag)
        if not without:
            return
        wanted = {tag: self._source.nodes[tag] for tag in without if tag in self._source.nodes}
        nodes, refused = resolved(wanted, await namespaces_of(client))
        try:
            values = await read_or_refused(client, list(nodes.values()), at_once=self._limits.read)
        except TimeoutError:
            return  # a slow server: in a minute
        self._troubles.refused |= refused
        there = {
            tag: nodes[tag] for tag, value in zip(nodes, values, strict=True)
            if value.StatusCode is None or value.StatusCode.value != BAD_DECODING_ERROR
        }  # fmt: skip
        for tag in there:
            self._troubles.undecodable.pop(tag, None)
            self._troubles.refused.pop(tag, None)
        await self._create(there)
        came = sorted(there.keys() - self._troubles.refused.keys())
        if came:
            log.info("tags can be had now", source=self._source.name, tags=came)

    async def _end_undecodable(self) -> None:
        """Take items whose values nobody can decode out of the subscription, and read what was told behind them."""
        items, client = self._items, self._client
        if items is None or client is None or not self._unread:
            return
        unread, self._unread = self._unread, set()
        for tag in [tag for tag in self._troubles.undecodable if tag in items.nodes]:
            log.error("a value cannot be decoded", source=self._source.name, tag=tag)
            await items.delete(tag)
            self._watch_of_items.end(tag)
        self._tell_troubles()
        behind = sorted((unread - self._troubles.undecodable.keys()) & set(items.tags))
        samples = await self._read(client, behind)
        if behind and not samples:
            self._unread |= set(behind)  # the server was too slow: at the next look
        for sample in samples.values():
            self._watch_of_items.taken(sample, now=self._clock.monotonic())
        self._has_told = self._has_told or bool(samples)
        self._tell_what_was_read(samples.values(), overflowed=frozenset(samples))

    def _tell_troubles(self) -> None:
        """Tell which alarms stand, and of each tag that cannot be used the reason."""
        name, troubles = self._source.name.upper(), self._troubles
        self._listener.on_condition(f"NODES_REFUSED_{name}", bool(troubles.refused))
        self._listener.on_condition(f"TAGS_UNREADABLE_{name}", bool(troubles.undecodable or troubles.misfits))
        self._listener.on_condition(f"ITEMS_SILENT_{name}", bool(troubles.silent))
        self._listener.on_tags(troubles.all())

    # --- being told

    async def _published(self, result: ua.PublishResult) -> None:
        """Take one whole publish response; awaited by asyncua's publish loop before it asks for the next."""
        message = result.NotificationMessage
        contents = message.NotificationData or ()
        for content in contents:
            if isinstance(content, ua.StatusChangeNotification):
                self._ended = f"the server ended the subscription: {content.Status}"
                return
        missing = self._sequence.missing(message.SequenceNumber, has_data=bool(contents))
        lost = False
        for number in missing[-MOST_REPUBLISHED:]:
            again = await self._republished(number) if number in (result.AvailableSequenceNumbers or ()) else None
            lost = lost or again is None
            if again is not None:
                self._tell(again, lost=False)
        if lost or len(missing) > MOST_REPUBLISHED:
            log.warning("notifications lost on the way", source=self._source.name, count=len(missing))
        self._tell(message, lost=lost or len(missing) > MOST_REPUBLISHED)

    async def _republished(self, number: int) -> Any:
        if self._client is None:
            return None
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
                subscription_id = 0 if self._items is None else self._items.subscription_id
                return await self._client.uaclient.session.republish(subscription_id, number)
        except Exception as error:  # noqa: BLE001 - asyncua raises of every kind; what stands behind it must be told
            log.warning("a notification cannot be had again", source=self._source.name, error=str(error))
            return None

    def _decoded(self, message: ua.NotificationMessage) -> list[Decoded] | None:
        """Return what a notification holds; None where nothing of it can be read, which is as if it were lost."""
        now_ns, contents = self._clock.now_ns(), message.NotificationData or ()
        handles, retired = ({}, ()) if self._items is None else (self._items.tag_of_handle, self._items.retired)
        try:
            return [decoded(each, handles, now_ns, index_of=self._source.indexes, retired=retired) for each in contents]
        except Exception as error:  # noqa: BLE001 - a stranger's bytes; what is not told as lost would be gone unseen
            log.warning("a notification cannot be read", source=self._source.name, error=str(error))
            return None

    def _tell(self, message: ua.NotificationMessage, *, lost: bool) -> None:
        parts, now_ns = self._decoded(message), self._clock.now_ns()
        samples = tuple(sample for part in parts or () for sample in part.samples)
        if self._source.time_of != "source":
            samples = tuple(retimed(sample, self._source.time_of, now_ns) for sample in samples)
        self._last_heard = self._clock.monotonic()
        for sample in samples:
            self._watch_of_items.told(sample, now=self._last_heard)
        self._has_told = self._has_told or bool(samples)
        not_told = frozenset(self._not_told)
        if not_told:
            self._not_told.difference_update(sample.tag for sample in samples)
        self._listener.on_notification(
            Notification(
                samples=samples,
                server_ns=nanoseconds(message.PublishTime),
                overflowed=frozenset(sample.tag for sample in samples if overflowed(sample)),
                lost=lost or parts is None,
                not_told=not_told,
                delays_ns={} if self._items is None else self._items.delays_ns,
            )
        )
        self._note_troubles(parts or (), samples)

    def _note_troubles(self, parts: Iterable[Decoded], samples: Iterable[TagSample]) -> None:
        """Note what of these values is of no use, and what is of use again."""
        before = self._troubles.all()
        told = {sample.tag for sample in samples}
        for tag in told & (self._troubles.misfits.keys() | self._troubles.silent.keys()):
            self._troubles.misfits.pop(tag, None)
            self._troubles.silent.pop(tag, None)
        for part in parts:
            self._troubles.misfits |= part.misfits
            if part.undecodable is not None:
                self._troubles.undecodable[part.undecodable] = UNDECODABLE
            if part.cut and self._items is not None:
                self._unread |= set(self._items.tags)
        if self._troubles.all() != before:
            for tag in self._troubles.misfits.keys() - before.keys():
                log.error("a tag is of no use", source=self._source.name, tag=tag, reason=self._troubles.misfits[tag])
            self._tell_troubles()

    def _tell_what_was_read(
        self,
        samples: Iterable[TagSample],
        *,
        overflowed: frozenset[str] = frozenset(),
        lost_tags: frozenset[str] = frozenset(),
    ) -> None:
        taken = tuple(samples)
        if taken or lost_tags:
            self._listener.on_notification(
                Notification(
                    samples=taken,
                    server_ns=None,
                    overflowed=overflowed,
                    lost_tags=lost_tags,
                    not_told=frozenset(sample.tag for sample in taken),
                    confirms=False,
                )
            )

    # --- what the server remembers

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the tags that the server tells of."""
        return () if self._items is None else self._items.tags

    async def read_history(
        self, tags: AbstractSequence[str], *, start_ns: int, end_ns: int
    ) -> dict[str, list[TagSample]]:
        """Return what the server's history has of some tags, with the value at the start; nothing where it refuses.

        Raises SourceUnavailableError where the connection is not there.
        """
        client, items = self._client, self._items
        if client is None or items is None or not self._subscribed.is_set():
            raise SourceUnavailableError(f"{self._source.name} is not connected")
        return await opcua_history.read_history(
            client,
            self._source,
            {tag: items.nodes[tag] for tag in tags if tag in items.nodes},
            start_ns=start_ns,
            end_ns=end_ns,
            at_once=self._limits.history_read,
            clock=self._clock,
        )
