"""Lets in who may read: clients by their tokens, people by their session of the console; then has the path answered.

Whatever happens to a request, it is answered in the envelope of i3X.
"""

import asyncio
import hmac
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.console.application import CSRF, counted_rate
from gateway.console.asked import LONGEST_BODY_BYTES, body_of, refuse_foreign_pages
from gateway.console.origin import Origins
from gateway.console.refusals import RefusedError
from gateway.console.sessions import Sessions
from gateway.errors import LablineError, StoreUnavailableError
from gateway.interfaces.i3x.answering import ROUTES, Answer, Answering, Call, Route, info
from gateway.interfaces.i3x.answers import NotAnsweredError, failure, response
from gateway.records.sight import Sight
from gateway.transport.http_entrance import Entrance, Peer, Rate

log = structlog.get_logger()

_PER_SECOND, _AT_ONCE = 20.0, 100  # requests of one client
_WRONG_PER_SECOND, _WRONG_AT_ONCE = 1.0, 20  # of one address that shows no token that is known
_LONGEST_TOKEN, _LONGEST_PARAMETER, _MOST_PARTS = 512, 1024, 2
_TOO_LONG, _MOST_THROWN_AWAY, _THROWN_AWAY_SECONDS = 413, 32 * 2**20, 5.0
_SIGN_IN = "show the token of a client of [i3x], as Authorization: Bearer, or the session of a user of the console"


class SignedIn(NamedTuple):
    """Who is signed in at the console: the sessions, the cookie that names one, and whose records a user sees."""

    sessions: Sessions
    cookie: str
    sight_of: Callable[[str], Sight]


class I3xEntrance:
    """Everything below ``/v1``."""

    def __init__(
        self,
        answering: Answering,
        *,
        name: str,
        tokens: Mapping[str, str],
        people: SignedIn,
        origins: Origins,
        entrance: Entrance,
        tls: bool,
    ) -> None:
        """``tokens`` by client; ``people`` and ``origins`` are the console's; ``name``: the server's."""
        self._answering = answering
        self._name = name
        self._tokens = {client: token.encode() for client, token in tokens.items()}
        self._people = people
        self._origins = origins
        self._entrance = entrance
        self._tls = tls
        self._rates: dict[str, Rate] = {}
        self._strangers: dict[str, Rate] = {}

    async def answer(self, request: Request, parts: list[str]) -> Response:
        """Answer a request; ``parts``: of its path, behind ``v1``."""
        try:
            status, document = await self._answer(request, parts)
        except NotAnsweredError as error:
            status, document = failure(error)
        except RefusedError as error:
            if error.status == _TOO_LONG:
                await _read_to_its_end(request)
            status, document = failure(NotAnsweredError(error.status, f"{error.why} {error.hint}".strip()))
        except StoreUnavailableError as error:
            status, document = failure(NotAnsweredError(503, str(error)))
        except LablineError as error:
            status, document = failure(NotAnsweredError(400, str(error)))
        except Exception as error:  # noqa: BLE001 - the loop's edge: one request that fails must end no other
            frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-3:]]
            path, kind = request.scope["path"][:100], type(error).__name__
            log.error("a request of i3X failed", path=path, error=kind, at=frames)  # noqa: TRY400 - it may hold a token
            status, document = failure(NotAnsweredError(500, "it failed; the gateway's log says where"))
        answer = await asyncio.to_thread(response, request, status, document)  # of very many objects it takes a while
        if status in {400, 408, 413, 415}:
            answer.headers["connection"] = "close"  # what is left of its body is not read
        return answer

    async def _answer(self, request: Request, parts: list[str]) -> Answer:
        path = "/".join(parts)
        if path == "info" and request.method != "GET":
            raise NotAnsweredError(405, "only GET")
        if path == "info":
            if request.client is not None:
                self._entrance.asked(Peer(request.client.host, request.client.port))
            return info(self._name)
        identity = await self._identity(request)
        if request.client is not None:
            self._entrance.proven(Peer(request.client.host, request.client.port))
        if not counted_rate(self._rates, identity, per_second=_PER_SECOND, at_once=_AT_ONCE).takes():
            raise NotAnsweredError(429, f"more than {_PER_SECOND:.0f} requests a second")
        route = _routed(request.method, path)
        if route.answer is None:
            raise NotAnsweredError(501, "Labline is only read, and values are taken by sync: see GET /v1/info")
        body = None if route.asked is None else await body_of(request, route.asked, longest=LONGEST_BODY_BYTES)
        return await route.answer(self._answering, Call(identity=identity, query=_query(request), body=body))

    async def _identity(self, request: Request) -> str:
        """Return who asks; raises where they have not shown it."""
        origin = self._origins.of(request)
        shown = request.headers.get("authorization")
        token = request.cookies.get(self._people.cookie, "")
        if shown is None and token:
            return await self._person(request, token, origin)
        client = self._client(shown or "")
        if client is None:
            self._hold_off(origin)
            raise NotAnsweredError(401, _SIGN_IN)
        return f"client {client}"

    def _client(self, shown: str) -> str | None:
        """Return whose token is shown; every one is compared, so the time says nothing."""
        scheme, _, token = shown.partition(" ")
        if scheme.lower() != "bearer" or len(token) > _LONGEST_TOKEN:
            return None
        given = token.strip().encode(errors="replace")
        same = [client for client, own in self._tokens.items() if hmac.compare_digest(given, own)]
        return same[0] if same else None

    async def _person(self, request: Request, token: str, origin: str) -> str:
        """Return the user of a session; a page of another origin cannot use it."""
        if not self._people.sessions.recently_held(token):
            self._hold_off(origin)
        session = await self._people.sessions.holding(token, used=False)  # a program that asks keeps nobody signed in
        if session is None:
            raise NotAnsweredError(401, _SIGN_IN)
        if session.must_change:
            raise NotAnsweredError(403, "the user has to set a password of their own first")
        if self._people.sight_of(session.user.user_id).limited:
            raise NotAnsweredError(403, "this is read of all clients together, and the user sees some only")
        if request.method != "GET":
            refuse_foreign_pages(request, tls=self._tls)
            sent = request.headers.get(CSRF, "").encode(errors="replace")
            if not hmac.compare_digest(sent, session.csrf_token.encode()):
                raise NotAnsweredError(403, "the header X-CSRF-Token of the session is missing")
        return f"user {session.user.user_id}"

    def _hold_off(self, origin: str) -> None:
        if not counted_rate(self._strangers, origin, per_second=_WRONG_PER_SECOND, at_once=_WRONG_AT_ONCE).takes():
            raise NotAnsweredError(429, "too many requests without a token that is known")


def _routed(method: str, path: str) -> Route:
    route = ROUTES.get((method, path))
    if route is not None:
        return route
    others = sorted(other for other, known in ROUTES if known == path)
    if others:
        raise NotAnsweredError(405, f"only {', '.join(others)}")
    raise NotAnsweredError(404, "there is no such path")


async def _read_to_its_end(request: Request) -> None:
    """Read what is left of a body and keep nothing: who is still sending would else never read the refusal."""
    left = _MOST_THROWN_AWAY
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(_THROWN_AWAY_SECONDS):
            async for part in request.stream():
                left -= len(part)
                if left < 0:
                    return


def _query(request: Request) -> Mapping[str, str]:
    query = dict(request.query_params)
    if any(len(value) > _LONGEST_PARAMETER for value in query.values()):
        raise NotAnsweredError(400, "a parameter is too long")
    return query
