"""A MES and a quality system with a REST interface, as far as their documents say, with the faults of real ones.

A request with an ``Idempotency-Key`` that was seen has no further effect: it gets the first answer again (IETF draft
httpapi-idempotency-key-header), and with another body 422. Without the system's key 401, above the rate 429 with
``Retry-After``.
Jobs are held and released as by Plex Connect, commands answered as by Opcenter, samples made as by SENAITE; other
paths take any document. ``GET /context`` gives orders and lots from a place on.
"""

import asyncio
import base64
import json
import secrets
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address
_MINUTE_SECONDS = 60.0
_LONGEST_BODY_BYTES = 4 * 1024 * 1024


class Fault(StrEnum):
    """What goes wrong with a request."""

    DROP_BEFORE = "drop_before"  # the connection ends before anything was done
    DROP_AFTER = "drop_after"  # it is done, and the connection ends before the answer
    SLOW = "slow"  # the answer takes longer than anybody waits
    ERROR_500 = "500"
    ERROR_503 = "503"
    REDIRECT = "302"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def key(self) -> str | None:
        """Return its idempotency key."""
        return self.headers.get("idempotency-key")


@dataclass(slots=True)
class RestSystem:
    """What the system has been told, and how it behaves.

    ``required``: a header and its value, without which it answers 401. ``faults``: of the next requests that are
    ``faulty``, in their order. ``effects``: what was done, in its order; ``heard`` is called with it. ``refuses``: the
    status for a request that it does not take. ``token_client``: whose id and secret gets access tokens, without which
    it answers 401.
    """

    required: tuple[str, str] | None = None
    calls_per_minute: int | None = None
    retry_after: str = "1"
    faults: deque[Fault] = field(default_factory=deque)
    faulty: Callable[[Call], bool] = lambda _call: True
    refuses: Callable[[Call], int | None] = lambda _call: None
    refusal: bytes = b'{"message": "not taken"}'
    heard: Callable[[Call], None] = lambda _call: None
    calls: list[Call] = field(default_factory=list)
    effects: list[Call] = field(default_factory=list)
    jobs_on_hold: set[str] = field(default_factory=set)
    context: list[dict[str, Any]] = field(default_factory=list)
    now: Callable[[], float] = time.monotonic
    port: int = 0
    token_client: tuple[str, str] | None = None
    tokens: list[str] = field(default_factory=list)
    _answers: dict[str, tuple[bytes, int, bytes]] = field(default_factory=dict)
    _recent: deque[float] = field(default_factory=deque)

    def answer(self, call: Call) -> tuple[int, dict[str, str], bytes]:
        """Do what a request asks for; return status, headers and body."""
        if self.token_client is not None and call.path == TOKEN_PATH:
            return self._token(call)
        if not self._may(call):
            return 401, {}, b'{"code": "REQUEST_NOT_AUTHENTICATED"}'
        if self._too_many():
            return 429, {"Retry-After": self.retry_after}, b""
        known = self._answers.get(call.key or "")
        if known is not None:
            body, status, answered = known
            return (status, {}, answered) if body == call.body else (422, {}, b'{"title": "the key was used already"}')
        refused = self.refuses(call)
        if refused is not None:
            return refused, {}, self.refusal
        status, answered = self._done(call)
        if call.key is not None:
            self._answers[call.key] = (call.body, status, answered)
        return status, {}, answered

    def _may(self, call: Call) -> bool:
        if self.token_client is not None:
            return call.headers.get("authorization") in {f"Bearer {token}" for token in self.tokens}
        return self.required is None or call.headers.get(self.required[0].lower()) == self.required[1]

    def _token(self, call: Call) -> tuple[int, dict[str, str], bytes]:
        """Give an access token for the client's id and secret (OAuth 2.0, client credentials)."""
        pair = base64.b64encode(":".join(self.token_client or ()).encode()).decode()
        if call.headers.get("authorization") != f"Basic {pair}" or b"grant_type=client_credentials" not in call.body:
            return 401, {}, b'{"error": "invalid_client"}'
        self.tokens.append(f"at-{len(self.tokens)}-{secrets.token_hex(16)}")
        given = {"access_token": self.tokens[-1], "token_type": "Bearer", "expires_in": 3600}
        return 200, {}, json.dumps(given).encode()

    def _too_many(self) -> bool:
        if self.calls_per_minute is None:
            return False
        at = self.now()
        while self._recent and self._recent[0] <= at - _MINUTE_SECONDS:
            self._recent.popleft()
        if len(self._recent) >= self.calls_per_minute:
            return True
        self._recent.append(at)
        return False

    def _done(self, call: Call) -> tuple[int, bytes]:
        parts = urlsplit(call.path)
        levels = [unquote(level) for level in parts.path.split("/")[1:]]
        if call.method == "GET":
            after = int(parse_qs(parts.query).get("after", ["0"])[0])
            return 200, json.dumps({"items": self.context[after:], "next": len(self.context)}).encode()
        self.effects.append(call)
        self.heard(call)
        match levels:
            case ["scheduling", "v1-beta1", "jobs", job, "hold"]:
                self.jobs_on_hold.add(job)
                return 204, b""
            case ["scheduling", "v1-beta1", "jobs", job, "release-hold"]:
                self.jobs_on_hold.discard(job)
                return 204, b""
            case ["sit-svc", "application", _application, "odata", _command]:
                known = isinstance(json.loads(call.body).get("command"), dict)
                return 200, json.dumps({"Succeeded": known, "Error": {"ErrorCode": 0 if known else -1}}).encode()
            case ["@@API", "senaite", "v1", *_rest]:
                return 200, json.dumps({"count": 1, "items": [{"uid": "0" * 32}]}).encode()
        return 201, b"{}"


@asynccontextmanager
async def serving(system: RestSystem, *, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[RestSystem]:
    """Serve a system on loopback within the block; its port is known then."""
    server = await asyncio.start_server(
        lambda reader, writer: _session(system, reader, writer), "127.0.0.1", port, ssl=tls
    )
    system.port = server.sockets[0].getsockname()[1]
    try:
        yield system
    finally:
        server.close()


async def _session(system: RestSystem, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
        call = await _call(reader)
        system.calls.append(call)
        fault = system.faults.popleft() if system.faults and system.faulty(call) else None
        if fault is not Fault.DROP_BEFORE:
            await _respond(system, call, fault, writer)
    writer.close()


async def _respond(system: RestSystem, call: Call, fault: Fault | None, writer: asyncio.StreamWriter) -> None:
    if fault in {Fault.ERROR_500, Fault.ERROR_503, Fault.REDIRECT}:
        status, headers, body = int(fault), {"Location": "/elsewhere"}, b""
    else:
        status, headers, body = system.answer(call)
    if fault is Fault.DROP_AFTER:
        return
    if fault is Fault.SLOW:
        await asyncio.sleep(_MINUTE_SECONDS)
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close", "", ""]
    writer.write("\r\n".join(lines).encode() + body)
    await writer.drain()


async def _call(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _version = head[0].split(" ")
    pairs = (line.split(":", 1) for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    length = min(int(headers.get("content-length", "0")), _LONGEST_BODY_BYTES)
    return Call(method=method, path=path, headers=headers, body=await reader.readexactly(length))
