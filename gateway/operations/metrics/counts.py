"""What is counted while the gateway runs: each committed decision, by the records it consists of.

One row of ``_COUNTED`` per kind of record; a count is of this run, as Prometheus expects of a counter.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.decision import Decision, LotJudged, ResultAccepted, SampleRequested
from gateway.events import ActRequested, Event, ResultArrived
from gateway.records.guidance import Guidance, GuidanceState
from gateway.records.outgoing import DeadLetter
from gateway.records.people import ResponseRecorded
from gateway.records.prediction import Prediction
from gateway.records.process import Gap
from gateway.records.setpoints import IntentMoved
from gateway.time_units import SECOND_NS

LATENCY_BOUNDS_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
Labels = tuple[str, ...]


@dataclass(slots=True)
class Histogram:
    """How many values were at most so large; ``counts`` has one more place than bounds, for those beyond the last."""

    bounds: Sequence[float] = LATENCY_BOUNDS_SECONDS
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def note(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        """Return the upper bounds as texts, the last one ``+Inf``, with how many values were at most so large."""
        at_most, so_far = [], 0
        for bound, count in zip([*map(str, self.bounds), "+Inf"], self.counts, strict=True):
            so_far += count
            at_most.append((bound, float(so_far)))
        return at_most


class Counts:
    """The counts of this run, by metric and labels."""

    def __init__(self) -> None:
        self._by_metric: dict[str, Counter[Labels]] = {}
        self.result_to_commit_seconds = Histogram()

    def note(self, event: Event, decision: Decision, *, boot_ns: int) -> None:
        """Count a decision that is committed at the boot clock's ``boot_ns``."""
        if isinstance(event, ResultArrived):
            self.result_to_commit_seconds.note(max(0, boot_ns - event.at.boot_ns) / SECOND_NS)
        if isinstance(event, ActRequested) and decision.answer is not None:
            self._add("labline_acts", (event.act.kind.value, decision.answer.outcome.value))
        for record in decision.records:
            counted = _COUNTED.get(type(record))
            if counted is not None:
                for metric, labels in counted(record):
                    self._add(metric, labels)

    def of(self, metric: str) -> Mapping[Labels, int]:
        """Return a metric's counts by labels."""
        return self._by_metric.get(metric, {})

    def _add(self, metric: str, labels: Labels) -> None:
        self._by_metric.setdefault(metric, Counter())[labels] += 1


# --- one function per kind of record: what it counts as -------------------------------------------------------------


def _result(record: ResultAccepted) -> Iterator[tuple[str, Labels]]:
    yield "labline_results", ("sample" if record.lots is not None else "control",)


def _lot(record: LotJudged) -> Iterator[tuple[str, Labels]]:
    yield "labline_dispositions", (record.disposition.recommendation.value,)


def _prediction(prediction: Prediction) -> Iterator[tuple[str, Labels]]:
    accepted = prediction.verdict.accepted
    yield "labline_predictions", (prediction.model.name, prediction.analyte, "accepted" if accepted else "abstained")
    for reason in () if accepted else prediction.verdict.reasons[:1]:
        yield "labline_abstentions", (prediction.model.name, prediction.analyte, reason.code)


def _guidance(guidance: Guidance) -> Iterator[tuple[str, Labels]]:
    if guidance.state is GuidanceState.PROPOSED:
        yield "labline_guidance", (guidance.kind.value, guidance.severity.value)


def _response(record: ResponseRecorded) -> Iterator[tuple[str, Labels]]:
    yield "labline_responses", (record.response.act.value, record.outcome.value)


def _dead_letter(letter: DeadLetter) -> Iterator[tuple[str, Labels]]:
    yield "labline_dead_letters", (letter.reasons[0].code if letter.reasons else "",)


def _sample_request(_record: SampleRequested) -> Iterator[tuple[str, Labels]]:
    yield "labline_sample_requests", ()


def _gap(gap: Gap) -> Iterator[tuple[str, Labels]]:
    yield "labline_gaps", (gap.kind.value,)


def _setpoint_move(record: IntentMoved) -> Iterator[tuple[str, Labels]]:
    yield "labline_setpoint_writes", (record.tag, record.state.value)


_COUNTED: Mapping[type, Callable[..., Iterator[tuple[str, Labels]]]] = {
    ResultAccepted: _result,
    LotJudged: _lot,
    Prediction: _prediction,
    Guidance: _guidance,
    ResponseRecorded: _response,
    DeadLetter: _dead_letter,
    SampleRequested: _sample_request,
    Gap: _gap,
    IntentMoved: _setpoint_move,
}
