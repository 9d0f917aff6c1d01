"""One HTTP request to a configured address: nothing else is ever connected to, and redirections are not followed.

What goes out is bounded, and so is what is read of an answer. Errors and answers name no secret: where the text of an
answer holds a part of one, it is left out.
"""

import base64
import email.utils
import http.client
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, urlsplit

from gateway.transport.attempts import NotTakenNowError

_UNAUTHORIZED = 401
LONGEST_ANSWER_BYTES = 8 * 1024 * 1024
_LONGEST_SHOWN = 200
_PART_OF_SECRET = 6  # so many characters of one are too many
_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?")
_Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


class AddressError(ValueError):
    """An address or a path that is not requested."""


class NotAllowedError(OSError):
    """The host's name leads to an address that is not connected to."""


_REASONS = (
    (TimeoutError, "no answer in time"),
    (ConnectionRefusedError, "nothing listens there"),
    (socket.gaierror, "the host is not known"),
)


class Tokens(Protocol):
    """Gives access tokens; see ``access_tokens.py``."""

    @property
    def secret(self) -> str:
        """Return the token that is held."""
        ...

    def present(self) -> str:
        """Return a token that is good now."""
        ...

    def forget(self) -> None:
        """Forget the token."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """Where requests go. ``base``: the path that all are below; ``networks``: where the host must be, empty: anywhere.

    ``secrets``: what must be in no text of an answer.
    """

    scheme: str
    host: str
    port: int
    base: str
    timeout_seconds: float
    networks: _Networks = ()
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    tokens: Tokens | None = field(default=None, repr=False)

    @property
    def all_secrets(self) -> tuple[str, ...]:
        """Return every secret, with the access token that is held."""
        held = "" if self.tokens is None else self.tokens.secret
        return (*self.secrets, held) if held else self.secrets


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpAnswer:
    """An answer; ``retry_after_seconds``: how long the server asks to be left alone."""

    status: int
    body: bytes
    retry_after_seconds: float | None = None


def split_address(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path of an address; raises AddressError where it is more than that."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise AddressError("has characters that no address has")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressError(str(error)) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AddressError("is no address such as https://mes.example.com/api")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise AddressError("names a user: credentials are files, not parts of an address")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise AddressError("ends with its path, without ? and #")
    path = parts.path.rstrip("/")
    check_path(path)
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path


def check_path(path: str) -> None:
    """Raise AddressError where a path below the address could lead elsewhere."""
    if not _PATH.fullmatch(path):
        raise AddressError(f"{path[:60]!r} is no path that begins with /")
    parts = re.sub(r"(?i)%2e", ".", path.partition("?")[0]).split("/")[1:]
    if any(part in {".", ".."} for part in parts) or "" in parts or re.search(r"(?i)%(2f|5c|25|[01][0-9a-f])", path):
        raise AddressError(f"{path[:60]!r} could lead elsewhere")  # some servers decode a path before they part it


class HttpRequest:
    """One request; ``close`` ends it from another thread."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._socket: socket.socket | None = None

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        most_bytes: int = LONGEST_ANSWER_BYTES,
    ) -> HttpAnswer:
        """Send and return the answer; blocks for seconds. Raises NotTakenNowError where nothing answers.

        Raises AddressError where the path is none below the endpoint's.
        """
        endpoint = self._endpoint
        check_path(path)
        if endpoint.tokens is not None:
            headers = {**headers, "Authorization": f"Bearer {endpoint.tokens.present()}"}
        connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=endpoint.timeout_seconds)
        connection.default_port = 443 if endpoint.tls is not None else 80
        try:
            self._socket = connection.sock = self._connected()
            connection.request(method, endpoint.base + path or "/", body=body, headers={**endpoint.headers, **headers})
            answer = connection.getresponse()
            read = answer.read(most_bytes)
            if endpoint.tokens is not None and answer.status == _UNAUTHORIZED:
                endpoint.tokens.forget()
            return HttpAnswer(
                status=answer.status, body=read, retry_after_seconds=retry_after(answer.getheader("Retry-After"))
            )
        except (http.client.HTTPException, OSError, ValueError) as error:
            raise NotTakenNowError(_why(error)) from None
        finally:
            connection.close()

    def close(self) -> None:
        """Break off: a server that sends a byte now and then would keep the thread."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _connected(self) -> socket.socket:
        """Return a connection to an address of the host that may be connected to."""
        endpoint = self._endpoint
        candidates = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
        allowed = [item for item in candidates if may_connect(str(item[4][0]), endpoint.host, endpoint.networks)]
        if not allowed:
            raise NotAllowedError("the host's name leads to an address that is not allowed")
        failed: OSError = OSError("no address")
        for _family, _kind, _protocol, _name, address in allowed:
            try:
                plain = socket.create_connection((str(address[0]), endpoint.port), timeout=endpoint.timeout_seconds)
            except OSError as error:
                failed = error
                continue
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return plain if endpoint.tls is None else endpoint.tls.wrap_socket(plain, server_hostname=endpoint.host)
        raise failed


def may_connect(address: str, host: str, networks: _Networks) -> bool:
    """Return whether an address that a host's name leads to may be connected to.

    A name that leads to this machine itself, or to addresses of the link (where clouds keep their metadata), is
    refused: only a host that is written as such an address, or localhost, means it.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if networks and not any(found in network for network in networks if network.version == found.version):
        return False
    literal = host == "localhost" or _is_address(host)
    usual = not (found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified)
    return usual or literal or bool(networks)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def retry_after(value: str | None, *, now_seconds: float | None = None) -> float | None:
    """Return how many seconds a server asks to be left alone (RFC 9110, 10.2.3), None where it does not say."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value.strip()[:9])
    try:
        at = email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, at - (time.time() if now_seconds is None else now_seconds))


def _why(error: Exception) -> str:
    """Return why there is no answer, in words that hold nothing of the request."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or 'no reason'})"
    if isinstance(error, NotAllowedError):
        return str(error)
    return next((why for kind, why in _REASONS if isinstance(error, kind)), type(error).__name__)


def shown_answer(answer: HttpAnswer, secrets: tuple[str, ...]) -> str:
    """Return what a server has answered, for people: its status and a little of its text, with nothing of a secret."""
    text = " ".join(answer.body[: 4 * _LONGEST_SHOWN].decode("utf-8", "replace").split())
    text = "".join(character for character in text if character.isprintable())[:_LONGEST_SHOWN]
    if not text:
        return f"answered {answer.status}"
    return f"answered {answer.status}: {'(its text is left out)' if holds_secret(text, secrets) else text}"


def holds_secret(text: str, secrets: tuple[str, ...]) -> bool:
    """Return whether a text holds a part of a secret, as it is or encoded as headers and addresses encode it."""
    folded = text.casefold()
    for secret in secrets:
        raw = secret.encode()
        forms = (
            secret,
            quote(secret, safe=""),
            raw.hex(),
            *(base64.b64encode(b"x" * at + raw).decode() for at in range(3)),
        )
        for form in (form.casefold() for form in forms):
            size = min(_PART_OF_SECRET, len(form))
            if any(form[at : at + size] in folded for at in range(len(form) - size + 1)):
                return True
    return False
