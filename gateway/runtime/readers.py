"""Builds what other systems read from; a line without it loads nothing of it."""

import asyncio
import math
from typing import TYPE_CHECKING

from gateway.clock import Clock
from gateway.config.interfaces import i3x_tokens, opcua_server_options
from gateway.console.changes import Changes
from gateway.console.reading import ConsoleReader
from gateway.console.snapshot import Snapshots
from gateway.history.tag_history import History
from gateway.history.windows import TagWindow, WindowRequest
from gateway.line.definition import LineDefinition, TagDefinition
from gateway.records.line_state import TagState
from gateway.records.process import Quality, quality_of
from gateway.runtime.dependencies import Dependencies, Loop
from gateway.runtime.model_versions import TakesLine

if TYPE_CHECKING:
    from gateway.runtime.console import I3xGround

_TAGS_AT_ONCE = 50


def i3x_ground(ground: Dependencies, history: History) -> "I3xGround | None":
    """Return what i3X is built on, None where it is not served."""
    tokens = i3x_tokens(ground.settings)
    if tokens is None:
        return None
    from gateway.runtime.console import I3xGround  # noqa: PLC0415 - a line without it needs no web server

    async def window(request: WindowRequest) -> TagWindow:
        return (await history.windows([request]))[request]

    return I3xGround(tokens=tokens, tags=lambda: tag_states(ground.health.line, history, ground.clock), window=window)


async def tag_states(line: LineDefinition, history: History, clock: Clock) -> tuple[TagState, ...]:
    """Return every tag as it is now; others get their turn now and then while it is put together."""
    now_ns, states = clock.now_ns(), []
    for number, tag in enumerate(tuple(line.tags.values()), start=1):
        states.append(_tag(tag, history.window(WindowRequest(tag=tag.name, start_ns=now_ns, end_ns=now_ns))))
        if number % _TAGS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return tuple(states)


def _tag(tag: TagDefinition, window: TagWindow) -> TagState:
    known = len(window) > 0
    value = float(window.values[-1]) if known else math.nan
    held_ns = int(window.held_ns[-1]) if known else 0
    return TagState(
        name=tag.name,
        equipment_id=tag.equipment_id,
        unit=tag.unit,
        value=value if math.isfinite(value) else None,
        quality=quality_of(int(window.statuses[-1])) if known else Quality.BAD,
        at_ns=held_ns if known else None,
        stale=window.end_ns - max(held_ns, window.confirmed_ns) > tag.max_age_ns,
    )


def opcua_server(ground: Dependencies, changes: Changes) -> tuple[dict[str, Loop], tuple[TakesLine, ...]]:
    """Return (the loop of the OPC UA server by name, what has to hear of another line); none where there is none."""
    options = opcua_server_options(ground.settings)
    if options is None:
        return {}, ()
    from gateway.interfaces.opcua import OpcUaServer  # noqa: PLC0415 - a line without it needs none of this

    snapshots = Snapshots(
        ground.line, clock=ground.clock, health=ground.health, present=lambda _tag: None,
        counter=lambda: changes.counter, figures=dict, certificates={},
    )  # fmt: skip
    server = OpcUaServer(
        options,
        reader=ConsoleReader(ground.settings.store.directory, name="opcua-server"),
        snapshots=snapshots,
        changes=changes,
        on_condition=ground.health.condition,
    )
    return {"opcua-server": server}, (snapshots,)
