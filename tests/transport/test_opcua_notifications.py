"""What is read of publish responses here is what asyncua reads of them, and nothing breaks on what is cut off."""

import struct
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from asyncua.ua.uaerrors import UaStructParsingError
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import SystemClock
from gateway.transport.opcua_connection import OpcUaSource
from gateway.transport.opcua_listener import Troubles
from gateway.transport.opcua_notifications import decoded, plain_samples, publish_response
from gateway.transport.opcua_publish_responses import PublishResponses
from gateway.transport.opcua_reading import OperationLimits
from gateway.transport.opcua_subscription import Subscription

NOW_NS = 1_800_000_000_000_000_000
TAGS = {handle: f"tag{handle}" for handle in range(1, 6)}

SPAN = datetime(1601, 1, 1), datetime(9999, 1, 1)  # noqa: DTZ001 - hypothesis wants it so
KINDS = ua.VariantType
NUMBERS = {
    KINDS.Boolean: st.booleans(),
    KINDS.SByte: st.integers(-128, 127),
    KINDS.Byte: st.integers(0, 255),
    KINDS.Int16: st.integers(-(2**15), 2**15 - 1),
    KINDS.UInt16: st.integers(0, 2**16 - 1),
    KINDS.Int32: st.integers(-(2**31), 2**31 - 1),
    KINDS.UInt32: st.integers(0, 2**32 - 1),
    KINDS.Int64: st.integers(-(2**63), 2**63 - 1),
    KINDS.UInt64: st.integers(0, 2**64 - 1),
    KINDS.Float: st.floats(width=32),
    KINDS.Double: st.floats(),
}
numbers = st.one_of(*(values.map(lambda value, kind=kind: ua.Variant(value, kind)) for kind, values in NUMBERS.items()))
others = st.one_of(
    st.just(ua.Variant(None, KINDS.Null)),
    st.text(max_size=5).map(lambda text: ua.Variant(text, KINDS.String)),
    st.lists(st.floats(width=32), max_size=3).map(lambda values: ua.Variant(values, KINDS.Double, is_array=True)),
)
times = st.none() | st.datetimes(*SPAN, timezones=st.just(UTC))
items = st.builds(
    ua.MonitoredItemNotification,
    ClientHandle=st.integers(0, 7),
    Value=st.builds(
        ua.DataValue,
        Value=st.one_of(numbers, numbers, numbers, others),
        StatusCode=st.integers(0, 2**32 - 1).map(ua.StatusCode),
        SourceTimestamp=times,
        ServerTimestamp=times,
    ),
)
changes = st.lists(items, max_size=6).map(lambda found: ua.DataChangeNotification(MonitoredItems=found))
contents = st.lists(changes | st.just(ua.StatusChangeNotification(Status=ua.StatusCode(0x800A0000))), max_size=3)


def message_of(parts):
    response = ua.PublishResponse()
    response.Parameters.SubscriptionId = 7
    response.Parameters.AvailableSequenceNumbers = [1, 2]
    response.Parameters.NotificationMessage.SequenceNumber = 3
    response.Parameters.NotificationMessage.PublishTime = datetime(2026, 5, 1, tzinfo=UTC)
    response.Parameters.NotificationMessage.NotificationData = parts
    return struct_to_binary(response)


def notified(response):
    """Return all that we make of a response; samples as text, as no number equals itself where it is none."""
    result = response.Parameters
    message = result.NotificationMessage
    return (
        response.ResponseHeader, result.SubscriptionId, result.AvailableSequenceNumbers, message.SequenceNumber,
        message.PublishTime, [repr([*decoded(part, TAGS, NOW_NS).samples]) for part in message.NotificationData],
        [part for part in message.NotificationData if isinstance(part, ua.StatusChangeNotification)],
    )  # fmt: skip


@given(contents)
def test_what_is_read_here_is_what_asyncua_reads(parts):
    sent = message_of(parts)
    assert notified(publish_response(Buffer(sent))) == notified(struct_from_binary(ua.PublishResponse, Buffer(sent)))


@given(contents, st.data())
def test_a_response_that_is_cut_off_is_the_error_that_asyncua_goes_on_after(parts, data):
    sent = message_of(parts)
    cut = sent[: data.draw(st.integers(0, len(sent)))]
    with suppress(UaStructParsingError):
        assert notified(publish_response(Buffer(cut))) == notified(struct_from_binary(ua.PublishResponse, Buffer(sent)))


def test_a_part_of_negative_length_is_refused_and_not_read_for_ever():
    sent = struct_to_binary(ua.PublishResponse())
    up_to_the_parts, data_change = sent[:-12], ua.ObjectIds.DataChangeNotification_Encoding_DefaultBinary
    endless = up_to_the_parts + struct.pack("<i", 2**31 - 1) + struct.pack("<BBHBi", 1, 0, data_change, 1, -9)
    with pytest.raises(UaStructParsingError, match="-9 bytes"):
        publish_response(Buffer(endless))


def responses_told_to(notifications, client=None):
    """Return what takes the publish responses of a subscription without items."""
    listener = SimpleNamespace(on_notification=notifications.append)
    source = OpcUaSource(name="s", url="opc.tcp://127.0.0.1:1", nodes={}, publishing_interval_ms=50,
                         sampling_interval_ms=50)  # fmt: skip
    subscription = Subscription(source=source, client=client, clock=SystemClock(), listener=listener,
                                limits=OperationLimits(), troubles=Troubles(), last_heard=0.0)  # fmt: skip
    return PublishResponses(subscription)


async def test_what_is_asked_for_again_and_cannot_be_read_costs_only_itself():
    notified = []

    async def republish(_subscription, _number):
        raise ValueError("62 is not a valid NodeIdType")

    client = SimpleNamespace(uaclient=SimpleNamespace(session=SimpleNamespace(republish=republish)))
    responses = responses_told_to(notified, client)
    for number in (1, 3):
        message = ua.NotificationMessage(SequenceNumber=number, NotificationData=[struct.pack("<ii", 0, 0)])
        await responses.take(ua.PublishResult(NotificationMessage=message, AvailableSequenceNumbers=[2]))
    assert [each.lost for each in notified] == [False, True]


async def test_values_that_cannot_be_read_are_told_as_lost():
    notified = []
    responses = responses_told_to(notified)
    nested = struct.pack("<iIB", 1, 1, 0x01) + b"\x98\x01\x00\x00\x00" * 5000  # lists of lists of lists
    message = ua.NotificationMessage(SequenceNumber=1, NotificationData=[nested])
    await responses.take(ua.PublishResult(NotificationMessage=message))
    assert [(each.samples, each.lost) for each in notified] == [((), True)]


def test_picoseconds_stand_behind_their_own_timestamp():
    """OPC 10000-6, 5.2.2.17: asyncua reads them behind both."""
    ticks = 116_444_736_000_000_000 + 10_000_000  # a second after 1970
    body = struct.pack("<iIBBdIqHqH", 1, 1, 0x3F, 11, 1.5, 0x40000000, ticks, 7, 2 * 10_000_000 + ticks, 9)
    (sample,) = plain_samples(body + struct.pack("<i", 0), TAGS, NOW_NS)
    assert (sample.value, sample.status, sample.source_ns, sample.server_ns) == (1.5, 0x40000000, 10**9, 3 * 10**9)
