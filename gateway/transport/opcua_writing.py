"""Single values to and from one OPC UA server, for the writer of setpoints.

A session of its own, apart from the subscription that the values come by. Values are read from the source at each read
and count only with good quality. A value is written in the exact type of the variable, without timestamps and without a
status, as many servers refuse these; a type of fewer digits rounds towards where the setpoint stands, never beyond what
was approved.
"""

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from asyncua import Client, ua

from gateway.errors import LablineError, SourceUnavailableError
from gateway.line.limits import Limits, intersection
from gateway.records.process import Quality, quality_of
from gateway.transport.opcua_connection import FAILURES, connected
from gateway.transport.opcua_failures import cause_of, session_is_gone
from gateway.transport.opcua_nodes import namespaces_of, resolved
from gateway.transport.opcua_reading import read_or_refused, read_values
from gateway.transport.opcua_source import OpcUaSource
from gateway.transport.opcua_types import Writable, built_in
from gateway.transport.opcua_values import sample_of, status_text

_UNKNOWN: Limits = (math.nan, math.nan)  # nothing lies within it
_LAST_BEAT = 30_000  # fits every integer type of at least 16 bits


Variant = ua.Variant  # a value with its type, as it is sent
TRUE = Variant(True, ua.VariantType.Boolean)


def as_text(text: str) -> ua.Variant:
    """Return a text as it is sent."""
    return ua.Variant(text, ua.VariantType.String)


class WriteRefusedError(LablineError):
    """The server answered that it did not write; ``status``: its code's name."""

    def __init__(self, status: str) -> None:
        super().__init__(f"the server refuses to write: {status}")
        self.status = status


