"""Access tokens that a system gives for a client's id and secret (OAuth 2.0, RFC 6749, 4.4: client credentials)."""

import base64
import json
import threading
import time
from collections.abc import Callable
from urllib.parse import quote, urlencode

from gateway.transport.attempts import NotTakenNowError
from gateway.transport.http_requests import Endpoint, HttpRequest

_OK = 200
_EARLIER_SECONDS = 60.0  # a token is renewed so long before it ends
_USUAL_SECONDS, _LONGEST_SECONDS = 300.0, 86400.0
_LONGEST_TOKEN = 16 * 1024
_MOST_ANSWER_BYTES = 64 * 1024


class AccessTokens:
    """Gives the token that is good now; it is asked for again before it ends, or once it was refused."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        client_id: str,
        client_secret: str,
        scope: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``endpoint``: where tokens are given."""
        self._endpoint = endpoint
        # RFC 6749, 2.3.1: both are encoded as in a form before they are joined
        pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
        self._authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self._form = {"grant_type": "client_credentials"} | ({} if scope is None else {"scope": scope})
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token, self._good_until = "", 0.0

    @property
    def secret(self) -> str:
        """Return the token that is held, empty where there is none."""
        return self._token

    def present(self) -> str:
        """Return a token; blocks for seconds where a new one is asked for. Raises NotTakenNowError."""
        with self._lock:
            if not self._token or self._monotonic() >= self._good_until:
                self._token, seconds = self._given()
                self._good_until = self._monotonic() + max(0.0, seconds - _EARLIER_SECONDS)
            return self._token

    def forget(self) -> None:
        """Forget the token: the system has refused it."""
        with self._lock:
            self._token = ""

    def _given(self) -> tuple[str, float]:
        headers = {"Authorization": self._authorization, "Content-Type": "application/x-www-form-urlencoded",
                   "Accept": "application/json", "User-Agent": "labline"}  # fmt: skip
        body = urlencode(self._form).encode()
        answer = HttpRequest(self._endpoint).send("POST", "", body=body, headers=headers, most_bytes=_MOST_ANSWER_BYTES)
        if answer.status != _OK:
            raise NotTakenNowError(
                f"no access token: answered {answer.status}", after_seconds=answer.retry_after_seconds
            )
        return token_in(answer.body)


def token_in(body: bytes) -> tuple[str, float]:
    """Return a token and for how many seconds it is good; raises NotTakenNowError where there is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    token = document.get("access_token") if isinstance(document, dict) else None
    if (
        not isinstance(token, str)
        or not 0 < len(token) <= _LONGEST_TOKEN
        or not token.isascii()
        or not token.isprintable()
    ):
        raise NotTakenNowError("no access token in the answer")
    seconds = document.get("expires_in")
    usable = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds <= _LONGEST_SECONDS
    return token, float(seconds) if usable else _USUAL_SECONDS
