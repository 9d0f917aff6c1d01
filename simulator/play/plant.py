"""The recording as an OPC UA server: each column a tag, each row with its own source time."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Self

from asyncua import Server, ua

from simulator.opcua_server import NAMESPACE
from simulator.play.file import Recording, Timetable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PlayedPlant:
    """Serves a recording's tags; an async context manager. Before the first row every tag waits for its value."""

    def __init__(self, recording: Recording, *, port: int) -> None:
        self.url = f"opc.tcp://127.0.0.1:{port}/played"
        self._recording = recording
        self._server = Server()
        self._nodes: dict[str, ua.NodeId] = {}

    async def __aenter__(self) -> Self:
        await self._server.init()
        self._server.set_endpoint(self.url)
        self._server.set_server_name("Labline played recording")
        self._server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        index = await self._server.register_namespace(NAMESPACE)
        unit = await self._server.nodes.objects.add_object(ua.NodeId("played", index), "played")
        for tag in self._recording.tags:
            variable = await unit.add_variable(ua.NodeId(tag, index), tag, 0.0, ua.VariantType.Double)
            self._nodes[tag] = variable.nodeid
            status = ua.StatusCode(ua.StatusCodes.BadWaitingForInitialData)
            await self._server.write_attribute_value(
                variable.nodeid, ua.DataValue(StatusCode=status, SourceTimestamp=datetime.now(UTC))
            )
        await self._server.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._server.stop()

    async def play(self, timetable: Timetable, *, on_row: Callable[[int], None]) -> None:
        """Let each row happen at its time; returns when the last one has had its period."""
        for row in range(timetable.first, timetable.end):
            await until(timetable.instant_ns(row))
            await self._write(row, timetable.instant_ns(row))
            on_row(row)
        await until(timetable.instant_ns(timetable.end))

    async def _write(self, row: int, at_ns: int) -> None:
        at = _EPOCH + timedelta(microseconds=at_ns // 1000)
        for tag, values in self._recording.tags.items():
            value = ua.Variant(float(values[row]), ua.VariantType.Double)
            data = ua.DataValue(value, SourceTimestamp=at, ServerTimestamp=datetime.now(UTC))
            await self._server.write_attribute_value(self._nodes[tag], data)


async def until(at_ns: int) -> None:
    """Wait for an instant of the wall clock."""
    await asyncio.sleep(max(0.0, (at_ns - time.time_ns()) / 1e9))
