"""Traces: from a result's arrival to its messages, never in the way, and passed on from who sends to who receives."""

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager, suppress
from importlib import util

import pytest
from opentelemetry.sdk.trace.export import SpanExportResult
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.cli.check import _setting_warnings
from gateway.config.reading import read
from gateway.config.traces import trace_options
from gateway.decision import Decision
from gateway.errors import ConfigurationError
from gateway.events import ResultArrived
from gateway.operations import spans
from gateway.operations.spans import SpanTraces
from gateway.operations.trace_options import TraceOptions
from gateway.operations.traces import NO_TRACES, parent_of
from gateway.records.deliveries import Origin
from gateway.records.outgoing import Lane, OutgoingMessage
from simulator.bench.load import bare_configuration
from tests.fixtures.building import NOW_NS, moment, result
from tests.fixtures.collector import attributes, collecting
from tests.fixtures.real_parts import Line

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = f"00-{TRACE}-{SPAN}-01"
WITHIN_SECONDS = 120.0


# --- a running gateway


async def test_a_trace_leads_from_the_laboratory_over_arrival_and_decision_to_the_terminal(
    tmp_path, broker, monkeypatch
):
    line = Line(tmp_path, broker, None)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "traces_token").write_text("t0ken-0123456789abcdef\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    with collecting() as collector:
        text = bare_configuration(line.folder, broker)
        line.write_configuration(f'{text}\n[traces]\nendpoint = "{collector.endpoint}"\nshare = 0.0\n')
        async with terminal(broker.port) as (client, heard), line.gateway():
            document = {"sample_id": "S-1", "test_id": "pH", "value": 9.8, "unit": "pH", "status": "approved",
                        "material_lot_id": "LOT-1", "material_definition_id": "FG-100"}  # fmt: skip
            client.publish("lims/results/qc", json.dumps({**document, "sample_id": "S-0", "material_lot_id": "LOT-0"}))
            properties = Properties(PacketTypes.PUBLISH)
            properties.UserProperty = [("other", "x"), ("traceparent", SENT)]
            client.publish("lims/results/qc", json.dumps(document), qos=1, properties=properties)
            async with asyncio.timeout(WITHIN_SECONDS):
                while not collector.named("result") or not collector.named("follow-up"):
                    await asyncio.sleep(0.05)
    (root,) = collector.named("result")
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert root.parent_span_id.hex() == SPAN
    assert attributes(root) == {
        "messaging.system": "mqtt", "messaging.destination.name": "lims/results/qc", "labline.recommendation": "hold",
    }  # fmt: skip
    children = [span for span in collector.spans if span.parent_span_id == root.span_id]
    names = Counter(span.name for span in children)
    assert (names["wait"], names["decide"]) == (1, 1)
    topics = {attributes(span)["messaging.destination.name"].split("quality/")[1].split("/")[0]
              for span in children if span.name == "publish"}  # fmt: skip
    assert topics >= {"disposition", "guidance"}
    for span in children:
        assert root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
    assert root.end_time_unix_nano >= max(span.end_time_unix_nano for span in children if span.name == "publish")
    assert collector.resources[0]["service.name"] == "labline"
    assert collector.resources[0]["labline.line"] == "bench/lab/polymers/line-1"
    assert set(collector.tokens) == {"Bearer t0ken-0123456789abcdef"}
    carried = {name: value for topic, name, value in heard if "/disposition/LOT-1" in topic}
    of_disposition = next(
        span for span in children if "/disposition/" in attributes(span).get("messaging.destination.name", "")
    )
    assert carried["traceparent"] == f"00-{TRACE}-{of_disposition.span_id.hex()}-01"


@asynccontextmanager
async def terminal(port):
    """A client that sends as a laboratory does, and hears user properties as a terminal does: (topic, name, value)."""
    heard = []
    client = Client(CallbackAPIVersion.VERSION2, client_id="terminal", protocol=MQTTProtocolVersion.MQTTv5)
    client.on_connect = lambda client, *_: client.subscribe("bench/#", qos=1)
    client.on_message = lambda _client, _data, message: heard.extend(
        (message.topic, *pair) for pair in getattr(message.properties, "UserProperty", ())
    )
    await asyncio.to_thread(client.connect, "127.0.0.1", port, 30)
    client.loop_start()
    try:
        yield client, heard
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)


