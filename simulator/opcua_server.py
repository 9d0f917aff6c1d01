"""The plant as a real OPC UA server: sensors, setpoints and the PLC's blocks of setpoints, in one namespace.

A setpoint is moved in two ways: by hand, at its own variable, or by the gateway, at the request of its block.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

from asyncua import Server, ua

from simulator.plant import SETPOINTS, TAGS, Plant
from simulator.plant_setpoints import BEAT, POINTS, WRITTEN, PlantSetpoints

NAMESPACE = "urn:labline:simulator"
SCAN_SECONDS = 0.25


class PlantServer:
    """Serves a plant in real time; an async context manager. ``run`` moves the plant."""

    def __init__(self, plant: Plant, *, port: int, on_scan: Callable[[float], None] = lambda _seconds: None) -> None:
        """``on_scan`` hears after each scan how many seconds of plant time it covered."""
        self.url = f"opc.tcp://127.0.0.1:{port}/plant"
        self._plant = plant
        self._on_scan = on_scan
        self._server = Server()
        self._nodes: dict[str, ua.NodeId] = {}
        self.setpoints = PlantSetpoints(plant)

    async def __aenter__(self) -> Self:
        await self._server.init()
        self._server.set_endpoint(self.url)
        self._server.set_server_name("Labline simulator")
        self._server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        index = await self._server.register_namespace(NAMESPACE)
        reactor = await self._server.nodes.objects.add_object(ua.NodeId("R1", index), "R1")
        self._plant.measure()
        values = dict(self._plant.reported)
        for tag, info in TAGS.items():
            variable = await reactor.add_variable(ua.NodeId(tag, index), tag, values[tag], ua.VariantType.Double)
            self._nodes[tag] = variable.nodeid
            if info.writable:
                await variable.set_writable()
        await self._add_blocks(index)
        await self._write(values)
        await self._server.start()
        return self

    async def _add_blocks(self, index: int) -> None:
        """Add what the gateway writes and reads of each setpoint's block, and its heartbeat."""
        reactor = self._server.nodes.objects
        beat = await reactor.add_variable(ua.NodeId(BEAT, index), BEAT, 0, ua.VariantType.Int16)
        await beat.set_writable()
        self._nodes[BEAT] = beat.nodeid
        for tag, written in WRITTEN.items():
            for point in POINTS:
                value, name = self.setpoints.point(tag, point), f"{tag}.{point}"
                variable = await reactor.add_variable(ua.NodeId(name, index), name, value, _type_of(value))
                self._nodes[name] = variable.nodeid
                if point == "request":
                    await variable.set_writable()
                    low, high = written.eu_range
                    await variable.add_property(0, "EURange", ua.Range(Low=low, High=high))

    async def __aexit__(self, *_exception: object) -> None:
        await self._server.stop()

    async def _write(self, values: dict[str, float]) -> None:
        now = datetime.now(UTC)
        for tag, value in values.items():
            data = ua.DataValue(ua.Variant(value, ua.VariantType.Double), SourceTimestamp=now, ServerTimestamp=now)
            await self._server.write_attribute_value(self._nodes[tag], data)

    async def run(self) -> None:
        """Let the plant live in real time until cancelled."""
        begun, offset = time.monotonic(), self._plant.now_seconds
        while True:
            await self._scan_setpoints(time.monotonic())
            before = self._plant.now_seconds
            self._plant.advance(offset + time.monotonic() - begun)
            measured = self._plant.measure()
            await self._write({tag: value for tag, value in measured.items() if tag not in SETPOINTS})
            self._on_scan(self._plant.now_seconds - before)
            done_scans = (time.monotonic() - begun) // SCAN_SECONDS
            await asyncio.sleep(begun + (done_scans + 1) * SCAN_SECONDS - time.monotonic())

    async def _scan_setpoints(self, now_seconds: float) -> None:
        """Take over what clients have written, run the blocks, and show what follows."""
        self.setpoints.beat(int(self._shown(BEAT) or 0))
        for tag in SETPOINTS:
            by_hand, requested = self._shown(tag), self._shown(f"{tag}.request")
            block = self.setpoints.blocks[tag]
            if by_hand is not None and by_hand != block.setpoint:
                self.setpoints.move(tag, by_hand)
            if requested is not None and requested != block.request:
                self.setpoints.request(tag, requested)
        self.setpoints.scan(now_seconds)
        shown = {tag: self.setpoints.blocks[tag].setpoint for tag in SETPOINTS}
        await self._write({tag: value for tag, value in shown.items() if value != self._shown(tag)})
        for tag in SETPOINTS:
            for point in POINTS:
                name, value = f"{tag}.{point}", self.setpoints.point(tag, point)
                if self._shown(name) != value:
                    data = ua.DataValue(ua.Variant(value, _type_of(value)))
                    await self._server.write_attribute_value(self._nodes[name], data)

    def _shown(self, name: str) -> float | None:
        value = self._server.read_attribute_value(self._nodes[name]).Value
        return None if value is None or not isinstance(value.Value, int | float) else value.Value


def _type_of(value: float | bool) -> ua.VariantType:  # noqa: FBT001 - a value of the PLC
    return ua.VariantType.Boolean if isinstance(value, bool) else ua.VariantType.Double
