"""The recording as an OPC UA server: each column a tag, each row with its own source time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
from asyncua import Server, ua

from gateway.time_units import seconds_to_ns
from simulator.opcua_server import NAMESPACE
from simulator.play.file import Recording, Timetable

Readings = dict[str, float | None]

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

    async def play(self, timetable: Timetable, *, ahead_ns: int, on_row: Callable[[int], None]) -> None:
        """Let each row happen at its time; returns when the last one has had its period.

        ``ahead_ns``: how long before its time a row is written, so that it is there when it counts: its source time is
        its own.
        """
        await play_rows(self._recording, timetable, self._write, ahead_ns=ahead_ns, on_row=on_row)

    async def _write(self, readings: Readings, at_ns: int) -> None:
        at = _EPOCH + timedelta(microseconds=at_ns // 1000)
        for tag, reading in readings.items():
            data = ua.DataValue(
                None if reading is None else ua.Variant(reading, ua.VariantType.Double),
                StatusCode=ua.StatusCode(ua.StatusCodes.Good if reading is not None else ua.StatusCodes.BadNoData),
                SourceTimestamp=at,
                ServerTimestamp=datetime.now(UTC),
            )
            await self._server.write_attribute_value(self._nodes[tag], data)


async def play_rows(
    recording: Recording,
    timetable: Timetable,
    write: Callable[[Readings, int], Awaitable[None]],
    *,
    ahead_ns: int,
    on_row: Callable[[int], None],
    now_ns: Callable[[], int] = time.time_ns,
) -> None:
    """Have what each row reads written, with the time that it is of; return when the last row has had its period."""
    for since_first_ns, row, readings in readings_of(recording, timetable.first, timetable.end):
        at_ns = timetable.at_ns(since_first_ns)
        await until(at_ns - ahead_ns, now_ns)
        await write(readings, at_ns)
        on_row(row)
    period_ns = seconds_to_ns(recording.period_seconds)
    await until(timetable.at_ns(int(recording.since_first_ns[timetable.end - 1]) + period_ns), now_ns)


def readings_of(recording: Recording, first: int, end: int) -> Iterator[tuple[int, int, Readings]]:
    """Yield when something is read, its row, and the tags with their values: None where they have none any more.

    A blank is no reading; a tag without any for the longest gap has no value until its next one. Times are ns since the
    first row.
    """
    gap_ns = None if recording.gap_seconds is None else seconds_to_ns(recording.gap_seconds)
    last_ns = dict[str, int]()  # of the tags that have a value
    for row in range(first, end):
        at_ns = int(recording.since_first_ns[row])
        ended = [tag for tag, read_ns in last_ns.items() if gap_ns is not None and at_ns - read_ns > gap_ns]
        for tag in sorted(ended, key=lambda name: last_ns[name]):
            yield last_ns.pop(tag) + (gap_ns or 0), row, {tag: None}
        readings: Readings = {}
        for tag, values in recording.tags.items():
            if tag in recording.bad and recording.bad[tag][row]:
                readings[tag] = None
                last_ns.pop(tag, None)
            elif np.isfinite(values[row]):
                readings[tag], last_ns[tag] = float(values[row]), at_ns
        yield at_ns, row, readings


async def until(at_ns: int, now_ns: Callable[[], int] = time.time_ns) -> None:
    """Wait for an instant of the wall clock."""
    await asyncio.sleep(max(0.0, (at_ns - now_ns()) / 1e9))
