"""Serves the console: one socket, in the gateway's own loop, with few seconds for each request and a bound on clients.

Connections that have shown no session are few, short, and give way to newer ones (``transport/http_entrance.py``).
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import structlog

from gateway.console.application import Application
from gateway.console.reading import ConsoleReader
from gateway.errors import LablineError
from gateway.transport.console_options import ConsoleOptions
from gateway.transport.http_entrance import Entrance
from gateway.transport.http_server import listening_socket, serve_until_cancelled

log = structlog.get_logger()

UNAVAILABLE = "CONSOLE_UNAVAILABLE"
_CONNECTIONS = 256
_RETRY_SECONDS = 5.0


class Console:
    """The server; a port that cannot be had is reported and tried again."""

    def __init__(
        self,
        options: ConsoleOptions,
        application: Application,
        *,
        entrance: Entrance,
        on_condition: Callable[[str, bool], None],
        before: Callable[[], None],
        on_closing: Callable[[], None],
        readers: Sequence[ConsoleReader],
    ) -> None:
        """Serve once it runs.

        ``on_condition`` hears when the port cannot be had. ``before`` is called once, as it begins to serve,
        ``on_closing`` as it ends. ``readers`` are open for as long as it serves.
        """
        self._options = options
        self._application = application
        self._entrance = entrance
        self._on_condition = on_condition
        self._before = before
        self._on_closing = on_closing
        self._readers = readers

    async def run(self) -> None:
        """Serve until cancelled."""
        async with AsyncExitStack() as stack:
            for reader in self._readers:
                await stack.enter_async_context(reader)
            self._before()
            await self._keep_serving()

    async def _keep_serving(self) -> None:
        while True:
            try:
                listening = self._bound()
                tls = self._context()
            except LablineError as error:
                log.error("no console", error=str(error), hint=error.hint)  # noqa: TRY400 - the sentence says it
                self._on_condition(UNAVAILABLE, True)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self._on_condition(UNAVAILABLE, False)
            log.info("the console is served", address=self._options.address)
            await self._serve(listening, tls)

    async def _serve(self, listening: socket.socket, tls: ssl.SSLContext | None) -> None:
        await serve_until_cancelled(
            self._application, listening, entrance=self._entrance, tls=tls, most_connections=_CONNECTIONS,
            on_closing=self._on_closing,
        )  # fmt: skip

    def _bound(self) -> socket.socket:
        return listening_socket(self._options.host, self._options.port, what="the console")

    def _context(self) -> ssl.SSLContext | None:
        options = self._options
        if options.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(options.certificate, options.key)
        except OSError as error:  # ssl.SSLError is one
            raise LablineError(
                f"the console's certificate cannot be used: {error}", hint="labline check says what is wrong"
            ) from error
        return context
