"""What everything is built on: the configuration, the line, the clock, the queue of events and the open databases."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from gateway.clock import Clock
from gateway.config.file_in_force import ConfigurationFile
from gateway.config.tables import Settings
from gateway.database.writer import Writer
from gateway.history.writer.historian import Historian
from gateway.ingest.event_queue import EventQueue
from gateway.ingest.gaps import Gaps
from gateway.line.definition import LineDefinition
from gateway.operations.health import Health
from gateway.operations.traces import NO_TRACES, Traces
from gateway.records.process import GapKind
from gateway.runtime.model_versions import Define
from gateway.store.audit.authority import Authority
from gateway.store.audit.governed import take_written
from gateway.store.audit.heads import HeadFile
from gateway.store.care.opening import Prepared
from gateway.store.database import open_state
from gateway.store.queries.readers import Reader

if TYPE_CHECKING:
    from gateway.operations.spans import SpanTraces


class Loop(Protocol):
    """What goes on for as long as the gateway does."""

    async def run(self) -> None:
        """Run until cancelled."""
        ...


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What everything is built on; ``signed``: a line with what people have signed for it."""

    file: ConfigurationFile
    settings: Settings
    line: LineDefinition
    clock: Clock
    health: Health
    inbox: EventQueue
    gaps: Gaps
    prepared: Prepared
    define: Define
    signed: Callable[[LineDefinition], LineDefinition]
    authority: Authority
    spans: "SpanTraces | None" = None

    @property
    def traces(self) -> Traces:
        """Return what hears of results for traces; nothing does without ``spans``."""
        return NO_TRACES if self.spans is None else self.spans


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The databases, open."""

    writer: Writer
    reader: Reader
    historian: Historian


@asynccontextmanager
async def opened(ground: Dependencies) -> AsyncIterator[Stores]:
    """Open the databases, and close them at the end of the block."""
    directory, health = ground.settings.store.directory, ground.health

    def dropped(count: int, from_ns: int, until_ns: int) -> None:
        health.alarm("HISTORY_DROPPED")
        ground.gaps.notice(GapKind.DROPPED, "history", from_ns=from_ns, until_ns=until_ns, samples=count)

    historian = Historian(
        directory,
        now_ns=ground.clock.now_ns,
        on_trouble=lambda why: health.condition("HISTORY_UNAVAILABLE", why is not None),
        on_dropped=dropped,
    )
    with HeadFile(directory) as head_file:

        def committed(connection: sqlite3.Connection) -> None:
            head_file.witness(connection, durable=take_written(connection, ground.authority))

        writer = Writer(partial(open_state, directory), name="store", after_commit=committed)
        async with writer, Reader(directory) as reader, historian:
            yield Stores(writer=writer, reader=reader, historian=historian)
