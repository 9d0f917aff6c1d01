"""The webhook: ``POST /lims/results``, answered only once the result is committed. The only importer of its libraries.

Who posts shows the token (``Authorization: Bearer ...``), and where there is a secret for it signs the body
(``X-Labline-Signature: sha256=...``, HMAC). The same body posted again is a redelivery only by its content: a result
with a version changes nothing, one without is a repeat. Until the token is shown nothing of a body is kept, and a
connection has few seconds and may be replaced by a newer one (``transport/http_entrance.py``).
"""

import asyncio
import hashlib
import hmac
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from gateway.errors import LablineError
from gateway.transport.http_entrance import Entrance, Peer, Rate
from gateway.transport.http_server import listening_socket, serve_until_cancelled
from gateway.transport.webhook_options import WebhookOptions

log = structlog.get_logger()

PATH = "/lims/results"
LONGEST_BODY_BYTES = 1024 * 1024
_COMMIT_SECONDS = 30.0
_BODY_SECONDS, _RETRY_SECONDS = 30.0, 5.0
_CONNECTIONS = 256
_DISCARDED_BYTES, _DISCARD_SECONDS = 64 * 1024, 1.0  # of a body that is not read: else the answer might not arrive
_REQUESTS_PER_SECOND, _REQUESTS_AT_ONCE = 100.0, 500
_WRONG_PER_SECOND, _WRONG_AT_ONCE = 1.0, 20  # wrong tokens of one address
_ADDRESSES = 1024  # whose wrong tokens are counted
_FIRST_ERROR = 400
UNAVAILABLE = "WEBHOOK_UNAVAILABLE"


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

        ``take`` gets a body and returns, once all its results are committed, the reasons of those refused; None if too
        much waits. ``on_condition`` hears when the port cannot be had.
        """
        self._options = options
        self._take = take
        self._on_condition = on_condition
        self._entrance = Entrance()
        self._rate = Rate(per_second=_REQUESTS_PER_SECOND, at_once=_REQUESTS_AT_ONCE)
        self._wrong: dict[str, Rate] = {}

    async def run(self) -> None:
        """Serve until cancelled; a port that cannot be had is reported and tried again."""
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
        await serve_until_cancelled(
            self.serve_request, listening, entrance=self._entrance, tls=_context(self._options),
            most_connections=_CONNECTIONS,
        )  # fmt: skip

    def _bound(self) -> socket.socket:
        return listening_socket(self._options.host, self._options.port, what="the webhook")

    async def serve_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; after an answer that is no success the connection is closed, whatever still comes."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        answer = await self._answer_to(request)
        if answer.status_code >= _FIRST_ERROR:
            answer.headers["connection"] = "close"
        await answer(scope, receive, send)

    async def _answer_to(self, request: Request) -> JSONResponse:
        """Return the answer: the sender is checked first, then the request, and only then the body is read."""
        refused = self._refused_by_head(request)
        if refused is not None:
            await _discard(request)
            return refused
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _body(request)
        except (ClientDisconnect, TimeoutError):
            return _answer(408, "the body did not come")
        if body is None:
            return _too_long()
        return await self._taken(body) if self._signed(request, body) else _answer(401, "the signature is wrong")

    def _refused_by_head(self, request: Request) -> JSONResponse | None:
        """Return why a request is refused by its line and headers alone, None where its body is to be read."""
        headers = request.headers
        if "content-length" in headers and "transfer-encoding" in headers:  # RFC 9112, 6.3: an attempt to smuggle
            return _answer(400, "Content-Length and Transfer-Encoding exclude each other")
        if not self._may(request):
            wrong = self._wrong_of("" if request.client is None else request.client.host)
            return _answer(401, "the token is missing or wrong") if wrong.takes() else _too_often("wrong tokens")
        if request.client is not None:
            self._entrance.proven(Peer(request.client.host, request.client.port))
        if request.url.path != PATH:
            return _answer(404, f"results are posted to {PATH}")
        if request.method != "POST":
            return _answer(405, "results are posted")
        if not self._rate.takes():
            return _too_often("results")
        length = headers.get("content-length", "")
        return _too_long() if length.isdigit() and int(length) > LONGEST_BODY_BYTES else None

    def _wrong_of(self, address: str) -> Rate:
        """Return the count of an address's wrong tokens; the address that has been quiet longest is forgotten."""
        rate = self._wrong.pop(address, None) or Rate(per_second=_WRONG_PER_SECOND, at_once=_WRONG_AT_ONCE)
        self._wrong[address] = rate
        if len(self._wrong) > _ADDRESSES:
            del self._wrong[next(iter(self._wrong))]
        return rate

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
        signature = request.headers.get("x-labline-signature", "").removeprefix("sha256=")
        return hmac.compare_digest(
            signature.encode(), hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
        )


def _context(options: WebhookOptions) -> ssl.SSLContext | None:
    if options.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    return context


async def _body(request: Request) -> bytes | None:
    """Return the body, or None where it is longer than is taken."""
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > LONGEST_BODY_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


async def _discard(request: Request) -> None:
    """Read a little of a body that is not read: a connection closed with much unread may lose the answer."""
    length, stated_length = 0, request.headers.get("content-length", "")
    if stated_length.isdigit() and int(stated_length) > _DISCARDED_BYTES:
        return
    with suppress(ClientDisconnect, TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            async for part in request.stream():
                length += len(part)
                if length > _DISCARDED_BYTES:
                    return


def _too_long() -> JSONResponse:
    return _answer(413, f"at most {LONGEST_BODY_BYTES} bytes")


def _too_often(what: str) -> JSONResponse:
    answer = _answer(429, f"too many {what} in a short time; send it again later")
    answer.headers["retry-after"] = "1"
    return answer


def _answer(code: int, why: str) -> JSONResponse:
    return JSONResponse({"status": "error", "why": why}, status_code=code)
