"""The edge node of Sparkplug, where the configuration has one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.config.sparkplug import node_options
from gateway.runtime.dependencies import Dependencies, Stores

if TYPE_CHECKING:
    from gateway.publish.sparkplug.node import SparkplugNode


def edge_node(ground: Dependencies, stores: Stores) -> "SparkplugNode | None":
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


def wakes(note: Callable[[], None], node: "SparkplugNode | None") -> Callable[[], None]:
    """Return what hears of a commit: the pages, and the edge node where there is one."""
    if node is None:
        return note

    def committed() -> None:
        note()
        node.wake()

    return committed
