"""Monitoring: what a scrape says of a running gateway, who may scrape, and the documents that name its metrics."""

import asyncio
import json
import re
import urllib.error
import urllib.request
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.config.connections import monitoring_options
from gateway.config.reading import read
from gateway.contract.payloads.status import StatusPayload
from gateway.errors import ConfigurationError
from gateway.operations.interface_figures import InterfaceFigures, SinkFigures, SparkplugFigures, TraceFigures
from gateway.operations.metrics.counts import Counts, Histogram
from gateway.operations.metrics.exposition import Exposition
from gateway.operations.metrics.families import FAMILIES
from gateway.operations.metrics.reference import exposed_names, refreshed
from gateway.operations.metrics.snapshot import Snapshot
from simulator.broker import free_port
from tests.fixtures.real_parts import REPOSITORY

OF_THE_LIBRARY = {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "up"}
_NAME = re.compile(r"\b((?:labline|process)_[a-z_]+[a-z]|up)\b(?=[{\s\[)]|$)")
TOKEN = "a-token-of-monitoring"


def get(port, path, *, token=None, method="GET"):
    """Return status and body."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - http, above
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def values_of(text):
    """Return every sample by its name and labels, as the scraper's own parser reads them."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_a_scrape_says_how_a_running_gateway_is_and_who_has_no_token_reads_nothing(bench_line, monkeypatch):
    credentials = bench_line.folder / "credentials"
    credentials.mkdir()
    (credentials / "monitoring_token").write_text(TOKEN)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    port = free_port()
    text = bench_line.configuration.read_text() + f'\n[monitoring]\nlisten = "127.0.0.1:{port}"\n'
    bench_line.configuration.write_text(text)

    def ask(path, **how):
        return asyncio.to_thread(get, port, path, **how)

    async with bench_line.gateway():
        await bench_line.result(sample_id="S-1", test_id="pH", value=7.0, material_lot_id="LOT-1")
        await bench_line.disposition_of("S-1")
        await bench_line.publish("lims/results/qc", b"{")
        await bench_line.until(lambda topic, _document: topic.startswith("dead-letter"))
        assert await ask("/healthz") == (200, '{"ok":true,"problems":[]}')
        assert await ask("/readyz") == (200, '{"ok":true,"problems":[]}')
        assert (await ask("/metrics"))[0] == 401
        assert (await ask("/metrics", token="wrong"))[0] == 401
        assert (await ask("/", token=TOKEN))[0] == 404
        assert (await ask("/metrics", token=TOKEN, method="POST"))[0] == 405
        status, scraped = await ask("/metrics", token=TOKEN)
        assert status == 200
        values = values_of(scraped)
    assert values[("labline_ready",)] == 1
    assert values[("labline_results_total", ("of", "sample"))] == 1
    assert values[("labline_dispositions_total", ("recommendation", "review"))] >= 1
    assert sum(value for key, value in values.items() if key[0] == "labline_dead_letters_total") == 1
    assert values[("labline_result_to_commit_seconds_count",)] == 1
    assert values[("labline_source_connected", ("source", "plc1"))] in {0, 1}
    assert values[("labline_messages_sent_total",)] >= 1
    assert ("labline_model_stage", ("model", "viscosity"), ("stage", "advise")) in values
    assert {name for name, *_labels in values} >= {"process_resident_memory_bytes", "process_cpu_seconds_total"}


def test_a_histogram_counts_each_value_at_its_bound_and_in_all_above():
    histogram = Histogram(bounds=(1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        histogram.note(value)
    assert histogram.cumulative() == [("1.0", 2.0), ("2.0", 3.0), ("+Inf", 4.0)]
    assert histogram.total == 12.0


def test_every_metric_is_named_once_and_in_the_words_of_the_field():
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"labline_[a-z_]+", name) and not name.endswith("_total") for name in names)
    assert all(family.text.endswith(".") and (family.samples or family.histogram) for family in FAMILIES)
    assert Counts().of("labline_results") == {}


def test_the_page_lists_the_metrics_as_they_are():
    page = (REPOSITORY / "docs" / "monitoring.md").read_text()
    assert refreshed(page) == page, "run make metrics"


