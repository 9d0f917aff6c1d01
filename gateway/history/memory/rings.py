"""Tag history in memory: one bounded ring per tag, ordered by when a value counts.

A ring is as long as somebody reads back in its tag (``need_ns``), and grows in steps until it is; of a tag that nobody
reads it keeps the latest value and a short tail. From the first sample it keeps, a ring knows all that is known; what
counts from earlier is on disk alone.

Touched only from the event loop's thread; windows are handed out as copies. When a source is lost, each of
its tags gets a *mark* (bad, no number) at the instant until which its server had last confirmed the value: from there
on nothing is known, and windows say so by themselves. When the source is back, a server sends each value again
with its old source time; such a value counts from the time of resending, and no later sample counts from before that.
What a server's history holds of the hole counts from its own time.
"""

from collections.abc import Container, Iterable, Mapping

from gateway.history.columns import Columns, HeldSample, Reach, SampleFlag
from gateway.history.memory.confirmations import Confirmations
from gateway.history.memory.source_times import LARGEST_LEAD_NS, add_live_sample
from gateway.history.memory.tag_ring import TagRing, put_mark, put_sample
from gateway.history.windows import TagWindow, WindowRequest
from gateway.records.process import TagSample

TAIL_NS = 5_000_000_000  # kept of a tag that nobody reads
READ_LATE_NS = 15_000_000_000  # a window may be read so long after the instant at which it ends


def _kept_ns(tag: str, need_ns: Mapping[str, int] | None) -> int | None:
    """Return for how long samples of a tag are kept, None: as far as there is room."""
    if need_ns is None:
        return None
    return need_ns[tag] + READ_LATE_NS if tag in need_ns else TAIL_NS


