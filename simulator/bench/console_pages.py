"""Open consoles without a browser: signed in, holding the event stream, and reading what the page reads when it does.

What the page does stands in ``gateway/console/static/js/main.js``; the pauses here are its own.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

_ANSWER_SECONDS = 15.0
_BETWEEN_READS_SECONDS, _BETWEEN_TRENDS_SECONDS = 0.3, 5.0


class ConsoleFailedError(Exception):
    """The console did not answer as a page expects it."""


@dataclass(slots=True)
class Connection:
    """One connection to the console that is kept, as a browser keeps it."""

    port: int
    cookie: str = ""
    _reader: asyncio.StreamReader = field(init=False)
    _writer: asyncio.StreamWriter = field(init=False)

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)

    def close(self) -> None:
        """Close it."""
        self._writer.close()

    async def begin(self, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str]]:
        """Send a request and return the answer's status and headers."""
        host = f"127.0.0.1:{self.port}"
        more = f"Origin: http://{host}\r\nContent-Type: application/json\r\n" if method == "POST" else ""
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        self._writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{cookie}{more}X-Labline-Refresh: 1\r\n"
            f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        async with asyncio.timeout(_ANSWER_SECONDS):
            first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        return int(first.split()[1]), {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[dict[str, str], Any]:
        """Return headers and document of an answer; raises ConsoleFailedError where it is no success.

        Like a browser it connects again where the console has ended a connection that was idle.
        """
        try:
            status, headers = await self.begin(method, path, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            await self.open()
            status, headers = await self.begin(method, path, body)
        document = json.loads(await self._reader.readexactly(int(headers["content-length"])))
        if status != HTTPStatus.OK:
            raise ConsoleFailedError(f"{path} was answered {status}: {document}")
        return headers, document

    async def events(self) -> AsyncIterator[tuple[str, bytes]]:
        """Return the kind and the data of each event, until the stream ends."""
        status, _headers = await self.begin("GET", "/api/events")
        if status != HTTPStatus.OK:
            raise ConsoleFailedError(f"the event stream was answered {status}")
        kind = ""
        while True:
            size = int((await self._reader.readline()).strip() or b"0", 16)  # in chunks (RFC 9112)
            if not size:
                return
            chunk = await self._reader.readexactly(size + 2)
            for line in chunk.split(b"\n"):
                name, _, value = line.strip(b"\r").partition(b": ")
                if name == b"event":
                    kind = value.decode()
                elif name == b"data":
                    yield kind, value


class OpenPage:
    """A page that shows Now to nobody."""

    def __init__(self, port: int, *, user: str, password: str) -> None:
        self._user, self._password = user, password
        self._asking, self._hearing = Connection(port), Connection(port)
        self._counter = self._wanted = -1
        self._read_at = self._trends_at = float("-inf")
        self._trends: list[str] = []
        self.states_taken = self.refused = 0

    async def open(self) -> None:
        """Sign in and read everything once."""
        await self._asking.open()
        body = json.dumps({"user": self._user, "password": self._password}).encode()
        headers, _me = await self._asking.ask("POST", "/session", body)
        self._asking.cookie = self._hearing.cookie = headers["set-cookie"].partition(";")[0]
        await self._read_now()

    def close(self) -> None:
        """Leave."""
        for connection in (self._asking, self._hearing):
            with suppress(AttributeError):
                connection.close()

    async def run(self) -> None:
        """Hear and read until cancelled."""
        async with asyncio.TaskGroup() as group:
            changed = asyncio.Event()
            group.create_task(self._hear(changed), name="page-hears")
            group.create_task(self._follow(changed), name="page-reads")

    async def _hear(self, changed: asyncio.Event) -> None:
        await self._hearing.open()
        async for kind, data in self._hearing.events():
            if kind == "now":
                self._take(json.loads(data))
            if kind == "over":
                raise ConsoleFailedError("the session of an open page has ended")
            if kind == "state":
                state = json.loads(data)
                self._wanted = state["counter"]
                if state.get("same_as") == self._counter:
                    self._counter = self._wanted
                changed.set()
        raise ConsoleFailedError("the event stream has ended")

    async def _follow(self, changed: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await changed.wait()
            changed.clear()
            while self._counter < self._wanted:
                await asyncio.sleep(self._read_at + _BETWEEN_READS_SECONDS - loop.time())
                await self._tried(self._read_now())
            if loop.time() - self._trends_at > _BETWEEN_TRENDS_SECONDS:
                self._trends_at = loop.time()
                for path in self._trends:
                    await self._tried(self._asking.ask("GET", f"{path}?hours=1"))

    async def _tried(self, asking: Awaitable[object]) -> None:
        """Ask; the page goes on where it is refused, and so do we."""
        try:
            await asking
        except ConsoleFailedError:
            self.refused += 1

    async def _read_now(self) -> None:
        self._read_at = asyncio.get_running_loop().time()
        _headers, view = await self._asking.ask("GET", "/api/now")
        self._take(view)

    def _take(self, view: dict[str, Any]) -> None:
        self._counter = view["counter"]
        self._trends = [quote(one["trend"], safe="/%") for one in view["predictions"]]
        self.states_taken += 1


@asynccontextmanager
async def open_pages(port: int, *, count: int, users: tuple[str, ...], password: str) -> AsyncIterator[list[OpenPage]]:
    """Keep so many pages open while the block lasts; raises ConsoleFailedError where one is refused."""
    pages = [OpenPage(port, user=users[number % len(users)], password=password) for number in range(count)]
    async with AsyncExitStack() as stack:
        for page in pages:
            stack.callback(page.close)
            await page.open()
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(page.run(), name="open-page") for page in pages]
            try:
                yield pages
            finally:
                for task in running:
                    task.cancel()
