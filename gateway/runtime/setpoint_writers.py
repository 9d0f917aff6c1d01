"""Which servers setpoints are written to: one writer for each that has a tag with a write table."""

from functools import partial
from typing import TYPE_CHECKING

from gateway.config.connections import opcua_sources
from gateway.history.tag_history import History
from gateway.runtime.dependencies import Dependencies, Stores
from gateway.runtime.sources import value_at_present

if TYPE_CHECKING:
    from gateway.runtime.setpoint_writer import SetpointWriter


def setpoint_writers(ground: Dependencies, stores: Stores, history: History) -> "dict[str, SetpointWriter]":
    """Return the loops that write setpoints, by name; a line that writes nothing has none."""
    written = {write.source for write in ground.line.writes.by_tag.values()} | ground.line.writes.heartbeats.keys()
    if not written:
        return {}
    from gateway.runtime.setpoint_writer import SetpointWriter  # noqa: PLC0415 - needs the library of OPC UA

    return {
        f"setpoint-writer-{source.name}": SetpointWriter(
            source,
            line=ground.line,
            clock=ground.clock,
            store=stores.writer,
            inbox=ground.inbox,
            present=lambda tag: value_at_present(tag, ground.health.line, history, ground.clock),
            on_condition=partial(ground.health.condition, of=source.name),
        )
        for source in opcua_sources(ground.settings)
        if source.name in written
    }
