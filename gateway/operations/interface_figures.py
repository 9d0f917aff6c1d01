"""Figures of the optional interfaces, for monitoring: each part keeps its own, and a scrape reads them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class SinkFigures:
    """Deliveries to one system. ``attempts``: of this run, by outcome."""

    waiting: int
    refused: int
    oldest_seconds: float
    attempts: Mapping[str, int]


@dataclass(slots=True)
class SparkplugFigures:
    """The edge node of Sparkplug: what waits now, and what has happened in this run."""

    waiting: int = 0
    dropped: int = 0
    births: int = 0
    online: bool = False


@dataclass(slots=True)
class TraceFigures:
    """Spans of this run, by what became of them."""

    spans: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True, slots=True)
class InterfaceFigures:
    """The figures of those that the configuration has."""

    sinks: Mapping[str, SinkFigures] = field(default_factory=dict)
    sparkplug: SparkplugFigures | None = None
    traces: TraceFigures | None = None
