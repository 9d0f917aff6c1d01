"""Whether each monitored item still reports the value of its node. Pure: the caller passes the times.

An item that has reported nothing for half a minute is read plainly. A different value may still be on its way, so the
item is read once more; if the value still differs and was not reported, the item is *stalled* and created again. If a
new item differs again, it has a dead band at the server, or reports its first value only: from then on it is read
every few seconds, and the value read is taken as the tag's value.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from gateway.records.process import TagSample

SILENT_SECONDS = 30.0
READ_SECONDS = 5.0
_ON_ITS_WAY_SECONDS = 2.0
FIRST_VALUE_SECONDS = 5.0
_FEWEST_AT_ONCE = 50
_SAYS_NOTHING = frozenset({0x801F0000, 0x803A0000, 0x80EE0000})  # not readable for us, or not just now


class Finding(Enum):
    """What a plain read says of an item."""

    AGREES = auto()
    WAIT = auto()  # it differs, but may be on its way
    STALLED = auto()  # it differs, and the item does not report it: the item is to be created again
    TAKEN = auto()  # it differs, and is taken as the tag's value
    SILENT = auto()  # the item was created again and has not reported its first value


@dataclass(slots=True)
class _Item:
    """One item: what is known of its tag, and when it is to be read."""

    due: float
    known: TagSample | None = None
    differs_since: float | None = None
    first_value_by: float | None = None  # while a new item has not reported its first value
    renewed: bool = False  # whether it was created again since the connection began
    reading: bool = False  # whether it is read every few seconds


@dataclass(slots=True)
class ItemWatch:
    """The items of one subscription."""

    _items: dict[str, _Item] = field(default_factory=dict)
    _delays_seconds: Mapping[str, float] = field(default_factory=dict)

    def begin(self, tags: Iterable[str], *, now: float, delays_seconds: Mapping[str, float]) -> None:
        """Watch these tags' items from now on; ``delays_seconds``: by tag, how late its changes may come."""
        self._delays_seconds = delays_seconds
        self._items |= {tag: _Item(due=now + SILENT_SECONDS) for tag in tags}

    def end(self, tag: str) -> None:
        """Watch a tag's item no more."""
        self._items.pop(tag, None)

    def reported(self, sample: TagSample, *, now: float) -> None:
        """Note a value that an item has reported."""
        item = self._items.get(sample.tag)
        if item is not None:
            item.known, item.due = sample, now + SILENT_SECONDS
            item.differs_since = item.first_value_by = None
            item.reading = False

    def renewed(self, tag: str, *, now: float) -> None:
        """Note that a tag's item was created again: its first value is to come."""
        by = now + self._delay(tag) + FIRST_VALUE_SECONDS
        self._items[tag] = _Item(due=by, first_value_by=by, renewed=True)

    def due(self, now: float) -> list[str]:
        """Return the tags to be read now, the longest waiting first; few enough that the reads spread over time."""
        waiting = sorted((item.due, tag) for tag, item in self._items.items() if item.due <= now)
        most = max(_FEWEST_AT_ONCE, len(self._items) // round(SILENT_SECONDS / 2))
        return [tag for _due, tag in waiting[:most]]

    def read(self, sample: TagSample, *, now: float) -> Finding:
        """Take what a plain read shows of a tag; return what that says of its item."""
        item = self._items[sample.tag]
        item.due = now + (READ_SECONDS if item.reading else SILENT_SECONDS)
        if item.known is None:
            return self._without_a_first_value(item, sample, now)
        if sample.status in _SAYS_NOTHING or _same(sample, item.known):
            item.differs_since = None
            return Finding.AGREES
        if item.reading:
            item.known = sample
            return Finding.TAKEN
        wait = self._delay(sample.tag) + _ON_ITS_WAY_SECONDS
        if item.differs_since is None:
            item.differs_since = now
        if now - item.differs_since < wait:
            item.due = item.differs_since + wait
            return Finding.WAIT
        item.differs_since = None
        if not item.renewed:
            return Finding.STALLED
        item.reading, item.known, item.due = True, sample, now + READ_SECONDS
        return Finding.TAKEN

    def _without_a_first_value(self, item: _Item, sample: TagSample, now: float) -> Finding:
        if item.first_value_by is None:  # first values that are missing after connecting are reported together
            item.first_value_by = now + self._delay(sample.tag) + FIRST_VALUE_SECONDS
            item.due = item.first_value_by
            return Finding.WAIT
        if now < item.first_value_by:
            item.due = item.first_value_by
            return Finding.WAIT
        item.renewed = item.reading = True
        item.known, item.due = sample, now + READ_SECONDS
        return Finding.SILENT

    def postpone(self, tags: Iterable[str], *, now: float) -> None:
        """Note that these could not be read now."""
        for tag in tags:
            if tag in self._items:
                self._items[tag].due = now + SILENT_SECONDS

    def taken(self, sample: TagSample, *, now: float) -> None:
        """Note a value that was read, and counts as the tag's."""
        item = self._items.get(sample.tag)
        if item is not None:
            item.known, item.differs_since, item.due = sample, None, now + SILENT_SECONDS

    def last(self, tag: str) -> TagSample | None:
        """Return the last known sample of a tag."""
        item = self._items.get(tag)
        return None if item is None else item.known

    def _delay(self, tag: str) -> float:
        return self._delays_seconds.get(tag, 0.0)

    def __contains__(self, tag: object) -> bool:
        return tag in self._items


def _same(first: TagSample, second: TagSample) -> bool:
    """Return whether two samples have the same value and status; servers need not report a newer time alone."""
    return (first.status, repr(first.value)) == (second.status, repr(second.value))
