"""Case 16 of attacks.md: the webhook against whoever has no token."""

import asyncio
import json
import ssl
from contextlib import suppress
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.connections import webhook_options
from gateway.config.reading import read
from gateway.errors import ConfigurationError
from gateway.transport import http, http_entrance
from gateway.transport.http import LONGEST_BODY_BYTES, PATH, Webhook, WebhookOptions
from gateway.transport.http_entrance import MOST_UNPROVEN, MOST_UNPROVEN_PER_ADDRESS, Entrance, Peer, Rate
from simulator.broker import free_port
from tests.config.test_settings import MINIMAL, written
from tests.fixtures.secured_broker import certificate_pair

TOKEN = "a-token-that-is-long-enough"


class Door(NamedTuple):
    port: int
    bodies: list
    webhook: Webhook


@pytest.fixture
async def door():
    """A webhook on a free port that takes every body."""
    bodies = []

    async def take(body):
        bodies.append(body)
        return []

    port = free_port()
    webhook = Webhook(WebhookOptions(host="127.0.0.1", port=port, token=TOKEN), take=take)
    task = asyncio.create_task(webhook.run())
    async with asyncio.timeout(90):
        while True:
            with suppress(OSError):
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.005)
    yield Door(port, bodies, webhook)
    task.cancel()
    await asyncio.wait({task})


