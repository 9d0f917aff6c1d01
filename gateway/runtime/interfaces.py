"""The interfaces to systems that a plant may have, each only where the configuration names it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.clock import Clock
from gateway.config.sinks import sink_targets
from gateway.config.sparkplug import node_options
from gateway.config.tables import Settings
from gateway.config.traces import trace_options
from gateway.operations.interface_figures import InterfaceFigures, SinkFigures
from gateway.publish.delivering import Deliverer
from gateway.records.sink_deliveries import DeliveryState
from gateway.runtime.dependencies import Dependencies, Loop, Stores
from gateway.runtime.model_versions import TakesLine
from gateway.store.queries.readers import Reader
from gateway.time_units import SECOND_NS

if TYPE_CHECKING:
    from gateway.operations.spans import SpanTraces
    from gateway.publish.sparkplug.node import SparkplugNode


@dataclass(frozen=True, kw_only=True)
class Interfaces:
    """The loops that tell other systems; ``deliverers`` by the name of the sink."""

    deliverers: Mapping[str, Deliverer]
    sparkplug: "SparkplugNode | None"
    spans: "SpanTraces | None"
    reader: Reader
    clock: Clock

    @property
    def loops(self) -> dict[str, Loop]:
        """Return all loops by name."""
        loops: dict[str, Loop] = {f"sink-{name}": deliverer for name, deliverer in self.deliverers.items()}
        loops |= {} if self.sparkplug is None else {"sparkplug": self.sparkplug}
        return loops | ({} if self.spans is None else {"traces": self.spans})

    @property
    def take_line(self) -> tuple[TakesLine, ...]:
        """Return those that work by the line's definition."""
        return () if self.sparkplug is None else (self.sparkplug,)

    def hearing(self, note: Callable[[], None]) -> Callable[[], None]:
        """Return what hears of each commit: ``note``, and who tells at once of what was committed."""
        node = self.sparkplug
        if node is None:
            return note

        def committed() -> None:
            note()
            node.wake()

        return committed

    def deliver_again(self) -> None:
        """Look at once for deliveries that a person wants sent again."""
        for deliverer in self.deliverers.values():
            deliverer.wake()

    async def figures(self) -> InterfaceFigures:
        """Return the figures of an instant."""
        return InterfaceFigures(
            sinks=await self._of_sinks() if self.deliverers else {},
            sparkplug=None if self.sparkplug is None else self.sparkplug.kept.figures,
            traces=None if self.spans is None else self.spans.figures,
        )

    async def _of_sinks(self) -> dict[str, SinkFigures]:
        counts, oldest = await self.reader.sinks.counts(), await self.reader.sinks.oldest_waiting()
        now_ns = self.clock.now_ns()
        return {
            name: SinkFigures(
                waiting=counts.get(name, {}).get(DeliveryState.WAITING, 0),
                refused=counts.get(name, {}).get(DeliveryState.REFUSED, 0),
                oldest_seconds=max(0.0, (now_ns - oldest.get(name, now_ns)) / SECOND_NS),
                attempts=deliverer.attempts,
            )
            for name, deliverer in self.deliverers.items()
        }


def interfaces(ground: Dependencies, stores: Stores) -> Interfaces:
    """Return the interfaces of a configuration; nothing runs yet."""
    return Interfaces(
        deliverers=_deliverers(ground, stores),
        sparkplug=_edge_node(ground, stores),
        spans=ground.spans,
        reader=stores.reader,
        clock=ground.clock,
    )


def span_traces(settings: Settings, *, clock: Clock) -> "SpanTraces | None":
    """Return what makes spans of results, None where the configuration has no traces; raises ConfigurationError."""
    options = trace_options(settings)
    if options is None:
        return None
    from gateway.operations.spans import SpanTraces  # noqa: PLC0415 - a line without it needs no such library

    return SpanTraces(options, line=settings.line_path, now_ns=clock.now_ns)


def _deliverers(ground: Dependencies, stores: Stores) -> dict[str, Deliverer]:
    """Return the loops that tell systems over HTTP, by name."""
    return {
        target.name: Deliverer(
            target,
            reader=stores.reader,
            writer=stores.writer,
            clock=ground.clock,
            on_condition=ground.health.condition,
        )
        for target in sink_targets(ground.settings)
    }


def _edge_node(ground: Dependencies, stores: Stores) -> "SparkplugNode | None":
    """Return the edge node of Sparkplug, None where the configuration has none."""
    options = node_options(ground.settings)
    if options is None:
        return None
    from gateway.publish.sparkplug.node import SparkplugNode  # noqa: PLC0415 - a line without it needs no such library

    return SparkplugNode(
        options,
        line=ground.line,
        reader=stores.reader,
        writer=stores.writer,
        clock=ground.clock,
        sources=lambda: ground.health.sources,
        on_condition=ground.health.condition,
    )
