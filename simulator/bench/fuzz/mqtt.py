"""Packets as a broker sends them, or who can take its place: read by paho, acknowledged by the gateway's connection.

Whatever paho raises ends the connection, and another one is tried; so it is what a packet costs that counts.
"""

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gateway.transport.mqtt_connection import Connection
from gateway.transport.mqtt_messages import Delivery
from gateway.transport.mqtt_options import BrokerAddress, SessionOptions
from simulator.bench.fuzz.running import Parser, Run

CONNACK = b"\x20\x12\x00\x00\x0f\x21\x00\x64\x24\x01\x27\x00\x20\x00\x00\x22\x00\x0a\x2a\x01"
_PIECE_BYTES = 8192
_TURNS = 5  # of the event loop, in which what has come is read
_USER_PROPERTY = b"\x26\x00\x01a\x00\x01b"


def _publish(topic: bytes, payload: bytes, *, qos: int, properties: bytes = b"") -> bytes:
    """Return a PUBLISH of MQTT 5."""
    number = struct.pack("!H", 7) if qos else b""
    body = struct.pack("!H", len(topic)) + topic + number + bytes([len(properties)]) + properties + payload
    return bytes([0x30 | qos << 1]) + length_of(len(body)) + body


def length_of(number: int) -> bytes:
    """Return a number as MQTT writes the length of a packet (5.0, 1.5.5)."""
    digits = bytearray()
    while True:
        number, digit = divmod(number, 128)
        digits.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(digits)


def _packets() -> list[bytes]:
    """Return what a broker sends: the answer to CONNECT, messages, answers to SUBSCRIBE and PUBLISH, a goodbye."""
    result = _publish(b"lims/results/qc", b'{"sample_id": "S-1", "test_id": "pH", "value": 7.1}', qos=1)
    more = _publish(
        b"mes/context/lot", b"{}", qos=2, properties=b"\x02\x00\x00\x00\x3c\x03\x00\x01j\x09\x00\x02ab" + _USER_PROPERTY
    )
    return [
        CONNACK + result, CONNACK + more + b"\x62\x02\x00\x07", b"\x20\x03\x00\x00\x00" + result + more,
        CONNACK + b"\x90\x04\x00\x01\x00\x01" + b"\x40\x02\x00\x01" + b"\x40\x04\x00\x02\x10\x00",
        CONNACK + b"\xd0\x00" + b"\xe0\x02\x8e\x00",
    ]  # fmt: skip


class FedConnection(Connection):
    """A connection whose other end is here."""

    def take_over(self, ours: socket.socket) -> None:
        """Read and write a socket, as if CONNECT had been sent by it."""
        ours.setblocking(False)
        self._client._sock = ours  # noqa: SLF001 - as paho's own connect does once TCP is there
        self.socket.watch()


@contextmanager
def _broker() -> Iterator[Run]:
    """Return what gives bytes to a connection, as if a broker had sent them, and closes it."""

    async def served(content: bytes) -> None:
        """Give bytes to a new connection, and acknowledge what it takes of them."""
        taken: list[Delivery] = []
        options = SessionOptions(address=BrokerAddress(host="127.0.0.1", port=1), client_id="f", subscriptions=("#",),
                                 on_delivery=taken.append)  # fmt: skip
        connection = FedConnection(options, 1)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.setblocking(False)
            connection.take_over(ours)
            for at in range(0, len(content), _PIECE_BYTES):
                with suppress(OSError):
                    theirs.send(content[at : at + _PIECE_BYTES])
                for _turn in range(_TURNS):
                    await asyncio.sleep(0)
            for delivery in taken:
                connection.acknowledge(delivery)
            connection.close(polite=False)
        for answer in (connection.answers.opened, connection.answers.lost):
            answer.cancel()

    with asyncio.Runner() as runner:
        yield lambda content: runner.run(served(content))


PARSERS: tuple[Parser, ...] = (
    Parser(
        name="mqtt-packets",
        reached_by="the broker, and who can take its place",
        examples=_packets,
        make=_broker,
        refuses=(),
    ),
)
