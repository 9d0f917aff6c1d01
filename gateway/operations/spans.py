"""Traces by OpenTelemetry: spans of results, sent to a collector by OTLP over HTTP. The only importer of its library.

Nothing here waits: spans that end go into a bounded queue, from which a thread sends them in batches. What does not
fit, or cannot be sent, is dropped and counted. What is remembered of results and messages is bounded, too.

    result (arrival .. last acknowledgement)
      wait     (arrival .. its decision begins)
      decide   (.. committed)
      publish  (committed .. acknowledged), one for each message; its context goes out with the message
      follow-up (of what the decision has left for later, once that is committed)
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from gateway import __version__
from gateway.contract.identity import identity_of
from gateway.decision import Decision, LotJudged
from gateway.events import Event, FollowUpDue, ResultArrived
from gateway.operations.interface_figures import TraceFigures
from gateway.operations.trace_options import TraceOptions
from gateway.operations.traces import parent_of

log = structlog.get_logger()

_MOST_WAITING = 4096
_AT_ONCE = 512
_MOST_OPEN = 2000
_EVERY_SECONDS = 1.0
_REFUSED = 0x80


class _Queue(SpanProcessor):
    """Ended spans that wait to be sent; what does not fit is counted and gone."""

    def __init__(self, figures: TraceFigures) -> None:
        self._figures = figures
        self._waiting: deque[ReadableSpan] = deque()

    def on_end(self, span: ReadableSpan) -> None:
        if len(self._waiting) >= _MOST_WAITING:
            self._figures.spans["dropped"] += 1
        else:
            self._waiting.append(span)

    def take(self) -> list[ReadableSpan]:
        """Return the next batch."""
        return [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]


@dataclass(slots=True)
class _Root:
    """A result's span, and how many of its messages the broker has still to acknowledge."""

    span: Span
    at_ns: int
    begun_ns: int
    open: int = 0

    @property
    def context(self) -> Context:
        return set_span_in_context(self.span)


