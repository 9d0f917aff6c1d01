"""Answers requests: checks who asks, from where and for what, then has the route's part answer.

Whatever is answered carries the headers by which a browser runs nothing but the page's own files, shows the page in no
other one, and keeps no answer.
"""

import hmac
import traceback
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from gateway.console.asked import (
    LONGEST_BODY_BYTES,
    LONGEST_BODY_OF_STRANGER,
    Answering,
    Asked,
    body_of,
    parts_of,
    refuse_foreign_names,
    refuse_foreign_pages,
    refuse_long_heads,
    refuse_smuggling,
    routed,
)
from gateway.console.origin import Origins
from gateway.console.refusals import RefusedError, RequestRefusal, refusal_view
from gateway.console.routes import Access, Route
from gateway.console.sessions import Session, Sessions
from gateway.console.sighted import SightGate
from gateway.console.static_files import StaticFiles
from gateway.errors import LablineError, StoreUnavailableError
from gateway.records.act_refusals import ActRefusal
from gateway.records.sight import NOBODYS_CLIENT, Sight
from gateway.records.users import Role
from gateway.transport.console_options import ConsoleOptions
from gateway.transport.http_entrance import Entrance, Peer, Rate

log = structlog.get_logger()

Beside = Callable[[Request, list[str]], Awaitable[Response]]
REFRESH = "x-labline-refresh"  # sent by the page with what it asks for by itself: no person has acted
CSRF = "x-csrf-token"
_BEFORE_A_NEW_PASSWORD = frozenset({"GET /api/me", "GET /api/start", "POST /api/password", "DELETE /session"})
_PER_SECOND, _AT_ONCE = 60.0, 240  # requests of one session: of all its pages
_MOST_SESSIONS_COUNTED = 256
_UNKNOWN_PER_SECOND, _UNKNOWN_AT_ONCE = 5.0, 60  # tokens of one address that are no session's
_ADDRESSES = 1024
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = (
    ("content-security-policy", _POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), usb=(), payment=()"),
    ("cache-control", "no-store"),
)
_OVER_TLS = ("strict-transport-security", "max-age=31536000")


