"""The sources of tags, and their history."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gateway.advice.windows_read import read_back_ns
from gateway.clock import Clock
from gateway.config.connections import opcua_sources
from gateway.guardrails.gates import present_setpoint
from gateway.history.memory.rings import Rings
from gateway.history.tag_history import RING_SAMPLES, History
from gateway.history.windows import WindowRequest
from gateway.line.definition import LineDefinition
from gateway.records.process import GapKind
from gateway.runtime.dependencies import Dependencies, Loop, Stores
from gateway.time_units import SECOND_NS, seconds_to_ns
from gateway.transport.opcua_source import OpcUaSource

if TYPE_CHECKING:
    from gateway.ingest.first_history import FirstFetch


class Feed(Loop, Protocol):
    """What listens to one source of tags."""

    @property
    def name(self) -> str:
        """Return the source's name."""
        ...

    def take_source(self, source: OpcUaSource) -> None:
        """Take other tags of the same server from now on."""
        ...

    async def fill(self) -> None:
        """Read from the source what was missed, until cancelled."""
        ...

    async def wait_subscribed(self) -> None:
        """Return once values come."""
        ...


@dataclass(frozen=True, kw_only=True)
class HistoryOfLine:
    """Has history kept in memory as far back as the models of the line read it."""

    history: History

    def take_line(self, line: LineDefinition) -> None:
        """Keep by this definition from now on."""
        self.history.set_need(read_back_ns(line))


async def loaded_history(ground: Dependencies, stores: Stores) -> History:
    """Return the tags' history, with what earlier runs have left in memory again."""
    rings = Rings(
        {name: tag.source for name, tag in ground.line.tags.items()},
        capacity=RING_SAMPLES,
        need_ns=read_back_ns(ground.line),
    )

    def clock_set(from_ns: int, until_ns: int) -> None:
        by_seconds = (until_ns - from_ns) / SECOND_NS
        first_ns, last_ns = sorted((from_ns, until_ns))
        ground.gaps.notice(GapKind.CLOCK_SET, "history", from_ns=first_ns, until_ns=last_ns, by_seconds=by_seconds)

    history = History(
        rings,
        stores.historian,
        now=ground.clock.now,
        on_damage=lambda: ground.health.alarm("HISTORY_DAMAGED"),
        on_clock_step=clock_set,
    )
    await history.load()
    return history


def feeds(ground: Dependencies, history: History) -> tuple[Feed, ...]:
    """Return what listens to the sources; all count as lost until they are heard."""
    sources = opcua_sources(ground.settings)
    if not sources:
        return ()
    from gateway.ingest.opcua import OpcUaFeed  # noqa: PLC0415 - a line without sources needs no library of OPC UA

    for source in sources:
        ground.health.source(source.name, False)  # until it is heard: one that never comes is not left out
    return tuple(
        OpcUaFeed(
            source,
            clock=ground.clock,
            history=history,
            gaps=ground.gaps,
            max_clock_skew_ns=seconds_to_ns(ground.settings.opcua[source.name].max_clock_skew),
            listener=ground.health,
            first=_first_fetch(source.name, ground),
        )
        for source in sources
    )


def _first_fetch(name: str, ground: Dependencies) -> "FirstFetch | None":
    """Return how much of a server's history is fetched at the first connection: no more than is kept."""
    from gateway.ingest.first_history import FirstFetch  # noqa: PLC0415 - as above

    wanted, kept = ground.settings.opcua[name].history, ground.settings.store.history_retention
    if wanted is None:
        return None
    return FirstFetch(
        span_ns=seconds_to_ns(min(wanted, kept)), directory=ground.settings.store.directory,
        on_progress=ground.health.history_fetched,
    )  # fmt: skip


def value_at_present(tag: str, line: LineDefinition, history: History, clock: Clock) -> float | None:
    """Return a tag's value at this instant, judged like any input; None where it is not known or not good."""
    definition, now_ns = line.tags.get(tag), clock.now_ns()
    if definition is None:  # taken out while the gateway runs
        return None
    setpoint = present_setpoint(definition, history.window(WindowRequest(tag=tag, start_ns=now_ns, end_ns=now_ns)))
    return None if setpoint is None else setpoint.value
