"""One request, checked before anything of it is done: from where, by whom, of what size, and of which shape."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.console.refusals import RefusedError, RequestRefusal
from gateway.console.routes import ROUTES, Route
from gateway.console.sessions import Session
from gateway.console.views.parts import AskedFor
from gateway.records.sight import Sight

Shape = TypeVar("Shape", bound=BaseModel)
LONGEST_BODY_BYTES = 64 * 1024
LONGEST_BODY_OF_STRANGER = 4 * 1024
_LONGEST_HEAD_BYTES = 16 * 1024
_BODY_SECONDS = 10.0
_LONGEST_PART = 256  # characters of a part of a path
_MOST_PROBLEMS = 3
_OWN_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request that may be answered: ``session`` None where nobody has signed in, which its route allows.

    ``origin``: the address from which it comes. ``sight``: whose records who asks may see.
    """

    route: Route
    request: Request
    origin: str
    parameters: dict[str, str]
    session: Session | None
    token: str
    body: AskedFor | None
    sight: Sight

    @property
    def signed_in(self) -> Session:
        """Return the session; raises where there is none."""
        if self.session is None:
            raise RefusedError(401, RequestRefusal.NOT_SIGNED_IN)
        return self.session

    def query(self, name: str, *, longest: int = 200) -> str:
        """Return a parameter of the query; raises where it is too long."""
        value = self.request.query_params.get(name, "")
        if len(value) > longest or not value.isprintable():
            raise RefusedError(400, RequestRefusal.PARAMETER_NOT_READABLE, name=name)
        return value

    def number(self, name: str, *, otherwise: float, lowest: float, highest: float) -> float:
        """Return a number of the query, ``otherwise`` without it; raises where it is none or beyond what is allowed."""
        text = self.query(name) or str(otherwise)
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not lowest <= number <= highest:
            raise RefusedError(400, RequestRefusal.PARAMETER_OUT_OF_RANGE, name=name, lowest=lowest, highest=highest)
        return number


Answering = Callable[[Asked], Awaitable[Response]]
_PARTS = tuple((route, route.path.strip("/").split("/")) for route in ROUTES)


def parts_of(raw_path: bytes) -> list[str]:
    """Return the parts of a path, each decoded by itself, so that a name may hold a slash; raises where it is none."""
    try:
        path = raw_path.split(b"?", 1)[0].decode("ascii")
        parts = [unquote(part, errors="strict") for part in path.removeprefix("/").split("/")]
    except UnicodeError:
        raise RefusedError(400, RequestRefusal.PATH_NOT_TEXT) from None
    if any(len(part) > _LONGEST_PART or "\0" in part for part in parts):
        raise RefusedError(404, RequestRefusal.NO_SUCH_PATH)
    return parts


def routed(method: str, parts: list[str]) -> tuple[Route, dict[str, str]] | None:
    """Return the route of a path with its parameters, None where there is none; raises where it has no such method."""
    elsewhere: list[str] = []
    for route, pattern in _PARTS:
        parameters = _parameters(pattern, parts)
        if parameters is None:
            continue
        if route.method == method:
            return route, parameters
        elsewhere.append(route.method)
    if elsewhere:
        raise RefusedError(405, RequestRefusal.WRONG_METHOD, methods=elsewhere)
    return None


def _parameters(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    parameters = {}
    for name, part in zip(pattern, parts, strict=True):
        if name.startswith("{"):
            if not part:
                return None
            parameters[name.strip("{}")] = part
        elif name != part:
            return None
    return parameters


def refuse_long_heads(request: Request) -> None:
    """Raise where the headers are longer than any browser's: what comes in one piece is read as a whole."""
    if sum(len(name) + len(value) for name, value in request.scope["headers"]) > _LONGEST_HEAD_BYTES:
        raise RefusedError(431, RequestRefusal.HEADERS_TOO_LONG, most=_LONGEST_HEAD_BYTES)


def refuse_smuggling(request: Request) -> None:
    """Raise where two headers say differently how long the body is (RFC 9112, 6.3)."""
    headers = request.headers
    if "content-length" in headers and "transfer-encoding" in headers:
        raise RefusedError(400, RequestRefusal.CONTRADICTING_LENGTHS)


def refuse_foreign_names(request: Request) -> None:
    """Raise where this machine's own address is asked for by a foreign name, which a page of that name has made."""
    try:
        name = urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        name = None
    if name not in _OWN_NAMES:
        raise RefusedError(421, RequestRefusal.FOREIGN_NAME)


def refuse_foreign_pages(request: Request, *, tls: bool) -> None:
    """Raise where a page of another origin has sent a request that changes something."""
    wrong = RefusedError(403, RequestRefusal.FOREIGN_PAGE)
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise wrong
    origin = request.headers.get("origin")
    if origin is None:
        raise wrong
    try:
        parts = urlsplit(origin)
    except ValueError:
        raise wrong from None
    if parts.netloc.lower() != request.headers.get("host", "").lower() or not parts.netloc:
        raise wrong
    if parts.scheme not in ({"https"} if tls else {"http", "https"}):
        raise wrong


async def body_of(request: Request, shape: type[Shape], *, longest: int) -> Shape:
    """Return the body in its shape; raises where it is too long, does not come, or is not understood."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RefusedError(415, RequestRefusal.NOT_JSON)
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > longest:
        raise RefusedError(413, RequestRefusal.BODY_TOO_LONG, most=longest)
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            body = await _read(request, longest)
    except (TimeoutError, ClientDisconnect):
        raise RefusedError(408, RequestRefusal.BODY_DID_NOT_COME) from None
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        raise RefusedError(400, RequestRefusal.NOT_UNDERSTOOD, problem=problems_of(error)) from None


async def _read(request: Request, longest: int) -> bytes:
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > longest:
            raise RefusedError(413, RequestRefusal.BODY_TOO_LONG, most=longest)
        parts.append(part)
    return b"".join(parts)


def problems_of(error: ValidationError) -> str:
    """Return what is wrong with a request, without what was sent: it may be a password."""
    problems = [
        f"{'.'.join(map(str, problem['loc'])) or 'the body'}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    return "; ".join(problems[:_MOST_PROBLEMS])
