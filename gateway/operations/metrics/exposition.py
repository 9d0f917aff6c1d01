"""The metrics in Prometheus' text format. The only importer of its library."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.operations.metrics.families import FAMILIES, Family, Kind
from gateway.operations.metrics.snapshot import Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Exposition:
    """Writes snapshots; figures of the process (memory, CPU, open files) are added by the library."""

    def __init__(self) -> None:
        self._process = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        GCCollector(registry=self._process)

    def text(self, snapshot: Snapshot) -> bytes:
        """Return all metrics of an instant."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Once(lambda: map_families(snapshot)))
        return generate_latest(registry) + generate_latest(self._process)


class _Once(Collector):
    """A collector of one scrape."""

    def __init__(self, metrics: Callable[[], Iterable[Metric]]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics()


def map_families(snapshot: Snapshot) -> Iterable[Metric]:
    """Return each metric with its samples of an instant."""
    for family in FAMILIES:
        yield _metric(family, snapshot)


def _metric(family: Family, snapshot: Snapshot) -> Metric:
    if family.histogram is not None:
        histogram = family.histogram(snapshot)
        return HistogramMetricFamily(
            family.name, family.text, buckets=histogram.cumulative(), sum_value=histogram.total
        )
    make = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    metric = make(family.name, family.text, labels=family.labels)
    for labels, value in family.samples(snapshot) if family.samples is not None else ():
        metric.add_metric(labels, value)
    return metric
