"""Checks of the times of a lot's results: against the lot's own, against each other, and against the clock. Pure."""

from collections.abc import Iterator

from gateway.lab.review.codes import ReviewCode, ReviewGroup, ReviewSeverity
from gateway.lab.review.exceptions import Find, Finding, checks_of, finding
from gateway.lab.review.facts import LotReviewFacts
from gateway.lab.review.result_checks import of_result, standing
from gateway.time_units import SECOND_NS

_AHEAD_NS = 60 * SECOND_NS  # by which the laboratory's clock may be ahead of the gateway's


def _sampled(*, before_start: bool) -> Find:
    def find(facts: LotReviewFacts) -> Iterator[Finding]:
        edge_ns = facts.lot.started_ns if before_start else facts.lot.ended_ns
        for row in facts.standing if edge_ns is not None else ():
            if edge_ns is None or row.sampled_ns is None:
                continue
            by_ns = edge_ns - row.sampled_ns if before_start else row.sampled_ns - edge_ns
            if by_ns > 0:
                yield finding(row.sampled_ns, *of_result(row), test=row.test_id, sample=row.sample_id,
                              minutes=by_ns / SECOND_NS / 60)  # fmt: skip

    return find


def _earlier(first: str, second: str) -> Find:
    """Return the check that what comes second was not before what comes first."""

    def find(facts: LotReviewFacts) -> Iterator[Finding]:
        for row in facts.standing:
            first_ns, second_ns = getattr(row, first), getattr(row, second)
            if first_ns is not None and second_ns is not None and second_ns < first_ns:
                yield finding(second_ns, *of_result(row), test=row.test_id, sample=row.sample_id,
                              minutes=(first_ns - second_ns) / SECOND_NS / 60)  # fmt: skip

    return find


def _ahead(facts: LotReviewFacts) -> Iterator[Finding]:
    for row in facts.standing:
        latest_ns = max((at_ns for at_ns in (row.sampled_ns, row.analysed_ns, row.approved_ns) if at_ns is not None),
                        default=row.arrived_ns)  # fmt: skip
        if latest_ns > row.arrived_ns + _AHEAD_NS:
            yield finding(row.arrived_ns, *of_result(row), test=row.test_id, sample=row.sample_id,
                          minutes=(latest_ns - row.arrived_ns) / SECOND_NS / 60)  # fmt: skip


_time = checks_of(ReviewGroup.TIMES, standing)
_CRITICAL, _MAJOR, _MINOR = ReviewSeverity
TIME_CHECKS = (
    _time(ReviewCode.SAMPLED_BEFORE_START, _MAJOR, _sampled(before_start=True)),
    _time(ReviewCode.SAMPLED_AFTER_END, _MINOR, _sampled(before_start=False)),
    _time(ReviewCode.ANALYSED_BEFORE_SAMPLED, _MAJOR, _earlier("sampled_ns", "analysed_ns")),
    _time(ReviewCode.APPROVED_BEFORE_ANALYSED, _CRITICAL, _earlier("analysed_ns", "approved_ns")),
    _time(ReviewCode.TIME_AHEAD_OF_CLOCK, _MAJOR, _ahead),
)
