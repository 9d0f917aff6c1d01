"""What all open pages are sent, made once for all of them: Now with each change, and a sign of life each second.

A view is made once for all who see the same records. What is shown and which sessions hold is read in one transaction,
so nobody is sent what was committed after their session had ended. A page that reads slowly finds the newest only: what
it had not taken is replaced.
"""

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import structlog

from gateway.console.changes import Changes
from gateway.console.reading import ConsoleReader
from gateway.console.sessions import SessionRow, Sessions, rows_of
from gateway.console.snapshot import Snapshots
from gateway.console.views.now import NowView, now_view
from gateway.contract.times import rfc3339
from gateway.errors import StoreUnavailableError
from gateway.records.act_refusals import ActRefusal
from gateway.records.acts import refused
from gateway.records.sight import Sight
from gateway.transport.http_entrance import Rate

log = structlog.get_logger()

_PER_SECOND, _AT_ONCE = 6.0, 10  # states: on average, and after a quiet time
_APART_SECONDS = 0.03  # what is committed in one go is one state
_HEARTBEAT_SECONDS = 1.0
_LOOK_SECONDS = 5.0  # so often sessions are looked at where nothing changes


@dataclass(slots=True, eq=False)
class OpenPage:
    """A page whose stream is open: what it has not been sent yet, the newest of each kind.

    ``shown``: what was sent to it last.
    """

    token: str
    sight: Sight
    shown: NowView | None = None
    over: bool = False
    _waiting: dict[str, bytes] = field(default_factory=dict)
    _there: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, kind: str, event: bytes) -> None:
        """Have an event sent; an older one of its kind that still waits is not."""
        self._waiting.pop(kind, None)
        self._waiting[kind] = event
        self._there.set()

    def end(self) -> None:
        """Let the stream end once it has sent what waits."""
        self.over = True
        self._there.set()

    async def take(self) -> bytes:
        """Return what waits, as soon as something does."""
        await self._there.wait()
        self._there.clear()
        events = b"".join(self._waiting.values())
        self._waiting.clear()
        return events


class Broadcast:
    """Sends to the open pages; it works while there are any."""

    def __init__(
        self,
        *,
        changes: Changes,
        sessions: Sessions,
        reader: ConsoleReader,
        snapshots: Snapshots,
        now_ns: Callable[[], int],
    ) -> None:
        self._changes = changes
        self._sessions = sessions
        self._reader = reader
        self._snapshots = snapshots
        self._now_ns = now_ns
        self._pages: set[OpenPage] = set()
        self._working: list[asyncio.Task[None]] = []
        self._last: dict[Sight, NowView] = {}  # the newest that was sent, with the counter up to which it stands

    @contextmanager
    def page(self, token: str, sight: Sight) -> Iterator[OpenPage]:
        """Send to a page while the block lasts; first the counter by which it takes the state, and a heartbeat."""
        page = OpenPage(token, sight)
        page.put("state", self._state(self._changes.counter))
        page.put("heartbeat", self._heartbeat())
        self._pages.add(page)
        if not self._working:
            self._working = [
                asyncio.create_task(self._at_work(work), name=f"console-{name}")
                for name, work in (("heartbeats", self._beat), ("states", self._follow))
            ]
        try:
            yield page
        finally:
            self._pages.discard(page)
            if not self._pages:
                self._rest()

    def end(self) -> None:
        """Let all streams end."""
        for page in self._pages:
            page.end()

    def _rest(self) -> None:
        for task in self._working:
            task.cancel()
        self._working = []

    async def _at_work(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - the loop's edge: pages begin again, and so do we
            log.error("open pages could not be told", error=type(error).__name__)  # noqa: TRY400 - it may hold data
            self._rest()
            self.end()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            heartbeat = self._heartbeat()
            for page in self._pages:
                page.put("heartbeat", heartbeat)

    async def _follow(self) -> None:
        changed, rate = self._changes.waiting(), Rate(per_second=_PER_SECOND, at_once=_AT_ONCE)
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await changed.wait()
                await _allowed(rate)
                is_new = changed.is_set()
                changed.clear()
                await self._tell(is_new=is_new)
                await asyncio.sleep(_APART_SECONDS)
        finally:
            self._changes.leave(changed)

    async def _tell(self, *, is_new: bool) -> None:
        """Send what is new to the pages whose session holds, and end the others."""
        pages = tuple(self._pages)
        snapshots = [self._snapshots.take(sight) for sight in {page.sight for page in pages}]

        def read(connection: sqlite3.Connection) -> tuple[list[NowView], Mapping[str, SessionRow | None]]:
            views = [now_view(connection, snapshot) for snapshot in snapshots] if is_new else []
            return views, rows_of(connection, {page.token for page in pages})

        try:
            views, rows = await self._reader.read(read)
        except StoreUnavailableError:  # whether sessions hold is not known: pages ask, and are told why not
            for page in pages if is_new else ():
                page.put("state", self._state(self._changes.counter))
            return
        holding = []
        for page in pages:
            if self._sessions.holds(page.token, rows[page.token]):
                holding.append(page)
            else:
                page.put("state", _event("over", {"why": refused(ActRefusal.SESSION_ENDED).why}))
                page.end()
        for snapshot, view in zip(snapshots, views, strict=False):
            self._send(view, snapshot.sight, [page for page in holding if page.sight == snapshot.sight])

    def _send(self, view: NowView, sight: Sight, pages: Sequence[OpenPage]) -> None:
        """Send a view to pages of a sight; where one was sent the same last, only up to which counter that stands."""
        last = self._last.get(sight)
        self._last[sight] = view
        same = last is not None and view.model_copy(update={"counter": last.counter, "at": last.at}) == last
        known = [page for page in pages if same and page.shown is last]
        if last is not None and known:
            event = _event("state", {"counter": view.counter, "same_as": last.counter})
            for page in known:
                page.put("same", event)
                page.shown = view
        new = [page for page in pages if page.shown is not view]
        if new:
            event = b"event: now\ndata: " + view.model_dump_json().encode() + b"\n\n" + self._state(view.counter)
            for page in new:
                page.put("state", event)
                page.shown = view

    def _heartbeat(self) -> bytes:
        return _event("heartbeat", {"at": rfc3339(self._now_ns())})

    @staticmethod
    def _state(counter: int) -> bytes:
        return _event("state", {"counter": counter})


async def _allowed(rate: Rate) -> None:
    while not rate.takes():  # noqa: ASYNC110 - it is time that has to pass
        await asyncio.sleep(_APART_SECONDS)


def _event(kind: str, data: dict[str, object]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()
