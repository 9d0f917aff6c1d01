"""The demonstration's user, signed in at the console by the demo's link: what a browser sends, without one."""

import json
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any

from simulator.gateway_process import ConsoleLink, GatewayFailedError

DEMO_USER = "demo"
_ANSWER_SECONDS = 15.0


class ConsoleSession:
    """Signed in from its making on; raises OSError or GatewayFailedError where the console does not answer so."""

    def __init__(self, console: ConsoleLink) -> None:
        self._console = console
        self._headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{console.port}"}
        cookie, answer = self._ask("POST", "/session/link", {"link": console.link})
        self._headers |= {"Cookie": cookie.partition(";")[0], "X-CSRF-Token": answer["csrf_token"]}

    def get(self, path: str) -> dict[str, Any]:
        """Return what a path shows."""
        return self._ask("GET", path, None)[1]

    def act(
        self, act: str, parameters: dict[str, Any], *, reason: str = "demonstration", signed: bool = False
    ) -> dict[str, Any]:
        """Do an act, ``signed`` with user and password; return its details."""
        signing = {"user": DEMO_USER, "password": self._console.link, "code": ""} if signed else None
        asked = {"act": act, "parameters": parameters, "reason": reason, "sign_in": signing}
        _cookie, answer = self._ask("POST", "/api/acts", asked)
        if answer["outcome"] != "done":
            raise GatewayFailedError(f"the console refused {act}: {answer['why']}")
        details: dict[str, Any] = answer["details"]
        return details

    def _ask(self, method: str, path: str, document: dict[str, Any] | None) -> tuple[str, dict[str, Any]]:
        connection = HTTPConnection("127.0.0.1", self._console.port, timeout=_ANSWER_SECONDS)
        try:
            connection.request(method, path, None if document is None else json.dumps(document), self._headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != HTTPStatus.OK:
            raise GatewayFailedError(f"the console answered {path} with {answer.status}: {body[:200]!r}")
        return answer.headers.get("Set-Cookie", ""), json.loads(body)
