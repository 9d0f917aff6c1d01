"""Publish responses, the most frequent message: plain values are decoded here, everything else by asyncua.

asyncua's general decoder builds six objects for a value, and while it does nothing else in the process runs; a thousand
tags are a thousand values a second. A notification with anything but scalar numbers goes the general way. The layout is
that of OPC 10000-6, 5.2.2.16 and 5.2.2.17: picoseconds stand behind their timestamp (and are not kept).
"""

import struct
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from asyncua import ua
from asyncua.client.ua_session import UaSession
from asyncua.common.utils import Buffer
from asyncua.ua import ua_binary
from asyncua.ua.ua_binary import (
    Primitives,
    extensionobject_from_binary,
    from_binary,
    nodeid_from_binary,
    struct_from_binary,
)
from asyncua.ua.uaerrors import UaStructParsingError

from gateway.records.process import TagSample
from gateway.transport.opcua_values import (
    misfit_of,
    nanoseconds_of_filetime,
    number_of,
    sample_of,
    timed_sample,
    undecodable_sample,
)

_DATA_CHANGE = ua.FourByteNodeId(ua.ObjectIds.DataChangeNotification_Encoding_DefaultBinary)
_HAS_BODY = 0x01
_LENGTH_NOT_TOLD = -1
_VALUE, _STATUS, _SOURCE, _SERVER = 0x01, 0x02, 0x04, 0x08  # of a data value's mask
_AFTER_VALUE = {_STATUS: "I", _SOURCE: "q", 0x10: "2x", _SERVER: "q", 0x20: "2x"}  # 0x10, 0x20: picoseconds
_FORMATS = {1: "?", 2: "b", 3: "B", 4: "h", 5: "H", 6: "i", 7: "I", 8: "q", 9: "Q", 10: "f", 11: "d"}
_WIDE = frozenset({8, 9})  # 64 bits, of which a double keeps 53
_ITEM = struct.Struct("<IBB")  # client handle, mask, the variant's type
_COUNT = struct.Struct("<i")
# what follows an item's mask and type, by both
_LAYOUTS = {
    (mask, kind): struct.Struct("<" + form + "".join(part for bit, part in _AFTER_VALUE.items() if mask & bit))
    for mask in range(_VALUE, 0x40, 2)
    for kind, form in _FORMATS.items()
}


_any_array = ua_binary.unpack_uatype_array


def _array(kind: ua.VariantType, data: Buffer) -> object:
    """Return an array as asyncua does; raises UaError where it is one of nulls.

    A null takes no byte, so a message of ten bytes may announce two thousand million of them, and for as long as they
    are counted nothing else in the process runs.
    """
    if kind == ua.VariantType.Null:
        raise ua.UaError("an array of nulls is refused")
    return _any_array(kind, data)


ua_binary.unpack_uatype_array = _array  # asyncua has no other way: every array in a value passes here


class PublishingSession(UaSession):  # type: ignore[misc]  # asyncua has no types
    """asyncua's session, which leaves the values in publish responses as they came; ``decoded`` reads them."""

    async def publish(self, acks: list[ua.SubscriptionAcknowledgement]) -> ua.PublishResponse:
        """Ask for the next notification and return it; raises as asyncua does."""
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = acks
        return publish_response(await self._send_request(request, timeout=0))


def publish_response(data: Buffer) -> ua.PublishResponse:
    """Return the response in a message, of data changes only their bytes; raises UaError where it is none."""
    try:
        response = ua.PublishResponse(TypeId=nodeid_from_binary(data))
        response.ResponseHeader = struct_from_binary(ua.ResponseHeader, data)
        result, message = response.Parameters, ua.NotificationMessage()
        result.SubscriptionId = Primitives.UInt32.unpack(data)
        result.AvailableSequenceNumbers = [Primitives.UInt32.unpack(data) for _ in range(Primitives.Int32.unpack(data))]
        result.MoreNotifications = Primitives.Boolean.unpack(data)
        message.SequenceNumber = Primitives.UInt32.unpack(data)
        message.PublishTime = Primitives.DateTime.unpack(data)
        message.NotificationData = [_content(data) for _ in range(Primitives.Int32.unpack(data))]
    except Exception as error:  # asyncua raises of every kind on what it cannot read, and waits for this one only
        raise UaStructParsingError(f"a publish response cannot be read: {error}") from error
    result.NotificationMessage = message
    return response


