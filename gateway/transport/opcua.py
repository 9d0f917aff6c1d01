"""OPC UA on asyncua: one subscription per server, kept alive.

Reconnection is ours alone (asyncua's supervisor stays off) and its state machine stands in ``reconnect``. What is
watched is *data*: a subscription that brings no first values or falls silent ends the client, and a new one is made.
Namespaces are given by URI and resolved at every connection, as their indexes may change with a restart of the server.
What the server publishes is taken by ``opcua_publish_responses``; single items are looked after by
``opcua_item_upkeep``.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence

import structlog
from asyncua import Client

from gateway.clock import Clock
from gateway.errors import CertificateUntrustedError, LablineError, SourceUnavailableError
from gateway.records.process import TagSample
from gateway.transport import opcua_history
from gateway.transport.opcua_certificates import expires
from gateway.transport.opcua_connection import connected
from gateway.transport.opcua_item_upkeep import ItemUpkeep
from gateway.transport.opcua_listener import SessionListener, Troubles
from gateway.transport.opcua_nodes import namespaces_of, resolved
from gateway.transport.opcua_publish_responses import PublishResponses
from gateway.transport.opcua_reading import operation_limits
from gateway.transport.opcua_source import OpcUaSource
from gateway.transport.opcua_subscription import Subscription, subscription_request
from gateway.transport.opcua_watch import FIRST_VALUE_SECONDS
from gateway.transport.reconnect import Reconnection

log = structlog.get_logger()

_LOOK_SECONDS = 1.0
_TRY_AGAIN_SECONDS = 60.0
_CERTIFICATES_SECONDS = 3600.0
_LEFT_AGAIN_SECONDS = 600.0
_MOST_LOGGED = 20  # tags in one line of the log


class OpcUaSession:
    """Keeps the subscription of one source alive."""

    def __init__(self, source: OpcUaSource, *, clock: Clock, listener: SessionListener) -> None:
        self._source = source
        self._clock = clock
        self._listener = listener
        self._reconnection = Reconnection(f"opc ua {source.name}", clock=clock)
        self._untrusted = f"CERTIFICATE_UNTRUSTED_{source.name.upper()}"
        self._subscribed = asyncio.Event()
        self._subscription: Subscription | None = None  # the present one, or the last
        self._refused_logged: dict[str, str] = {}  # at the last connection
        self._left_at = -math.inf  # when a connection was ended as its items reported nothing

    @property
    def refused_nodes(self) -> Mapping[str, str]:
        """Return the tags whose nodes the server does not know or refuses, and why."""
        return {} if self._subscription is None else self._subscription.troubles.refused

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the tags that the server reports."""
        return () if self._subscription is None else self._subscription.tags

    async def wait_subscribed(self) -> None:
        """Wait until the subscription stands."""
        await self._subscribed.wait()

    def take_source(self, source: OpcUaSource) -> None:
        """Take other tags of the same server from the next look on; the items of those that stay are not touched."""
        self._source = source

    def renew(self, why: str) -> None:
        """End the client and make a new one, so that the server sends every value again."""
        if self._subscription is not None:
            self._subscription.ended = why

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
            try:
                subscription, upkeep, silence_seconds = await self._subscribe(client)
                await self._until_data(subscription, upkeep, lost)
                self._reconnection.proven()
                self._subscribed.set()
                self._listener.on_state(True)
                await self._watch(subscription, upkeep, lost, silence_seconds=silence_seconds)
            finally:
                self._left()

    def _left(self) -> None:
        """Report that the source is away, if it was reported as connected."""
        has_data = False
        if self._subscription is not None:
            has_data, self._subscription.has_data = self._subscription.has_data, False
            self._subscription.closed = True
        if self._subscribed.is_set() or has_data:  # values may have come before it was proven
            self._subscribed.clear()
            self._listener.on_state(False)

    def _judge_certificates(self) -> None:
        """Report whether our certificate, or every pinned one of the server, expires soon or has expired."""
        security = self._source.security
        if security is None:
            return
        try:
            soon = expires(security, now_ns=self._clock.now_ns())
        except SourceUnavailableError:
            return  # the attempt to connect reports it
        self._listener.on_condition(f"CERTIFICATE_EXPIRES_{self._source.name.upper()}", soon)

    # --- watching data, not the socket

    async def _until_data(self, subscription: Subscription, upkeep: ItemUpkeep, lost: "asyncio.Future[str]") -> None:
        """Return once the subscription has shown that it delivers: the server owes the first values at once."""
        items = subscription.items
        allowed = FIRST_VALUE_SECONDS + (items.publishing_ms / 1000 if items is not None else 0.0)
        begun = self._clock.monotonic()
        while subscription.tags and not subscription.has_data:
            await self._pause(subscription, lost, 0.05)
            if self._clock.monotonic() - begun > allowed:
                raise SourceUnavailableError("the subscription stands, but brings no data")
        await upkeep.end_undecodable()
        subscription.require_tags()

    async def _watch(
        self, subscription: Subscription, upkeep: ItemUpkeep, lost: "asyncio.Future[str]", *, silence_seconds: float
    ) -> None:
        """Raise when the connection is lost or nothing is heard for too long; see after single items."""
        try_again_at = self._clock.monotonic() + _TRY_AGAIN_SECONDS
        judge_at = self._clock.monotonic() + _CERTIFICATES_SECONDS
        while True:
            await self._pause(subscription, lost, _LOOK_SECONDS)
            now = self._clock.monotonic()
            silent_seconds = now - subscription.last_heard
            if silent_seconds > silence_seconds:
                raise SourceUnavailableError(f"the subscription has been silent for {silent_seconds:.0f} s")
            if subscription.source != self._source:
                await upkeep.take(self._source)
            await self._look(subscription, upkeep)
            if now >= try_again_at:
                try_again_at = now + _TRY_AGAIN_SECONDS
                await upkeep.try_again()
            if now >= judge_at:
                judge_at = now + _CERTIFICATES_SECONDS
                self._judge_certificates()
            subscription.require_tags()

    async def _pause(self, subscription: Subscription, lost: "asyncio.Future[str]", seconds: float) -> None:
        await asyncio.wait({lost}, timeout=seconds)
        if lost.done():
            raise SourceUnavailableError(f"the connection was lost: {lost.result()}")
        if subscription.ended is not None:
            raise SourceUnavailableError(subscription.ended)

    async def _look(self, subscription: Subscription, upkeep: ItemUpkeep) -> None:
        """Look after single items.

        Raises if most are silent: then it is the subscription, and a new connection may bring them back. Not often:
        if no subscription of a server reports anything, its tags are read instead.
        """
        await upkeep.end_undecodable()
        if not await upkeep.look():
            return
        now = self._clock.monotonic()
        most = subscription.items is not None and 2 * len(subscription.troubles.silent) > len(subscription.tags)
        if most and now - self._left_at >= _LEFT_AGAIN_SECONDS:
            self._left_at = now
            raise SourceUnavailableError("the subscription no longer reports changes")

    # --- subscribing

    async def _subscribe(self, client: Client) -> tuple[Subscription, ItemUpkeep, float]:
        """Create the subscription and its items; return it with for how many seconds it may be silent."""
        limits = await operation_limits(client)
        nodes, refused = resolved(self._source.nodes, await namespaces_of(client))
        subscription = Subscription(
            source=self._source,
            client=client,
            clock=self._clock,
            listener=self._listener,
            limits=limits,
            troubles=Troubles(refused=refused),
            last_heard=self._clock.monotonic(),
        )
        self._subscription, upkeep = subscription, ItemUpkeep(subscription)
        responses = PublishResponses(subscription)
        granted = await client.uaclient.create_subscription(subscription_request(self._source), responses.take)
        silence_seconds = subscription.granted(granted)
        await upkeep.create(nodes)
        self._refused_logged = _log_what_is_missing(subscription, refused_before=self._refused_logged)
        subscription.require_tags()
        return subscription, upkeep, silence_seconds

    # --- what the server remembers

    async def read_history(self, tags: Sequence[str], *, start_ns: int, end_ns: int) -> dict[str, list[TagSample]]:
        """Return what the server's history has of some tags, with the value at the start; nothing where it refuses.

        Raises SourceUnavailableError where the connection is not there.
        """
        subscription = self._subscription
        if subscription is None or subscription.items is None or not self._subscribed.is_set():
            raise SourceUnavailableError(f"{self._source.name} is not connected")
        nodes = subscription.items.nodes
        return await opcua_history.read_history(
            subscription.client,
            self._source,
            {tag: nodes[tag] for tag in tags if tag in nodes},
            start_ns=start_ns,
            end_ns=end_ns,
            at_once=subscription.limits.history_read,
            clock=self._clock,
        )


def _log_what_is_missing(subscription: Subscription, *, refused_before: Mapping[str, str]) -> dict[str, str]:
    """Log where the server grants less than was requested, and once what it refuses; return the refused tags."""
    source, refused = subscription.source.name, dict(subscription.troubles.refused)
    slower = [] if subscription.items is None else subscription.items.slower
    if slower:
        log.warning("the server samples these slower, or keeps fewer values, than requested",
                    source=source, tags=slower[:_MOST_LOGGED], count=len(slower))  # fmt: skip
    if refused and refused != refused_before:
        some = dict(sorted(refused.items())[:_MOST_LOGGED])
        log.error("nodes refused by the server", source=source, nodes=some, count=len(refused))
    return refused
