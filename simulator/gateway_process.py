"""The real gateway as a child process: configured, started, awaited, stopped, questioned."""

import asyncio
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gateway.child_processes import ended
from gateway.contract.console_links import SIGN_IN, link_hash, link_of
from simulator.broker import Broker, free_port
from simulator.opcua_server import NAMESPACE
from simulator.plant import TAGS
from simulator.plant_setpoints import BEAT
from simulator.scenarios import (
    EQUIPMENT,
    PRODUCT,
    SPECIFICATIONS,
    TARGETS,
    TEN_PLANT_MINUTES_SECONDS,
    TEST_NAMES,
    UNITS,
)
from simulator.write_tables import WRITING_STAGES, write_table

_READY_SECONDS = 90.0
_STOP_SECONDS = 30.0
_LISTENING_SECONDS, _LOOK_SECONDS = 2.0, 0.02
TOPIC_ROOT = "bench/lab/polymers/line-1/quality"


class GatewayFailedError(Exception):
    """The gateway did not start or did not stop as it must; the message ends with what it said last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningGateway:
    """A gateway that is READY."""

    process: asyncio.subprocess.Process
    configuration: Path
    ready_seconds: float
    ready_at: float
    log: Path

    def last_words(self) -> str:
        """Return the end of its log."""
        return _last_lines(self.log)

    def processor_seconds(self) -> float:
        """Return how long it has computed, on all processors together (proc(5): utime and stime)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        """Return how much memory it holds."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsoleLink:
    """Where the console of a demonstration is served, and the link by which it signs somebody in."""

    port: int
    link: str

    @property
    def address(self) -> str:
        """Return what a person opens."""
        return link_of(f"http://127.0.0.1:{self.port}/", SIGN_IN, self.link)

    @property
    def table(self) -> str:
        """Return its table of the configuration."""
        return f'[console]\nlisten = "127.0.0.1:{self.port}"\ndemo_link_sha256 = "{link_hash(self.link)}"\n'


def new_console_link() -> ConsoleLink:
    """Return a free port with a link that can be typed, too: it is the password of the demo's user."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    parts = ("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))
    return ConsoleLink(port=free_port(), link="-".join(parts))


def configuration_text(*, directory: Path, broker: Broker, plant_url: str, models: Path, stage: str = "advise") -> str:
    """Return the configuration of the bench: every tag, and both models up to a stage.

    Beyond ``advise`` the setpoints may be written.
    """
    writes = stage in WRITING_STAGES
    heartbeat = f'heartbeat = "nsu={NAMESPACE};s={BEAT}"\n' if writes else ""
    unsigned = "[approval]\nsigned_stages = false  # a plant has each stage signed: labline model stage\n"
    analytes = "\n".join(f'"{test}" = "{analyte}"' for analyte, test in TEST_NAMES.items())
    return f"""[site]
enterprise = "bench"
site = "lab"
area = "polymers"
line = "line-1"

[store]
directory = "{directory / "store"}"

[opcua.plc1]
url = "{plant_url}"
security = "None"
publishing_interval = "250ms"
sampling_interval = "250ms"
{heartbeat}
{_tags(writes=writes)}
[mqtt]
host = "127.0.0.1"
port = {broker.port}
tls = false
protocol = "{"5" if broker.version_5 else "3.1.1"}"
client_id = "labline-bench"

[lims]
assume_status = "validated"
[lims.analytes]
{analytes}

[alarms]
period = "{TEN_PLANT_MINUTES_SECONDS * 1000:.0f}ms"  # ten minutes of a real plant, which is slower

{unsigned if writes else ""}
{_specifications()}
{_models(models, stage)}"""


def _tags(*, writes: bool) -> str:
    return "\n".join(
        f'[tags.{name}]\nsource = "plc1"\nnode = "nsu={NAMESPACE};s={name}"\nequipment = "{EQUIPMENT}"\n'
        f'unit = "{info.unit}"\nmax_age = "10s"\n{write_table(name, NAMESPACE) if writes else ""}'
        for name, info in TAGS.items()
    )


def _specifications() -> str:
    return "\n".join(
        f'[[specification]]\nproduct = "{PRODUCT}"\nanalyte = "{analyte}"\nlower = {lower}\nupper = {upper}\n'
        f'target = {TARGETS[analyte]}\nunit = "{UNITS[analyte]}"\nversion = "1"\n'
        for analyte, (lower, upper) in SPECIFICATIONS.items()
    )


def _models(models: Path, stage: str) -> str:
    return "\n".join(
        f'[[model]]\nbundle = "{models / analyte / "1.0.0"}"\nequipment = "{EQUIPMENT}"\nevery = "500ms"\n'
        f'stage = "{stage}"\nexpires_after = "30s"\n'
        for analyte in SPECIFICATIONS
    )


@asynccontextmanager
async def running_gateway(
    configuration: Path,
    *,
    directory: Path,
    environment: Mapping[str, str] = MappingProxyType({}),
    under: Sequence[str] = (),
) -> AsyncIterator[RunningGateway]:
    """Run the gateway until the block ends, then stop it in order; raises GatewayFailedError.

    ``under``: a command that runs it, in front of its own.
    """
    log = directory / "gateway.log"
    first = not log.exists()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications, log.open("ab") as output:
        address = directory / "notify"
        address.unlink(missing_ok=True)
        notifications.bind(str(address))
        notifications.setblocking(False)
        begun = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *under, sys.executable, "-m", "gateway", "run", "--config", str(configuration),
            stdout=output, stderr=output, stdin=asyncio.subprocess.DEVNULL,
            env=_environment() | {"NOTIFY_SOCKET": str(address), **environment}, start_new_session=True,
        )  # fmt: skip
        try:
            await _until_ready(notifications, process, log)
            ready_at = time.perf_counter()
            if first:
                await _until_listening(log)
            yield RunningGateway(
                process=process,
                configuration=configuration,
                ready_seconds=round(ready_at - begun, 3),
                ready_at=ready_at,
                log=log,
            )
        finally:
            await _stop(process)


def _environment() -> dict[str, str]:
    """Return the environment of a start as a plant has it: byte code is kept, so modules compile once."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


async def _until_ready(notifications: socket.socket, process: asyncio.subprocess.Process, log: Path) -> None:
    ended = asyncio.create_task(process.wait(), name="gateway-ended")
    ready = asyncio.create_task(_ready(notifications), name="gateway-ready")
    try:
        done, _ = await asyncio.wait({ended, ready}, timeout=_READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (ended, ready):
            task.cancel()
    if ready not in done:
        why = f"ended with {process.returncode}" if ended in done else f"was not ready in {_READY_SECONDS:g} s"
        raise GatewayFailedError(f"the gateway {why}; it said:\n{_last_lines(log)}")


async def _ready(notifications: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while b"READY=1" not in await loop.sock_recv(notifications, 4096):
        pass


async def _until_listening(log: Path) -> None:
    """Wait a little for the session of results: before the first one no broker keeps any, and READY hardly waits."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LISTENING_SECONDS):
            while not any("connection up" in line and '-in"' in line for line in log.read_text().splitlines()):
                await asyncio.sleep(_LOOK_SECONDS)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    await ended(process, within_seconds=_STOP_SECONDS)


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


async def ask(*arguments: str) -> dict[str, Any]:
    """Run a ``labline`` command with ``--json`` and return its answer."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *arguments, "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(_READY_SECONDS):
        answer, errors = await process.communicate()
    if not answer.strip():
        raise GatewayFailedError(f"{' '.join(arguments)} answered nothing: {errors.decode(errors='replace')}")
    document: dict[str, Any] = json.loads(answer)
    return document
