"""Server-sent events: that something was committed, and that the gateway lives.

A page hears at once of what is new, and at most four times in a second. It takes the state anew itself, so that there
is nothing to catch up with: a page that does not read is ended, and begins again. The session is looked at every few
seconds, so that a page hears when it is over.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager, suppress
from functools import partial

from starlette.datastructures import Address
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.console.asked import Asked, RefusedError
from gateway.console.changes import Changes
from gateway.console.sessions import Sessions
from gateway.contract.times import rfc3339
from gateway.errors import StoreUnavailableError
from gateway.transport.http_entrance import Entrance, Peer

MOST_STREAMS, MOST_OF_ONE_USER = 64, 8
_APART_SECONDS = 0.25
_HEARTBEAT_SECONDS = 1.0
_SEND_SECONDS = 5.0
_LOOK_EVERY = 5  # heartbeats


class Streams:
    """The open event streams."""

    def __init__(self, *, changes: Changes, sessions: Sessions, entrance: Entrance, now_ns: Callable[[], int]) -> None:
        self._entrance = entrance
        self._changes = changes
        self._sessions = sessions
        self._now_ns = now_ns
        self._of_user: dict[str, int] = {}
        self._ending = False

    @property
    def count(self) -> int:
        """Return how many are open."""
        return sum(self._of_user.values())

    def end(self) -> None:
        """End all of them: the gateway stops."""
        self._ending = True
        self._changes.note()

    async def answer(self, asked: Asked) -> Response:
        """Return a stream for a page."""
        user_id = asked.signed_in.user.user_id
        if self.count >= MOST_STREAMS or self._of_user.get(user_id, 0) >= MOST_OF_ONE_USER:
            raise RefusedError(429, "too many pages are open", "close one that nobody looks at")
        return _Stream(self._events(asked.token), partial(self._open, user_id, asked.request.client))

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

    async def _events(self, token: str) -> AsyncGenerator[bytes, None]:
        changed, loop = self._changes.waiting(), asyncio.get_running_loop()
        heartbeats, heartbeat_at, state_at = 0, loop.time(), loop.time() + _APART_SECONDS
        try:
            yield self._state()
            while not self._ending:
                now = loop.time()
                if now >= heartbeat_at:
                    if heartbeats % _LOOK_EVERY == 0 and not await self._holds(token):
                        yield _event("over", {"why": "the session has ended"})
                        return
                    heartbeats, heartbeat_at = heartbeats + 1, now + _HEARTBEAT_SECONDS
                    yield _event("heartbeat", {"at": rfc3339(self._now_ns())})
                elif changed.is_set() and now >= state_at:
                    changed.clear()
                    state_at = now + _APART_SECONDS
                    yield self._state()
                elif changed.is_set():
                    await asyncio.sleep(min(heartbeat_at, state_at) - now)
                else:
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(heartbeat_at):
                            await changed.wait()
        finally:
            self._changes.leave(changed)

    def _state(self) -> bytes:
        return _event("state", {"counter": self._changes.counter})

    async def _holds(self, token: str) -> bool:
        try:
            return await self._sessions.holding(token, used=False) is not None
        except StoreUnavailableError:  # whether it holds is not known: the next look says
            return True


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


def _event(kind: str, data: dict[str, object]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()
