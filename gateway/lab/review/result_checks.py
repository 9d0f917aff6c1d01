"""Checks of a lot's results, their limits, versions and times. Pure."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache

from gateway.lab.conformity_reasons import ConformityReason
from gateway.lab.disposition import TREND_FLAGS, WITHDRAWN
from gateway.lab.in_force import in_unit
from gateway.lab.lot_reasons import LotReason
from gateway.lab.release.open_points import OpenPoint
from gateway.lab.review.codes import ReviewCode, ReviewGroup, ReviewSeverity
from gateway.lab.review.exceptions import Evidence, EvidenceKind, Find, Finding, checks_of, finding
from gateway.lab.review.facts import ControlRow, LotReviewFacts, PointRow, ResultRow
from gateway.lab.units import converted
from gateway.records.laboratory import ResultStatus, Specification
from gateway.time_units import SECOND_NS

_RUN_NS = 24 * 3600 * SECOND_NS  # around a control, in which its failure speaks against results

_OUTSIDE = frozenset({ConformityReason.OUT_OF_SPECIFICATION, ConformityReason.OUT_OF_REVIEW_BAND,
                      ConformityReason.IN_REVIEW_BAND, ConformityReason.TEXT_UNKNOWN,
                      ConformityReason.VALUE_UNKNOWN, ConformityReason.NUMBER_UNEXPECTED})  # fmt: skip
_WITHOUT_LIMITS = frozenset({ConformityReason.NO_SPECIFICATION, OpenPoint.PRODUCT_UNKNOWN})
_UNIT_UNCLEAR = frozenset({ConformityReason.UNIT_MISMATCH, ConformityReason.UNIT_MISSING})
_CENSORED = frozenset({ConformityReason.CENSORED_UNDECIDED})
_TAKEN_BACK = frozenset({OpenPoint.RESULT_WITHDRAWN, OpenPoint.RESULT_LEFT_LOT, ConformityReason.RESULT_REJECTED})
_FROM_FAILURE = frozenset({OpenPoint.EARLIER_VERSION_FAILED, OpenPoint.EARLIER_VERSION_UNREAD})
RETESTS = frozenset({OpenPoint.RETEST, OpenPoint.RETESTED, OpenPoint.RETEST_WITHOUT_ORIGINAL})
_CONTROLS = frozenset({LotReason.CONTROL_REJECTED, OpenPoint.CONTROL_WITH_LOT})
_UNREAD = frozenset({OpenPoint.RESULT_UNREAD, OpenPoint.MESSAGE_REFUSED, OpenPoint.SPECIFICATION_REFUSED,
                     OpenPoint.RESULT_CONTRADICTED})  # fmt: skip
_NOT_FINAL = frozenset({ConformityReason.NOT_YET_VALIDATED})
# points that a check of its own reports, so that the last row, which takes all others, does not
_WITH_OWN_CHECK: frozenset[str] = frozenset({
    *_OUTSIDE, *TREND_FLAGS, *_WITHOUT_LIMITS, *_UNIT_UNCLEAR, *_CENSORED, *_TAKEN_BACK, *_FROM_FAILURE, *RETESTS,
    *_CONTROLS, *_UNREAD, *_NOT_FINAL, OpenPoint.CONTEXT_CONTRADICTED, OpenPoint.PARENT_IN_QUESTION,
})  # fmt: skip


def of_result(row: ResultRow) -> tuple[Evidence, ...]:
    """Return the evidence of a result: its version, and the sample."""
    return Evidence(EvidenceKind.RESULT, row.result_id), Evidence(EvidenceKind.SAMPLE, row.sample_id)


def evidence_of_point(row: PointRow) -> tuple[Evidence, ...]:
    """Return the evidence of a point: what it is about, and the point itself."""
    named = row.subject.rpartition(" ")[2]
    about = {"result": EvidenceKind.RESULT, "refused": EvidenceKind.MESSAGE, "specification": EvidenceKind.MESSAGE}
    kind = about.get(row.kind)
    subject = () if kind is None else (Evidence(kind, named),)
    sample = () if row.sample_id is None else (Evidence(EvidenceKind.SAMPLE, row.sample_id),)
    return (*subject, *sample, Evidence(EvidenceKind.POINT, row.point_id))


def points_with(codes: Collection[str]) -> Find:
    """Return the check that reports the open points with some codes."""

    def find(facts: LotReviewFacts) -> Iterator[Finding]:
        for row in facts.points:
            if row.code in codes and not row.settled:
                yield finding(row.at_ns, *evidence_of_point(row), point=row.text)

    return find


def standing(facts: LotReviewFacts) -> tuple[ResultRow, ...]:
    """Return the results that count."""
    return facts.standing


def _at(row: ResultRow) -> int:
    return row.arrived_ns if row.sampled_ns is None else row.sampled_ns


def _limits(facts: LotReviewFacts) -> Callable[[ResultRow], Specification | None]:
    """Return how the limits of a result are looked up, each once; None where none or several hold."""

    @cache
    def looked_up(analyte: str, at_ns: int, client_id: str | None, product: str | None) -> Specification | None:
        holding = facts.specifications.in_force(analyte, at_ns, product, client_id)
        return holding[0] if len(holding) == 1 else None

    def limits(row: ResultRow) -> Specification | None:
        product = row.product or next(iter(facts.products), None)
        client = row.client_id or facts.lot.client_id or facts.lot.order_client
        return looked_up(row.analyte, _at(row), client, product)

    return limits


def _margins(specification: Specification, share: float) -> Iterator[tuple[float, float]]:
    """Yield each limit with the width next to it that is near: a share of the range, of one limit alone of its size."""
    lower, upper = specification.lower, specification.upper
    width = abs(upper - lower) if lower is not None and upper is not None else None
    for limit in (lower, upper):
        if limit is not None:
            yield limit, share * (abs(limit) if width is None else width)


def _near_limit(facts: LotReviewFacts) -> Iterator[Finding]:
    """Yield what is inside, and next to a limit."""
    limits = _limits(facts)
    for row in facts.standing:
        specification = limits(row)
        own = None if specification is None or row.value is None else in_unit(specification, row.unit)
        if own is None or row.value is None or not _inside(row.value, own):
            continue
        near = [limit for limit, width in _margins(own, facts.rules.near_limit) if abs(row.value - limit) <= width]
        if near:
            yield finding(_at(row), *of_result(row), test=row.test_id, sample=row.sample_id, value=row.value_text,
                          limit=near[0], unit=row.unit or "")  # fmt: skip


def _inside(value: float, specification: Specification) -> bool:
    lower, upper = specification.lower, specification.upper
    return (lower is None or value >= lower) and (upper is None or value <= upper)


def _censored(facts: LotReviewFacts) -> Iterator[Finding]:
    yield from points_with(_CENSORED)(facts)
    undecided = {row.subject for row in facts.points if row.code in _CENSORED}
    limits = _limits(facts)
    for row in facts.standing:
        specification = None if row.censored_at is None or row.result_id in undecided else limits(row)
        own = None if specification is None else in_unit(specification, row.unit)
        if own is None or row.censored_at is None:
            continue
        near = [limit for limit, width in _margins(own, facts.rules.near_limit)
                if abs(row.censored_at - limit) <= width]  # fmt: skip
        if near:
            text = f"{row.test_id} {row.value_text}"
            yield finding(_at(row), *of_result(row), point=text)


def _unit_converted(facts: LotReviewFacts) -> Iterator[Finding]:
    limits = _limits(facts)
    for row in facts.standing:
        specification = limits(row) if row.unit else None
        wanted = None if specification is None else specification.unit
        if not wanted or wanted == row.unit or row.value is None:
            continue
        if converted(1.0, row.unit, wanted) not in {1.0, None}:
            yield finding(_at(row), *of_result(row), test=row.test_id, sample=row.sample_id, from_unit=row.unit,
                          to_unit=wanted)  # fmt: skip


def _not_final(facts: LotReviewFacts) -> Iterator[Finding]:
    for row in facts.standing:
        if row.status == ResultStatus.ENTERED:
            yield finding(_at(row), *of_result(row), test=row.test_id, sample=row.sample_id)


def _key(row: ResultRow) -> tuple[str, str, int]:
    return row.sample_id, row.test_id, row.replicate


def _corrected(facts: LotReviewFacts) -> Iterator[Finding]:
    """Yield results of which an earlier version said something else."""
    earlier: dict[tuple[str, str, int], ResultRow] = {}
    for row in facts.results:
        known = earlier.get(_key(row))
        if not row.current and (known is None or row.version > known.version):
            earlier[_key(row)] = row
    for row in facts.standing:
        before = earlier.get(_key(row))
        if before is not None and before.version < row.version:
            yield finding(row.arrived_ns, *of_result(row), Evidence(EvidenceKind.RESULT, before.result_id),
                          test=row.test_id, sample=row.sample_id, before=before.value_text, now=row.value_text,
                          version=row.version)  # fmt: skip


def _withdrawn(facts: LotReviewFacts) -> Iterator[Finding]:
    yield from points_with(_TAKEN_BACK)(facts)
    reported = {row.subject for row in facts.points if row.code in _TAKEN_BACK}
    for row in facts.standing:
        if row.status in WITHDRAWN and row.result_id not in reported:
            yield finding(row.arrived_ns, *of_result(row), point=f"{row.test_id} {row.sample_id}: {row.status}")


def _retested(*, with_reason: bool) -> Find:
    def find(facts: LotReviewFacts) -> Iterator[Finding]:
        """Yield retests; a person who has settled the point of one has said why."""
        points = [row for row in facts.points if row.code in RETESTS]
        for row in points:
            if bool(row.settled) is with_reason:
                yield finding(row.at_ns, *evidence_of_point(row), point=row.text)
        known = {row.subject for row in points}
        for result in () if with_reason else facts.standing:
            if result.retest_of and result.result_id not in known:
                text = f"{result.test_id} {result.sample_id} < {result.retest_of}"
                yield finding(_at(result), *of_result(result), point=text)

    return find


def _other_scope(facts: LotReviewFacts) -> Iterator[Finding]:
    lot = facts.lot
    clients = {name for name in (lot.client_id, lot.order_client) if name}
    own: dict[str, set[str]] = {"product": {*facts.products}, "client": clients}
    for row in facts.standing:
        for field, named in (("product", row.product), ("client", row.client_id)):
            if named and own[field] and named not in own[field]:
                yield finding(_at(row), *of_result(row), test=row.test_id, sample=row.sample_id, named=named,
                              own=", ".join(sorted(own[field])))  # fmt: skip


def _tests_missing(facts: LotReviewFacts) -> Iterator[Finding]:
    for test in facts.missing_tests:
        yield finding(facts.until_ns, Evidence(EvidenceKind.LOT, facts.lot.material_lot_id), test=test)


def _control_failed(facts: LotReviewFacts) -> Iterator[Finding]:
    """Yield points about controls, and rejected controls next to when a result was measured: before or after it.

    Of each material at each instrument the last before and the first after count, within a run's time.
    """
    yield from points_with(_CONTROLS)(facts)
    reported = {row.analyte for row in facts.points if row.code in _CONTROLS and not row.settled}
    concerned: dict[ControlRow, ResultRow] = {}
    for row in facts.standing:
        if row.analyte not in reported:
            for control in _next_to(row, facts.controls):
                concerned.setdefault(control, row)
    for control, row in concerned.items():
        evidence = (Evidence(EvidenceKind.RESULT, control.result_id), *of_result(row)[:1])
        yield finding(control.at_ns, *evidence, point=f"{control.material} ({control.analyte})")


def _next_to(row: ResultRow, controls: Sequence[ControlRow]) -> Iterator[ControlRow]:
    """Yield the rejected controls next to when a result was measured; ``controls``: in the order of time."""
    measured_ns = row.arrived_ns if row.analysed_ns is None else row.analysed_ns
    nearest: dict[tuple[bool, str, str | None], ControlRow] = {}
    for control in controls:
        same = None in {row.instrument_id, control.instrument_id} or row.instrument_id == control.instrument_id
        if same and control.analyte == row.analyte and abs(measured_ns - control.at_ns) <= _RUN_NS:
            after = control.at_ns > measured_ns
            where = (after, control.material, control.instrument_id)
            if not (after and where in nearest):
                nearest[where] = control
    return (control for control in nearest.values() if control.rejected)


def _specification_changed(facts: LotReviewFacts) -> Iterator[Finding]:
    for row in facts.stated:
        yield finding(row.at_ns, Evidence(EvidenceKind.EVENT, row.event_id), product=row.product, test=row.analyte,
                      version=row.version)  # fmt: skip


def _other_points(facts: LotReviewFacts) -> Iterator[Finding]:
    for row in facts.points:
        if row.code not in _WITH_OWN_CHECK and not row.settled:
            yield finding(row.at_ns, *evidence_of_point(row), point=row.text)


def _settled_points(facts: LotReviewFacts) -> Iterator[Finding]:
    for row in facts.points:
        if row.settled and row.code not in RETESTS:
            yield finding(row.at_ns, *evidence_of_point(row), point=row.text)


_result = checks_of(ReviewGroup.RESULTS, standing)
_CRITICAL, _MAJOR, _MINOR = ReviewSeverity
RESULT_CHECKS = (
    _result(ReviewCode.RESULT_OUTSIDE, _CRITICAL, points_with(_OUTSIDE)),
    _result(ReviewCode.RESULT_OUT_OF_TREND, _MAJOR, points_with(TREND_FLAGS)),
    _result(ReviewCode.RESULT_NEAR_LIMIT, _MINOR, _near_limit),
    _result(ReviewCode.RESULT_WITHOUT_LIMITS, _MAJOR, points_with(_WITHOUT_LIMITS)),
    _result(ReviewCode.RESULT_CENSORED_AT_LIMIT, _MAJOR, _censored),
    _result(ReviewCode.RESULT_UNIT_UNCLEAR, _MAJOR, points_with(_UNIT_UNCLEAR)),
    _result(ReviewCode.RESULT_UNIT_CONVERTED, _MINOR, _unit_converted),
    _result(ReviewCode.RESULT_NOT_FINAL, _MAJOR, _not_final),
    _result(ReviewCode.RESULT_CORRECTED, _MAJOR, _corrected),
    _result(ReviewCode.RESULT_CORRECTED_FROM_FAILURE, _CRITICAL, points_with(_FROM_FAILURE)),
    _result(ReviewCode.RESULT_WITHDRAWN, _MAJOR, _withdrawn),
    _result(ReviewCode.RESULT_RETESTED, _MINOR, _retested(with_reason=True)),
    _result(ReviewCode.RETEST_WITHOUT_REASON, _CRITICAL, _retested(with_reason=False)),
    _result(ReviewCode.RESULT_OF_OTHER_SCOPE, _CRITICAL, _other_scope),
    _result(ReviewCode.TEST_MISSING, _CRITICAL, _tests_missing),
    _result(ReviewCode.CONTROL_FAILED, _CRITICAL, _control_failed),
    _result(ReviewCode.SPECIFICATION_CHANGED, _MAJOR, _specification_changed),
    _result(ReviewCode.POINT_OPEN, _MAJOR, _other_points),
    _result(ReviewCode.POINT_SETTLED, _MINOR, _settled_points),
)
MESSAGES_UNREAD = points_with(_UNREAD)
