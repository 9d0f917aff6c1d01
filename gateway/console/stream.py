"""Server-sent events: the newest state with each change, and that the gateway lives.

What is sent is made once for all pages (``broadcast.py``). A page that does not read is ended, and begins again; it
takes the state anew itself, so that there is nothing to catch up with.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager
from functools import partial

from starlette.datastructures import Address
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.console.asked import Asked
from gateway.console.broadcast import Broadcast
from gateway.console.refusals import RefusedError, RequestRefusal
from gateway.records.sight import Sight
from gateway.transport.http_entrance import Entrance, Peer

MOST_STREAMS, MOST_OF_ONE_USER = 64, 8
_SEND_SECONDS = 5.0


class Streams:
    """The open event streams."""

    def __init__(self, *, broadcast: Broadcast, entrance: Entrance) -> None:
        self._broadcast = broadcast
        self._entrance = entrance
        self._of_user: dict[str, int] = {}

    @property
    def count(self) -> int:
        """Return how many are open."""
        return sum(self._of_user.values())

    async def answer(self, asked: Asked) -> Response:
        """Return a stream for a page."""
        user_id = asked.signed_in.user.user_id
        if self.count >= MOST_STREAMS or self._of_user.get(user_id, 0) >= MOST_OF_ONE_USER:
            raise RefusedError(429, RequestRefusal.TOO_MANY_PAGES)
        return _Stream(self._events(asked.token, asked.sight), partial(self._open, user_id, asked.request.client))

    @contextmanager
    def _open(self, user_id: str, client: Address | None) -> Iterator[None]:
        """Count a stream for as long as the block lasts; its connection may last, too."""
        peer = Peer("", 0) if client is None else Peer(client.host, client.port)
        self._of_user[user_id] = self._of_user.get(user_id, 0) + 1
        self._entrance.lasting.add(peer)
        try:
            yield
        finally:
            self._entrance.lasting.discard(peer)
            self._of_user[user_id] -= 1
            if not self._of_user[user_id]:
                del self._of_user[user_id]

    async def _events(self, token: str, sight: Sight) -> AsyncGenerator[bytes, None]:
        with self._broadcast.page(token, sight) as page:
            while True:
                events = await page.take()
                if events:
                    yield events
                if page.over:
                    return


class _Stream(Response):
    """An answer that goes on; it ends where the page does not read, or is gone."""

    def __init__(
        self, events: AsyncGenerator[bytes, None], is_open: Callable[[], AbstractContextManager[None]]
    ) -> None:
        super().__init__(None, media_type="text/event-stream")
        del self.headers["content-length"]
        self._events = events
        self._is_open = is_open

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the page is gone."""
        with self._is_open():
            sending = asyncio.create_task(self._send(send), name="console-stream")
            gone = asyncio.create_task(_gone(receive), name="console-stream-gone")
            try:
                await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, gone):
                    task.cancel()
                await asyncio.wait({sending, gone})

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with aclosing(self._events) as events:
            async for event in events:
                try:
                    async with asyncio.timeout(_SEND_SECONDS):
                        await send({"type": "http.response.body", "body": event, "more_body": True})
                except TimeoutError:  # it does not read: it begins again
                    return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
