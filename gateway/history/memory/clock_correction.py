"""What the rings forget when the wall clock is set, and what they mark as unknown.

A sample dated in the future would make every later value look older, and a confirmation dated there would keep a dead
server's values fresh. So the rings are emptied with each step of the clock: nothing is known of a tag until its server
sends its value again. When a clock that was set back is soon set forward by as much, it was right before the step back,
and what was known then holds again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.history.clock_steps import ClockStep
from gateway.history.columns import HeldSample
from gateway.history.memory.rings import Rings
from gateway.history.memory.source_times import LARGEST_LEAD_NS
from gateway.history.memory.tag_ring import put_mark

_REVERSED_WITHIN_NS = 3_600_000_000_000  # after that, two steps of a clock are not related
_SMALLEST_MISTAKE_NS = 10_000_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class _SetBack:
    """A step back of the wall clock, and what was known before it."""

    arrival: int
    boot_ns: int
    by_ns: int  # in all since then
    confirmed_ns: Mapping[str, int]  # by source
    known_until_ns: Mapping[str, int]  # by tag


class ClockCorrection:
    """Empties the rings when the wall clock was set; remembers the last step back."""

    def __init__(self, rings: Rings) -> None:
        self._rings = rings
        self._set_back: _SetBack | None = None

    def newest_ns(self) -> int:
        """Return the latest time of any sample or confirmation in memory, 0 if there is none."""
        last_ns = [ring.last_ns or 0 for ring in self._rings.by_tag.values()]
        return max([*last_ns, *self._rings.confirmations.until_ns.values()], default=0)

    def clock_is_behind(self, now_ns: int) -> list[HeldSample]:
        """Note that the wall clock shows an earlier time than the newest record; return the marks.

        Whether it was ahead before or is behind now is not known, so no recorded sample becomes void.
        """
        self._rings.arrival += 1
        return self._empty_rings(now_ns)

    def note_step(self, now_ns: int, *, stepped_ns: int, boot_ns: int) -> tuple[ClockStep | None, list[HeldSample]]:
        """Note that the wall clock was set: nothing is known of any tag until its server sends its value again.

        Returns the step that makes recorded samples void, if any, and the marks to be recorded. A tag whose values are
        dated in the future is unknown from its last value before the new time.
        """
        rings = self._rings
        rings.arrival += 1
        back = self._set_back
        if back is not None:
            back = replace(back, by_ns=back.by_ns + stepped_ns)
            self._set_back = back = back if boot_ns - back.boot_ns <= _REVERSED_WITHIN_NS else None
        if back is not None and abs(back.by_ns) <= LARGEST_LEAD_NS:
            return self._reverse_step_back(back, now_ns)
        if stepped_ns > 0:
            return None, self._empty_rings(now_ns)
        if back is None and stepped_ns < -_SMALLEST_MISTAKE_NS:
            self._set_back = _SetBack(
                arrival=rings.arrival,
                boot_ns=boot_ns,
                by_ns=stepped_ns,
                confirmed_ns=dict(rings.confirmations.until_ns),
                known_until_ns={tag: rings.known_until_ns(tag) for tag in rings.by_tag},
            )
        return ClockStep(arrival=rings.arrival, until_ns=now_ns), self._empty_rings(now_ns)

    def _reverse_step_back(self, back: _SetBack, now_ns: int) -> tuple[ClockStep, list[HeldSample]]:
        self._set_back = None
        confirmed_ns = {source: min(until, now_ns) or now_ns for source, until in back.confirmed_ns.items()}
        self._rings.confirmations.until_ns = confirmed_ns
        known = {tag: min(until, now_ns) or now_ns for tag, until in back.known_until_ns.items()}
        made = ClockStep(arrival=self._rings.arrival, until_ns=now_ns, takes_back=back.arrival)
        return made, self._forget_and_mark(known, now_ns)

    def _empty_rings(self, now_ns: int) -> list[HeldSample]:
        rings = self._rings
        confirmed_ns = {source: min(until, now_ns) for source, until in rings.confirmations.until_ns.items()}
        rings.confirmations.until_ns = confirmed_ns
        known = {
            tag: (ring.last_until(now_ns) or now_ns) if (ring.last_ns or 0) > now_ns else rings.known_until_ns(tag)
            for tag, ring in rings.by_tag.items()
        }
        return self._forget_and_mark(known, now_ns)

    def _forget_and_mark(self, known_until_ns: Mapping[str, int], now_ns: int) -> list[HeldSample]:
        """Empty the rings and mark from when on nothing is known; return the marks and confirmations."""
        rings, latest_ns = self._rings, self.newest_ns()
        marks = [
            rings.confirmations.confirm(source, until, arrival=rings.arrival)
            for source, until in rings.confirmations.until_ns.items()
            if until
        ]
        for tag, ring in rings.by_tag.items():
            ring.false_until_ns = latest_ns if latest_ns > now_ns + LARGEST_LEAD_NS else 0
            ring.earliest_next_ns = min(ring.earliest_next_ns, now_ns)
            if ring.last_ns is None:
                continue
            ring.forget(reaches_from_ns=now_ns)
            since_ns = known_until_ns[tag]
            ring.resent_until_ns = max(rings.confirmed_ns(rings.source_of[tag]), since_ns)
            marks.append(put_mark(ring, tag, since_ns, arrival=rings.arrival))
        return marks
