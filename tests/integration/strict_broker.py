"""Brokers that do what the standard allows and mosquitto never does. They keep nothing, and serve one client."""

import asyncio
import struct
from contextlib import suppress

_CONNECT, _PUBLISH, _SUBSCRIBE, _PINGREQ = 1, 3, 8, 12
_MOMENT_SECONDS = 0.02


class _Broker:
    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()


class StrictBroker(_Broker):
    """MQTT 5: takes so many messages before it has acknowledged one, and not one more (MQTT 5.0, 3.3.4).

    It acknowledges when it has all that it takes, or when nothing more has come for a moment (mosquitto: at once).
    ``receive_maximum``: what it says in its CONNACK, and holds to.
    """

    def __init__(self, *, receive_maximum):
        self.receive_maximum = receive_maximum
        self.topics = []
        self.most_unacknowledged = 0
        self.dropped = 0

    async def _serve(self, reader, writer):
        unacknowledged = []
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                try:
                    async with asyncio.timeout(_MOMENT_SECONDS if unacknowledged else None):
                        head = await reader.readexactly(1)
                except TimeoutError:
                    self._acknowledge(writer, unacknowledged)
                    continue
                body = await reader.readexactly(await _length(reader))
                kind = head[0] >> 4
                if kind == _CONNECT:
                    writer.write(b"\x20\x06\x00\x00\x03\x21" + struct.pack("!H", self.receive_maximum))
                elif kind == _SUBSCRIBE:
                    writer.write(b"\x90\x04" + body[:2] + b"\x00\x01")
                elif kind == _PINGREQ:
                    writer.write(b"\xd0\x00")
                elif kind == _PUBLISH:
                    (size,) = struct.unpack_from("!H", body)
                    self.topics.append(body[2 : 2 + size].decode())
                    unacknowledged.append(body[2 + size : 4 + size])
                    self.most_unacknowledged = max(self.most_unacknowledged, len(unacknowledged))
                    if len(unacknowledged) > self.receive_maximum:
                        self.dropped += 1
                        writer.write(b"\xe0\x01\x93")
                        break
        writer.close()

    @staticmethod
    def _acknowledge(writer, unacknowledged):
        for number in unacknowledged:
            writer.write(b"\x40\x02" + number)
        unacknowledged.clear()


class GrudgingBroker(_Broker):
    """Answers each SUBSCRIBE by the next of ``codes`` (None: not at all), and then grants it and sends ``retained``.

    It knows the session of whoever speaks MQTT 3.1.1.
    """

    def __init__(self, *codes, retained=b"", version_5=True):
        self._codes = list(codes)
        self._retained = retained
        self._version_5 = version_5

    async def _serve(self, reader, writer):
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind = (await reader.readexactly(1))[0] >> 4
                body = await reader.readexactly(await _length(reader))
                if kind == _CONNECT:
                    writer.write(b"\x20\x03\x00\x00\x00" if self._version_5 else b"\x20\x02\x01\x00")
                elif kind == _SUBSCRIBE:
                    self._answer(writer, body[:2])
                elif kind == _PINGREQ:
                    writer.write(b"\xd0\x00")
        writer.close()

    def _answer(self, writer, number):
        code = self._codes.pop(0) if self._codes else 1
        no_properties = b"\x00" if self._version_5 else b""
        if code is not None:
            answer = number + no_properties + bytes([code])
            writer.write(bytes([0x90, len(answer)]) + answer)
        if code == 1 and self._retained:
            message = b"\x00\x04in/a" + b"\x00\x07" + no_properties + self._retained
            writer.write(bytes([0x33, len(message)]) + message)


async def _length(reader):
    length, factor = 0, 1
    while True:
        (digit,) = await reader.readexactly(1)
        length += (digit & 0x7F) * factor
        factor *= 0x80
        if not digit & 0x80:
            return length
