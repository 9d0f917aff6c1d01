"""The webhook: ``POST /lims/results``, answered only once the result is committed. The only importer of its libraries.

Who posts shows the token (``Authorization: Bearer ...``), and where there is a secret for it signs the body
(``X-Labline-Signature: sha256=...``, HMAC). The same body posted again is a redelivery only by its content: a result
with a version changes nothing, one without is a repeat.
"""

import asyncio
import hashlib
import hmac
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.errors import LablineError

log = structlog.get_logger()

PATH = "/lims/results"
LONGEST_BODY_BYTES = 1024 * 1024
_COMMIT_SECONDS = 30.0
_BODY_SECONDS, _CLOSING_SECONDS, _RETRY_SECONDS = 30.0, 3.0, 5.0
_REQUEST_SECONDS = 30.0  # for its line and headers
_LOOKS_AT_A_REQUEST = 4  # each of these seconds: more than body and commit may take
_CONNECTIONS = 256
UNAVAILABLE = "WEBHOOK_UNAVAILABLE"


@dataclass(frozen=True, kw_only=True)
class WebhookOptions:
    """Where the webhook listens, and what a sender must show."""

    host: str
    port: int
    token: str
    hmac_secret: str | None = None
    certificate: Path | None = None
    key: Path | None = None


class Webhook:
    """An HTTP server with one route."""

    def __init__(
        self,
        options: WebhookOptions,
        *,
        take: Callable[[bytes], Awaitable[Sequence[str] | None]],
        on_condition: Callable[[str, bool], None] = lambda _code, _holds: None,
    ) -> None:
        """Listen once it runs.

        ``take`` gets a body and returns, once all it tells is committed, why what of it was refused; None where too
        much waits. ``on_condition`` hears when the port cannot be had.
        """
        self._options = options
        self._take = take
        self._on_condition = on_condition

    async def run(self) -> None:
        """Serve until cancelled; where the port cannot be had, that is told, and tried again."""
        while True:
            try:
                listening = self._bound()
            except LablineError as error:
                log.error("no webhook", error=str(error), hint=error.hint)  # noqa: TRY400 - the sentence says it
                self._on_condition(UNAVAILABLE, True)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self._on_condition(UNAVAILABLE, False)
            await self._serve(listening)

    async def _serve(self, listening: socket.socket) -> None:
        options = self._options
        application = Starlette(routes=[Route(PATH, self._post, methods=["POST"])])
        configuration = uvicorn.Config(
            application, log_config=None, access_log=False, lifespan="off", timeout_keep_alive=30,
            timeout_graceful_shutdown=1, limit_concurrency=_CONNECTIONS, h11_max_incomplete_event_size=16 * 1024,
            http=_Impatient,
            ssl_certfile=options.certificate, ssl_keyfile=options.key,
        )  # fmt: skip
        server = _Server(configuration)
        try:
            await server.serve(sockets=[listening])
        except asyncio.CancelledError:
            async with asyncio.timeout(_CLOSING_SECONDS):
                await server.shutdown(sockets=[listening])
            raise
        finally:
            listening.close()

    def _bound(self) -> socket.socket:
        """Return a socket that has the port; raises LablineError where it cannot be had."""
        options = self._options
        try:
            family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
            return socket.create_server((options.host, options.port), family=family)
        except OSError as error:
            raise LablineError(
                f"the webhook cannot listen on {options.host}:{options.port}: {error.strerror}",
                hint="is the port free, and the address one of this machine?",
            ) from error

    async def _post(self, request: Request) -> JSONResponse:
        if not self._may(request):  # before anything of the body is read
            return _answer(401, "the token is missing or wrong")
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _body(request)
        except (ClientDisconnect, TimeoutError):
            return _answer(408, "the body did not come")
        if body is None:
            return _answer(413, f"at most {LONGEST_BODY_BYTES} bytes")
        return await self._taken(body) if self._signed(request, body) else _answer(401, "the signature is wrong")

    async def _taken(self, body: bytes) -> JSONResponse:
        try:
            async with asyncio.timeout(_COMMIT_SECONDS):
                refused = await self._take(body)
        except TimeoutError:
            return _answer(503, "not committed in time; send it again")
        if refused is None:
            return _answer(503, "too much waits already; send it again later")
        if refused:
            return JSONResponse({"status": "refused", "why": list(refused)}, status_code=422)
        return JSONResponse({"status": "committed"})

    def _may(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._options.token.encode())

    def _signed(self, request: Request, body: bytes) -> bool:
        secret = self._options.hmac_secret
        if secret is None:
            return True
        told = request.headers.get("x-labline-signature", "").removeprefix("sha256=")
        return hmac.compare_digest(told.encode(), hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode())


class _Impatient(H11Protocol):
    """Ends connections that would keep the laboratory out: idle ones, and those whose answers nobody reads."""

    _looking: asyncio.TimerHandle | None = None
    _last: tuple[object, bool] = (None, True)
    _looks = 0  # in a row that have found the same

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._looking is not None:
            self._looking.cancel()
        super().connection_lost(exc)

    def _look_later(self) -> None:
        self._looking = self.loop.call_later(_REQUEST_SECONDS, self._look)

    def _look(self) -> None:
        """End it where nothing has been asked since the last look, or one request is at it for longer than any is."""
        idle = self.cycle is None or self.cycle.response_complete
        found = (self.cycle, idle)
        self._looks = self._looks + 1 if found == self._last else 0
        self._last = found
        if self._looks >= (1 if idle else _LOOKS_AT_A_REQUEST):
            self.transport.abort()  # to close would wait until what was written is read
            return
        self._look_later()


class _Server(uvicorn.Server):
    """Leaves signals to the daemon, which stops in an order of its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def _body(request: Request) -> bytes | None:
    """Return the body, or None where it is longer than is taken."""
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > LONGEST_BODY_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _answer(code: int, why: str) -> JSONResponse:
    return JSONResponse({"status": "error", "why": why}, status_code=code)
