"""Dead letters that people want tried again, taken up at once, and at a start those that nobody was there for."""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from gateway.clock import Clock
from gateway.database.writer import Writer
from gateway.errors import StoreUnavailableError
from gateway.store.dead_letters import Retry, retried
from gateway.store.queries.readers import Reader

log = structlog.get_logger()

_AGAIN_SECONDS = 2.0  # where the store cannot be read

Again = Callable[[str, bytes, Callable[[], None]], None]


class Retries:
    """Takes dead letters once more that a person has asked for."""

    def __init__(self, *, clock: Clock, reader: Reader, writer: Writer, again: Again) -> None:
        """``again`` takes topic, payload and what to call once it is committed."""
        self._clock = clock
        self._reader = reader
        self._writer = writer
        self._again = again
        self._requested = asyncio.Event()

    def wake(self) -> None:
        """Look again: a person has asked."""
        self._requested.set()

    async def run(self) -> None:
        """Take up what is asked for, until cancelled."""
        while True:
            self._requested.clear()
            try:
                while retries := await self._reader.retries():
                    for retry in retries:
                        await self._take(retry)
            except StoreUnavailableError as error:
                log.warning("dead letters wait to be tried again", error=str(error))
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                await self._requested.wait()

    async def _take(self, retry: Retry) -> None:
        committed = asyncio.Event()
        self._again(retry.topic, retry.payload, committed.set)
        await committed.wait()
        tried_ns = self._clock.now_ns()
        await self._writer.run(partial(retried, retry.dead_letter_id, tried_ns))