class Application:
    """The console as an application of ASGI."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        answering: Mapping[str, Answering],
        sight_of: Callable[[str], Sight],
        gate: SightGate,
        files: StaticFiles,
        entrance: Entrance,
        options: ConsoleOptions,
        beside: Mapping[str, Beside] = MappingProxyType({}),
    ) -> None:
        """``answering``: by the name of each route, what answers it; ``beside``: by the first part of a path.

        ``sight_of``: whose records a user sees; ``gate``: what every answer passes.
        """
        self._sessions = sessions
        self._answering = answering
        self._sight_of = sight_of
        self._gate = gate
        self._files = files
        self._entrance = entrance
        self._cookie = cookie_name(options)
        self._tls = options.certificate is not None
        self._origins = Origins(options.trusted_proxies)
        self._on_loopback = options.host in LOOPBACK
        self._beside = beside
        self._strangers: dict[str, Rate] = {}
        self._rates: dict[str, Rate] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except RefusedError as error:
            answer = refusal(error)
            answer.headers["connection"] = "close"
        except StoreUnavailableError as error:
            answer = refusal(RefusedError(503, RequestRefusal.STORE_UNAVAILABLE, problem=str(error), way=error.hint))
        except LablineError as error:
            answer = refusal(RefusedError(400, RequestRefusal.NOT_UNDERSTOOD, problem=str(error)))
        except Exception as error:  # noqa: BLE001 - the loop's edge: one request that fails must end no other
            _log_failure(request.scope["path"][:100], error)
            answer = refusal(RefusedError(500, RequestRefusal.FAILED))
        await answer(scope, receive, _with_headers(send, tls=self._tls))

    async def _answer(self, request: Request) -> Response:
        refuse_long_heads(request)
        refuse_smuggling(request)
        if self._on_loopback:
            refuse_foreign_names(request)
        parts = parts_of(request.scope.get("raw_path") or request.scope["path"].encode("ascii", errors="replace"))
        if parts[0] in self._beside:
            return await self._beside[parts[0]](request, parts[1:])
        matched = routed(request.method, parts)
        if matched is None:
            answer = self._files.answer(request, parts)
            if answer is None:
                raise RefusedError(404, RequestRefusal.NO_SUCH_PATH)
            if request.client is not None:  # a slow browser needs many seconds for the page's files
                self._entrance.asked(Peer(request.client.host, request.client.port))
            return answer
        route, parameters = matched
        asked = await self._asked(request, route, parameters)
        return await self._gate.answer(asked, self._answering[route.name])

    async def _asked(self, request: Request, route: Route, parameters: dict[str, str]) -> Asked:
        """Return the request as it may be answered; raises where it may not."""
        if request.method != "GET":
            refuse_foreign_pages(request, tls=self._tls)
        token = request.cookies.get(self._cookie, "")
        origin = self._origins.of(request)
        self._hold_off(origin, token)
        session = await self._sessions.holding(token, used=_by_a_person(request, route))
        if session is None and route.access is not Access.ANYBODY:
            raise RefusedError(401, RequestRefusal.NOT_SIGNED_IN)
        if session is not None:
            self._known(request, session)
            self._may(request, route, session)
        body = None
        if route.asked is not None:
            longest = LONGEST_BODY_OF_STRANGER if session is None else LONGEST_BODY_BYTES
            body = await body_of(request, route.asked, longest=longest)
        return Asked(
            route=route, request=request, origin=origin, parameters=parameters, session=session, token=token, body=body,
            sight=NOBODYS_CLIENT if session is None else self._sight_of(session.user.user_id),
        )  # fmt: skip

    def _hold_off(self, origin: str, token: str) -> None:
        """Raise where an address tries one token after the other; those that were valid of late are let through."""
        if not token or self._sessions.recently_held(token):
            return
        rate = counted_rate(self._strangers, origin, per_second=_UNKNOWN_PER_SECOND, at_once=_UNKNOWN_AT_ONCE)
        if not rate.takes():
            raise RefusedError(429, RequestRefusal.TOO_MANY_WITHOUT_SESSION)

    def _known(self, request: Request, session: Session) -> None:
        """Let the connection stand, and count the session's requests."""
        if request.client is not None:
            self._entrance.proven(Peer(request.client.host, request.client.port))
        rate = self._rates.pop(session.token_sha256, None) or Rate(per_second=_PER_SECOND, at_once=_AT_ONCE)
        self._rates[session.token_sha256] = rate
        if len(self._rates) > _MOST_SESSIONS_COUNTED:
            del self._rates[next(iter(self._rates))]
        if not rate.takes():
            raise RefusedError(429, RequestRefusal.TOO_MANY_REQUESTS)

    def _may(self, request: Request, route: Route, session: Session) -> None:
        if route.access is Access.ANYBODY:
            return
        if request.method != "GET" and not hmac.compare_digest(
            request.headers.get(CSRF, "").encode(errors="replace"), session.csrf_token.encode()
        ):
            raise RefusedError(403, RequestRefusal.TOKEN_OF_SESSION_MISSING)
        if session.must_change and route.name not in _BEFORE_A_NEW_PASSWORD:
            raise RefusedError(403, ActRefusal.PASSWORD_MUST_CHANGE)
        if route.access is Access.ADMINISTRATORS and Role.ADMINISTRATOR not in session.user.roles:
            raise RefusedError(403, RequestRefusal.FOR_ADMINISTRATORS)


def _by_a_person(request: Request, route: Route) -> bool:
    """Return whether a person has asked, and not the page by itself."""
    return REFRESH not in request.headers and route.path != "/api/events"


def _log_failure(path: str, error: Exception) -> None:
    """Log where a request failed, without what was in it: it may be a password."""
    frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-3:]]
    log.error("a request to the console failed", path=path, error=type(error).__name__, at=frames)


def counted_rate(rates: dict[str, Rate], address: str, *, per_second: float, at_once: int) -> Rate:
    """Return the rate of an address; the one that has been quiet longest is forgotten."""
    rate = rates.pop(address, None) or Rate(per_second=per_second, at_once=at_once)
    rates[address] = rate
    if len(rates) > _ADDRESSES:
        del rates[next(iter(rates))]
    return rate


def cookie_name(options: ConsoleOptions) -> str:
    """Return the cookie's name: another console of this machine has another; over TLS no other host can set it."""
    name = f"labline-{options.port}"
    return name if options.certificate is None else f"__Host-{name}"


def refusal(error: RefusedError) -> JSONResponse:
    """Return an answer that is no success."""
    answer = JSONResponse(refusal_view(error).model_dump(mode="json"), status_code=error.status)
    if error.status in {429, 503}:
        answer.headers["retry-after"] = "1"
    return answer


def _with_headers(send: Send, *, tls: bool) -> Send:
    """Return ``send`` with the headers that every answer has; what an answer sets itself stays."""
    always = (*_HEADERS, _OVER_TLS) if tls else _HEADERS

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _value in message["headers"]}
            missing = [(name.encode(), value.encode()) for name, value in always if name.encode() not in own]
            message = {**message, "headers": [*message["headers"], *missing]}
        await send(message)

    return sending