# --- by itself


def arrived(number=1):
    origin = Origin(
        session="in", topic="lims/results/qc", message_number=number, redelivered=False, payload_sha256="ab"
    )
    return ResultArrived(event_id=f"e{number}", at=moment(NOW_NS), origin=origin, result=result(), payload=b"{}")


def message(number):
    return OutgoingMessage(
        message_id=f"m{number}", lane=Lane.EVIDENCE, topic=f"root/disposition/L{number}", payload=b"{}"
    )


class Bench:
    def __init__(self, *, share=1.0, export=None):
        self.passed_ns = 0
        self.ended = []
        options = TraceOptions(endpoint="http://127.0.0.1:9/v1/traces", share=share)
        self.traces = SpanTraces(options, line="a/b/c/d", now_ns=self.now_ns, export=export or self.export)

    def now_ns(self):
        self.passed_ns += 1_000_000
        return NOW_NS + self.passed_ns

    def export(self, batch):
        self.ended += batch
        return SpanExportResult.SUCCESS

    def took(self):
        """Return the names of the spans that have ended, with their status."""
        self.export(self.traces._queue.take())
        return [(span.name, span.status.status_code.name) for span in self.ended]

    def decide(self, number=1, *, traceparent=None, messages=1):
        self.traces.arrived(arrived(number), traceparent)
        self.traces.begun(arrived(number))
        sent = tuple(message(10 * number + at) for at in range(messages))
        self.traces.decided(arrived(number), Decision(messages=sent))
        return [item.message_id for item in sent]


def test_a_result_ends_with_the_last_acknowledgement_and_a_lost_connection_is_noted():
    bench = Bench()
    first, second = bench.decide(messages=2)
    bench.traces.answered(first, 0)
    bench.traces.answered(second, None)
    assert [name for name, _ in bench.took()] == ["wait", "decide", "publish"]
    bench.traces.answered(second, 0x97)
    assert bench.took()[3:] == [("publish", "ERROR"), ("result", "UNSET")]
    assert [event.name for event in bench.ended[3].events] == ["connection lost"]
    assert bench.traces.traceparent_of(second) is None


def test_a_result_without_messages_ends_with_its_decision_and_what_is_no_result_has_no_span():
    bench = Bench()
    assert bench.decide(messages=0) == []
    assert [name for name, _ in bench.took()] == ["wait", "decide", "result"]
    bench.traces.arrived(object(), SENT)
    bench.traces.decided(arrived(2), Decision(messages=(message(1),)))  # one that it has not heard of
    bench.traces.answered("nobody", 0)
    assert len(bench.took()) == 3


@pytest.mark.parametrize(("traceparent", "share", "spans_end"), [
    (None, 0.0, False), (SENT, 0.0, True), (SENT[:-1] + "0", 1.0, False), ("nonsense", 1.0, True), (None, 1.0, True),
])  # fmt: skip
def test_who_sends_a_result_says_whether_it_is_traced_else_the_share_does(traceparent, share, spans_end):
    bench = Bench(share=share)
    (sent,) = bench.decide(traceparent=traceparent)
    carried = bench.traces.traceparent_of(sent)
    assert bool(int(carried[-2:], 16) & 1) == spans_end
    assert (TRACE in carried) == (parent_of(traceparent) is not None)
    assert bool(bench.took()) == spans_end


@pytest.mark.parametrize("wrong", [
    None, "", "00", f"01-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", SENT.upper(),
    SENT + "-x", SENT + "\n", f"00-{TRACE}-{SPAN}-0g", "x" * 65_000,
])  # fmt: skip
def test_what_is_no_traceparent_counts_for_nothing(wrong):
    assert parent_of(wrong) is None


