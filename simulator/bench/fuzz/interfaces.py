"""The parsers of what reads the gateway: requests of i3X, and bytes that come to its own OPC UA server."""

import asyncio
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from asyncua import ua
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.crypto.security_policies import SecurityPolicyNone
from asyncua.ua.ua_binary import struct_to_binary
from pydantic import ValidationError

from gateway.interfaces.i3x.answering import ROUTES
from gateway.transport.opcua_server.hardened import ReadingProtocol, ReadOnlyServer
from gateway.transport.opcua_server.wire import Options
from simulator.bench.fuzz.filling import filled
from simulator.bench.fuzz.running import Parser, Run

_SHAPES = tuple(route.asked for route in ROUTES.values() if route.asked is not None)
_MOST_BUFFERED = 2 * 65_535
_HELLO = struct.pack("<3scIIIIIIi", b"HEL", b"F", 32, 0, 65_535, 65_535, 0, 0, -1)


def _bodies() -> list[bytes]:
    """Return a body of each shape, behind a byte that says which."""
    return [bytes([at]) + json.dumps(filled(shape.model_json_schema())).encode() for at, shape in enumerate(_SHAPES)]


def _body(content: bytes) -> None:
    _SHAPES[content[0] % len(_SHAPES) if content else 0].model_validate_json(content[1:])


def _conversations() -> list[bytes]:
    """Return what clients send: a greeting, a channel, and requests on it."""
    connection = SecureConnection(SecurityPolicyNone(), TransportLimits())
    channel = connection.message_to_binary(
        struct_to_binary(ua.OpenSecureChannelRequest()), message_type=ua.MessageType.SecureOpen, request_id=1
    )
    requests = [
        bytes(connection.message_to_binary(struct_to_binary(request), request_id=2))
        for request in (ua.GetEndpointsRequest(), ua.CreateSessionRequest(), ua.ReadRequest(), ua.WriteRequest())
    ]
    return [_HELLO, _HELLO + bytes(channel), *(_HELLO + bytes(channel) + request for request in requests)]


class _Transport:
    """Takes what the server answers, as a socket would."""

    def get_extra_info(self, _name: str) -> tuple[str, int]:
        return "127.0.0.1", 4711

    def write(self, data: bytes) -> None:
        """Take an answer."""

    def set_write_buffer_limits(self, high: int) -> None:
        """Take a limit."""

    def close(self) -> None:
        """End."""

    abort = close


@contextmanager
def _server() -> Iterator[Run]:
    options = Options(host="127.0.0.1", port=4841, securities=("None",), application_uri="urn:labline", line="line",
                      version="0", anonymous=True)  # fmt: skip

    async def conversation(content: bytes) -> None:
        """Have a connection send this; raises AssertionError where something of it is kept."""
        clients: list[Any] = []
        closing: list[Any] = []
        protocol = ReadingProtocol(server.iserver, [], clients, closing, server.limits)
        protocol.connection_made(_Transport())
        protocol.data_received(content)
        for _turn in range(3):
            await asyncio.sleep(0)
        if len(protocol._buffer) > _MOST_BUFFERED or server.iserver.sessions:  # noqa: SLF001 - what it keeps
            raise AssertionError("it keeps what a stranger has sent")
        protocol.connection_lost(None)
        await asyncio.gather(*closing)

    server = ReadOnlyServer(options)
    with asyncio.Runner() as runner:
        yield lambda content: runner.run(conversation(content))


PARSERS: tuple[Parser, ...] = (
    Parser(
        name="i3x", reached_by="programs with a token of [i3x], and users", examples=_bodies,
        make=lambda: nullcontext(_body), refuses=(ValidationError,),
    ),
    Parser(
        name="opcua-server", reached_by="everybody who reaches the port of [opcua_server]", examples=_conversations,
        make=_server, refuses=(),
    ),
)  # fmt: skip
