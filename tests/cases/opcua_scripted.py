"""An OPC UA server that misbehaves as it is told, in the place of asyncua's client: no socket, no waiting."""

import struct
from dataclasses import replace
from types import SimpleNamespace

from asyncua import ua

from gateway.records.process import Quality, quality_of
from gateway.transport.opcua import OpcUaSession
from gateway.transport.opcua_listener import Listener
from tests.cases.opcua_parts import Clock
from tests.integration.opcua_parts import URI, source_of

UNDECODABLE = bytes.fromhex("1601020f2701ffffffff")  # an ExtensionObject of length -1
DOUBLE = b"\x0b" + struct.pack("<d", 7.0)
_FILETIME_OF_1970 = 116_444_736_000_000_000


def body_of(*items, now_ns):
    """Return a DataChangeNotification of (handle, the bytes of a variant), each with both times."""
    ticks = now_ns // 100 + _FILETIME_OF_1970
    parts = [struct.pack("<IB", handle, 0x0D) + variant + struct.pack("<qq", ticks, ticks) for handle, variant in items]
    return struct.pack("<i", len(parts)) + b"".join(parts) + struct.pack("<i", 0)


class ScriptedServer:
    """What the session asks of asyncua's ``uaclient``."""

    def __init__(self, clock, **values):
        """Each value by its node's name: a number, a list, None for no such node, or bytes that are no value."""
        self.clock, self.values = clock, dict(values)
        self.namespaces = ["http://opcfoundation.org/UA/", URI]
        self.most_items = self.most_reads = 10_000
        self.publishing_ms = 0.0
        self.items, self.reads, self.calls = {}, [], []
        self._next = 0

    def handle_of(self, name):
        return next(handle for handle, node in self.items.values() if node == name)

    async def read_attributes(self, nodes, _attribute):
        if nodes[0].Identifier == ua.ObjectIds.Server_NamespaceArray:
            return [ua.DataValue(ua.Variant(list(self.namespaces), ua.VariantType.String, is_array=True))]
        raise AssertionError(nodes)

    async def read(self, parameters):
        names = [each.NodeId.Identifier for each in parameters.NodesToRead]
        if isinstance(names[0], int):
            return [ua.DataValue(None, ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown)) for _name in names]
        self.reads.append(names)
        if len(names) > self.most_reads:
            raise ua.uaerrors.BadTooManyOperations
        if any(isinstance(self.values.get(name), bytes) for name in names):
            raise struct.error("unpack requires a buffer of 4 bytes")
        return [self._value(self.values.get(name)) for name in names]

    def _value(self, value):
        if value is None:
            return ua.DataValue(None, ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown))
        return ua.DataValue(ua.Variant(value, ua.VariantType.Double, is_array=isinstance(value, list)))

    async def create_subscription(self, wanted, callback):
        self.callback = callback
        publishing_ms = max(self.publishing_ms, wanted.RequestedPublishingInterval)
        return SimpleNamespace(SubscriptionId=1, RevisedPublishingInterval=publishing_ms, RevisedMaxKeepAliveCount=10)

    async def create_monitored_items(self, parameters):
        self.calls.append(len(parameters.ItemsToCreate))
        if len(parameters.ItemsToCreate) > self.most_items:
            raise ua.uaerrors.BadTooManyOperations
        return [self._created(each) for each in parameters.ItemsToCreate]

    def _created(self, request):
        name = request.ItemToMonitor.NodeId.Identifier
        if self.values.get(name) is None:
            return SimpleNamespace(StatusCode=ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown))
        self._next += 1
        self.items[self._next] = (request.RequestedParameters.ClientHandle, name)
        return SimpleNamespace(
            StatusCode=ua.StatusCode(0),
            MonitoredItemId=self._next,
            RevisedQueueSize=request.RequestedParameters.QueueSize,
            RevisedSamplingInterval=request.RequestedParameters.SamplingInterval,
        )

    async def delete_monitored_items(self, parameters):
        for item in parameters.MonitoredItemIds:
            del self.items[item]
        return [ua.StatusCode(0)]


class ScriptedPlant:
    """A session with such a server, moved on second by second by hand."""

    def __init__(self, *tags, indexes=None, time_of="source", **values):
        self.clock = Clock()
        self.server = ScriptedServer(self.clock, **values)
        self.client = SimpleNamespace(uaclient=self.server)
        self.notifications, self.conditions, self.tag_reasons = [], {}, {}
        source = replace(source_of("opc.tcp://127.0.0.1:1", *(tags or values)), indexes=indexes or {}, time_of=time_of)
        self.session = OpcUaSession(
            source,
            clock=self.clock,
            listener=Listener(
                on_notification=self.notifications.append,
                on_state=lambda _up: None,
                on_condition=self.conditions.__setitem__,
                on_tags=self._take_reasons,
            ),
        )
        self.session._client = self.client
        self.until_seconds = self.then = None
        self._sequence = 0

    def _take_reasons(self, reasons):
        self.tag_reasons = dict(reasons)

    async def subscribe(self):
        await self.session._subscribe(self.client)

    async def tell(self, *names, raw=None):
        """Have the server tell these nodes' values; ``raw``: by name, other bytes than those of the number 7."""
        raw = raw or {}
        items = [(self.server.handle_of(name), raw.get(name, DOUBLE)) for name in (*names, *raw)]
        self._sequence += 1
        message = ua.NotificationMessage(
            SequenceNumber=self._sequence, NotificationData=[body_of(*items, now_ns=self.clock.now_ns())]
        )
        await self.session._published(ua.PublishResult(SubscriptionId=1, NotificationMessage=message))

    async def look(self, *, after=0.0):
        """Let time pass and the session look after its items."""
        self.clock.seconds += after
        await self.session._end_undecodable()
        await self.session._look_at_items(self.client)

    async def try_again(self):
        await self.session._try_again(self.client)

    def last(self, tag):
        """Return the last sample told of a tag, as (value, whether it is good), or None."""
        told = [sample for each in self.notifications for sample in each.samples if sample.tag == tag]
        return (told[-1].value, quality_of(told[-1].status) is Quality.GOOD) if told else None

    def alarms(self):
        return {code for code, stands in self.conditions.items() if stands}

    async def pause(self, _lost, seconds):
        """In the place of a pause: the time that it takes passes at once."""
        self.clock.seconds += max(seconds, 0.5)
        if self.until_seconds is not None and self.clock.seconds >= self.until_seconds:
            await self.then()
