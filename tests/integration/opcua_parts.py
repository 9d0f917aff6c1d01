"""A real OPC UA server with a few tags, and a feed that listens to it."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from asyncua import Server, ua

from gateway.clock import SystemClock
from gateway.history.rings import Rings
from gateway.history.tag_history import History
from gateway.history.windows import WindowRequest
from gateway.ingest.event_queue import EventQueue
from gateway.ingest.gaps import Gaps
from gateway.ingest.opcua import OpcUaFeed
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_connection import OpcUaSource

URI = "urn:test:plant"


class PlantOfTags:
    """A server with a few variables; ``padding`` namespaces come before ours."""

    def __init__(self, port, *, padding=0, history=False, endpoint=None, prepare=None):
        """``prepare`` gets the server before it starts."""
        self.url = f"opc.tcp://127.0.0.1:{port}/test"
        self._endpoint = endpoint or self.url
        self._padding = padding
        self._history = history
        self._prepare = prepare
        self.variables = {}

    async def __aenter__(self):
        self.server = Server()
        self.server.iserver.disabled_clock = True  # which would be waited for at the end
        await self.server.init()
        self.server.set_endpoint(self._endpoint)
        self.server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        if self._prepare is not None:
            await self._prepare(self.server)
        for at in range(self._padding):
            await self.server.register_namespace(f"urn:padding:{at}")
        index = await self.server.register_namespace(URI)
        for name, value, kind in (
            ("T", 20.5, ua.VariantType.Double), ("N", 7, ua.VariantType.Int32), ("B", True, ua.VariantType.Boolean),
            ("S", "text", ua.VariantType.String), ("A", [1.0, 2.0], ua.VariantType.Double),
        ):  # fmt: skip
            self.variables[name] = await self.server.nodes.objects.add_variable(
                ua.NodeId(name, index), name, value, kind
            )
        await self.server.start()
        if self._history:
            await self.server.historize_node_data_change(self.variables["T"], count=10_000)
        return self

    @property
    def sessions(self):
        """How many sessions of clients the server keeps, in use or not."""
        return len(self.server.iserver._external_sessions)

    def subscriptions(self):
        return list(self.server.iserver.subscription_service.subscriptions.values())

    async def __aexit__(self, *_):
        await self.server.stop()

    async def write(self, name, value, *, status=0, kind=ua.VariantType.Double, at=None):
        at = at or datetime.now(UTC)
        data = ua.DataValue(ua.Variant(value, kind), ua.StatusCode(status), SourceTimestamp=at, ServerTimestamp=at)
        await self.server.write_attribute_value(self.variables[name].nodeid, data)


def source_of(url, *names, name="plc1", security=None):
    return OpcUaSource(
        name=name, url=url, nodes={each: f"nsu={URI};s={each}" for each in names},
        publishing_interval_ms=50, sampling_interval_ms=50, security=security,
    )  # fmt: skip


class Unrecorded:
    """A historian that keeps nothing."""

    waits_long = False

    def record(self, samples):
        pass

    def clock_was_set(self, clock_set):
        pass


class Listener:
    def __init__(self, *sources, clock=None, max_clock_skew_ns=2 * SECOND_NS):
        self.clock = clock or SystemClock()
        self.rings = Rings({tag: source.name for source in sources for tag in source.nodes}, capacity=1000)
        self.inbox = EventQueue()
        self.states = []
        self.conditions = {}
        self.reasons = []
        self.tag_reasons = {}
        self.skews = {}
        self.feeds = [
            OpcUaFeed(
                source,
                clock=self.clock,
                history=History(self.rings, Unrecorded(), now=self.clock.now),
                gaps=Gaps(inbox=self.inbox, now=self.clock.now),
                max_clock_skew_ns=max_clock_skew_ns,
                on_state=lambda name, up: self.states.append((name, up)),
                on_condition=self.conditions.__setitem__,
                on_skew=self.skews.__setitem__,
                on_reason=lambda _name, why: self.reasons.append(why),
                on_tags=self.tag_reasons.__setitem__,
            )
            for source in sources
        ]
        self.sessions = [feed._session for feed in self.feeds]

    def gaps(self):
        return [pending.event.gap for queue in self.inbox._queues for pending in queue]

    @asynccontextmanager
    async def running(self):
        tasks = [asyncio.create_task(work) for feed in self.feeds for work in (feed.run(), feed.fill())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def last(self, tag):
        ring = self.rings._rings[tag]
        at_ns = ring.last_ns or 0
        window = ring.window(WindowRequest(tag=tag, start_ns=at_ns, end_ns=at_ns), confirmed_ns=0)
        return (float(window.values[-1]), int(window.statuses[-1])) if len(window) else (None, None)

    async def until(self, tag, condition, seconds=20):
        async with asyncio.timeout(seconds):
            while not condition(*self.last(tag)):
                await asyncio.sleep(0.01)

    async def until_states(self, *expected, seconds=20):
        """Wait until sources were told up and down like this; a value may come before its connection is told."""
        async with asyncio.timeout(seconds):
            while [up for _, up in self.states] != list(expected):
                await asyncio.sleep(0.01)