class Rings:
    """The rings of all tags, and until when each source has confirmed its values.

    ``arrival`` counts the notifications so far.
    """

    def __init__(self, tags: Mapping[str, str], *, capacity: int, need_ns: Mapping[str, int] | None = None) -> None:
        """Keep nothing yet.

        Args:
            tags: tag name to the name of its source.
            capacity: the most samples of one tag.
            need_ns: how far back each tag is read that anybody reads; None: as far as ``capacity`` goes.
        """
        self._capacity = capacity
        self.source_of = dict(tags)
        self.by_tag = {tag: TagRing(capacity=capacity, kept_ns=_kept_ns(tag, need_ns)) for tag in tags}
        self.confirmations = Confirmations(tags.values())
        self.arrival = 0
        self.samples_added = 0

    def take_tags(self, tags: Mapping[str, str], need_ns: Mapping[str, int]) -> None:
        """Keep these tags, too, each of a source that is known; what is kept of a tag that is gone stays readable."""
        for tag, source in tags.items():
            self.source_of[tag] = source
            if tag not in self.by_tag:
                self.by_tag[tag] = TagRing(capacity=self._capacity, kept_ns=_kept_ns(tag, need_ns))

    def set_need(self, need_ns: Mapping[str, int]) -> None:
        """Keep each tag as far back as it is read from now on; until a ring has grown, its windows come from disk."""
        for tag, ring in self.by_tag.items():
            ring.keep(_kept_ns(tag, need_ns))

    def nbytes(self) -> int:
        """Return how many bytes the samples of all tags take in memory."""
        return sum(ring.nbytes for ring in self.by_tag.values())

    def reach(self, series: str) -> Reach:
        """Return how much of a series an earlier run has recorded is put back."""
        ring = self.by_tag.get(series)
        return Reach(1) if ring is None else ring.reach

    def restore(self, series: str, columns: Columns, *, older_elsewhere: bool) -> None:
        """Put samples of an earlier run back, as they counted then."""
        if series in self.by_tag:
            ring = self.by_tag[series]
            ring.older_elsewhere = older_elsewhere
            ring.refill(columns)
        elif series.removeprefix("@") in self.confirmations.until_ns and len(columns):
            self.confirmations.note(series.removeprefix("@"), int(columns.held_ns.max()))

    def add_notification(
        self,
        source: str,
        samples: Iterable[TagSample],
        *,
        confirmed_ns: int,
        clock_trusted: bool = True,
        distrusted: Container[str] = (),
        allowed_lead_ns: int = LARGEST_LEAD_NS,
        confirms: bool = True,
    ) -> list[HeldSample]:
        """Add a whole notification of a source; it also confirms the values that did not change.

        Args:
            source: who sent it.
            samples: its values.
            confirmed_ns: when it came.
            clock_trusted: whether the source's times may be used at all.
            distrusted: tags whose source times may not be used.
            allowed_lead_ns: how far a source time may be ahead; one that is counts from when it came.
            confirms: whether it says that what did not change still holds; values from a plain read do not.

        Returns the samples as they count, and the confirmation itself.
        """
        self.arrival += 1
        lead_ns = max(allowed_lead_ns, LARGEST_LEAD_NS)
        added = [
            add_live_sample(
                self.by_tag[sample.tag], sample, confirmed_ns, self.arrival,
                clock_trusted=clock_trusted and sample.tag not in distrusted,
                allowed_lead_ns=lead_ns,
            )
            for sample in samples
        ]  # fmt: skip
        self.samples_added += len(added)
        if confirms:
            added.append(self.confirmations.confirm(source, confirmed_ns, arrival=self.arrival))
        return added

    def backfill(self, samples: Iterable[TagSample], *, from_ns: int) -> list[HeldSample]:
        """Add the values of a hole from the server's history; a value older than the hole counts from its beginning."""
        self.arrival += 1
        return [
            put_sample(
                self.by_tag[sample.tag],
                sample,
                max(sample.source_ns, from_ns),
                sample.status,
                SampleFlag.BACKFILLED,
                self.arrival,
            )
            for sample in samples
        ]

    def confirm(self, source: str, *, confirmed_ns: int) -> list[HeldSample]:
        """Note that the source is alive and its last values hold until now."""
        self.arrival += 1
        return [self.confirmations.confirm(source, confirmed_ns, arrival=self.arrival)]

    def confirmed_ns(self, source: str) -> int:
        """Return until when a source has confirmed its values, 0 where it never did."""
        return self.confirmations.until_ns.get(source, 0)

    def known_until_ns(self, tag: str) -> int:
        """Return until when a tag is known: its newest value, or its source's last confirmation."""
        return max(self.confirmations.until_ns[self.source_of[tag]], self.by_tag[tag].last_ns or 0)

    def mark_source_unknown(self, source: str) -> list[HeldSample]:
        """Mark the tags of a source as unknown since it last confirmed them; return the marks."""
        self.arrival += 1
        marks = []
        for tag, ring in self.by_tag.items():
            if self.source_of[tag] == source and ring.last_ns is not None:
                ring.resent_until_ns = self.known_until_ns(tag)
                marks.append(put_mark(ring, tag, ring.resent_until_ns, arrival=self.arrival))
        return marks

    def mark_tag_unknown(self, tag: str, *, since_ns: int, may_be_resent: bool = False) -> list[HeldSample]:
        """Mark one tag as unknown from an instant until its next value; return the mark.

        ``may_be_resent``: the next value may be the old one, which then counts from the time of resending.
        """
        self.arrival += 1
        ring = self.by_tag[tag]
        if ring.last_ns is None:
            return []
        if may_be_resent:
            ring.resent_until_ns = since_ns
        return [put_mark(ring, tag, since_ns, arrival=self.arrival)]

    def reaches_back(self, request: WindowRequest) -> bool:
        """Return whether a window can be answered from memory alone."""
        return self.by_tag[request.tag].reaches_back_to(request.start_ns)

    def window(self, request: WindowRequest) -> TagWindow:
        """Return one window; of a tag without samples an empty one."""
        confirmed_ns = self.confirmations.until_ns[self.source_of[request.tag]]
        return self.by_tag[request.tag].window(request, confirmed_ns=confirmed_ns, arrival=self.arrival)

    def windows(self, requests: Iterable[WindowRequest]) -> dict[WindowRequest, TagWindow]:
        """Return the windows of the requests, as far as memory reaches."""
        return {request: self.window(request) for request in requests}
