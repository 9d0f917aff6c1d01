"""The server behind the webhook and the console: uvicorn with our own door; connections that only wait end.

Signals are left to the daemon, and a connection has few seconds for each request (``transport/http_entrance.py``).
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.errors import LablineError
from gateway.transport.http_entrance import Door, Entrance, Peer

_REQUEST_SECONDS = 30.0  # for its line and headers
_CLOSING_SECONDS = 3.0
_LOOKS_AT_A_REQUEST = 4  # each of these seconds: more than body and commit may take


class ImpatientProtocol(H11Protocol):
    """Ends connections that would keep the laboratory out: idle ones, and those that do not read their answers."""

    _looking: asyncio.TimerHandle | None = None
    _peer: Peer | None = None
    _last: tuple[object, bool] = (None, True)
    _looks = 0  # in a row that have shown the same

    def __init__(self, *arguments: Any, entrance: Entrance, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._entrance = entrance

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Note who has come, and begin to look."""
        super().connection_made(transport)
        if self.client is not None:
            self._peer = Peer(*self.client)
            self._entrance.opened(self._peer, transport)
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
        if self._peer is not None:
            self._entrance.closed(self._peer)
        super().connection_lost(exc)

    def _look_later(self) -> None:
        self._looking = self.loop.call_later(_REQUEST_SECONDS, self._look)

    def _look(self) -> None:
        """End the connection if it is idle since the last look, or if one request takes longer than any may."""
        idle = self.cycle is None or self.cycle.response_complete
        state = (self.cycle, idle)
        self._looks = self._looks + 1 if state == self._last else 0
        self._last = state
        if self._peer not in self._entrance.lasting and self._looks >= (1 if idle else _LOOKS_AT_A_REQUEST):
            self.transport.abort()  # close() would wait until the peer has read the answer
            return
        self._look_later()


class DoorServer(uvicorn.Server):
    """Takes connections by our door, and leaves signals to the daemon, which stops in an order of its own."""

    def __init__(self, configuration: uvicorn.Config, *, entrance: Entrance, tls: ssl.SSLContext | None) -> None:
        super().__init__(configuration)
        self._door = Door(entrance, self._protocol, tls=tls)
        self._taking: asyncio.Task[None] | None = None

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections from the one socket."""
        if not sockets:
            raise RuntimeError("the webhook's server needs a socket that listens")
        self.servers = []
        self._taking = asyncio.create_task(self._door.run(sockets[0]), name="webhook-door")
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and end open connections."""
        if self._taking is not None:
            self._taking.cancel()
            await asyncio.wait({self._taking})
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def listening_socket(host: str, port: int, *, what: str) -> socket.socket:
    """Return a socket that has the port; raises LablineError, which names ``what``, where it cannot be had."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise LablineError(
            f"{what} cannot listen on {host}:{port}: {error.strerror}",
            hint="is the port free, and the address one of this machine?",
        ) from error


async def serve_until_cancelled(
    application: Any,
    listening: socket.socket,
    *,
    entrance: Entrance,
    tls: ssl.SSLContext | None,
    most_connections: int,
    on_closing: Callable[[], None] = lambda: None,
) -> None:
    """Serve an ASGI application on a socket until cancelled, then close what is open within a few seconds.

    ``on_closing`` hears of the end before connections are closed.
    """
    protocol: Any = partial(ImpatientProtocol, entrance=entrance)
    configuration = uvicorn.Config(
        application, log_config=None, access_log=False, lifespan="off", timeout_keep_alive=30,
        timeout_graceful_shutdown=1, limit_concurrency=most_connections, h11_max_incomplete_event_size=16 * 1024,
        http=protocol, ws="none", interface="asgi3", proxy_headers=False, server_header=False,
    )  # fmt: skip
    server = DoorServer(configuration, entrance=entrance, tls=tls)
    try:
        await server.serve(sockets=[listening])
    except asyncio.CancelledError:
        on_closing()
        async with asyncio.timeout(_CLOSING_SECONDS):
            await server.shutdown(sockets=[listening])
        raise
    finally:
        listening.close()
