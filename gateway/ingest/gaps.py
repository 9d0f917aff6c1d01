"""Holes in data, put on record by the path that every event takes.

While nothing can be committed they wait, a thousand at most; further gaps of one kind and subject
become one wide gap, from the first to the last of them, with their count.
"""

import json
from collections.abc import Callable
from typing import Any

from gateway.contract.identity import identity_of
from gateway.deadlines import ClockReading
from gateway.events import GapNoticed
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.records.process import Gap, GapKind

MOST_WAITING = 1000


class Gaps:
    """Makes gaps events."""

    def __init__(self, *, inbox: EventQueue, now: Callable[[], ClockReading]) -> None:
        """``now`` gives the moment at which a gap is noticed."""
        self._inbox = inbox
        self._now = now
        self._waiting = 0
        self._wide: dict[tuple[GapKind, str], tuple[int, int, int]] = {}  # from, until, and for how many it stands

    def notice(
        self,
        kind: GapKind,
        subject: str,
        *,
        from_ns: int,
        until_ns: int,
        recorded: Callable[[], None] | None = None,
        **details: Any,
    ) -> None:
        """Note a gap; ``recorded`` is called once it is committed; such a gap is never joined with others."""
        if self._waiting < MOST_WAITING or recorded is not None:
            self._put(_gap(kind, subject, from_ns, until_ns, details), recorded)
            return
        first_ns, last_ns, count = self._wide.get((kind, subject), (from_ns, until_ns, 0))
        self._wide[kind, subject] = (min(first_ns, from_ns), max(last_ns, until_ns), count + 1)

    def _put(self, gap: Gap, recorded: Callable[[], None] | None = None) -> None:
        def committed() -> None:
            self._waiting -= 1
            if recorded is not None:
                recorded()
            self._put_a_wide_one()

        self._waiting += 1
        event = GapNoticed(event_id=gap.gap_id, at=self._now(), gap=gap)
        self._inbox.put(event, Urgency.MODELS_AND_TIMERS, committed)

    def _put_a_wide_one(self) -> None:
        if self._wide:
            kind, subject = next(iter(self._wide))
            from_ns, until_ns, count = self._wide.pop((kind, subject))
            self._put(_gap(kind, subject, from_ns, until_ns, {"gaps": count}))


def _gap(kind: GapKind, subject: str, from_ns: int, until_ns: int, details: dict[str, Any]) -> Gap:
    return Gap(
        gap_id=identity_of("gap", kind, subject, from_ns, until_ns, json.dumps(details, sort_keys=True)),
        kind=kind,
        subject=subject,
        from_ns=from_ns,
        until_ns=until_ns,
        details=details,
    )
