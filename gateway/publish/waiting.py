"""What waits to be sent: handed over as it is committed, or read from the outbox where that is not all."""

from collections.abc import Sequence

from gateway.errors import StoreUnavailableError
from gateway.publish.order import SendingOrder
from gateway.store.outbox import Queued
from gateway.store.queries.readers import Reader

_MOST_HANDED = 100  # more is read from the outbox by and by


class Waiting:
    """Knows whether the outbox has to be read, and gives what comes next in the order of sending."""

    def __init__(self, reader: Reader, order: SendingOrder) -> None:
        self._reader = reader
        self.order = order
        self._handed: list[Queued] = []  # committed after all that was read of the outbox
        self.more = True  # whether the outbox has to be read

    def __bool__(self) -> bool:
        return self.more or bool(self._handed)

    def committed(self, messages: Sequence[Queued] | None, *, connected: bool) -> None:
        """Take what was committed now, in its order; None where the outbox has to be read for it."""
        if messages is None or len(self._handed) + len(messages) > _MOST_HANDED or not connected:
            self.more = True
        else:
            self._handed += messages

    async def next(self, room: int) -> tuple[list[Queued], bool]:
        """Return the next messages in the order of sending, at most so many, and whether that is all that waits.

        What is handed over while the outbox is read may have been read: then it has been passed when its turn comes.
        """
        if not self.more and len(self._handed) < room:
            handed, self._handed = self._handed, []
            fresh = (message for message in handed if not self.order.has_passed(message))
            return sorted(fresh, key=lambda message: (message.lane, message.seq)), True
        self.more, self._handed = False, []
        waiting = await self._reader.waiting(most=room, cursors=self.order.cursors())
        return waiting, len(waiting) < room

    async def older_of_topic(self, message: Queued, *, most: int) -> list[Queued]:
        """Return the backlog of a live message's topic, the oldest first, at most so many."""
        older = await self._reader.older_of_topic(
            message,
            sent=self.order.sent_of(message.lane),
            backlog=self.order.backlog,
            connection=self.order.connection,
            most=most,
        )
        self.more = self.more or len(older) >= most
        return older

    async def is_anything_left(self) -> bool:
        """Return whether the outbox holds something to send; where it cannot be read now, it may."""
        try:
            return bool(await self._reader.waiting(most=1, cursors=self.order.from_the_beginning()))
        except StoreUnavailableError:
            return True
