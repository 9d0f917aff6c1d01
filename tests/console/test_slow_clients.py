"""Clients that are slow, or send more than they may: they end, and while they last others are served."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.console import asked
from gateway.transport import http_entrance, http_server


async def opened(served, head=b""):
    """Open a connection and send something."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(head)
    return reader, writer


@asynccontextmanager
async def dripping(writer, byte=b"x", every_seconds=0.02):
    """Send a byte again and again for as long as the block lasts."""

    async def drip():
        with suppress(ConnectionError):
            while True:
                writer.write(byte)
                await writer.drain()
                await asyncio.sleep(every_seconds)

    task = asyncio.create_task(drip())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        writer.close()


async def ended(reader, *, within=60.0):
    """Return what a connection has answered until it was ended."""
    answer = b""
    async with asyncio.timeout(within):
        with suppress(ConnectionError):
            while part := await reader.read(65536):
                answer += part
    return answer


def head_of(browser, method, path, *, length):
    """Return a request's head, without the empty line at its end."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {browser.host}", f"origin: http://{browser.host}",
             "content-type: application/json", f"content-length: {length}"]  # fmt: skip
    lines += [f"cookie: {browser.cookie}", f"x-csrf-token: {browser.csrf}"] if browser.cookie else []
    return "\r\n".join(lines).encode() + b"\r\n"


@pytest.fixture
async def operator(served):
    """Somebody who works meanwhile."""
    browser = served.browser()
    await browser.sign_in("operator")
    return browser


async def works(browser):
    return (await browser.get("/api/me")).status == 200


# --- slow --------------------------------------------------------------------------------------------------------


async def test_a_head_that_comes_byte_by_byte_is_not_waited_for(served, operator, monkeypatch):
    monkeypatch.setattr(http_entrance, "PROVE_SECONDS", 0.3)
    drips = [await opened(served, b"GET /api/start HTTP/1.1\r\nx-slow: ") for _ in range(20)]
    async with asyncio.timeout(90):
        for reader, writer in drips:
            async with dripping(writer):
                assert await ended(reader) == b""
                assert await works(operator)


async def test_neither_is_one_on_a_connection_that_a_session_has_used(served, operator, monkeypatch):
    monkeypatch.setattr(http_server, "_REQUEST_SECONDS", 0.2)
    whole = head_of(operator, "GET", "/api/me", length=0) + b"\r\n"
    reader, writer = await opened(served, whole)
    assert b" 200 " in await asyncio.wait_for(reader.readline(), 60)
    writer.write(b"GET /api/me HTTP/1.1\r\nx-slow: ")
    async with dripping(writer):
        await ended(reader)
    assert await works(operator)


@pytest.mark.parametrize("signed_in", [False, True], ids=["a stranger's", "a session's"])
async def test_a_body_that_comes_byte_by_byte_is_not_waited_for(served, operator, monkeypatch, signed_in):
    monkeypatch.setattr(asked, "_BODY_SECONDS", 0.3)
    browser = operator if signed_in else served.browser()
    path = "/api/acts" if signed_in else "/session"
    reader, writer = await opened(served, head_of(browser, "POST", path, length=3000) + b"\r\n{")
    async with dripping(writer, b" "):
        assert b" 408 " in (await ended(reader)).partition(b"\r\n")[0]
    assert await works(operator)


async def test_answers_that_nobody_reads_are_not_kept(served, operator, monkeypatch):
    monkeypatch.setattr(http_server, "_REQUEST_SECONDS", 0.1)
    ask = head_of(operator, "GET", "/js/main.js", length=0) + b"\r\n"
    _reader, writer = await opened(served)
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(90):
            while True:  # it takes no more: it is ended, and not only held
                writer.write(ask * 50)
                await writer.drain()
    assert writer.transport.is_closing()
    assert await works(operator)


async def test_the_time_of_a_connection_begins_anew_with_each_file_of_the_page(served, monkeypatch):
    monkeypatch.setattr(http_entrance, "PROVE_SECONDS", 300.0)
    reader, writer = await opened(served)
    monkeypatch.setattr(http_entrance, "PROVE_SECONDS", 0.5)
    writer.write(head_of(served.browser(), "GET", "/icon.svg", length=0) + b"\r\n")
    answer = await ended(reader, within=60)  # so long after it has asked, and not after it has come
    assert b" 200 " in answer.partition(b"\r\n")[0]
    assert answer.endswith(b"</svg>\n")
    writer.close()


# --- many --------------------------------------------------------------------------------------------------------


async def test_slow_clients_do_not_keep_out_who_signs_in(served, monkeypatch):
    slow = [await opened(served, b"POST /session HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-le") for _ in range(200)]
    browser = served.browser()
    assert (await browser.sign_in("viewer")).status == 200
    assert await works(browser)
    still = [writer for reader, writer in slow if not reader.at_eof() and not reader.exception()]
    assert len(still) <= http_entrance.MOST_UNPROVEN_PER_ADDRESS
    for _reader, writer in slow:
        writer.close()


# --- much --------------------------------------------------------------------------------------------------------

_LINE = b"GET /api/start HTTP/1.1\r\nhost: 127.0.0.1\r\n"
HEADS = {
    "a long line": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    "a long header": _LINE + b"x: " + b"a" * 100_000 + b"\r\n\r\n",
    "many headers": _LINE + b"x: y\r\n" * 20_000 + b"\r\n",
    "a header without end": _LINE + b"x: " + b"a" * 100_000,
    "no request": b"\x16\x03\x01" + b"\x00" * 1000 + b"\r\n\r\n",
    "two hosts": _LINE + b"host: evil.example\r\n\r\n",
    "two lengths": b"POST /session HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
    "a negative length": b"POST /session HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: -1\r\n\r\n",
    "a folded header": _LINE + b"x: a\r\n b\r\ncontent-length: 0\r\nx : y\r\n\r\n",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
async def test_a_head_that_is_none_or_too_long_is_refused_and_the_connection_ended(served, operator, head):
    reader, writer = await opened(served, head)
    answer = await ended(reader)
    writer.close()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert await works(operator)


# --- tokens ------------------------------------------------------------------------------------------------------


async def test_the_token_of_an_earlier_session_of_the_same_user_counts_no_more(served):
    browser = served.browser()
    await browser.sign_in("administrator")
    earlier = browser.csrf
    await browser.sign_in("administrator")
    current, browser.csrf = browser.csrf, earlier
    assert (await browser.post("/api/acts", {"act": "stop_writes", "parameters": {}, "reason": "r"})).status == 403
    browser.csrf = current
    assert (await browser.post("/api/acts", {"act": "stop_writes", "parameters": {}, "reason": "r"})).status == 200