@pytest.mark.parametrize("document", ["docs/monitoring.md", "deploy/grafana/labline.json"])
def test_a_document_s_queries_ask_for_metrics_that_exist(document):
    text = (REPOSITORY / document).read_text()
    if document.endswith(".json"):
        queries = [target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]]
    else:
        queries = re.findall(r"^\| [^|]+ \| `([^`]+)`", text.split("## What to be called for")[1], re.MULTILINE)
    known = {name for family in FAMILIES for name in exposed_names(family)} | OF_THE_LIBRARY
    asked = {name for query in queries for name in _NAME.findall(query)}
    assert len(queries) > 5
    assert asked <= known


def test_figures_that_can_be_reached_from_outside_need_a_token(tmp_path, monkeypatch):
    file = tmp_path / "labline.toml"
    site = '[site]\nenterprise = "acme"\nsite = "lyon"\narea = "polymers"\nline = "line-1"\n'
    (tmp_path / "store").mkdir()
    rest = '[store]\ndirectory = "store"\n[mqtt]\nhost = "127.0.0.1"\nport = 1883\ntls = false\nclient_id = "labline"\n'

    def options(listen):
        file.write_text(f"{site}{rest}{listen}")
        return monitoring_options(read(file)[0])

    def problem_of(listen):
        with pytest.raises(ConfigurationError) as refused:
            options(listen)
        return str([problem.message for problem in refused.value.problems])

    assert options("") is None
    assert options("[monitoring]\n").port == 9464
    assert "reached from outside" in problem_of('[monitoring]\nlisten = "0.0.0.0:9464"\n')
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "monitoring_token").write_text("short")
    assert "fewer than 16" in problem_of('[monitoring]\nlisten = "0.0.0.0:9464"\n')
    (tmp_path / "monitoring_token").write_text(TOKEN)
    assert options('[monitoring]\nlisten = "0.0.0.0:9464"\n').token == TOKEN
    assert "no host and port" in problem_of('[monitoring]\nlisten = "here"\n')


def snapshot(figures):
    status = StatusPayload.model_construct(sources={}, stage={}, buffer=dict.fromkeys(
        ("guidance", "evidence", "telemetry", "parked", "oldest_seconds"), 0.0), degraded=[], models={}, disk={},
        clock_skew_seconds={}, tag_reasons={}, alarms={}, version="1", line="a")  # fmt: skip
    return Snapshot(
        status=status, counts=Counts(), queue=0, started_ns=0, ready=True, sent=0, stalled=(), certificates=(),
        interfaces=figures,
    )  # fmt: skip


def test_the_interfaces_that_a_configuration_has_are_figures_and_the_others_are_none():
    traces = TraceFigures(Counter(exported=3, dropped=1))
    sinks = {"mes": SinkFigures(waiting=2, refused=1, oldest_seconds=7.5, attempts={"delivered": 4, "failed": 5})}
    sparkplug = SparkplugFigures(waiting=6, dropped=7, births=8, online=True)
    with_all = values_of(
        Exposition().text(snapshot(InterfaceFigures(sinks=sinks, sparkplug=sparkplug, traces=traces))).decode()
    )
    assert (
        with_all.items()
        >= {
            ("labline_sink_waiting_deliveries", ("sink", "mes")): 2,
            ("labline_sink_refused_deliveries", ("sink", "mes")): 1,
            ("labline_sink_oldest_seconds", ("sink", "mes")): 7.5,
            ("labline_sink_deliveries_total", ("outcome", "delivered"), ("sink", "mes")): 4,
            ("labline_sink_deliveries_total", ("outcome", "failed"), ("sink", "mes")): 5,
            ("labline_sparkplug_online",): 1,
            ("labline_sparkplug_waiting_reports",): 6,
            ("labline_sparkplug_dropped_reports_total",): 7,
            ("labline_sparkplug_births_total",): 8,
            ("labline_trace_spans_total", ("outcome", "dropped")): 1,
        }.items()
    )
    names = {name for name, *_labels in values_of(Exposition().text(snapshot(InterfaceFigures())).decode())}
    assert not any(name.startswith(("labline_sink", "labline_sparkplug", "labline_trace")) for name in names)
