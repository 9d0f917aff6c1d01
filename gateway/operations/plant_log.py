"""What the log tells of the plant: one line for each thing that a person would want to know, with the lot's name in it.

``lines_of`` says it of one decision; ``PlantLog`` writes the lines once the decision is committed. What is said already
(the same open questions of a lot, the same refused message) is detail only, so that no sender floods the log.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from gateway.decision import ControlJudged, Decision, Latched, LotJudged, ResultAccepted, Unlatched
from gateway.events import Event, MessageRefused
from gateway.records.guidance import Guidance, GuidanceKind, GuidanceState
from gateway.records.laboratory import Recommendation
from gateway.records.outgoing import DeadLetter
from gateway.records.people import ResponseRecorded
from gateway.records.prediction import Prediction
from gateway.records.process import Gap
from gateway.records.production import ContextChange

log = structlog.get_logger()

_MOST_REMEMBERED = 2000
_QUIET = frozenset({GuidanceState.EXPIRED, GuidanceState.SUPERSEDED})  # ends that nobody has caused


@dataclass(frozen=True, kw_only=True, slots=True)
class PlantLine:
    """One line: at which level, what happened, and its fields.

    Where ``subject`` is given, a line that says the same of it as the last one is detail.
    """

    level: str
    happened: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    subject: str | None = None
    says: object = None


def lines_of(event: Event, decision: Decision) -> tuple[PlantLine, ...]:
    """Return what a decision says of the plant, in its order; a hold or review that is advised is one line, not two."""
    advised = {
        (record.kind.value, record.material_lot_id)
        for record in decision.records
        if isinstance(record, Guidance) and record.state is GuidanceState.PROPOSED
    }
    lines = (line for record in decision.records for line in _lines_of_record(event, record))
    return tuple(
        replace(line, level="debug") if (line.fields.get("recommendation"), line.fields.get("lot")) in advised else line
        for line in lines
    )


def _lines_of_record(event: Event, record: object) -> Iterator[PlantLine]:
    speak = _SPEAKERS.get(type(record))
    if speak is not None:
        yield from speak(event, record)


def _guidance(_event: Event, guidance: Guidance) -> Iterator[PlantLine]:
    fields = {
        "lot": guidance.material_lot_id, "equipment": guidance.equipment_id, "analyte": guidance.analyte,
        "title": guidance.title, "guidance": guidance.guidance_id,
    }  # fmt: skip
    if guidance.state is GuidanceState.PROPOSED:
        level = "warning" if guidance.kind is GuidanceKind.HOLD else "info"
        yield PlantLine(level=level, happened=guidance.kind.value, fields=fields, subject=guidance.guidance_id,
                        says=guidance.state)  # fmt: skip
    else:
        level = "debug" if guidance.state in _QUIET else "info"
        yield PlantLine(level=level, happened=f"{guidance.kind.value} {guidance.state.value}", fields=fields)


def _lot(_event: Event, record: LotJudged) -> Iterator[PlantLine]:
    """A lot that has another recommendation than before, or for review another open question."""
    disposition = record.disposition
    recommendation, reasons = disposition.recommendation, disposition.reasons
    codes = tuple(sorted({reason.code for reason in reasons}))
    fields = {
        "lot": disposition.material_lot_id, "recommendation": recommendation.value,
        "previous": disposition.previous.value, "why": reasons[0].text if reasons else "", "codes": codes,
    }  # fmt: skip
    changed = recommendation is not disposition.previous
    noteworthy = changed or recommendation is Recommendation.REVIEW
    yield PlantLine(level="info" if noteworthy else "debug", happened="lot judged", fields=fields,
                    subject=f"lot {disposition.material_lot_id}", says=(recommendation, codes))  # fmt: skip


def _dead_letter(event: Event, letter: DeadLetter) -> Iterator[PlantLine]:
    about = event.about if isinstance(event, MessageRefused) else None
    codes = tuple(reason.code for reason in letter.reasons)
    sha256 = event.origin.payload_sha256 if isinstance(event, MessageRefused) else None
    fields = {
        "topic": letter.topic, "why": " ".join(reason.text for reason in letter.reasons),
        "lot": ", ".join(about.lots) or None if about else None, "sample": about.sample_id if about else None,
        "dead_letter": letter.dead_letter_id,
    }  # fmt: skip
    yield PlantLine(level="warning", happened="dead letter", fields=fields, subject=f"refused {letter.topic} {sha256}",
                    says=codes)  # fmt: skip


def _latched(_event: Event, record: Latched) -> Iterator[PlantLine]:
    fields = {"code": record.code, "details": dict(record.details)}
    yield PlantLine(level="error", happened="alarm latched", fields=fields, subject=f"latch {record.code}", says=True)


def _unlatched(_event: Event, record: Unlatched) -> Iterator[PlantLine]:
    yield PlantLine(level="info", happened="latched alarm is over", fields={"code": record.code},
                    subject=f"latch {record.code}", says=False)  # fmt: skip


def _response(_event: Event, record: ResponseRecorded) -> Iterator[PlantLine]:
    response = record.response
    fields = {
        "act": response.act.value, "outcome": record.outcome, "guidance": response.guidance_id,
        "terminal": response.terminal, "person": record.by.name, "identified": record.by.identified,
    }  # fmt: skip
    yield PlantLine(level="info", happened="answer", fields=fields)


def _control(_event: Event, record: ControlJudged) -> Iterator[PlantLine]:
    point = record.point
    if point is not None:
        fields = {"material": point.material, "analyte": point.analyte, "deviations": point.deviations}
        happened = "control rejected" if point.rejected else "control"
        yield PlantLine(level="warning" if point.rejected else "debug", happened=happened, fields=fields)


def _gap(_event: Event, gap: Gap) -> Iterator[PlantLine]:
    yield PlantLine(level="debug", happened="gap", fields={"kind": gap.kind.value, "subject": gap.subject})


def _result(_event: Event, record: ResultAccepted) -> Iterator[PlantLine]:
    result = record.result
    fields = {
        "lot": result.material_lot_id, "sample": result.sample_id, "analyte": result.analyte,
        "value": result.value, "unit": result.unit, "version": result.result_version,
    }  # fmt: skip
    yield PlantLine(level="debug", happened="result", fields=fields)


def _prediction(_event: Event, record: Prediction) -> Iterator[PlantLine]:
    fields = {
        "equipment": record.equipment_id, "analyte": record.analyte, "lot": record.material_lot_id,
        "value": record.value, "accepted": record.verdict.accepted,
        "codes": tuple(reason.code for reason in record.verdict.reasons),
    }  # fmt: skip
    yield PlantLine(level="debug", happened="prediction", fields=fields)


def _context(_event: Event, change: ContextChange) -> Iterator[PlantLine]:
    fields = {"kind": change.kind.value, "lot": change.material_lot_id, "equipment": change.equipment_id}
    yield PlantLine(level="debug", happened="context", fields=fields)


_SPEAKERS: Mapping[type, Callable[[Event, Any], Iterator[PlantLine]]] = {
    Guidance: _guidance,
    LotJudged: _lot,
    DeadLetter: _dead_letter,
    Latched: _latched,
    Unlatched: _unlatched,
    ResponseRecorded: _response,
    ControlJudged: _control,
    Gap: _gap,
    ResultAccepted: _result,
    Prediction: _prediction,
    ContextChange: _context,
}


class PlantLog:
    """Writes lines, and remembers the last line of each of the last few thousand subjects."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, object] = OrderedDict()

    def write(self, lines: Sequence[PlantLine]) -> None:
        """Write lines; what repeats the last line of its subject goes as detail."""
        for line in lines:
            level = "debug" if self._repeats(line) else line.level
            getattr(log, level)(
                line.happened, **{name: value for name, value in line.fields.items() if value is not None}
            )

    def _repeats(self, line: PlantLine) -> bool:
        if line.subject is None:
            return False
        repeats = self._last.get(line.subject) == line.says
        self._last[line.subject] = line.says
        self._last.move_to_end(line.subject)
        if len(self._last) > _MOST_REMEMBERED:
            self._last.popitem(last=False)
        return repeats
