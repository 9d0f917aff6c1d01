"""One attempt at a time to reach a server: bounded in time, on a thread that no end of the gateway waits for."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

LONGEST_ATTEMPT_SECONDS = 30.0
# HTTP answers that are of this message for good; others are of the address or the moment
REFUSED_FOR_GOOD = frozenset({400, 413, 415, 422})

Outcome = TypeVar("Outcome")


class NotTakenNowError(Exception):
    """The message was not taken; it may be later. ``after_seconds``: how long the server asks to be left alone."""

    def __init__(self, message: str, *, after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


class Attempts:
    """Runs attempts one after the other, on threads of a name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ended = threading.Event()  # of the newest attempt; its thread may live a moment longer
        self._ended.set()

    @property
    def busy(self) -> bool:
        """Return whether an attempt still runs."""
        return not self._ended.is_set()

    async def run(self, work: Callable[[], Outcome], *, abandon: Callable[[], None] = lambda: None) -> Outcome:
        """Run an attempt; raises NotTakenNowError where it, or one before it, takes too long.

        ``abandon`` is called then, so that the thread ends.
        """
        if self.busy:
            raise NotTakenNowError("still busy with an earlier attempt")
        loop, ended = asyncio.get_running_loop(), threading.Event()
        self._ended = ended
        outcome: asyncio.Future[Outcome] = loop.create_future()

        def settle(how: Callable[[], None]) -> None:
            if not outcome.done():
                how()

        def attempt() -> None:
            try:
                how = partial(outcome.set_result, work())
            except Exception as error:  # noqa: BLE001 - it belongs to who awaits the attempt
                how = partial(outcome.set_exception, error)
            ended.set()
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, how)

        threading.Thread(target=attempt, name=self._name, daemon=True).start()
        try:
            async with asyncio.timeout(LONGEST_ATTEMPT_SECONDS):
                return await outcome
        except TimeoutError:
            abandon()
            raise NotTakenNowError("took too long") from None
