"""What people ask to have decided or sent again."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from gateway.clock import Clock
from gateway.database.writer import Writer
from gateway.errors import StoreUnavailableError
from gateway.store.dead_letters import Retry, retried
from gateway.store.queries.readers import Reader

_RETRIES_EVERY_SECONDS = 2.0

Again = Callable[[str, bytes, Callable[[], None]], None]


class Retries:
    """Takes dead letters once more that a person has asked for."""

    def __init__(self, *, clock: Clock, reader: Reader, writer: Writer, again: Again) -> None:
        """``again`` takes topic, payload and what to call once it is committed."""
        self._clock = clock
        self._reader = reader
        self._writer = writer
        self._again = again

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(_RETRIES_EVERY_SECONDS)
            with suppress(StoreUnavailableError):  # asked again in a moment
                for retry in await self._reader.retries():
                    await self._take(retry)

    async def _take(self, retry: Retry) -> None:
        committed = asyncio.Event()
        self._again(retry.topic, retry.payload, committed.set)
        await committed.wait()
        tried_ns = self._clock.now_ns()
        await self._writer.run(partial(retried, retry.dead_letter_id, tried_ns))
