"""Reads views on the console's own threads, once for all pages that ask at the same time."""

import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.responses import Response

from gateway.console.asked import Asked
from gateway.console.reading import Answers, ConsoleReader
from gateway.console.refusals import RefusedError, RequestRefusal
from gateway.console.snapshot import Snapshot, Snapshots
from gateway.console.views.parts import View
from gateway.records.sight import EVERYTHING, Sight

_LAST = 2**62
Reads = Callable[[sqlite3.Connection, Snapshot], View | None]


class Shown:
    """What is shown to the pages, each view made once."""

    def __init__(self, *, snapshots: Snapshots, answers: Answers) -> None:
        self._snapshots = snapshots
        self._answers = answers

    async def show(self, asked: Asked, key: str, reads: Reads, reader: ConsoleReader) -> Response:
        """Return a view as who asks may see it; raises where nothing is on record of what it is about."""

        async def made() -> bytes:
            snapshot = self._snapshots.take(asked.sight)
            return await reader.read(partial(_written, reads, snapshot))

        answer = await self._answers.answer((asked.sight, key), made)
        if not answer:
            raise RefusedError(404, RequestRefusal.NOTHING_ON_RECORD)
        return _json(answer)

    def snapshot(self, sight: Sight) -> Snapshot:
        """Return how all stands at this instant, for who sees so much."""
        return self._snapshots.take(sight)

    async def kept(self, key: str, make: Callable[[], Awaitable[bytes]], *, seconds: float) -> Response:
        """Return what takes long to make, for some seconds the same for all who may ask for it."""
        return _json(await self._answers.answer((EVERYTHING, key), make, seconds=seconds))


def _written(reads: Reads, snapshot: Snapshot, connection: sqlite3.Connection) -> bytes:
    view = reads(connection, snapshot)
    return b"" if view is None else view.model_dump_json().encode()


def _json(answer: bytes) -> Response:
    return Response(answer, media_type="application/json")


def place(asked: Asked) -> int:
    """Return where the page that is asked for ends; raises where it is no place."""
    text = asked.query("before", longest=20) or str(_LAST)
    if not text.isascii() or not text.isdecimal() or int(text) > _LAST:
        raise RefusedError(400, RequestRefusal.NOT_A_PLACE, name="before")
    return int(text)
