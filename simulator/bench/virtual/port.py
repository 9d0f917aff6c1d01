"""The writer's connection to the PLC, in memory: variables are named as the configuration names them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from asyncua import ua

from gateway.line.limits import Limits, intersection
from gateway.runtime.setpoint_writer import Connect
from gateway.transport.opcua_source import OpcUaSource
from gateway.transport.opcua_types import Writable
from simulator.plant_setpoints import BEAT, WRITTEN, PlantSetpoints

_DOUBLE = Writable(variant_type=ua.VariantType.Double)


class PortInMemory:
    """Reads and writes the blocks of the plant's setpoints."""

    def __init__(self, setpoints: PlantSetpoints) -> None:
        self._setpoints = setpoints
        self._beats = 0

    async def read(self, nodes: Mapping[str, str]) -> dict[str, float]:
        """Return the values of nodes by name."""
        return {name: float(self._value(node)) for name, node in nodes.items()}

    def _value(self, node: str) -> float:
        tag, _, point = _name(node).partition(".")
        return self._setpoints.point(tag, point) if point else self._setpoints.blocks[tag].setpoint

    async def writable(self, _node: str) -> Writable:
        """Return a variable's type."""
        return _DOUBLE

    async def eu_range(self, *nodes: str) -> Limits | None:
        """Return the intersection of the EURange of variables: requests have one."""
        tags = [_name(node).partition(".") for node in nodes]
        ranges = [WRITTEN[tag].eu_range for tag, _, point in tags if point == "request"]
        return intersection(*ranges) if ranges else None

    async def write(self, node: str, value: ua.Variant) -> None:
        """Write a request."""
        self._setpoints.request(_name(node).partition(".")[0], float(value.Value))

    async def call(self, parent: str, method: str, arguments: object) -> None:
        """Refuse: no block has a method."""
        raise NotImplementedError(f"{parent} {method} {arguments}")

    async def arguments(self, _method: str) -> tuple[Writable, ...]:
        """Return nothing: no block has a method."""
        return ()

    async def beat(self, node: str) -> None:
        """Count the heartbeat up."""
        if _name(node) != BEAT:
            raise ValueError(f"{node} is no heartbeat")
        self._beats += 1
        self._setpoints.beat(self._beats)


def _name(node: str) -> str:
    return node.partition(";s=")[2]


def connecting_to(setpoints: PlantSetpoints) -> Connect:
    """Return what connects the writer of setpoints to them."""

    @asynccontextmanager
    async def connect(_source: OpcUaSource) -> AsyncIterator[PortInMemory]:
        yield PortInMemory(setpoints)

    return connect
