"""A hole in the values of a source, and which of it its server's history fills. Pure.

A slice of a few tags and minutes is read at a time; values that came live are left out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway.records.process import GapKind, TagSample
from gateway.time_units import SECOND_NS

_FILL_SLICE_NS = 600 * SECOND_NS
_FILL_TAGS = 50  # with a slice, some 30,000 samples at 1 Hz: little memory, and the loop is not held up
_BOUND_NOT_FOUND = 0x80D70000


@dataclass(slots=True)
class Hole:
    """A stretch without live values; ``first_live_ns``: per tag, the first source time after it."""

    kind: GapKind
    from_ns: int
    until_ns: int
    first_live_ns: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    tags: tuple[str, ...] = ()
    done: int = 0  # slices that have been filled, or given up
    last_filled: dict[str, TagSample] = field(default_factory=dict)  # per tag of which history held anything
    filled_samples: int = 0

    @property
    def finished(self) -> bool:
        """Return whether every slice has been read."""
        return bool(self.tags) and self.done == sum(1 for _ in self.slices())

    def live_from_ns(self, tag: str) -> int:
        """Return from when a tag's values came live again: at the latest, from the end of the hole."""
        return min(self.first_live_ns.get(tag, self.until_ns), self.until_ns)

    def slices(self) -> Iterator[tuple[tuple[str, ...], int, int]]:
        """Yield (some tags, from, until), tag group by tag group, each in time."""
        for begin in range(0, len(self.tags), _FILL_TAGS):
            group = self.tags[begin : begin + _FILL_TAGS]
            for start_ns in range(self.from_ns, max(self.until_ns, self.from_ns + 1), _FILL_SLICE_NS):
                yield group, start_ns, min(start_ns + _FILL_SLICE_NS, self.until_ns)

    def missed(self, tag: str, samples: Iterable[TagSample], *, start_ns: int, until_ns: int) -> list[TagSample]:
        """Return the samples that a slice adds: the one that held at its start, and those within it not received live.

        If the server has no value at the start, the last value of the slice before still holds: that slice was read
        to the end.
        """
        live_ns = self.live_from_ns(tag)
        known = [sample for sample in samples if sample.status != _BOUND_NOT_FOUND and sample.source_ns < live_ns]
        within = [sample for sample in known if start_ns < sample.source_ns <= until_ns]
        held = [sample for sample in known if sample.source_ns <= start_ns][-1:]
        if not held and tag in self.last_filled:
            held = [self.last_filled[tag]]
        if start_ns < live_ns and (held or within):
            first = tag not in self.last_filled
            self.filled_samples += len(within) + (len(held) if first else 0)
            self.last_filled[tag] = [*held, *within][-1]
            return [*held, *within]
        return []
