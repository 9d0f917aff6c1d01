"""Plain reads, which a single bad value or a limit that the server does not state do not spoil for the others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from asyncua import Client, ua

from gateway.errors import SourceUnavailableError
from gateway.transport.opcua_failures import session_is_gone
from gateway.transport.opcua_values import BAD_DECODING_ERROR

MOST_AT_ONCE = 1000  # where a server names no limit
TOO_MANY = (
    ua.uaerrors.BadTooManyOperations,
    ua.uaerrors.BadEncodingLimitsExceeded,
    ua.uaerrors.BadRequestTooLarge,
    ua.uaerrors.BadResponseTooLarge,
    ua.uaerrors.BadTcpMessageTooLarge,
)
TOO_MANY_CODES = frozenset(error.code for error in TOO_MANY)


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationLimits:
    """How many items a server takes in one request (OPC 10000-5, 6.3.11)."""

    read: int = MOST_AT_ONCE
    monitored_items: int = MOST_AT_ONCE
    history_read: int = MOST_AT_ONCE

    def with_read(self, at_once: int) -> "OperationLimits":
        """Return these limits with another one for reading."""
        return replace(self, read=at_once)


async def operation_limits(client: Client) -> OperationLimits:
    """Return what the server takes in one request; where it does not say, a default."""
    objects = ua.ObjectIds
    nodes = (
        objects.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
        objects.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
        objects.Server_ServerCapabilities_OperationLimits_MaxNodesPerHistoryReadData,
    )
    limits = []
    for node in nodes:  # one by one: a server may take no more in one request
        (value,) = await read_or_refused(client, [ua.NodeId(node)])
        number = value.Value.Value if value.Value is not None else None
        limits.append(min(number, MOST_AT_ONCE) if isinstance(number, int) and number > 0 else MOST_AT_ONCE)
    return OperationLimits(read=limits[0], monitored_items=limits[1], history_read=limits[2])


async def read_values(
    client: Client,
    nodes: Sequence[ua.NodeId],
    *,
    at_once: int = MOST_AT_ONCE,
    attribute: ua.AttributeIds = ua.AttributeIds.Value,
) -> list[ua.DataValue]:
    """Return an attribute of each node; a value that cannot be decoded has the status BadDecodingError.

    Raises as asyncua does where the connection or the whole service fails.
    """
    values: list[ua.DataValue] = []
    for begin in range(0, len(nodes), at_once):
        values += await _read(client, list(nodes[begin : begin + at_once]), attribute)
    return values


async def read_or_refused(client: Client, nodes: Sequence[ua.NodeId], *, at_once: int = MOST_AT_ONCE) -> Any:
    """Return what ``read_values`` does; where the server refuses to read at all, its refusal as each node's status.

    Raises as asyncua does where the connection or the session fails, and TimeoutError.
    """
    try:
        return await read_values(client, nodes, at_once=at_once)
    except ua.UaStatusCodeError as error:
        if session_is_gone(error):
            raise
        return [ua.DataValue(None, ua.StatusCode(error.code)) for _node in nodes]


async def _read(client: Client, nodes: list[ua.NodeId], attribute: ua.AttributeIds) -> list[ua.DataValue]:
    try:
        values = await client.uaclient.read(_request(nodes, attribute))
    except TOO_MANY as error:
        if len(nodes) == 1:
            return [ua.DataValue(None, ua.StatusCode(error.code))]
    except (ua.UaStatusCodeError, OSError, TimeoutError):
        raise
    except Exception:  # noqa: BLE001 - asyncua raises of every kind on bytes that it cannot read
        if len(nodes) == 1:
            return [ua.DataValue(None, ua.StatusCode(BAD_DECODING_ERROR))]
    else:
        if values is None or len(values) != len(nodes):
            raise SourceUnavailableError(f"the server answers {len(values or ())} of {len(nodes)} reads")
        return list(values)
    half = len(nodes) // 2
    return [*await _read(client, nodes[:half], attribute), *await _read(client, nodes[half:], attribute)]


def _request(nodes: list[ua.NodeId], attribute: ua.AttributeIds) -> Any:
    return ua.ReadParameters(
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        NodesToRead=[ua.ReadValueId(NodeId=node, AttributeId=attribute) for node in nodes],
    )
