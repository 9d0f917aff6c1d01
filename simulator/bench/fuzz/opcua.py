"""The parser of what OPC UA servers send: publish responses, and the values in them.

asyncua raises of every kind on what it cannot read, and the gateway takes each as a notification that was lost. So only
what an input costs counts here.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_to_binary

from gateway.transport.opcua_notifications import decoded, publish_response
from gateway.transport.opcua_values import status_text
from simulator.bench.fuzz.messages import NOW_NS
from simulator.bench.fuzz.running import Parser

_TAGS = {1: "a", 2: "b", 3: "c"}
_INDEXES: tuple[Mapping[str, int], ...] = ({}, {"a": 1})
_AT = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
_VALUES = (
    ua.Variant(21.5), ua.Variant(7, ua.VariantType.Int32), ua.Variant(2**60, ua.VariantType.Int64), ua.Variant(True),
    ua.Variant("text"), ua.Variant([1.0, 2.0, 3.0]), ua.Variant(_AT),
)  # fmt: skip


def _responses() -> list[bytes]:
    """Return publish responses as a server sends them: plain values, arrays, texts, times."""
    responses = []
    for first in range(len(_VALUES)):
        items = [
            ua.MonitoredItemNotification(
                ClientHandle=1 + number,
                Value=ua.DataValue(value, ua.StatusCode(0), SourceTimestamp=_AT, ServerTimestamp=_AT),
            )
            for number, value in enumerate(_VALUES[first : first + 3])
        ]
        response = ua.PublishResponse()
        response.Parameters.NotificationMessage.NotificationData = [ua.DataChangeNotification(MonitoredItems=items)]
        responses.append(bytes(struct_to_binary(response)))
    return responses


def _response(content: bytes) -> None:
    result = publish_response(Buffer(content)).Parameters
    for part in result.NotificationMessage.NotificationData:
        for indexes in _INDEXES:
            for sample in decoded(part, _TAGS, NOW_NS, index_of=indexes).samples:
                status_text(sample.status)


PARSERS: tuple[Parser, ...] = (
    Parser(
        name="opcua-values",
        reached_by="the OPC UA server, and who can take its place",
        examples=_responses,
        make=lambda: nullcontext(_response),
        refuses=(Exception,),
    ),
)
