"""A broker that announces a packet larger than we take is left before the packet has come."""

import asyncio
import socket

import pytest

from gateway.transport.mqtt_client import MAXIMUM_PACKET_BYTES
from gateway.transport.mqtt_options import BrokerAddress, SessionOptions
from simulator.bench.fuzz.mqtt import CONNACK, FedConnection, length_of


@pytest.mark.parametrize(("size", "ends"), [(MAXIMUM_PACKET_BYTES, False), (MAXIMUM_PACKET_BYTES + 1, True),
                                            (268_435_455, True)])  # fmt: skip
async def test_a_packet_that_is_too_large_ends_the_connection(size, ends):
    options = SessionOptions(
        address=BrokerAddress(host="127.0.0.1", port=1), client_id="c", subscriptions=(), on_delivery=print
    )
    connection = FedConnection(options, 1)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection.take_over(ours)
        theirs.sendall(CONNACK)
        await connection.answers.opened
        theirs.sendall(b"\x30" + length_of(size) + b"\x00\x01t\x00" + b"x" * 1000)
        if ends:
            async with asyncio.timeout(60):
                assert str(size) in await connection.answers.lost
        else:
            for _turn in range(20):
                await asyncio.sleep(0)
            assert not connection.answers.lost.done()
        connection.close(polite=False)
