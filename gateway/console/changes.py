"""What pages hear of: that something was committed which a view may show. Needs no library of the web."""

import asyncio


class Changes:
    """Counts what has been committed; whoever waits hears of it. It costs the process loop an addition."""

    def __init__(self) -> None:
        self.counter = 0
        self._waiting: set[asyncio.Event] = set()

    def note(self) -> None:
        """Note that something a view may show has changed."""
        self.counter += 1
        for event in self._waiting:
            event.set()

    def waiting(self) -> asyncio.Event:
        """Return an event that is set with each change, until ``leave``."""
        event = asyncio.Event()
        self._waiting.add(event)
        return event

    def leave(self, event: asyncio.Event) -> None:
        """Wait no more."""
        self._waiting.discard(event)
