"""Gaps that wait to be put on record: a bounded number, and none of them forgotten."""

import asyncio
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest import gaps as module
from gateway.ingest.event_queue import EventQueue
from gateway.ingest.gaps import Gaps
from gateway.records.process import GapKind
from tests.fixtures.building import NOW_NS, moment

GAP = st.tuples(st.sampled_from("ABC"), st.integers(0, 50), st.integers(1, 9))


@given(st.lists(st.one_of(GAP, st.none()), max_size=60))
def test_whatever_is_told_is_covered_on_record_and_only_so_many_wait(steps):
    """Each step tells a gap of a tag, or commits one (None)."""
    inbox, noticed, recorded = EventQueue(), [], []
    gaps = Gaps(inbox=inbox, now=partial(moment, NOW_NS))

    def commit_one():
        for pending in asyncio.run(inbox.take(most=1)):
            recorded.append(pending.event.gap)
            pending.committed()

    module.MOST_WAITING, usual = 5, module.MOST_WAITING
    try:
        for step in steps:
            if step is not None:
                tag, start, length = step
                noticed.append(step)
                gaps.notice(GapKind.OVERFLOW, tag, from_ns=start, until_ns=start + length, times=1)
            elif len(inbox):
                commit_one()
            assert len(inbox) <= 5
        while len(inbox):
            commit_one()
    finally:
        module.MOST_WAITING = usual
    for tag, start, length in noticed:
        assert any(gap.subject == tag and gap.from_ns <= start and start + length <= gap.until_ns for gap in recorded)
    assert sum(gap.details.get("gaps", 1) for gap in recorded) == len(noticed)


def test_a_gap_that_is_waited_for_is_told_by_itself_however_many_wait():
    inbox, recorded = EventQueue(), []
    gaps = Gaps(inbox=inbox, now=partial(moment, NOW_NS))
    for start in range(module.MOST_WAITING):
        gaps.notice(GapKind.OVERFLOW, "A", from_ns=start, until_ns=start + 1)
    gaps.notice(GapKind.EVICTED, "telemetry", from_ns=1, until_ns=2, recorded=lambda: recorded.append(True), rows=7)
    while len(inbox):
        for pending in asyncio.run(inbox.take(most=20)):
            pending.committed()
    assert recorded == [True]
