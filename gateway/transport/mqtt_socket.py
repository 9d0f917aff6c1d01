"""The socket of one MQTT connection on the event loop: paho reads and writes it when the loop says that it can."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode

from gateway.transport.mqtt_client import MAXIMUM_PACKET_BYTES

log = structlog.get_logger()


class LoopSocket:
    """The socket of a client; ``lost`` hears why it is of no use any more."""

    def __init__(self, client: Client, *, client_id: str, lost: Callable[[str], None]) -> None:
        self._client = client
        self._client_id = client_id
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._socket: Any = None
        self._watched = -1
        self._writing = False

    def watch(self) -> bool:
        """Begin to read and write; return False where the client has no socket any more."""
        self._socket = self._client.socket()
        if self._socket is None:
            return False
        self._watched = self._socket.fileno()
        self._loop.add_reader(self._watched, self._readable)
        self.flush()
        return True

    def unwatch(self) -> None:
        """Read and write no more."""
        if self._watched >= 0:
            self._loop.remove_reader(self._watched)
            self._loop.remove_writer(self._watched)
            self._watched = -1
            self._writing = False

    def close(self) -> None:
        """Close it."""
        with contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.close()

    def pause(self) -> None:
        """Take no more from it."""
        if self._watched >= 0:
            self._loop.remove_reader(self._watched)

    def resume(self) -> None:
        """Go on taking, beginning with what waits."""
        if self._watched >= 0:
            self._loop.add_reader(self._watched, self._readable)
            self._readable()

    @contextlib.contextmanager
    def batched(self) -> Iterator[None]:
        """Send messages published within in as few segments as possible (TCP_CORK), and the rest on leaving."""
        self._cork(1)
        try:
            yield
        finally:
            self._cork(0)

    def _cork(self, on: int) -> None:
        with contextlib.suppress(OSError, ValueError):  # of a socket that has gone there is nothing to send
            if self._socket is not None:
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)

    def _readable(self) -> None:
        try:
            self.check(self._client.loop_read())
            self._refuse_large()
            while self._socket is not None and isinstance(self._socket, ssl.SSLSocket) and self._pending():
                self.check(self._client.loop_read())
            self.flush()
        except Exception as error:  # a loop's edge: paho stumbles over malformed packets in many ways
            log.exception("a packet of the broker could not be read", client_id=self._client_id)
            self._lost(f"a packet of the broker could not be read: {error!r}")

    def _refuse_large(self) -> None:
        """End the connection where a packet is announced that is larger than we take: paho would collect all of it."""
        size = self._client._in_packet["remaining_length"]  # noqa: SLF001 - known nowhere else before all has come
        if size > MAXIMUM_PACKET_BYTES:
            self._lost(f"the broker sends a packet of {size} bytes, more than {MAXIMUM_PACKET_BYTES}")

    def _pending(self) -> int:
        try:
            return int(self._socket.pending()) if self._client.socket() is not None else 0
        except (OSError, ValueError):
            return 0

    def flush(self) -> None:
        """Write what waits; where the socket takes no more, go on when it does."""
        if self._client.want_write():
            self.check(self._client.loop_write())
        waiting = self._client.want_write() and self._watched >= 0
        if waiting and not self._writing:
            self._loop.add_writer(self._watched, self.flush)
        elif not waiting and self._writing:
            self._loop.remove_writer(self._watched)
        self._writing = waiting

    def check(self, code: MQTTErrorCode) -> None:
        """Take what paho says of a read or a write."""
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lost(code.name)