def _content(data: Buffer) -> object:
    """Return one part of a notification: data changes as their bytes, anything else as asyncua understands it."""
    ahead = data.copy()
    kind = nodeid_from_binary(ahead)
    if kind != _DATA_CHANGE or ahead.read(1)[0] != _HAS_BODY:
        return extensionobject_from_binary(data)
    length = Primitives.Int32.unpack(ahead)
    if length == _LENGTH_NOT_TOLD:
        return extensionobject_from_binary(data)
    if length < 0:
        raise UaStructParsingError(f"a part of a notification is {length} bytes long")
    body = ahead.read(length)
    data.skip(len(data) - len(ahead))
    return body


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """What a part of a notification holds, as far as it can be read."""

    samples: Sequence[TagSample] = ()
    misfits: Mapping[str, str] = field(default_factory=dict)  # by tag, why a value that was read is of no use
    undecodable: str | None = None  # the tag whose bytes cannot be read
    cut: bool = False  # whether what stands after undecodable bytes could not be read


def decoded(
    content: object,
    tag_of_handle: Mapping[int, str],
    now_ns: int,
    *,
    index_of: Mapping[str, int] = MappingProxyType({}),
    retired: Container[int] = (),
) -> Decoded:
    """Return what a part of a notification holds, in its order; of handles that nobody knows, nothing.

    Args:
        content: the part, as ``publish_response`` returns it.
        tag_of_handle: whose values those of a handle are.
        now_ns: when it came.
        index_of: by tag, the element to take of an array.
        retired: handles of items that are no more, of which something may still be on its way.

    Raises where nothing can be read of it and no tag is to blame, as asyncua does: of every kind.
    """
    if isinstance(content, bytes):
        plain = None if index_of else plain_samples(content, tag_of_handle, now_ns)
        if plain is not None:
            return Decoded(samples=plain)
        return _item_by_item(Buffer(content), tag_of_handle, now_ns, index_of, retired)
    if not isinstance(content, ua.DataChangeNotification):
        return Decoded()
    items = [(item.ClientHandle, item.Value) for item in content.MonitoredItems]
    return _understood(items, tag_of_handle, now_ns, index_of)


def _item_by_item(
    data: Buffer,
    tag_of_handle: Mapping[int, str],
    now_ns: int,
    index_of: Mapping[str, int],
    retired: Container[int],
) -> Decoded:
    """Read the items of a DataChangeNotification one by one, up to the first that cannot be read.

    Where not even a handle that anybody knows comes next, the item before it has other bytes than its own.
    """
    items: list[tuple[int, ua.DataValue]] = []
    handle: int | None = None
    count = Primitives.Int32.unpack(data)
    try:
        for _ in range(count):
            handle = None
            handle = Primitives.UInt32.unpack(data)
            items.append((handle, from_binary(ua.DataValue, data)))
    except Exception:  # a stranger's bytes: asyncua raises of every kind
        if handle not in tag_of_handle and handle not in retired:
            while items and items[-1][0] not in tag_of_handle:
                items.pop()
            if not items:
                raise
            handle = items.pop()[0]
        read = _understood(items, tag_of_handle, now_ns, index_of)
        tag = tag_of_handle.get(handle) if handle is not None else None
        samples = [*read.samples, *([] if tag is None else [undecodable_sample(tag, now_ns)])]
        return Decoded(samples=samples, misfits=read.misfits, undecodable=tag, cut=True)
    return _understood(items, tag_of_handle, now_ns, index_of)


def _understood(
    items: Sequence[tuple[int, ua.DataValue]],
    tag_of_handle: Mapping[int, str],
    now_ns: int,
    index_of: Mapping[str, int],
) -> Decoded:
    samples: list[TagSample] = []
    misfits: dict[str, str] = {}
    for handle, value in items:
        tag = tag_of_handle.get(handle)
        if tag is None:
            continue
        samples.append(sample_of(tag, value, now_ns, index=index_of.get(tag)))
        why = misfit_of(value, index=index_of.get(tag))
        if why is not None:
            misfits[tag] = why
    return Decoded(samples=samples, misfits=misfits)


def plain_samples(body: bytes, tag_of_handle: Mapping[int, str], now_ns: int) -> list[TagSample] | None:
    """Return what ``sample_of`` would of each value of a DataChangeNotification, or None where not all are plain."""
    try:
        (count,), at, samples = _COUNT.unpack_from(body), _COUNT.size, []
        for _ in range(count):
            handle, mask, kind = _ITEM.unpack_from(body, at)
            layout = _LAYOUTS.get((mask, kind))
            if layout is None:
                return None
            fields = iter(layout.unpack_from(body, at + _ITEM.size))
            at += _ITEM.size + layout.size
            value = next(fields)
            number = float(value)
            if kind in _WIDE and number_of(value)[1]:
                return None  # beyond what a number holds exactly: to be reported, and why
            status = next(fields) if mask & _STATUS else 0
            source_ns = nanoseconds_of_filetime(next(fields)) if mask & _SOURCE else None
            server_ns = nanoseconds_of_filetime(next(fields)) if mask & _SERVER else None
            tag = tag_of_handle.get(handle)
            if tag is not None:
                samples.append(timed_sample(tag, number, status, source_ns, server_ns, now_ns))
    except struct.error:
        return None
    return samples
