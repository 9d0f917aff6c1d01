"""Keeps the OPC UA server running, a process of its own, and tells it what is committed.

It is told at most twice a second, and only the newest: a server that does not listen costs the gateway nothing but this
loop's turn, and is ended. Without a word for ten seconds it takes its values away by itself.
"""

import asyncio
import os
import socket
import sqlite3
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import structlog
from pydantic import ValidationError

import gateway
from gateway.child_processes import ended
from gateway.console.changes import Changes
from gateway.console.reading import ConsoleReader
from gateway.console.snapshot import Snapshot, Snapshots
from gateway.errors import StoreUnavailableError
from gateway.interfaces.state_reading import line_state
from gateway.records.sight import EVERYTHING
from gateway.transport.opcua_server.wire import HEARD, TOLD, Options, Told

log = structlog.get_logger()

UNAVAILABLE = "OPCUA_SERVER_UNAVAILABLE"
_STARTS_SECONDS = 120.0
_TAKES_SECONDS = 10.0  # so long it may take to read what it is told
_ENDS_SECONDS = 3.0
_APART_SECONDS = 0.5
_SIGN_OF_LIFE_SECONDS = 2.0
_ANYHOW_SECONDS = 10.0  # so often a state is read where nothing was committed: time passes
_AGAIN_SECONDS, _LONGEST_AGAIN_SECONDS = 5.0, 60.0
_WELL_SECONDS = 60.0  # one that has served for so long starts again soon
_KEPT = ("PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "LANG", "LC_ALL", "TZ", "HOME", "VIRTUAL_ENV")


class OpcUaServer:
    """The loop that starts the server, and starts it again."""

    def __init__(
        self,
        options: Options,
        *,
        reader: ConsoleReader,
        snapshots: Snapshots,
        changes: Changes,
        on_condition: Callable[[str, bool], None],
    ) -> None:
        """``reader``: its own; ``on_condition`` hears when there is no server."""
        self._options = options
        self._reader = reader
        self._snapshots = snapshots
        self._changes = changes
        self._on_condition = on_condition
        self.sessions = 0

    async def run(self) -> None:
        """Serve until cancelled."""
        again = _AGAIN_SECONDS
        async with self._reader:
            while True:
                since = time.monotonic()
                failure = await self._one_server()
                again = _AGAIN_SECONDS if time.monotonic() - since > _WELL_SECONDS else again
                self.sessions = 0
                self._on_condition(UNAVAILABLE, True)
                log.error("the OPC UA server has ended", failure=failure, again_in_seconds=again)
                await asyncio.sleep(again)
                again = min(2 * again, _LONGEST_AGAIN_SECONDS)

    async def _one_server(self) -> str:
        """Start a server and tell it what is committed; return why it has ended."""
        try:
            _try_address(self._options.host, self._options.port)  # a server takes seconds of processor to come so far
            async with _process() as process:
                return await self._served_by(process)
        except (OSError, TimeoutError, ValueError, ValidationError) as error:  # what a broken pipe or answer raises
            return f"{type(error).__name__}: {error}"

    async def _served_by(self, process: Process) -> str:
        await _tell(process, TOLD.dump_json(Told(options=self._options)))
        async with asyncio.timeout(_STARTS_SECONDS):
            failure = await self._heard(process)
        if failure is not None:
            return failure
        self._on_condition(UNAVAILABLE, False)
        log.info("OPC UA is served", address=f"opc.tcp://{self._options.host}:{self._options.port}/labline")
        tasks = {
            asyncio.create_task(self._told(process), name="opcua-server-telling"),
            asyncio.create_task(self._listened(process), name="opcua-server-listening"),
        }
        try:
            done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(task.result() for task in done)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _heard(self, process: Process) -> str | None:
        """Take a line of the server; return why it fails, None where it does not."""
        if process.stdout is None:
            raise TypeError("the server's output is no pipe")
        line = await process.stdout.readline()
        if not line:
            return "it has ended without a word"
        heard = HEARD.validate_json(line)
        self.sessions = heard.sessions
        return heard.failure

    async def _listened(self, process: Process) -> str:
        while True:
            failure = await self._heard(process)
            if failure is not None:
                return failure

    async def _told(self, process: Process) -> str:
        """Tell the server what is committed, until it does not take it."""
        changed = self._changes.waiting()
        counter, read_at = -1, 0.0
        try:
            while True:
                changed.clear()
                due = self._changes.counter != counter or time.monotonic() - read_at > _ANYHOW_SECONDS
                snapshot, before = self._snapshots.take(EVERYTHING), self._changes.counter
                try:
                    line = await self._reader.read(partial(_told_line, snapshot)) if due else _alive(snapshot)
                except StoreUnavailableError:
                    await asyncio.sleep(_SIGN_OF_LIFE_SECONDS)
                    continue  # nothing is known, so nothing is told
                if due:
                    counter, read_at = before, time.monotonic()
                await _tell(process, line)
                await asyncio.sleep(_APART_SECONDS)
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), _SIGN_OF_LIFE_SECONDS)
        finally:
            self._changes.leave(changed)


def _try_address(host: str, port: int) -> None:
    """Raise OSError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    socket.create_server((host, port), family=family).close()


def _told_line(snapshot: Snapshot, connection: sqlite3.Connection) -> bytes:
    """Return a state as it is told; on the reader's thread."""
    return TOLD.dump_json(Told(state=line_state(connection, snapshot), at_ns=snapshot.at.wall_ns))


def _alive(snapshot: Snapshot) -> bytes:
    return TOLD.dump_json(Told(at_ns=snapshot.at.wall_ns))


async def _tell(process: Process, line: bytes) -> None:
    if process.stdin is None:
        raise TypeError("the server's input is no pipe")
    process.stdin.write(line + b"\n")
    async with asyncio.timeout(_TAKES_SECONDS):
        await process.stdin.drain()


@asynccontextmanager
async def _process() -> AsyncIterator[Process]:
    """Start the server's process, and end it with the block; it gets none of the gateway's credentials."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "gateway.transport.opcua_server",
        stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
        env=_environment(),
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await ended(process, within_seconds=_ENDS_SECONDS)


def _environment() -> dict[str, str]:
    """Return the environment of the server, which finds the very same program."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    own = str(Path(gateway.__file__).resolve().parent.parent)
    others = [part for part in kept.get("PYTHONPATH", "").split(os.pathsep) if part and part != own]
    return kept | {"PYTHONPATH": os.pathsep.join([own, *others])}
