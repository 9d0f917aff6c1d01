"""What a server remembers: HistoryRead, page by page."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import structlog
from asyncua import Client, ua

from gateway.clock import Clock
from gateway.errors import SourceUnavailableError
from gateway.records.process import TagSample
from gateway.transport.opcua_connection import FAILURES
from gateway.transport.opcua_reading import TOO_MANY
from gateway.transport.opcua_source import OpcUaSource
from gateway.transport.opcua_values import moment_of, retimed, sample_of

log = structlog.get_logger()

_VALUES_PER_READ = 10_000


async def read_history(
    client: Client,
    source: OpcUaSource,
    nodes: Mapping[str, ua.NodeId],
    *,
    start_ns: int,
    end_ns: int,
    at_once: int,
    clock: Clock,
) -> dict[str, list[TagSample]]:
    """Return what a server's history has of some tags, with the value at the start; nothing where it refuses.

    Nothing at all where values count from their arrival: none can be dated. Raises SourceUnavailableError.
    """
    samples_by_tag: dict[str, list[TagSample]] = {}
    if source.time_of == "arrival":
        return samples_by_tag
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=moment_of(start_ns),
        EndTime=moment_of(end_ns),
        NumValuesPerNode=_VALUES_PER_READ,
        ReturnBounds=True,
    )
    try:
        for begin in range(0, len(nodes), at_once):
            group = {tag: nodes[tag] for tag in list(nodes)[begin : begin + at_once]}
            for tag, values in await _read_in_halves(client, group, details):
                now_ns, index = clock.now_ns(), source.indexes.get(tag)
                samples = (sample_of(tag, value, now_ns, index=index) for value in values)
                samples_by_tag.setdefault(tag, []).extend(retimed(sample, source.time_of, now_ns) for sample in samples)
    except FAILURES as error:
        raise SourceUnavailableError(f"history cannot be read: {str(error) or type(error).__name__}") from error
    return samples_by_tag


async def _read_in_halves(client: Client, nodes: Mapping[str, ua.NodeId], details: Any) -> list[tuple[str, Any]]:
    """Return the stored values of some tags; if they are too many at once, or one cannot be decoded, read in halves."""
    try:
        return [page async for page in _pages(client, nodes, details)]
    except TOO_MANY:
        if len(nodes) == 1:
            raise
    except (ua.UaStatusCodeError, OSError, TimeoutError):
        raise
    except Exception as error:  # noqa: BLE001 - asyncua raises of every kind on bytes that it cannot read
        if len(nodes) == 1:
            log.warning("what a server remembers cannot be decoded", tag=next(iter(nodes)), error=str(error))
            return []  # this tag has no history; the gap's record names it
    tags = list(nodes)
    half = len(tags) // 2
    first, second = ({tag: nodes[tag] for tag in part} for part in (tags[:half], tags[half:]))
    return [*await _read_in_halves(client, first, details), *await _read_in_halves(client, second, details)]


async def _pages(client: Client, nodes: Mapping[str, ua.NodeId], details: Any) -> AsyncIterator[tuple[str, Any]]:
    """Yield (tag, some of its values) until the server has sent all; nothing for tags without history."""
    continued: dict[str, bytes | None] = dict.fromkeys(nodes)
    while continued:
        nodes_to_read = [
            ua.HistoryReadValueId(NodeId=nodes[tag], ContinuationPoint=point) for tag, point in continued.items()
        ]
        results: Sequence[Any] = await client.uaclient.history_read(
            ua.HistoryReadParameters(
                HistoryReadDetails=details,
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                ReleaseContinuationPoints=False,
                NodesToRead=nodes_to_read,
            )
        )
        following: dict[str, bytes | None] = {}
        for (tag, point), result in zip(continued.items(), results, strict=True):
            if not result.StatusCode.is_good():
                continue  # this tag has no history; the gap's record names it
            yield tag, getattr(result.HistoryData, "DataValues", None) or ()
            if result.ContinuationPoint and result.ContinuationPoint != point:
                following[tag] = result.ContinuationPoint
        continued = following
