"""Events that wait to be decided, in order of urgency."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType

from gateway.events import Event, ModelDue, TimerDue
from gateway.history.windows import TagWindow, WindowRequest
from gateway.records.acts import Answer

_RESERVED = 4
_MOST_BEFORE_LATER = 10


class Urgency(IntEnum):
    """Which events go first."""

    STOP_AND_RESPONSES = 0
    INBOUND = 1
    MODELS_AND_TIMERS = 2
    LATER = 3


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that waits, with what to call once it is committed, and what hears the answer of an act."""

    event: Event
    committed: Callable[[], None] = lambda: None
    windows: Mapping[WindowRequest, TagWindow] = field(default_factory=dict)
    answered: Callable[[Answer], None] = lambda _answer: None
    begin: Callable[[], bool] = lambda: True  # called as deciding begins: whether it may still be decided


class EventQueue:
    """Events that wait, in order of urgency.

    Bounded by its feeders: what brokers send by the receive maximum (see ``gateway.ingest.messages``), gaps by
    ``gateway.ingest.gaps``, and of each model and each timer at most one waits: it will see the newest data anyway.
    """

    def __init__(self) -> None:
        self._queues: tuple[deque[Pending], ...] = tuple(deque() for _ in Urgency)
        self._newest: dict[str, Pending] = {}
        self._filled = asyncio.Event()
        self._before_later = 0
        self.coalesced = 0

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._queues)

    def put(
        self,
        event: Event,
        urgency: Urgency,
        committed: Callable[[], None] = lambda: None,
        windows: Mapping[WindowRequest, TagWindow] = MappingProxyType({}),
    ) -> None:
        """Add an event; a model or timer that already waits is replaced by its newest, in the same place.

        Where the newest is more urgent, it waits with its like.
        """
        pending, recurring = Pending(event, committed, windows), _recurring(event)
        if recurring is not None:
            waits = recurring in self._newest
            self._newest[recurring] = pending
            if waits:
                self.coalesced += 1
                self._hurry(recurring, urgency)
                return
        self._queues[urgency].append(pending)
        self._filled.set()

    def ask(
        self, event: Event, urgency: Urgency, answered: Callable[[Answer], None], begin: Callable[[], bool]
    ) -> None:
        """Add the event of an act; ``answered`` gets the outcome, once it is committed.

        ``begin`` is called as deciding begins; if it returns False, nothing is decided and nothing answered.
        """
        self._queues[urgency].append(Pending(event, answered=answered, begin=begin))
        self._filled.set()

    def withdraw(self, event_id: str) -> bool:
        """Take an event out, where it still waits; return whether it did: if not, it is being decided, or was."""
        waiting = [(queue, item) for queue in self._queues for item in queue if item.event.event_id == event_id]
        for queue, pending in waiting:
            queue.remove(pending)
        return bool(waiting)

    async def take(self, *, most: int) -> list[Pending]:
        """Wait until something is there and return at most that many events, most urgent first.

        A few places are kept for models and timers, so that a flood of results does not stop predictions. What can be
        done later is taken alone, so that nothing is committed later for it, and after some batches even in a flood.
        """
        while not len(self):
            self._filled.clear()
            await self._filled.wait()
        later = self._queues[Urgency.LATER]
        if later and (len(later) == len(self) or self._before_later >= _MOST_BEFORE_LATER):
            self._before_later = 0
            return [self._next(later)]
        self._before_later = self._before_later + 1 if later else 0
        taken: list[Pending] = []
        reserved = min(_RESERVED, len(self._queues[Urgency.MODELS_AND_TIMERS]), most - 1)
        for urgency in (Urgency.STOP_AND_RESPONSES, Urgency.INBOUND, Urgency.MODELS_AND_TIMERS):
            room = most if urgency is Urgency.MODELS_AND_TIMERS else most - reserved
            while self._queues[urgency] and len(taken) < room:
                taken.append(self._next(self._queues[urgency]))
        return taken

    def _hurry(self, recurring: str, urgency: Urgency) -> None:
        """Move what waits where less urgent events do to where its newest belongs."""
        for less_urgent in self._queues[urgency + 1 :]:
            for pending in [other for other in less_urgent if _recurring(other.event) == recurring]:
                less_urgent.remove(pending)
                self._queues[urgency].append(pending)

    def _next(self, waiting: deque[Pending]) -> Pending:
        pending = waiting.popleft()
        return self._newest.pop(_recurring(pending.event) or "", pending)


def _recurring(event: Event) -> str | None:
    """Return the name of a recurring event (a model or timer that is due), or None for any other."""
    match event:
        case ModelDue():
            return f"model {event.model}"
        case TimerDue():
            return f"timer {event.timer}"
        case _:
            return None
