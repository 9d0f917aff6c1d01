"""Serves one line by OPC UA: shows what the gateway says, and takes all values away once it says nothing."""

import asyncio
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime

from asyncua import ua
from pydantic import ValidationError

from gateway.time_units import SECOND_NS
from gateway.transport.opcua_server.address_space import LineNodes
from gateway.transport.opcua_server.hardened import ReadOnlyServer
from gateway.transport.opcua_server.wire import HEARD, LONGEST_LINE_BYTES, SILENT_SECONDS, TOLD, Heard, Options

_LOOK_SECONDS = 0.5
_REPORT_SECONDS = 5.0
_BUILT = datetime(2026, 1, 1, tzinfo=UTC)
_LIMITED = (
    "MaxNodesPerRead", "MaxNodesPerBrowse", "MaxNodesPerTranslateBrowsePathsToNodeIds", "MaxMonitoredItemsPerCall",
    "MaxNodesPerRegisterNodes",
)  # fmt: skip


async def serve() -> None:
    """Serve until standard input ends; raises OSError where the address cannot be had."""
    reader = await _standard_input()
    first = TOLD.validate_json(await reader.readline())
    if first.options is None:
        raise ValueError("the first line has no options")
    server = await built(first.options)
    nodes = await LineNodes.made(server, first.options.line)
    await server.start()
    say(Heard(listening=True))
    shown = Shown(nodes)
    tasks = [asyncio.create_task(work, name=name) for name, work in (
        ("take", shown.take(reader)), ("age", shown.age()), ("report", _report(server)),
    )]  # fmt: skip
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    for task in done:
        task.result()  # what has failed ends the process: the gateway starts another


class Shown:
    """What is shown, and until when it holds."""

    def __init__(self, nodes: LineNodes) -> None:
        self._nodes = nodes
        self._at_ns, self._heard_at = 0, time.monotonic()
        self._silent = True
        self._lock = asyncio.Lock()

    async def take(self, reader: asyncio.StreamReader) -> None:
        """Show each state that comes, until none comes any more."""
        while line := await reader.readline():
            told = TOLD.validate_json(line)
            async with self._lock:
                self._at_ns, self._heard_at = told.at_ns, time.monotonic()
                if told.state is not None:
                    await self._nodes.take(told.state)
                    self._silent = False

    async def age(self) -> None:
        """Take away what no longer holds, by the gateway's clock and the time since it was last heard."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            async with self._lock:
                since = time.monotonic() - self._heard_at
                if since > SILENT_SECONDS and not self._silent:
                    self._silent = True
                    await self._nodes.silence()
                elif not self._silent:
                    await self._nodes.age(self._at_ns + round(since * SECOND_NS))


async def built(options: Options) -> ReadOnlyServer:
    """Return the server, not listening yet; raises where its certificate cannot be used."""
    server = ReadOnlyServer(options)
    await server.init()
    server.set_endpoint(f"opc.tcp://{options.host}:{options.port}/labline")
    server.set_server_name(f"Labline {options.line}")
    server.application_type = ua.ApplicationType.Server
    await server.set_application_uri(options.application_uri)
    await server.set_build_info("urn:labline", "Labline", "Labline", options.version, "0", _BUILT)
    policies = [
        ua.SecurityPolicyType.NoSecurity if name == "None" else ua.SecurityPolicyType[name.replace("/", "_")]
        for name in options.securities
    ]
    server.set_security_policy(policies, server.permissions)
    if options.certificate is not None and options.private_key is not None:
        await server.load_certificate(options.certificate)
        await server.load_private_key(options.private_key.encode(), format="pem")
    most = ua.Variant(options.limits.nodes_of_request, ua.VariantType.UInt32)
    for name in _LIMITED:
        number = getattr(ua.ObjectIds, f"Server_ServerCapabilities_OperationLimits_{name}")
        await server.get_node(ua.NodeId(number)).write_value(most)
    return server


def say(heard: Heard) -> None:
    """Tell the gateway something."""
    with suppress(BrokenPipeError):
        sys.stdout.write(HEARD.dump_json(heard).decode() + "\n")
        sys.stdout.flush()


async def _report(server: ReadOnlyServer) -> None:
    while True:
        await asyncio.sleep(_REPORT_SECONDS)
        say(Heard(sessions=server.iserver.sessions))


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LONGEST_LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def run() -> int:
    """Serve; return the exit code."""
    try:
        asyncio.run(serve())
    except (OSError, ValueError, ValidationError, ua.UaError) as error:
        say(Heard(failure=f"{type(error).__name__}: {error}"[:500]))
        return 1
    return 0