class SpanTraces:
    """Hears of results and their messages; ``run`` sends the spans."""

    def __init__(
        self,
        options: TraceOptions,
        *,
        line: str,
        now_ns: Callable[[], int],
        export: Callable[[Sequence[ReadableSpan]], SpanExportResult] | None = None,
    ) -> None:
        """``export`` is that of the library unless a test has another."""
        self.figures = TraceFigures()
        self._now_ns = now_ns
        self._queue = _Queue(self.figures)
        self._export = export or _exporter(options).export
        provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(options.share)),
            resource=Resource.create({"service.name": "labline", "service.version": __version__, "labline.line": line}),
            shutdown_on_exit=False,
        )
        provider.add_span_processor(self._queue)
        self._tracer = provider.get_tracer("labline", __version__)
        self._results: OrderedDict[object, _Root] = OrderedDict()
        self._messages: OrderedDict[str, tuple[Span, _Root]] = OrderedDict()
        self._follow_ups: OrderedDict[str, SpanContext] = OrderedDict()
        self._away = False

    # --- what happens

    def arrived(self, event: Event, traceparent: str | None) -> None:
        """Begin the span of a result; its parent is who sent it, where the message says so."""
        if not isinstance(event, ResultArrived):
            return
        attributes = {"messaging.system": "mqtt", "messaging.destination.name": event.origin.topic}
        span = self._start("result", _context(traceparent), event.at_ns, SpanKind.CONSUMER, attributes)
        root = _Root(span=span, at_ns=event.at_ns, begun_ns=event.at_ns)
        for oldest in _remember(self._results, event.origin, root):
            self._end(oldest.span, problem="it was never decided")

    def begun(self, event: Event) -> None:
        """Note when a result's decision begins."""
        root = self._results.get(event.origin) if isinstance(event, ResultArrived) else None
        if root is not None:
            root.begun_ns = self._now_ns()

    def decided(self, event: Event, decision: Decision) -> None:
        """End what led to a commit, and begin the spans of the messages that follow."""
        if isinstance(event, FollowUpDue):
            self._followed(event, decision)
            return
        root = self._results.pop(event.origin, None) if isinstance(event, ResultArrived) else None
        if root is None:
            return
        committed_ns = self._now_ns()
        for name, begin_ns, end_ns in (("wait", root.at_ns, root.begun_ns), ("decide", root.begun_ns, committed_ns)):
            self._start(name, root.context, begin_ns).end(max(begin_ns, end_ns))
        for judged in (record for record in decision.records if isinstance(record, LotJudged)):
            root.span.set_attribute("labline.recommendation", judged.disposition.recommendation.value)
        for follow_up in decision.follow_ups:
            of_lot = () if follow_up.material_lot_id is None else (follow_up.material_lot_id,)
            due_id = identity_of("follow-up", event.event_id, follow_up.kind, follow_up.subject, *of_lot)
            _remember(self._follow_ups, due_id, root.span.get_span_context())
        self._publishes(root, decision, committed_ns)

    def traceparent_of(self, message_id: str) -> str | None:
        """Return what a message carries: the context of its own span."""
        known = self._messages.get(message_id)
        if known is None:
            return None
        context = known[0].get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def answered(self, message_id: str, code: int | None) -> None:
        """End a message's span; with the last one the result's ends."""
        if code is None:
            known = self._messages.get(message_id)
            if known is not None:
                known[0].add_event("connection lost", timestamp=self._now_ns())
            return
        known = self._messages.pop(message_id, None)
        if known is not None:
            self._settle(*known, problem=f"refused with reason code 0x{code:02X}" if code >= _REFUSED else None)

    # --- what is sent

    async def run(self) -> None:
        """Send what has ended until cancelled."""
        while True:
            batch = self._queue.take()
            if not batch:
                await asyncio.sleep(_EVERY_SECONDS)
                continue
            taken = await asyncio.to_thread(self._taken, batch)
            self.figures.spans["exported" if taken else "dropped"] += len(batch)
            if taken == self._away:  # a transition is a line in the log, a repetition none
                self._away = not taken
                (log.info if taken else log.warning)("the collector of traces", takes_spans=taken)

    def _taken(self, batch: Sequence[ReadableSpan]) -> bool:
        try:
            return self._export(batch) is SpanExportResult.SUCCESS
        except Exception as error:  # noqa: BLE001 - a loop's edge: a collector, or its library, must end nothing
            log.debug("spans are not taken", error=repr(error))
            return False

    # ---

    def _followed(self, event: FollowUpDue, decision: Decision) -> None:
        context = self._follow_ups.pop(event.event_id, None)
        if context is None:
            return
        now_ns = self._now_ns()
        parent = set_span_in_context(NonRecordingSpan(context))
        span = self._start("follow-up", parent, min(event.at_ns, now_ns), SpanKind.INTERNAL,
                           {"labline.follow_up": event.follow_up.kind.value})  # fmt: skip
        self._publishes(_Root(span=span, at_ns=event.at_ns, begun_ns=now_ns), decision, now_ns)

    def _publishes(self, root: _Root, decision: Decision, at_ns: int) -> None:
        for message in decision.messages:
            attributes = {"messaging.system": "mqtt", "messaging.destination.name": message.topic}
            span = self._start("publish", root.context, at_ns, SpanKind.PRODUCER, attributes)
            root.open += 1
            for oldest in _remember(self._messages, message.message_id, (span, root)):
                self._settle(*oldest, problem="it was not acknowledged")
        if not root.open:
            self._end(root.span)

    def _settle(self, span: Span, root: _Root, *, problem: str | None) -> None:
        self._end(span, problem=problem)
        root.open -= 1
        if not root.open:
            self._end(root.span)

    def _start(
        self,
        name: str,
        context: Context | None,
        at_ns: int,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, str] | None = None,
    ) -> Span:
        return self._tracer.start_span(name, context=context, kind=kind, attributes=attributes, start_time=at_ns)

    def _end(self, span: Span, *, problem: str | None = None) -> None:
        if problem is not None:
            span.set_status(Status(StatusCode.ERROR, problem))
        span.end(self._now_ns())


def _exporter(options: TraceOptions) -> OTLPSpanExporter:
    headers = {} if options.token is None else {"authorization": f"Bearer {options.token}"}
    return OTLPSpanExporter(
        endpoint=options.endpoint,
        certificate_file=None if options.ca_certificate is None else str(options.ca_certificate),
        headers=headers,
        timeout=options.timeout_seconds,
    )


def _context(traceparent: str | None) -> Context:
    parent = parent_of(traceparent)
    if parent is None:
        return Context()
    trace_id, span_id, flags = parent
    remote = SpanContext(trace_id=trace_id, span_id=span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(remote), Context())


def _remember(known: "OrderedDict[Any, Any]", key: object, value: Any) -> list[Any]:
    """Remember a value; return what is forgotten for it."""
    before = known.pop(key, None)
    known[key] = value
    forgotten = [] if before is None else [before]
    if len(known) > _MOST_OPEN:
        forgotten.append(known.popitem(last=False)[1])
    return forgotten
