"""A large plant as a process of its own: so many tags, each with a new value every second, in scans of 50 ms.

Run as: python -m simulator.many_tags PORT TAGS; it prints a line when it serves, and ends when its input closes.
"""

import asyncio
import logging
import math
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from asyncua import Server, ua

from gateway.child_processes import ended
from simulator.broker import free_port
from simulator.opcua_server import NAMESPACE

_SCANS_PER_SECOND = 20
_START_SECONDS, _STOP_SECONDS = 180.0, 10.0


def tag_name(number: int) -> str:
    """Return the name of a tag, which is its node's identifier, too."""
    return f"T{number:04d}"


@asynccontextmanager
async def many_tags(count: int) -> AsyncIterator[str]:
    """Serve so many tags until the block ends; yields the server's address."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator.many_tags", str(port), str(count),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a process without the pipes that were asked for")
    try:
        async with asyncio.timeout(_START_SECONDS):
            if not await process.stdout.readline():
                raise RuntimeError(f"the tags' server ended with {await process.wait()}")
        yield _url(port)
    finally:
        process.stdin.close()
        await ended(process, within_seconds=_STOP_SECONDS)


def _url(port: int) -> str:
    return f"opc.tcp://127.0.0.1:{port}/tags"


async def _serve(port: int, count: int) -> None:
    logging.disable(logging.CRITICAL)
    server = Server()
    await server.init()
    server.set_endpoint(_url(port))
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace(NAMESPACE)
    folder = await server.nodes.objects.add_object(ua.NodeId("tags", index), "tags")
    names = [tag_name(number) for number in range(count)]
    nodes = [
        (await folder.add_variable(ua.NodeId(name, index), name, 0.0, ua.VariantType.Double)).nodeid for name in names
    ]
    async with server:
        sys.stdout.write("serving\n")
        sys.stdout.flush()
        scanning = asyncio.create_task(_scan(server, nodes), name="scan")
        await asyncio.to_thread(sys.stdin.read)
        scanning.cancel()
        await asyncio.wait({scanning})


async def _scan(server: Server, nodes: list[ua.NodeId]) -> None:
    """Give each tag a value of its own once a second, a twentieth of them in each scan."""
    begun, scan = time.monotonic(), 0
    while True:
        now = datetime.now(UTC)
        for number in range(scan % _SCANS_PER_SECOND, len(nodes), _SCANS_PER_SECOND):
            value = round(50.0 + 10.0 * math.sin(scan / 600.0 + number), 3)
            data = ua.DataValue(ua.Variant(value, ua.VariantType.Double), SourceTimestamp=now, ServerTimestamp=now)
            await server.write_attribute_value(nodes[number], data)
        scan += 1
        await asyncio.sleep(begun + scan / _SCANS_PER_SECOND - time.monotonic())


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
