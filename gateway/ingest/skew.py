"""How far a source's clocks are from the gateway's: the server's own, and the one behind each tag's source times.

The server's clock stands in every publish response. Behind one server may be several devices, each with a clock of its
own, so source times are judged tag by tag, and only by values that show the clock: their source time has gone on, and
they were sent because they changed. The median of the last few readings counts, as one response may be late; only a
reading that no late response explains counts by itself.
"""

import math
from array import array
from collections import deque
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from statistics import median

from gateway.records.process import TagSample
from gateway.time_units import SECOND_NS

_READINGS = 9
_FEWEST = 3
_RIGHT_AGAIN = 5  # readings in a row after which a clock that was wrong is right again
_NEVER_SO_LATE_NS = 30 * SECOND_NS  # a connection that is silent for so long has been ended before


class ServerClock:
    """The skew of a server's clock, in nanoseconds, positive where it is ahead."""

    def __init__(self, *, limit_ns: int) -> None:
        self._limit_ns = limit_ns
        self._leads_ns: deque[int] = deque(maxlen=_READINGS)
        self._responses = 0

    def read(self, *, server_ns: int | None, now_ns: int) -> None:
        """Take one publish response: the server's time in it."""
        self._responses += 1
        if server_ns is not None:
            self._leads_ns.append(server_ns - now_ns)

    @property
    def lead_ns(self) -> float:
        """Return how far it is ahead, 0 while too little is known."""
        return median(self._leads_ns) if len(self._leads_ns) >= _FEWEST else 0.0

    @property
    def known(self) -> bool:
        """Return whether enough responses with a time have come."""
        return self._responses >= _FEWEST

    @property
    def trusted(self) -> bool:
        """Return whether the server's time may be used."""
        return abs(self.lead_ns) <= self._limit_ns


class TagClock:
    """The clock behind one tag's source times."""

    __slots__ = ("_last", "_leads_ns", "_since_ns", "lead_ns", "stands_still")

    def __init__(self) -> None:
        self._last: TagSample | None = None
        self._since_ns = 0  # when its present source time was first received
        self._leads_ns = array("q")  # the last few; a deque has room for 64, and there are thousands of tags
        self.lead_ns = 0.0
        self.stands_still = False

    @property
    def known(self) -> bool:
        """Return whether any value has shown the clock."""
        return bool(self._leads_ns)

    def forget_value(self) -> None:
        """Note that the next value was not sent because it changed: it may be as old as it likes."""
        self._last = None

    def read(self, sample: TagSample, *, now_ns: int, limit_ns: int, delay_ns: int) -> None:
        """Take a value; ``delay_ns``: how long after its source time it may come though all clocks agree."""
        before, self._last = self._last, sample
        if before is None:
            self._since_ns = now_ns
        elif sample.source_ns != before.source_ns:
            self._since_ns, self.stands_still = now_ns, False
            lead_ns = sample.source_ns - now_ns
            self._take(lead_ns if lead_ns > 0 else min(0, lead_ns + delay_ns), limit_ns)
        elif _differ(before, sample) and now_ns - self._since_ns > limit_ns + delay_ns:
            self.stands_still = True

    def _take(self, lead_ns: int, limit_ns: int) -> None:
        if len(self._leads_ns) == _READINGS:
            del self._leads_ns[0]
        self._leads_ns.append(lead_ns)
        if abs(lead_ns) <= limit_ns and not self.lead_ns:
            return  # nothing was wrong, and nothing is
        wrong_ns = [lead_ns for lead_ns in list(self._leads_ns)[-_RIGHT_AGAIN:] if abs(lead_ns) > limit_ns]
        if self.lead_ns and wrong_ns:  # a clock that is right now and then is not right: no value of it counts
            self.lead_ns = median(wrong_ns)
            return
        if len(self._leads_ns) >= _FEWEST:
            middle_ns = median(self._leads_ns)
        else:
            middle_ns = lead_ns if abs(lead_ns) > limit_ns + _NEVER_SO_LATE_NS else 0.0
        self.lead_ns = middle_ns if abs(middle_ns) > limit_ns else 0.0


def _differ(before: TagSample, after: TagSample) -> bool:
    """Return whether two samples are of different numbers; no number is not another than no number."""
    return before.value != after.value and not (math.isnan(before.value) and math.isnan(after.value))


class SourceClocks:
    """All clocks of one source."""

    def __init__(self, *, limit_ns: int, usual_delay_ns: int) -> None:
        """``usual_delay_ns``: how long after its source time a changed value may come though all clocks agree."""
        self.server = ServerClock(limit_ns=limit_ns)
        self._limit_ns = limit_ns
        self._usual_delay_ns = usual_delay_ns
        self._tags: dict[str, TagClock] = {}
        self._off: set[str] = set()

    def resubscribed(self) -> None:
        """Note that every value is sent again, changed or not."""
        for clock in self._tags.values():
            clock.forget_value()

    def read(
        self,
        *,
        server_ns: int | None,
        samples: Iterable[TagSample],
        now_ns: int,
        not_on_change: frozenset[str] = frozenset(),
        delays_ns: Mapping[str, int] | None = None,
    ) -> None:
        """Take one publish response.

        Args:
            server_ns: the server's time in it.
            samples: its values; of several of a tag the last one counts.
            now_ns: when it came.
            not_on_change: tags whose values were not sent because they changed.
            delays_ns: by tag, how late its changes may come where the server has granted less than was requested.
        """
        if server_ns is not None:
            self.server.read(server_ns=server_ns, now_ns=now_ns)
        for tag, sample in {sample.tag: sample for sample in samples}.items():
            clock = self._tags.setdefault(tag, TagClock())
            if tag in not_on_change:
                clock.forget_value()
            delay_ns = max(self._usual_delay_ns, (delays_ns or {}).get(tag, 0))
            clock.read(sample, now_ns=now_ns, limit_ns=self._limit_ns, delay_ns=delay_ns)
            (self._off.add if clock.lead_ns or clock.stands_still else self._off.discard)(tag)

    @property
    def seconds(self) -> float:
        """Return how far the source is ahead: its server, or all of its tags by at least so much."""
        if self._every_tag_is_off():
            leads = [self.server.lead_ns, min((self._tags[tag].lead_ns for tag in self._off), key=abs)]
            return max(leads, key=abs) / SECOND_NS
        return self.server.lead_ns / SECOND_NS

    @property
    def trusted(self) -> bool:
        """Return whether any of the source's times may be used."""
        return self.server.trusted and not self._every_tag_is_off()

    def _every_tag_is_off(self) -> bool:
        skewed = [tag for tag in self._off if self._tags[tag].lead_ns]
        return bool(skewed) and len(skewed) == sum(1 for clock in self._tags.values() if clock.known)

    @property
    def off(self) -> AbstractSet[str]:
        """Return the tags whose source times may not be used."""
        return self._off

    @property
    def distrusted(self) -> Mapping[str, str]:
        """Return the tags whose source times may not be used, and why."""
        return {tag: self._why(self._tags[tag]) for tag in sorted(self._off)}

    def _why(self, clock: TagClock) -> str:
        way_out = 'mend its clock, raise max_clock_skew, or set time = "server" or "arrival"'
        if clock.stands_still:
            return f"changes while its source time stands still: {way_out}"
        side = "ahead of" if clock.lead_ns > 0 else "behind"
        return f"has source times {abs(clock.lead_ns) / SECOND_NS:.0f} s {side} the gateway's clock: {way_out}"
