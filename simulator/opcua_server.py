"""The plant as a real OPC UA server: sensors and setpoints as variables of one namespace."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

from asyncua import Server, ua

from simulator.plant import SETPOINTS, TAGS, Plant

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
        await self._write(values)
        await self._server.start()
        return self

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
            for tag in SETPOINTS:
                value = self._server.read_attribute_value(self._nodes[tag]).Value
                if value is not None and isinstance(value.Value, float):
                    self._plant.setpoints[tag] = value.Value
            before = self._plant.now_seconds
            self._plant.advance(offset + time.monotonic() - begun)
            measured = self._plant.measure()
            await self._write({tag: value for tag, value in measured.items() if tag not in SETPOINTS})
            self._on_scan(self._plant.now_seconds - before)
            done_scans = (time.monotonic() - begun) // SCAN_SECONDS
            await asyncio.sleep(begun + (done_scans + 1) * SCAN_SECONDS - time.monotonic())