async def ask(port, head, body=b"", *, token=TOKEN, context=None):
    """Send a request as it is; return the answer's code and document."""
    name = None if context is None else "localhost"
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    lines = [f"POST {PATH} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", *head, "", ""]
    async with asyncio.timeout(90):
        writer.write("\r\n".join(lines).encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        (length,) = [line.split()[1] for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length")]
        document = json.loads(await reader.readexactly(int(length)))
    writer.close()
    return int(answer.split()[1]), document


async def posted(port, **options):
    return await ask(port, ["Content-Length: 2"], b"{}", **options)


async def test_attacks_16_300_half_open_connections_keep_no_sender_out(door):
    port, bodies = door.port, door.bodies
    half_open = [await asyncio.open_connection("127.0.0.1", port) for _ in range(300)]
    for _reader, writer in half_open[::2]:
        with suppress(OSError):
            writer.write(b"POST /lims/results HTTP/1.1\r\nHost: x\r\n")
    for _ in range(3):
        assert (await posted(port))[0] == 200
    assert bodies == [b"{}"] * 3
    for _reader, writer in half_open:
        writer.close()


async def test_attacks_16_a_connection_that_shows_no_token_has_few_seconds(monkeypatch, door):
    monkeypatch.setattr(http_entrance, "PROVE_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    async with asyncio.timeout(30):
        with suppress(ConnectionError):
            assert await reader.read() == b""
    writer.close()


async def test_attacks_16_without_a_token_a_body_is_not_read_and_the_connection_is_closed(door):
    port, bodies = door.port, door.bodies
    _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 200000000\r\n\r\n".encode())
    sent = 0
    with suppress(ConnectionError):
        async with asyncio.timeout(90):
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
                sent += 65536
    assert sent < 20_000_000  # what kernels keep of a connection that nobody reads
    assert bodies == []
    writer.close()


async def test_attacks_16_content_length_beside_transfer_encoding_is_refused(door):
    port, bodies = door.port, door.bodies
    head = ["Content-Length: 4", "Transfer-Encoding: chunked"]
    code, answer = await ask(port, head, b"2\r\n{}\r\n0\r\n\r\n")
    assert (code, "exclude each other" in answer["why"]) == (400, True)
    assert bodies == []


async def test_attacks_16_a_body_that_says_it_is_too_long_is_refused_before_it_is_sent(door):
    assert (await ask(door.port, [f"Content-Length: {LONGEST_BODY_BYTES + 1}"]))[0] == 413


async def test_attacks_16_more_results_than_anybody_sends_are_put_off(door):
    port, bodies = door.port, door.bodies
    door.webhook._rate = Rate(per_second=0.001, at_once=3)
    assert [(await posted(port))[0] for _ in range(4)] == [200, 200, 200, 429]
    assert len(bodies) == 3


async def test_attacks_16_who_guesses_tokens_is_put_off_and_the_right_one_still_passes(door):
    port = door.port
    codes = [(await posted(port, token=f"guess-{at}"))[0] for at in range(http._WRONG_AT_ONCE + 5)]
    assert codes[0] == 401
    assert codes[-1] == 429
    assert (await posted(port))[0] == 200


@given(st.lists(st.floats(0, 10), max_size=60), st.integers(1, 5), st.floats(0.1, 3))
def test_attacks_16_a_rate_never_lets_more_through_than_it_says(pauses, at_once, per_second):
    now, taken = 0.0, 0
    rate = Rate(per_second=per_second, at_once=at_once, clock=lambda: now)
    for pause in pauses:
        now += pause
        taken += rate.takes()
        assert taken <= at_once + now * per_second + 1e-6


class Transport:
    def __init__(self):
        self.aborted = False

    def abort(self):
        self.aborted = True


async def test_attacks_16_the_oldest_unproven_connection_gives_way_and_a_proven_one_never():
    entrance, transports = Entrance(), {}
    for port in range(200):
        address = "10.0.0.1" if port % 2 else f"10.0.1.{port}"
        peer = Peer(address, port)
        transports[peer] = Transport()
        entrance.opened(peer, transports[peer])
        if port < 2:
            entrance.proven(peer)
    standing = [peer for peer, transport in transports.items() if not transport.aborted]
    assert {Peer("10.0.1.0", 0), Peer("10.0.0.1", 1)} <= set(standing)
    assert sum(peer.address == "10.0.0.1" for peer in standing) <= MOST_UNPROVEN_PER_ADDRESS + 1
    assert len(standing) <= MOST_UNPROVEN + 2
    for peer in standing:
        entrance.closed(peer)


@pytest.fixture
async def secured(tmp_path):
    """A webhook with TLS, and a context that trusts it."""
    certificate_pair(tmp_path, "webhook")
    options = WebhookOptions(host="127.0.0.1", port=free_port(), token=TOKEN, certificate=tmp_path / "webhook.pem",
                             key=tmp_path / "webhook.key")  # fmt: skip
    task = asyncio.create_task(Webhook(options, take=lambda _body: asyncio.sleep(0, [])).run())
    context = ssl.create_default_context(cafile=tmp_path / "webhook.pem")
    async with asyncio.timeout(90):
        while True:
            with suppress(OSError):
                _reader, writer = await asyncio.open_connection("127.0.0.1", options.port)
                writer.close()
                break
            await asyncio.sleep(0.005)
    yield options.port, context
    task.cancel()
    await asyncio.wait({task})


async def test_attacks_16_over_tls_too_half_open_connections_keep_no_sender_out(secured):
    port, context = secured
    half_open = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]  # no handshake ever comes
    for _ in range(2):
        assert (await posted(port, context=context))[0] == 200
    ended = [await _is_over(reader) for reader, _writer in half_open[:60]]
    assert all(ended)  # the oldest gave way
    for _reader, writer in half_open:
        writer.close()


async def test_attacks_16_a_handshake_that_never_ends_has_few_seconds(monkeypatch, secured):
    monkeypatch.setattr(http_entrance, "PROVE_SECONDS", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", secured[0])
    async with asyncio.timeout(30):
        assert await _is_over(reader)
    writer.close()


async def _is_over(reader):
    try:
        async with asyncio.timeout(30):
            return await reader.read() == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize(("token", "secret", "said"), [
    ("short", None, "lims_webhook_token has 5 characters"),
    (TOKEN, "short", "lims_webhook_hmac has 5 characters"),
    (TOKEN, "", "lims_webhook_hmac has 0 characters"),
    ("", None, "needs a token"),
])  # fmt: skip
def test_attacks_16_a_token_or_secret_that_is_too_short_is_refused(tmp_path, monkeypatch, token, secret, said):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "lims_webhook_token").write_text(token)
    if secret is not None:
        (tmp_path / "lims_webhook_hmac").write_text(secret)
    settings, _ = read(written(tmp_path, f"{MINIMAL}[webhook]\nport = 8787\n"))
    with pytest.raises(ConfigurationError) as told:
        webhook_options(settings)
    assert any(said in problem.message and "openssl rand" in problem.hint for problem in told.value.problems)
