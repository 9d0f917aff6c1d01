"""Requests to the console, down to where an act would be decided: whoever sends what, no request ends in a failure."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from starlette.responses import JSONResponse, Response

from gateway.console.acts import ActAnswers
from gateway.console.application import CSRF, Application
from gateway.console.asked import Answering, Asked
from gateway.console.people import NOT_BY_CONSOLE
from gateway.console.routes import ROUTES, Route
from gateway.console.sessions import Session
from gateway.console.sighted import SightGate
from gateway.console.static_files import StaticFiles
from gateway.contract.acts import ActRequest, identity_of_act
from gateway.deadlines import Deadline
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import Answer, refused
from gateway.records.sight import EVERYTHING
from gateway.records.users import Role, User
from gateway.transport.console_options import ConsoleOptions
from gateway.transport.http_entrance import Entrance
from simulator.bench.fuzz.commands import act_parameters
from simulator.bench.fuzz.filling import filled
from simulator.bench.fuzz.running import Parser, Run

_FAILED = 500
_TOKEN = "s" * 43
_CSRF_TOKEN = "c" * 43
_HOST = "127.0.0.1:8443"
_FAR_NS = 2**62


class _OneSession:
    """The sessions of a console at which one person has signed in."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def holding(self, token: str, *, used: bool) -> Session | None:  # noqa: ARG002 - as the sessions have it
        """Return the session of its token."""
        return self._session if token == _TOKEN else None

    def recently_held(self, _token: str) -> bool:
        """Return whether it counts among strangers: it does not, so that nothing is held off for its rate."""
        return True


class _NoActs:
    """Takes an act as far as its event's id, and does nothing."""

    async def perform(self, request: ActRequest, *_more: object, **_how: object) -> Answer:
        """Refuse."""
        identity_of_act(request.act, at_ns=1, by="a")
        return refused(ActRefusal.GATEWAY_BUSY)


def _ignore(_asked: Asked) -> None:
    """Count nothing."""


async def _read(asked: Asked) -> Response:
    """Answer a request that reads: its parameters are read as the views do."""
    for name, _text in asked.route.query:
        asked.query(name)
        asked.number(name, otherwise=2.0, lowest=0.1, highest=24.0)
    return JSONResponse({"parameters": asked.parameters, "asked": None if asked.body is None else "read"})


def _application() -> Application:
    session = Session(
        token_sha256="0" * 64, csrf_token=_CSRF_TOKEN, must_change=False,
        user=User(user_id="a", full_name="A", roles=(Role.ADMINISTRATOR,)),
        expires=Deadline(wall_ns=_FAR_NS, boot_ns=_FAR_NS, boot_id="b"),
    )  # fmt: skip
    taking: Any = _NoActs()
    nothing_read: Any = None
    acts = ActAnswers(taking, nothing_read, on_sign_in=_ignore, on_success=_ignore)
    answering: Mapping[str, Answering] = {
        route.name: acts.do if route.name == "POST /api/acts" else _read for route in ROUTES
    }
    sessions: Any = _OneSession(session)
    options = ConsoleOptions(host="127.0.0.1", port=8443)
    return Application(
        sessions=sessions, answering=answering, files=StaticFiles(), entrance=Entrance(), options=options,
        sight_of=lambda _user: EVERYTHING, gate=SightGate(nothing_read),
    )  # fmt: skip


def _requests() -> list[bytes]:
    """Return a request to every path, those that act with a body for every kind of act."""
    requests = [
        _request(route, None if route.asked is None else filled(route.asked.model_json_schema())) for route in ROUTES
    ]
    act = next(route for route in ROUTES if route.name == "POST /api/acts")
    return [
        *requests,
        *(_request(act, {"act": kind.value, "parameters": fields, "reason": "seen", "sign_in": None})
          for kind, fields in act_parameters().items() if kind not in NOT_BY_CONSOLE),
    ]  # fmt: skip


def _request(route: Route, body: Any) -> bytes:
    headers = {"host": _HOST, "origin": f"http://{_HOST}", "cookie": f"labline-8443={_TOKEN}", CSRF: _CSRF_TOKEN,
               "content-type": "application/json"}  # fmt: skip
    query = "&".join(f"{name}=2" for name, _text in route.query)
    path = route.path.replace("{", "").replace("}", "")
    return json.dumps({"method": route.method, "path": path, "query": query, "headers": headers, "body": body}).encode()


@contextmanager
def _console() -> Iterator[Run]:

    def run(content: bytes) -> None:
        """Ask; raises AssertionError where the answer is a failure."""
        try:
            asked = json.loads(content)
            scope, body = _scope(asked), json.dumps(asked.get("body")).encode("utf-8", "surrogatepass")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return  # no request could carry it
        status = runner.run(_served(_application(), scope, body))
        if status >= _FAILED and status != 503:
            raise AssertionError(f"answered {status}")

    with asyncio.Runner() as runner:
        yield run


def _scope(asked: Any) -> dict[str, Any]:
    headers = asked["headers"]
    pairs = headers.items() if isinstance(headers, dict) else ()
    return {
        "type": "http", "method": str(asked["method"]), "path": str(asked["path"]), "client": ("127.0.0.1", 4711),
        "raw_path": str(asked["path"]).encode("utf-8", "surrogatepass"), "scheme": "http",
        "server": ("127.0.0.1", 8443), "query_string": str(asked["query"]).encode("utf-8", "surrogatepass"),
        "http_version": "1.1",
        "headers": [(str(name).lower().encode("latin-1", "replace"), str(value).encode("latin-1", "replace"))
                    for name, value in pairs],
    }  # fmt: skip


async def _served(application: Application, scope: dict[str, Any], body: bytes) -> int:
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]

    with suppress(asyncio.CancelledError):
        await application(scope, receive, send)
    return status


PARSERS: tuple[Parser, ...] = (
    Parser(name="console", reached_by="everybody who reaches the port", examples=_requests, make=_console, refuses=()),
)
