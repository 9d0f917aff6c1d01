"""A plant as a process of its own, to be killed, stopped and cut off: one tag that counts, and its sessions in a file.

Run as: python -m tests.crash.plant_process HOST PORT FILE [PADDING]
"""

import asyncio
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from asyncua import Server, ua

from tests.fixtures import address_space

URI = "urn:test:plant"


async def main(host, port, file, padding=0):
    logging.disable(logging.CRITICAL)
    address_space.keep()
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://{host}:{port}/test")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    for at in range(int(padding)):
        await server.register_namespace(f"urn:padding:{at}")
    index = await server.register_namespace(URI)
    tag = await server.nodes.objects.add_variable(ua.NodeId("T", index), "T", 0.0, ua.VariantType.Double)
    await server.start()
    count = 0.0
    while True:
        now = datetime.now(UTC)
        count += 1
        value = ua.DataValue(ua.Variant(count, ua.VariantType.Double), SourceTimestamp=now, ServerTimestamp=now)
        await server.write_attribute_value(tag.nodeid, value)
        file.write_text(str(len(server.iserver._external_sessions)))
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), *sys.argv[4:]))
