"""Checks of how a lot was made: tags, gaps, alarms, guidance, setpoints and models. Pure."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from gateway.lab.review.alarm_calls import AlarmCall, calls_of
from gateway.lab.review.codes import ReviewCode, ReviewGroup, ReviewSeverity
from gateway.lab.review.exceptions import Check, Evidence, EvidenceKind, Find, Finding, checks_of, finding
from gateway.lab.review.facts import GuidanceRow, LotReviewFacts, WriteRow
from gateway.lab.review.process_window import ModelRun, TagRun
from gateway.records.alarms import AlarmChange
from gateway.records.guidance import GuidanceKind, GuidanceState
from gateway.records.laboratory import Recommendation
from gateway.records.process import GapKind
from gateway.records.setpoints import WriteState
from gateway.time_units import SECOND_NS

_SILENCING = frozenset({AlarmChange.SHELVED, AlarmChange.SUPPRESSED, AlarmChange.TAKEN_OUT_OF_SERVICE})
_ANSWERED = frozenset({GuidanceKind.WARNING, GuidanceKind.SETPOINT, GuidanceKind.HOLD, GuidanceKind.REVIEW})
_FAILED = frozenset({WriteState.NOT_TAKEN, WriteState.MISMATCH, WriteState.REFUSED, WriteState.UNKNOWN})


def tags(facts: LotReviewFacts) -> tuple[TagRun, ...]:
    """Return how the tags of the equipment ran."""
    return () if facts.process is None else facts.process.tags


def model_runs(facts: LotReviewFacts) -> tuple[ModelRun, ...]:
    """Return how often models were asked."""
    return () if facts.process is None else facts.process.models


def _lot(facts: LotReviewFacts) -> Evidence:
    return Evidence(EvidenceKind.LOT, facts.lot.material_lot_id)


def _tag(run: TagRun) -> Evidence:
    return Evidence(EvidenceKind.TAG, run.tag)


def _outside(facts: LotReviewFacts) -> Iterator[Finding]:
    for run in tags(facts):
        if run.outside_seconds > facts.rules.outside_seconds:
            yield finding(facts.until_ns, _tag(run), tag=run.tag, minutes=run.outside_seconds / 60, low=run.low,
                          high=run.high, minimum=run.minimum, maximum=run.maximum, unit=run.unit)  # fmt: skip


def _unknown(facts: LotReviewFacts) -> Iterator[Finding]:
    for run in tags(facts):
        if run.longest_unknown_seconds > facts.rules.unknown_seconds:
            yield finding(facts.until_ns, _tag(run), tag=run.tag, minutes=run.unknown_seconds / 60,
                          longest_minutes=run.longest_unknown_seconds / 60)  # fmt: skip


def _stuck(facts: LotReviewFacts) -> Iterator[Finding]:
    for run in tags(facts):
        if run.stuck_after_seconds is not None and run.held_seconds > run.stuck_after_seconds:
            yield finding(facts.until_ns, _tag(run), tag=run.tag, minutes=run.held_seconds / 60)


def _gaps(*, clock: bool) -> Find:
    def find(facts: LotReviewFacts) -> Iterator[Finding]:
        for row in facts.gaps:
            if (row.kind == GapKind.CLOCK_SET) is clock:
                seconds = None if row.until_ns is None else (row.until_ns - row.from_ns) / SECOND_NS
                variant = "still_open" if seconds is None else "over"
                yield finding(row.from_ns, Evidence(EvidenceKind.GAP, row.gap_id), subject=row.subject,
                              seconds=abs(seconds or 0.0), **({} if clock else {"variant": variant}))  # fmt: skip

    return find


def _not_read(facts: LotReviewFacts) -> Iterator[Finding]:
    if facts.process is None and facts.lot.equipment_id is not None:
        yield finding(facts.until_ns, _lot(facts), equipment=facts.lot.equipment_id)


def _read_in_part(facts: LotReviewFacts) -> Iterator[Finding]:
    process, started_ns, ended_ns = facts.process, facts.lot.started_ns, facts.lot.ended_ns
    if process is None or started_ns is None:
        return
    missing_ns = max(0, process.from_ns - started_ns) + max(0, (ended_ns or process.until_ns) - process.until_ns)
    if missing_ns > 0:
        yield finding(started_ns, _lot(facts), minutes=missing_ns / SECOND_NS / 60)


# --- alarms --------------------------------------------------------------------------------------------------


def calls(facts: LotReviewFacts) -> tuple[AlarmCall, ...]:
    """Return the calls of alarms while the lot was made."""
    return calls_of(facts.alarms, until_ns=facts.until_ns)


def _of_call(call: AlarmCall) -> Evidence:
    return Evidence(EvidenceKind.ALARM, call.alarm_id)


def _unacknowledged(facts: LotReviewFacts) -> Iterator[Finding]:
    for call in calls(facts):
        if call.acknowledged_ns is None:
            yield finding(call.at_ns, _of_call(call), title=call.title, seq=call.seq)


def _acknowledged_late(facts: LotReviewFacts) -> Iterator[Finding]:
    for call in calls(facts):
        seconds = 0.0 if call.acknowledged_ns is None else (call.acknowledged_ns - call.at_ns) / SECOND_NS
        if seconds > facts.rules.acknowledged_within_seconds:
            yield finding(call.at_ns, _of_call(call), title=call.title, minutes=seconds / 60, person=call.person,
                          seq=call.seq)  # fmt: skip


def _silenced(facts: LotReviewFacts) -> Iterator[Finding]:
    for row in facts.alarms:
        in_time = facts.until_ns is None or row.at_ns <= facts.until_ns
        if row.change in _SILENCING and in_time:
            yield finding(row.at_ns, Evidence(EvidenceKind.ALARM, row.alarm_id), title=row.title, person=row.person,
                          seq=row.seq)  # fmt: skip


# --- guidance ------------------------------------------------------------------------------------------------


def _of_guidance(row: GuidanceRow) -> Evidence:
    return Evidence(EvidenceKind.GUIDANCE, row.guidance_id)


def _rejected(*, with_reason: bool) -> Find:
    def find(facts: LotReviewFacts) -> Iterator[Finding]:
        for row in facts.guidance:
            reason = (row.reason or "").strip()
            if row.state == GuidanceState.REJECTED and bool(reason) is with_reason:
                yield finding(row.issued_ns, _of_guidance(row), title=row.title, reason=reason)

    return find


def _expired(facts: LotReviewFacts) -> Iterator[Finding]:
    for row in facts.guidance:
        if row.state == GuidanceState.EXPIRED and not row.answers and row.kind in _ANSWERED:
            yield finding(row.issued_ns, _of_guidance(row), title=row.title)


def _hold_lifted(facts: LotReviewFacts) -> Iterator[Finding]:
    before = None
    for row in facts.dispositions:
        held = before is not None and before.recommendation == Recommendation.HOLD
        if before is not None and held and row.recommendation != Recommendation.HOLD:
            yield finding(row.at_ns, Evidence(EvidenceKind.DISPOSITION, row.disposition_id),
                          Evidence(EvidenceKind.DISPOSITION, before.disposition_id),
                          now=row.recommendation)  # fmt: skip
        before = row


# --- setpoints -----------------------------------------------------------------------------------------------


def _writes_in(states: Collection[str]) -> Find:
    def find(facts: LotReviewFacts) -> Iterator[Finding]:
        for row in facts.writes:
            if row.state in states:
                yield _move(row)

    return find


def _automatic(facts: LotReviewFacts) -> Iterator[Finding]:
    for row in facts.writes:
        if row.automatic:
            yield _move(row)


def _move(row: WriteRow) -> Finding:
    return finding(row.issued_ns, Evidence(EvidenceKind.INTENT, row.intent_id), tag=row.tag, from_value=row.from_value,
                   to_value=row.to_value, state=row.state)  # fmt: skip


def _stopped(facts: LotReviewFacts) -> Iterator[Finding]:
    for row in facts.stops:
        yield finding(row.at_ns, Evidence(EvidenceKind.RECORD, f"setpoint_stop {row.seq}"), person=row.person,
                      reason=row.reason)  # fmt: skip


# --- models --------------------------------------------------------------------------------------------------


def lines_of(*kinds: str) -> Callable[[LotReviewFacts], Iterator[Finding]]:
    """Return the check that reports lines of the audit trail of some kinds."""

    def find(facts: LotReviewFacts) -> Iterator[Finding]:
        for row in facts.lines:
            if row.kind in kinds:
                yield finding(row.at_ns, Evidence(EvidenceKind.LINE, str(row.seq)), subject=row.subject)

    return find


def _abstained(facts: LotReviewFacts) -> Iterator[Finding]:
    for run in model_runs(facts):
        if run.predictions and run.abstained > facts.rules.abstained_share * run.predictions:
            yield finding(facts.until_ns, Evidence(EvidenceKind.RECORD, run.model), model=run.model,
                          share=run.abstained / run.predictions)  # fmt: skip


def _models_and_lines(facts: LotReviewFacts) -> Sequence[Any]:
    return (*model_runs(facts), *(row for row in facts.lines if row.kind in MODEL_LINES))


MODEL_LINES = frozenset({"version_taken", "stage_changed", "model_drift"})


_process = checks_of(ReviewGroup.PROCESS, lambda facts: (*tags(facts), *facts.gaps))
_alarm = checks_of(ReviewGroup.ALARMS, calls)
_guidance = checks_of(ReviewGroup.GUIDANCE, lambda facts: facts.guidance)
_setpoint = checks_of(ReviewGroup.SETPOINTS, lambda facts: (*facts.writes, *facts.stops))
_model = checks_of(ReviewGroup.MODELS, _models_and_lines)
_CRITICAL, _MAJOR, _MINOR = ReviewSeverity
PROCESS_CHECKS = (
    _process(ReviewCode.TAG_OUTSIDE_RANGE, _CRITICAL, _outside),
    _process(ReviewCode.TAG_UNKNOWN, _MAJOR, _unknown),
    _process(ReviewCode.TAG_STUCK, _MAJOR, _stuck),
    _process(ReviewCode.DATA_GAP, _MAJOR, _gaps(clock=False)),
    _process(ReviewCode.CLOCK_CORRECTED, _MAJOR, _gaps(clock=True)),
    _process(ReviewCode.PROCESS_NOT_READ, _CRITICAL, _not_read),
    _process(ReviewCode.PROCESS_READ_IN_PART, _MAJOR, _read_in_part),
    _alarm(ReviewCode.ALARM_UNACKNOWLEDGED, _MAJOR, _unacknowledged),
    _alarm(ReviewCode.ALARM_ACKNOWLEDGED_LATE, _MINOR, _acknowledged_late),
    _alarm(ReviewCode.ALARM_SUPPRESSED, _MINOR, _silenced),
    _guidance(ReviewCode.GUIDANCE_REJECTED, _MINOR, _rejected(with_reason=True)),
    _guidance(ReviewCode.GUIDANCE_REJECTED_WITHOUT_REASON, _MAJOR, _rejected(with_reason=False)),
    _guidance(ReviewCode.GUIDANCE_EXPIRED, _MAJOR, _expired),
    Check(code=ReviewCode.HOLD_LIFTED, group=ReviewGroup.GUIDANCE, severity=_MAJOR,
          looks_at=lambda facts: facts.dispositions, find=_hold_lifted),
    _setpoint(ReviewCode.WRITE_FAILED, _MAJOR, _writes_in(_FAILED)),
    _setpoint(ReviewCode.WRITE_NOT_FOLLOWED, _MAJOR, _writes_in({WriteState.NOT_FOLLOWED})),
    _setpoint(ReviewCode.WRITE_OVERRIDDEN, _MINOR, _writes_in({WriteState.OVERRIDDEN})),
    _setpoint(ReviewCode.WRITE_AUTOMATIC, _MINOR, _automatic),
    _setpoint(ReviewCode.WRITES_STOPPED, _MAJOR, _stopped),
    _model(ReviewCode.MODEL_CHANGED, _MAJOR, lines_of("version_taken", "stage_changed")),
    _model(ReviewCode.MODEL_DEMOTED, _MAJOR, lines_of("model_drift")),
    _model(ReviewCode.MODEL_ABSTAINED, _MINOR, _abstained),
)  # fmt: skip
