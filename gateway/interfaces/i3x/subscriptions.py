"""What clients follow: each call of ``sync`` notes what has changed since the last, and keeps it until acknowledged.

A value that comes and goes between two calls is not noted: its history has it. Subscriptions that nobody calls end.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.interfaces.i3x.answers import Document, NotAnsweredError
from gateway.interfaces.i3x.model import EQUIPMENT, LINE
from gateway.interfaces.i3x.objects import Element

LIFE_SECONDS = 300.0
MOST_OF_CLIENT, MOST = 10, 100
MOST_OBJECTS, MOST_UPDATES = 1000, 10_000
DROPPED = f"updates were dropped: at most {MOST_UPDATES} are kept until they are acknowledged"
_ALWAYS_NOW = frozenset({LINE.type_id, EQUIPMENT.type_id})  # their time alone is no change


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscription; ``followed``: ids with their depth, in the order in which they were registered."""

    number: str
    owner: tuple[str, str]
    name: str
    used_at: float
    followed: dict[str, int] = field(default_factory=dict)
    batches: list[tuple[int, list[Document]]] = field(default_factory=list)
    seen: dict[str, Any] = field(default_factory=dict)
    sequence: int = 0
    dropped: bool = False

    def acknowledge(self, last: Any) -> None:
        """Forget what the client has; what is no number acknowledges nothing."""
        if isinstance(last, bool) or not isinstance(last, int):
            return
        self.batches = [] if last == -1 else [batch for batch in self.batches if batch[0] > last]

    def note(self, objects: Mapping[str, Element]) -> None:
        """Note what has changed; of what has gone there is no value any more."""
        updates: list[Document] = []
        for element_id in self._everything(objects):
            element = objects[element_id]
            shown = element.vqt.document()
            now = (shown["value"], shown["quality"],
                   None if element.kind.type_id in _ALWAYS_NOW else shown["timestamp"])  # fmt: skip
            if self.seen.get(element_id) != now:
                self.seen[element_id] = now
                updates.append({"elementId": element_id, **shown})
        if updates:
            self.sequence += 1
            self.batches.append((self.sequence, updates))
        kept = sum(len(batch[1]) for batch in self.batches)
        while kept > MOST_UPDATES and len(self.batches) > 1:
            kept -= len(self.batches.pop(0)[1])
            self.dropped = True

    def _everything(self, objects: Mapping[str, Element]) -> Iterable[str]:
        wanted: dict[str, None] = {}
        for element_id, depth in self.followed.items():
            if element_id in objects:
                wanted[element_id] = None
                if depth != 1:
                    wanted |= dict.fromkeys(objects[element_id].components())
        return wanted

    def take(self) -> tuple[list[Document], bool]:
        """Return (the batches that wait, whether some were dropped since the last time)."""
        dropped, self.dropped = self.dropped, False
        return [{"sequenceNumber": number, "updates": updates} for number, updates in self.batches], dropped

    def detail(self) -> Document:
        """Return what it follows."""
        return {
            "subscriptionId": self.number,
            "displayName": self.name,
            "monitoredObjects": [{"elementId": name, "maxDepth": depth} for name, depth in self.followed.items()],
        }


class Subscriptions:
    """All subscriptions; each is known to who has made it only, by their identity and the client id they state."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._by_number: dict[str, Subscription] = {}
        self._monotonic = monotonic

    def open(self, owner: tuple[str, str], name: str | None) -> Subscription:
        """Return a new one; raises NotAnsweredError where there are too many."""
        self._end_unused()
        of_owner = sum(item.owner[0] == owner[0] for item in self._by_number.values())
        if of_owner >= MOST_OF_CLIENT or len(self._by_number) >= MOST:
            raise NotAnsweredError(429, f"at most {MOST_OF_CLIENT} subscriptions are kept for one who signs in")
        number = secrets.token_urlsafe(32)
        self._by_number[number] = Subscription(number, owner, name or "subscription", self._monotonic())
        return self._by_number[number]

    def find(self, owner: tuple[str, str], number: str) -> Subscription | None:
        """Return a subscription of an owner, None where it has none of this number."""
        self._end_unused()
        subscription = self._by_number.get(number)
        return subscription if subscription is not None and subscription.owner == owner else None

    def used(self, owner: tuple[str, str], number: str) -> Subscription:
        """Return a subscription that is used now; raises NotAnsweredError where there is none of this number."""
        subscription = self.find(owner, number)
        if subscription is None:
            raise NotAnsweredError(404, f"Subscription not found: {number}")
        subscription.used_at = self._monotonic()
        return subscription

    def end(self, owner: tuple[str, str], number: str) -> bool:
        """End a subscription; return whether there was one."""
        if self.find(owner, number) is None:
            return False
        del self._by_number[number]
        return True

    def _end_unused(self) -> None:
        oldest = self._monotonic() - LIFE_SECONDS
        self._by_number = {number: item for number, item in self._by_number.items() if item.used_at >= oldest}
