"""What plants do to networks: a TCP link that delays, swallows, half-closes or resets, between us and a real server."""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Self

_BLOCK = 65_536


class Fault(StrEnum):
    """What the link does with bytes, in both directions."""

    NONE = "none"
    SWALLOW = "swallow"  # takes everything and passes nothing on, like a dropped route
    DELAY = "delay"
    HALF_CLOSE = "half_close"  # our side may still send, but hears nothing more
    RESET = "reset"
    REFUSE = "refuse"  # accepts nothing new, and ends what is there


@dataclass(eq=False)
class FaultyLink:
    """A proxy on a port of loopback before ``port``; an async context manager."""

    port: int
    listen: int
    delay_seconds: float = 0.5
    cut_on: bytes | None = None  # ends a connection on which the client sends these bytes
    spares: bytes | None = None  # lets a connection be whose client begins with these bytes
    connections: int = 0
    _fault: Fault = Fault.NONE
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.listen)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._server.close()
        self.set(Fault.NONE)
        self.end_all(reset=False)
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await self._server.wait_closed()

    def set(self, fault: Fault) -> None:
        """Change what the link does, from now on and for connections that are there."""
        self._fault = fault
        self._changed.set()
        self._changed = asyncio.Event()
        if fault in {Fault.RESET, Fault.REFUSE}:
            self.end_all(reset=fault is Fault.RESET)

    def end_all(self, *, reset: bool) -> None:
        """End the connections that are there, with RST or in order."""
        for writer in list(self._open):
            _end(writer, reset=reset)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        first = b"" if self.spares is None else await reader.read(_BLOCK)
        spared = self.spares is not None and self.spares in first
        if self._fault in {Fault.REFUSE, Fault.RESET} and not spared:
            _end(writer, reset=self._fault is Fault.RESET)
            return
        if self._fault is Fault.SWALLOW and not spared:
            self._open.add(writer)
            await self._until(lambda: self._fault is not Fault.SWALLOW)
            _end(writer, reset=True)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            _end(writer, reset=True)
            return
        for end in (writer, far_writer):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open |= set() if spared else {writer, far_writer}
        far_writer.write(first)
        there, back = (_spared, _spared) if spared else (partial(self._carry, watched=True), self._carry)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(there(reader, far_writer), name="link-there")
                tasks.create_task(back(far_reader, writer), name="link-back")
        finally:
            self._open -= {writer, far_writer}
            for end in (writer, far_writer):
                _end(end, reset=False)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, watched: bool = False
    ) -> None:
        with suppress(OSError):
            while block := await reader.read(_BLOCK):
                if self._fault is Fault.DELAY:
                    await asyncio.sleep(self.delay_seconds)
                if self._fault is Fault.SWALLOW:  # what came is lost, and with it the connection once the route is back
                    await self._until(lambda: self._fault is not Fault.SWALLOW)
                    break
                if self._fault is Fault.HALF_CLOSE and not watched:
                    writer.write_eof()
                    return
                if watched and self.cut_on is not None and self.cut_on in block:
                    break
                writer.write(block)
                await writer.drain()
        _end(writer, reset=False)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._changed.wait()


async def _spared(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    _end(writer, reset=False)


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    connection = writer.get_extra_info("socket")
    if reset and connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError, RuntimeError):
        writer.transport.abort() if reset else writer.close()
