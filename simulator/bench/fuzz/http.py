"""Parsers of HTTP: bytes and requests at the webhook's door, and the answers of systems that the gateway asks."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from gateway.contract.lims.lab_results import LimsInterface, lab_result
from gateway.contract.lims.mapping import MAPPINGS
from gateway.contract.refusals import MessageRefusedError
from gateway.contract.sinks.table import TEMPLATES
from gateway.transport.access_tokens import token_in
from gateway.transport.attempts import NotTakenNowError
from gateway.transport.http import PATH, Webhook
from gateway.transport.http_entrance import Entrance
from gateway.transport.http_requests import (
    AddressError,
    HttpAnswer,
    check_path,
    retry_after,
    shown_answer,
    split_address,
)
from gateway.transport.http_server import ImpatientProtocol
from gateway.transport.webhook_options import WebhookOptions
from simulator.bench.fuzz.messages import NOW_NS, examples_in
from simulator.bench.fuzz.running import Parser, Run

_ANYBODY = "everybody who reaches the port"
_TOKEN = "t" * 16
_INTERFACE = LimsInterface(source="lims", analytes={}, assume_status=None)


async def _taken(body: bytes) -> list[str]:
    """Return why the results of a body are refused, as the webhook's intake does."""
    mapping, refused = MAPPINGS["canonical"], []
    try:
        for part in mapping.parts(body):
            lab_result(part, _INTERFACE, now_ns=NOW_NS)
    except MessageRefusedError as error:
        refused = [reason.text for reason in error.reasons]
    return refused


class Transport(asyncio.Transport):
    """The other side of a connection: it keeps what is answered."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 80), "peername": ("127.0.0.1", 4711)})
        self.answered = b""
        self.ended = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep what is sent."""
        self.answered += bytes(data)

    def close(self) -> None:
        """End."""
        self.ended = True

    abort = close

    def is_closing(self) -> bool:
        """Return whether it has ended."""
        return self.ended

    def pause_reading(self) -> None:
        """Go on."""

    def resume_reading(self) -> None:
        """Go on."""


@contextmanager
def _bytes_at_the_door() -> Iterator[Run]:
    """Return what gives bytes to the server's protocol, in two pieces, with the webhook behind it."""

    async def served(content: bytes) -> bytes:
        """Return what is answered to bytes that come in two pieces."""
        webhook = Webhook(WebhookOptions(host="127.0.0.1", port=1, token=_TOKEN), take=_taken)
        configuration = uvicorn.Config(webhook.serve_request, log_config=None, access_log=False, lifespan="off",
                                       h11_max_incomplete_event_size=16 * 1024, ws="none", interface="asgi3",
                                       proxy_headers=False, server_header=False)  # fmt: skip
        configuration.load()
        protocol = ImpatientProtocol(
            config=configuration, server_state=ServerState(), app_state={}, entrance=Entrance()
        )
        transport = Transport()
        protocol.connection_made(transport)
        for piece in (content[: len(content) // 2], content[len(content) // 2 :]):
            if piece and not transport.ended:  # the event loop gives no empty piece
                protocol.data_received(piece)
            await _settled()
        protocol.eof_received()
        protocol.connection_lost(None)
        await _settled()
        return transport.answered

    def run(content: bytes) -> None:
        answered = runner.run(served(content))
        if b" 500 " in answered.split(b"\r\n", 1)[0]:
            raise AssertionError("the server failed")

    with asyncio.Runner() as runner:
        yield run


async def _settled() -> None:
    for _turn in range(6):  # a request is read, taken and answered by then
        await asyncio.sleep(0)


def _requests() -> list[bytes]:
    """Return requests as a laboratory's system sends them."""
    heads = [
        f"POST {PATH} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {_TOKEN}\r\nContent-Type: text/json\r\n",
        f"GET /healthz?a=b HTTP/1.1\r\nHost: gateway\r\nAuthorization: Basic {_TOKEN}\r\n",
    ]
    requests = []
    for body in examples_in("lims-canonical.jsonl")[:4]:
        requests += [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for head in heads]
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (b'{"sample_id":', b' "S-1"}')) + b"0\r\n\r\n"
    return [*requests, f"{heads[0]}Transfer-Encoding: chunked\r\n\r\n".encode() + chunked]


def _answer(body: bytes) -> None:
    """Read the answer of a system that is told something."""
    text = body.decode("latin-1")
    shown_answer(HttpAnswer(status=500, body=body, retry_after_seconds=retry_after(text)), ("secret-of-the-plant",))
    for template in TEMPLATES.values():
        template.refusal(body)


def _address(content: bytes) -> None:
    text = content.decode("utf-8", "replace")
    for read in (split_address, check_path):
        _refusing(read, text)


def _refusing(read: Callable[[str], Any], text: str) -> None:
    try:
        read(text)
    except AddressError:
        return


def _answers() -> list[bytes]:
    documents = [{"IsSucceeded": False, "Error": {"ErrorMessage": "locked"}}, {"Succeeded": True}, {"message": "x"}]
    return [*(json.dumps(document).encode() for document in documents), b"120", b"Mon, 02 Mar 2026 06:00:00 GMT"]


PARSERS: tuple[Parser, ...] = (
    Parser(name="http-bytes", reached_by=_ANYBODY, examples=_requests, make=_bytes_at_the_door, refuses=()),
    Parser(
        name="http-answers",
        reached_by="the systems that are told",
        examples=_answers,
        make=lambda: nullcontext(_answer),
        refuses=(),
    ),
    Parser(
        name="token-answers",
        reached_by="the system that gives access tokens",
        examples=lambda: [b'{"access_token": "abc", "expires_in": 3600, "token_type": "Bearer"}'],
        make=lambda: nullcontext(token_in),
        refuses=(NotTakenNowError,),
    ),
    Parser(
        name="addresses",
        reached_by="who writes the configuration, and paths made of data",
        examples=lambda: [b"https://mes.example.com:8443/api/v1", b"/scheduling/v1/jobs/7a?since=2026-03-02T06%3A00"],
        make=lambda: nullcontext(_address),
        refuses=(),
    ),
)
