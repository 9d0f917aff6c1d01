"""Every metric: one row each, with its name, kind, help, labels, and how its samples follow from a snapshot.

Names after Prometheus: base units, the unit in the name, ``_total`` for counters (added by the text format).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.operations.interface_figures import SinkFigures, SparkplugFigures
from gateway.operations.metrics.counts import Histogram, Labels
from gateway.operations.metrics.snapshot import Snapshot
from gateway.time_units import SECOND_NS

Samples = Iterable[tuple[Labels, float]]


class Kind(StrEnum):
    """How a metric behaves over time."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """A metric; a histogram has ``histogram`` in place of ``samples``."""

    name: str
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()
    samples: Callable[[Snapshot], Samples] | None = None
    histogram: Callable[[Snapshot], Histogram] | None = None


def _gauge(name: str, text: str, samples: Callable[[Snapshot], Samples], *labels: str) -> Family:
    return Family(name=name, kind=Kind.GAUGE, text=text, labels=labels, samples=samples)


def _counter(name: str, text: str, *labels: str) -> Family:
    def samples(snapshot: Snapshot) -> Samples:
        counted = snapshot.counts.of(name)
        return list(counted.items()) if labels else [((), counted.get((), 0))]

    return Family(name=name, kind=Kind.COUNTER, text=text, labels=labels, samples=samples)


def _one(value: Callable[[Snapshot], float]) -> Callable[[Snapshot], Samples]:
    return lambda snapshot: [((), value(snapshot))]


def _by_name(figures: Callable[[Snapshot], Mapping[str, float]]) -> Callable[[Snapshot], Samples]:
    return lambda snapshot: [((name,), value) for name, value in figures(snapshot).items()]


def _of_models(figure: str) -> Callable[[Snapshot], Samples]:
    """Return the samples of a figure that each model has once."""
    return lambda snapshot: [
        ((model,), figures[figure]) for model, figures in snapshot.status.models.items() if figure in figures
    ]


def _of_outputs(prefix: str) -> Callable[[Snapshot], Samples]:
    """Return the samples of a figure that each output of a model has: its name is the prefix and the analyte."""
    return lambda snapshot: [
        ((model, name.removeprefix(prefix)), value)
        for model, figures in snapshot.status.models.items()
        for name, value in figures.items()
        if name.startswith(prefix)
    ]


def _lanes(snapshot: Snapshot) -> Samples:
    return [((lane,), snapshot.status.buffer[lane]) for lane in ("guidance", "evidence", "telemetry")]


def _connected(snapshot: Snapshot) -> Samples:
    return [((name,), float(state == "connected")) for name, state in snapshot.status.sources.items()]


def _stages(snapshot: Snapshot) -> Samples:
    return [((model, stage), 1.0) for model, stage in snapshot.status.stage.items()]


def _degraded(snapshot: Snapshot) -> Samples:
    return [((code,), 1.0) for code in snapshot.status.degraded]


def _stalled(snapshot: Snapshot) -> Samples:
    return [((loop,), 1.0) for loop in snapshot.stalled]


def _expiries(snapshot: Snapshot) -> Samples:
    return [
        ((expiry.name, expiry.subject), expiry.not_after_ns / SECOND_NS)
        for expiry in {(expiry.name, expiry.subject): expiry for expiry in reversed(snapshot.certificates)}.values()
    ]


def _of_sinks(figure: Callable[[SinkFigures], float]) -> Callable[[Snapshot], Samples]:
    return lambda snapshot: [((name,), figure(sink)) for name, sink in snapshot.interfaces.sinks.items()]


def _sink_attempts(snapshot: Snapshot) -> Samples:
    sinks = snapshot.interfaces.sinks
    return [((name, outcome), count) for name, sink in sinks.items() for outcome, count in sink.attempts.items()]


def _of_sparkplug(figure: Callable[[SparkplugFigures], float]) -> Callable[[Snapshot], Samples]:
    def samples(snapshot: Snapshot) -> Samples:
        figures = snapshot.interfaces.sparkplug
        return [] if figures is None else [((), figure(figures))]

    return samples


def _spans(snapshot: Snapshot) -> Samples:
    traces = snapshot.interfaces.traces
    return [] if traces is None else [((outcome,), count) for outcome, count in traces.spans.items()]


def _sent(snapshot: Snapshot) -> Samples:
    return [((), snapshot.sent)]


FAMILIES: tuple[Family, ...] = (
    # the gateway
    _gauge("labline_build_info", "The version of the gateway; always 1.",
           lambda snapshot: [((snapshot.status.version, snapshot.status.line), 1.0)], "version", "line"),
    _gauge("labline_ready", "1 once the gateway has started up and while its store works, else 0.",
           _one(lambda snapshot: float(snapshot.ready))),
    _gauge("labline_start_time_seconds", "When this run began, in Unix time.",
           _one(lambda snapshot: snapshot.started_ns / SECOND_NS)),
    _gauge("labline_degraded", "1 for each code of what is not as it should be, as in the message status.",
           _degraded, "code"),
    _gauge("labline_stalled_loop", "1 for each loop that does not get on; the watchdog is not fed then.",
           _stalled, "loop"),
    _gauge("labline_event_queue_length", "Events that wait to be decided.", _one(lambda snapshot: snapshot.queue)),
    _gauge("labline_certificate_expiry_timestamp_seconds", "When a certificate ends that is shown or trusted.",
           _expiries, "certificate", "subject"),
    # connections
    _gauge("labline_source_connected", "1 while an OPC UA server or the broker is connected, else 0.",
           _connected, "source"),
    _gauge("labline_source_clock_skew_seconds", "How far a source's clock is ahead of the gateway's.",
           _by_name(lambda snapshot: snapshot.status.clock_skew_seconds), "source"),
    _gauge("labline_unusable_tags", "Tags that cannot be used; the message status says why (at most 50).",
           _one(lambda snapshot: len(snapshot.status.tag_reasons))),
    # buffer and disk
    _gauge("labline_buffer_messages", "Messages that wait for the broker, by lane.", _lanes, "lane"),
    _gauge("labline_buffer_parked_messages", "Messages that the broker has refused and that wait for a person.",
           _one(lambda snapshot: snapshot.status.buffer["parked"])),
    _gauge("labline_buffer_oldest_seconds", "The age of the oldest message that waits.",
           _one(lambda snapshot: snapshot.status.buffer["oldest_seconds"])),
    _gauge("labline_disk", "Room of the store by what it is, in the units of the message status.",
           _by_name(lambda snapshot: snapshot.status.disk), "figure"),
    Family(name="labline_messages_sent", kind=Kind.COUNTER, text="Messages that the broker has acknowledged.",
           samples=_sent),
    # interfaces
    _gauge("labline_sink_waiting_deliveries", "Deliveries to a system over HTTP that wait.",
           _of_sinks(lambda sink: sink.waiting), "sink"),
    _gauge("labline_sink_refused_deliveries", "Deliveries that a system has refused and that wait for a person.",
           _of_sinks(lambda sink: sink.refused), "sink"),
    _gauge("labline_sink_oldest_seconds", "The age of the oldest delivery that waits.",
           _of_sinks(lambda sink: sink.oldest_seconds), "sink"),
    Family(name="labline_sink_deliveries", kind=Kind.COUNTER, labels=("sink", "outcome"), samples=_sink_attempts,
           text="Attempts to deliver: delivered, failed (tried again), refused, or superseded before it was sent."),
    _gauge("labline_sparkplug_online", "1 while the edge node of Sparkplug is born, else 0.",
           _of_sparkplug(lambda figures: float(figures.online))),
    _gauge("labline_sparkplug_waiting_reports", "Reports that no host has heard yet.",
           _of_sparkplug(lambda figures: figures.waiting)),
    Family(name="labline_sparkplug_births", kind=Kind.COUNTER, text="Births of the edge node.",
           samples=_of_sparkplug(lambda figures: figures.births)),
    Family(name="labline_sparkplug_dropped_reports", kind=Kind.COUNTER,
           text="Reports that were dropped unheard: too old, or too many.",
           samples=_of_sparkplug(lambda figures: figures.dropped)),
    Family(name="labline_trace_spans", kind=Kind.COUNTER, labels=("outcome",), samples=_spans,
           text="Spans of traces: exported, or dropped because the queue was full or the collector away."),
    # results and advice
    _counter("labline_results", "Results that were put on record: of samples, or of controls.", "of"),
    _counter("labline_dead_letters", "Messages that could not be understood, by the first reason.", "reason"),
    _counter("labline_dispositions", "Judgements of lots.", "recommendation"),
    _counter("labline_guidance", "Guidance that was issued.", "kind", "severity"),
    _counter("labline_responses", "Answers to guidance, and what came of them.", "act", "outcome"),
    _counter("labline_acts", "Acts of people, and what came of them.", "act", "outcome"),
    _counter("labline_sample_requests", "Samples that the laboratory was asked for."),
    _counter("labline_setpoint_writes", "States that writes of setpoints came into.", "tag", "state"),
    _counter("labline_gaps", "Known holes in the data.", "kind"),
    Family(name="labline_result_to_commit_seconds", kind=Kind.HISTOGRAM,
           text="From a result's arrival until it is judged and on record.",
           histogram=lambda snapshot: snapshot.counts.result_to_commit_seconds),
    # models
    _counter("labline_predictions", "Predictions, accepted or abstained from.", "model", "analyte", "verdict"),
    _counter("labline_abstentions", "Predictions abstained from, by the gate's reason.", "model", "analyte", "reason"),
    _gauge("labline_model_stage", "1 for the stage in which a model works.", _stages, "model", "stage"),
    _gauge("labline_model_abstained_ratio", "Share of abstentions among the latest predictions.",
           _of_models("abstained_share"), "model"),
    _gauge("labline_model_coverage_ratio", "Share of laboratory results inside the predicted intervals.",
           _of_models("coverage"), "model"),
    _gauge("labline_model_residual_ewma", "Weighted mean of laboratory minus predicted, in the analyte's unit.",
           _of_models("lab_residual_ewma"), "model"),
    _gauge("labline_model_bias", "The correction of a model's output, in the analyte's unit.",
           _of_outputs("bias_"), "model", "analyte"),
    # alarms
    _gauge("labline_alarms", "Alarms by state, and how many called in 10 minutes, as in the message status.",
           _by_name(lambda snapshot: snapshot.status.alarms), "figure"),
)  # fmt: skip
