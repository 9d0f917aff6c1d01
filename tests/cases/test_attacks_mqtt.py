"""Cases of attacks.md about MQTT."""

import asyncio

from gateway.errors import NotConnectedError
from gateway.transport.mqtt_client import MAXIMUM_PACKET_BYTES
from gateway.transport.mqtt_connection import Connection
from gateway.transport.mqtt_options import BrokerAddress, SessionOptions

_MAXIMUM_PACKET_SIZE = 0x27  # the property's number (MQTT 5.0, 3.1.2.11.4)


async def test_attacks_18_connect_says_the_largest_packet_that_is_taken():
    asked = asyncio.get_running_loop().create_future()

    async def listen(reader, writer):
        asked.set_result(await reader.read(1024))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        options = SessionOptions(
            address=BrokerAddress(host="127.0.0.1", port=port), client_id="c", subscriptions=(), on_delivery=print
        )
        connection = Connection(options, 1)
        try:
            await connection.open()
        except NotConnectedError:
            pass
        finally:
            connection.close(polite=False)
        packet = await asked
    assert bytes([_MAXIMUM_PACKET_SIZE]) + MAXIMUM_PACKET_BYTES.to_bytes(4, "big") in packet
    assert 1024 * 1024 < MAXIMUM_PACKET_BYTES <= 4 * 1024 * 1024