class PlcPort:
    """One connection; nodes are named ``nsu=<uri>;<identifier>`` and resolved once."""

    def __init__(self, client: Client, namespaces: Sequence[str | None]) -> None:
        self._client = client
        self._namespaces = namespaces
        self._ids: dict[str, ua.NodeId | None] = {}
        self._ranges: dict[str, ua.NodeId | None] = {}
        self._beats: int | None = None

    # --- reading

    async def read(self, nodes: Mapping[str, str]) -> dict[str, float]:
        """Return by name the values that are numbers of good quality; a Boolean is 0 or 1."""
        values = await self._values(list(nodes.values()))
        samples = {name: sample_of(name, value, 0) for name, value in zip(nodes, values, strict=True)}
        return {
            name: sample.value
            for name, sample in samples.items()
            if quality_of(sample.status) is Quality.GOOD and math.isfinite(sample.value)
        }

    async def writable(self, node: str) -> Writable:
        """Return the type of a variable, as its present value has it; else, where it has or shows none, as declared."""
        (value,) = await self._values([node])
        shown = value.Value
        if shown is None or (shown.Value is None and not shown.is_array):
            return await self._declared(node)
        return Writable(variant_type=None if shown.is_array else shown.VariantType)

    async def _declared(self, node: str) -> Writable:
        """Return the type that a scalar variable is declared with."""
        node_id = self._id(node)
        if node_id is None:
            return Writable(variant_type=None)
        (declared,) = await self._answered(read_values(self._client, [node_id], attribute=ua.AttributeIds.DataType))
        (rank,) = await self._answered(read_values(self._client, [node_id], attribute=ua.AttributeIds.ValueRank))
        data_type = declared.Value.Value if declared.Value is not None else None
        scalar = rank.Value is not None and rank.Value.Value == ua.ValueRank.Scalar
        return Writable(variant_type=built_in(data_type) if scalar and isinstance(data_type, ua.NodeId) else None)

    async def eu_range(self, *nodes: str) -> Limits | None:
        """Return the intersection of the variables' EURange, None where none has one.

        One that is there and cannot be read holds nothing, so that nothing is written.
        """
        ranges = [await self._range_of(node) for node in dict.fromkeys(nodes)]
        present = [limits for limits in ranges if limits is not None]
        if not present:
            return None
        return _UNKNOWN if _UNKNOWN in present else intersection(*present)

    async def may_write(self, node: str) -> bool:
        """Return whether the server says that this user may write a variable."""
        node_id = self._id(node)
        if node_id is None:
            return False
        rights = ua.AttributeIds.UserAccessLevel
        (value,) = await self._answered(read_values(self._client, [node_id], attribute=rights))
        level = value.Value.Value if value.Value is not None else None
        return isinstance(level, int) and bool(level >> ua.AccessLevel.CurrentWrite & 1)

    async def may_call(self, method: str) -> bool:
        """Return whether the server says that this user may call a method."""
        node_id = self._id(method)
        if node_id is None:
            return False
        rights = ua.AttributeIds.UserExecutable
        (value,) = await self._answered(read_values(self._client, [node_id], attribute=rights))
        return value.Value is not None and value.Value.Value is True

    async def _range_of(self, node: str) -> Limits | None:
        if node not in self._ranges:
            self._ranges[node] = await self._property(node, "EURange")
        property_id = self._ranges[node]
        if property_id is None:
            return None
        (value,) = await self._answered(read_or_refused(self._client, [property_id]))
        status = value.StatusCode.value if value.StatusCode is not None else 0
        limits = value.Value.Value if value.Value is not None else None
        if quality_of(status) is not Quality.GOOD or not isinstance(limits, ua.Range):
            return _UNKNOWN
        low, high = float(limits.Low), float(limits.High)
        return _UNKNOWN if math.isnan(low) or math.isnan(high) else (low, high)

    async def _property(self, node: str, name: str) -> ua.NodeId | None:
        """Return a property of a node, None where it has none of that name."""
        parent = self._id(node)
        if parent is None:
            return None
        try:
            child = await self._answered(self._client.get_node(parent).get_child(f"0:{name}"))
        except _NotDoneError as error:
            if error.code == ua.StatusCodes.BadNoMatch:
                return None
            raise SourceUnavailableError(f"{node} cannot be looked at: {error}") from error
        return child.nodeid

    async def _values(self, nodes: Sequence[str]) -> list[ua.DataValue]:
        ids = {node: self._id(node) for node in nodes}
        known = [node_id for node_id in ids.values() if node_id is not None]
        values = await self._answered(read_or_refused(self._client, known)) if known else []
        by_id = dict(zip(known, values, strict=True))
        absent = ua.DataValue(None, ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown))
        return [absent if (node_id := ids[node]) is None else by_id[node_id] for node in nodes]

    def _id(self, node: str) -> ua.NodeId | None:
        if node not in self._ids:
            known, _refused = resolved({"node": node}, self._namespaces)
            self._ids[node] = known.get("node")
        return self._ids[node]

    # --- writing

    async def write(self, node: str, value: ua.Variant) -> None:
        """Write a variable; raises WriteRefusedError where the server says that it has not.

        A good status of another kind (clamped, completes later) is no refusal: what is read back decides.
        """
        node_id = self._id(node)
        if node_id is None:
            raise WriteRefusedError("BadNodeIdUnknown")
        data = ua.DataValue(value, None)  # neither status nor times
        try:
            (status,) = await self._answered(self._client.uaclient.write_attributes([node_id], [data]))
        except _NotDoneError as error:
            raise WriteRefusedError(str(error)) from error
        if quality_of(status.value) is not Quality.GOOD:  # also an uncertain one: it was not simply done
            raise WriteRefusedError(status_text(status.value))

    async def call(self, parent: str, method: str, arguments: Sequence[ua.Variant]) -> None:
        """Call a method; raises WriteRefusedError where the server says that it has not done it."""
        parent_id, method_id = self._id(parent), self._id(method)
        if parent_id is None or method_id is None:
            raise WriteRefusedError("BadNodeIdUnknown")
        request = ua.CallMethodRequest(ObjectId=parent_id, MethodId=method_id, InputArguments=list(arguments))
        try:
            (result,) = await self._answered(self._client.uaclient.call([request]))
        except _NotDoneError as error:
            raise WriteRefusedError(str(error)) from error
        if quality_of(result.StatusCode.value) is not Quality.GOOD:
            raise WriteRefusedError(status_text(result.StatusCode.value))

    async def arguments(self, method: str) -> tuple[Writable, ...]:
        """Return the types of a method's arguments; empty where it states none."""
        property_id = await self._property(method, "InputArguments")
        if property_id is None:
            return ()
        (value,) = await self._answered(read_or_refused(self._client, [property_id]))
        stated = value.Value.Value if value.Value is not None else None
        return tuple(
            Writable(variant_type=built_in(item.DataType) if item.ValueRank < 0 else None) for item in stated or ()
        )

    async def beat(self, node: str) -> None:
        """Count a heartbeat up by one, from where it stands at the first; raises where it cannot be written."""
        writable = await self.writable(node)
        if self._beats is None:
            self._beats = round((await self.read({"beat": node})).get("beat", 0.0))
        self._beats = self._beats + 1 if 0 <= self._beats < _LAST_BEAT else 0
        if writable.typed(self._beats, toward=0.0) is None:
            raise SourceUnavailableError(f"the heartbeat {node} is no integer: {writable.text}")
        try:
            await self.write(node, writable.variant(self._beats))
        except WriteRefusedError as error:
            raise SourceUnavailableError(f"the heartbeat {node} cannot be written: {error.status}") from error

    async def _answered(self, request: Any) -> Any:
        """Return what a request answers; raises _NotDoneError where the server refuses, else SourceUnavailableError."""
        try:
            return await request
        except ua.UaStatusCodeError as error:
            if session_is_gone(error):
                raise SourceUnavailableError(f"the session is gone: {status_text(error.code)}") from error
            raise _NotDoneError(error.code) from error
        except FAILURES as error:
            raise SourceUnavailableError(cause_of(error)[0]) from error


class _NotDoneError(LablineError):
    """The server refuses a request as a whole."""

    def __init__(self, code: int) -> None:
        super().__init__(status_text(code))
        self.code = code


@asynccontextmanager
async def plc_port(source: OpcUaSource) -> AsyncIterator[PlcPort]:
    """Connect to a server to write to it; raises SourceUnavailableError or CertificateUntrustedError."""
    async with connected(source) as client:
        yield PlcPort(client, await namespaces_of(client))
