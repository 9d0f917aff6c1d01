"""A broker for the bench: mosquitto where the machine has one, else the embedded one (which promises less)."""

import asyncio
import gc
import logging
import os
import random
import shutil
import socket
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.child_processes import ended

_START_SECONDS = 10.0
_STOP_SECONDS = 5.0
_OUR_PORTS = range(20_000, 32_768)  # below those that Linux gives to outgoing connections (ip_local_port_range)
_PORTS_TRIED = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Broker:
    """Where the broker listens, what it is, and whether it speaks MQTT 5."""

    port: int
    name: str
    version_5: bool
    keeps_messages: bool
    mosquitto: "Mosquitto | None" = None


def free_port() -> int:
    """Return a port on loopback that is free now, and that the system gives to no outgoing connection meanwhile."""
    for port in random.SystemRandom().sample(_OUR_PORTS, _PORTS_TRIED):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port was found in {_PORTS_TRIED} attempts between {_OUR_PORTS[0]} and {_OUR_PORTS[-1]}")


def find_mosquitto() -> str | None:
    """Return the path of mosquitto, or None."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def mosquitto_configuration(*, port: int, directory: Path) -> str:
    """Return a configuration that keeps what the broker has taken, as ``deploy/mosquitto/bench.conf`` does."""
    user = "user root\n" if os.geteuid() == 0 else ""
    return f"""listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
persistence true
persistence_location {directory}/
autosave_on_changes true
autosave_interval 1
max_queued_messages 100000
max_inflight_messages 100
max_packet_size 1048576
log_dest none
{user}"""


@asynccontextmanager
async def running_broker(directory: Path, *, embedded: bool = False) -> AsyncIterator[Broker]:
    """Run a broker on a free port, with its files in a directory, until the block ends."""
    mosquitto = None if embedded else find_mosquitto()
    if mosquitto is None:
        async with _embedded() as broker:
            yield broker
    else:
        async with _mosquitto(mosquitto, directory) as broker:
            yield broker


class Mosquitto:
    """A mosquitto process that can be stopped and started again on its port, with what it has persisted."""

    def __init__(self, program: str, directory: Path) -> None:
        self.port = free_port()
        self._program = program
        self._configuration = directory / "mosquitto.conf"
        self._configuration.write_text(mosquitto_configuration(port=self.port, directory=directory))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = await asyncio.create_subprocess_exec(
            self._program, "-c", str(self._configuration), start_new_session=True,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await _until_listening(self.port)

    async def kill(self) -> None:
        """End it at once, as a power cut of the process would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """Stop it and wait until it has ended."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.terminate()
        await ended(self._process, within_seconds=_STOP_SECONDS)


@asynccontextmanager
async def _mosquitto(program: str, directory: Path) -> AsyncIterator[Broker]:
    mosquitto = Mosquitto(program, directory)
    try:
        await mosquitto.start()
        yield Broker(port=mosquitto.port, name="mosquitto", version_5=True, keeps_messages=True, mosquitto=mosquitto)
    finally:
        await mosquitto.stop()


@asynccontextmanager
async def _embedded() -> AsyncIterator[Broker]:
    from amqtt.broker import Broker as EmbeddedBroker  # noqa: PLC0415 - an extra, only where it is needed

    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    port = free_port()
    settings: dict[str, Any] = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    broker = EmbeddedBroker(settings)
    await broker.start()
    try:
        yield Broker(port=port, name="embedded (keeps nothing)", version_5=False, keeps_messages=False)
    finally:
        await broker.shutdown()
        with warnings.catch_warnings():  # it leaves the sockets of clients open that go before they are let in
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


async def _until_listening(port: int) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            try:
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                return
