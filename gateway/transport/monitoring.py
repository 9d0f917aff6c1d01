"""The door of monitoring: ``GET /metrics``, ``/healthz`` and ``/readyz``, and nothing else.

Where there is a token, who asks for metrics shows it; whether the gateway lives and is ready anybody may know, since
orchestrators ask without one. A scrape that fails is answered with 503: it must end nothing.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from gateway.errors import LablineError
from gateway.transport.http_entrance import Entrance, Peer
from gateway.transport.http_server import listening_socket, serve_until_cancelled
from gateway.transport.monitoring_options import MonitoringOptions

log = structlog.get_logger()

UNAVAILABLE = "MONITORING_UNAVAILABLE"
_CONNECTIONS = 64
_RETRY_SECONDS = 5.0
_SCRAPE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The answer to whether the gateway lives or is ready; ``problems``: what speaks against it."""

    problems: tuple[str, ...] = ()


class Monitoring:
    """An HTTP server with three routes."""

    def __init__(
        self,
        options: MonitoringOptions,
        *,
        metrics: Callable[[], Awaitable[bytes]],
        content_type: str,
        probes: dict[str, Callable[[], Probe]],
        on_condition: Callable[[str, bool], None],
    ) -> None:
        """``probes`` by path; ``on_condition`` hears when the port cannot be had."""
        self._options = options
        self._metrics = metrics
        self._content_type = content_type
        self._probes = probes
        self._on_condition = on_condition
        self._entrance = Entrance()

    async def run(self) -> None:
        """Serve until cancelled; a port that cannot be had is reported and tried again."""
        while True:
            try:
                listening = listening_socket(self._options.host, self._options.port, what="monitoring")
            except LablineError as error:
                log.error("no monitoring", error=str(error), hint=error.hint)  # noqa: TRY400 - the sentence says it
                self._on_condition(UNAVAILABLE, True)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self._on_condition(UNAVAILABLE, False)
            await serve_until_cancelled(
                self._serve_request, listening, entrance=self._entrance, tls=None, most_connections=_CONNECTIONS
            )

    async def _serve_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.client is not None:
            self._entrance.asked(Peer(request.client.host, request.client.port))
        answer = await self._answer(request)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return PlainTextResponse("only GET\n", status_code=405, headers={"allow": "GET, HEAD"})
        probe = self._probes.get(request.url.path)
        if probe is not None:
            problems = probe().problems
            document = {"ok": not problems, "problems": list(problems)}
            return JSONResponse(document, status_code=503 if problems else 200, headers={"cache-control": "no-store"})
        if request.url.path != "/metrics":
            return PlainTextResponse("/metrics, /healthz, /readyz\n", status_code=404)
        if not self._may(request):
            return PlainTextResponse(
                "the token is missing or wrong\n", status_code=401, headers={"www-authenticate": "Bearer"}
            )
        try:
            async with asyncio.timeout(_SCRAPE_SECONDS):
                text = await self._metrics()
        except (LablineError, TimeoutError) as error:
            return PlainTextResponse(f"no metrics: {error or 'too slow'}\n", status_code=503)
        return Response(text, media_type=self._content_type)

    def _may(self, request: Request) -> bool:
        token = self._options.token
        if token is None:
            return True
        shown = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(shown.encode(errors="replace"), token.encode())
