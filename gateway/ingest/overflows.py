"""Overflows of a server's queues: losses of a tag that follow each other are recorded as one gap."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.history.tag_history import History
from gateway.ingest.gaps import Gaps
from gateway.records.process import GapKind, TagSample
from gateway.time_units import SECOND_NS

_RECORDED_AFTER_NS = 10 * SECOND_NS


@dataclass(slots=True)
class _Overflow:
    """A stretch in which the server's queue of a tag has overflowed, again and again."""

    from_ns: int
    until_ns: int
    times: int = 1


class Overflows:
    """The overflows of one source that are not on record yet, by tag."""

    def __init__(self, *, history: History, gaps: Gaps) -> None:
        self._history = history
        self._gaps = gaps
        self._standing: dict[str, _Overflow] = {}

    def note(self, tag: str, samples: Iterable[TagSample]) -> None:
        """Mark the loss of a tag's values before these samples."""
        since_ns = self._history.last_ns(tag)
        until_ns = min(sample.source_ns for sample in samples if sample.tag == tag)
        if since_ns is None or since_ns >= until_ns:
            return
        self._history.mark_tag_unknown(tag, since_ns=since_ns)
        standing = self._standing.setdefault(tag, _Overflow(from_ns=since_ns, until_ns=until_ns, times=0))
        standing.until_ns = until_ns
        standing.times += 1

    def record_over(self, over: set[str], *, now_ns: int) -> None:
        """Put on record those that are over, of these tags, or have gone on for a while."""
        if self._standing:
            self._record(lambda tag, overflow: tag in over or now_ns - overflow.from_ns > _RECORDED_AFTER_NS)

    def record_all(self) -> None:
        """Put all on record."""
        self._record(lambda _tag, _overflow: True)

    def _record(self, due: Callable[[str, _Overflow], bool]) -> None:
        for tag, overflow in list(self._standing.items()):
            if due(tag, overflow):
                del self._standing[tag]
                self._gaps.notice(
                    GapKind.OVERFLOW, tag, from_ns=overflow.from_ns, until_ns=overflow.until_ns, times=overflow.times
                )