def test_what_is_remembered_is_bounded_and_what_is_forgotten_ends(monkeypatch):
    monkeypatch.setattr(spans, "_MOST_OPEN", 50)
    bench = Bench()
    for number in range(spans._MOST_OPEN + 5):
        bench.traces.arrived(arrived(number), None)
    assert bench.took() == [("result", "ERROR")] * 5
    many = tuple(message(number) for number in range(spans._MOST_OPEN + 3))
    bench.traces.decided(arrived(9), Decision(messages=many))
    assert Counter(bench.took())["publish", "ERROR"] == 3


def test_a_queue_that_is_full_drops_and_counts_and_nothing_waits(monkeypatch):
    monkeypatch.setattr(spans, "_MOST_WAITING", 60)
    bench = Bench()
    for number in range(spans._MOST_WAITING):
        bench.decide(number, messages=0)
    bench.decide(1, messages=0)
    assert bench.traces.figures.spans["dropped"] == 2 * spans._MOST_WAITING + 3


async def test_a_collector_that_is_away_or_refuses_costs_its_spans_and_nothing_else(monkeypatch):
    monkeypatch.setattr(spans, "_EVERY_SECONDS", 0.01)
    answers = iter([SpanExportResult.FAILURE, OSError("away"), SpanExportResult.SUCCESS])

    def export(_batch):
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    bench = Bench(export=export)
    running = asyncio.create_task(bench.traces.run())
    for number, expected in enumerate([{"dropped": 3}, {"dropped": 6}, {"dropped": 6, "exported": 3}]):
        bench.decide(number, messages=0)
        async with asyncio.timeout(60):
            while bench.traces.figures.spans != expected:
                await asyncio.sleep(0.01)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def test_a_line_without_traces_hears_nothing():
    assert NO_TRACES.traceparent_of("m1") is None
    NO_TRACES.arrived(arrived(), SENT)
    NO_TRACES.begun(arrived())
    NO_TRACES.decided(arrived(), Decision())
    NO_TRACES.answered("m1", 0)


# --- the configuration

BARE = """[site]
enterprise = "acme"
site = "lyon"
area = "polymers"
line = "line-1"

[store]
directory = "store"

[mqtt]
host = "broker.local"
client_id = "labline"
"""


@pytest.fixture
def options(tmp_path):
    def read_options(text):
        file = tmp_path / "labline.toml"
        file.write_text(BARE + text)
        return trace_options(read(file)[0])

    return read_options


def test_traces_are_off_by_default_and_a_tenth_of_results_where_they_are_on(options):
    assert options("") is None
    assert (options("[traces]\n").endpoint, options("[traces]\n").share) == ("http://127.0.0.1:4318/v1/traces", 0.1)


@pytest.mark.parametrize("wrong", [
    'endpoint = "collector:4317"', 'endpoint = "http://user:secret@collector/"', "share = 1.5",
    'ca_certificate = "none.pem"',
])  # fmt: skip
def test_what_cannot_be_is_refused(options, wrong):
    with pytest.raises(ConfigurationError):
        options(f"[traces]\n{wrong}\n")


@pytest.mark.parametrize("missing", ["opentelemetry", "opentelemetry.exporter"])
def test_without_the_extra_the_check_says_what_to_install(options, monkeypatch, missing):
    def find_spec(name, *_package):
        if name == missing or name.startswith(f"{missing}."):
            raise ModuleNotFoundError(name)
        return util.find_spec(name)

    monkeypatch.setattr("gateway.config.traces.find_spec", find_spec)
    with pytest.raises(ConfigurationError) as raised:
        options("[traces]\n")
    (problem,) = raised.value.problems
    assert problem.key == "traces"
    assert "labline[traces]" in problem.hint


@pytest.mark.parametrize(("endpoint", "warned"), [
    ("http://127.0.0.1:4318/v1/traces", False), ("http://collector:4318/v1/traces", True),
    ("https://collector/v1/traces", False),
])  # fmt: skip
def test_a_collector_elsewhere_without_tls_is_warned_of(tmp_path, endpoint, warned):
    file = tmp_path / "labline.toml"
    file.write_text(f'{BARE}[traces]\nendpoint = "{endpoint}"\n')
    settings = read(file)[0]
    assert any("traces.endpoint" in warning for warning in _setting_warnings(settings)) == warned
