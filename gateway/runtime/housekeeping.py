"""The loops that keep the store within its bounds, and that try again what a person wants tried again."""

from collections.abc import Callable

from gateway.runtime.dependencies import Dependencies, Loop, Stores
from gateway.runtime.disk_space import Bounds, Space
from gateway.runtime.process_loop import Processor
from gateway.runtime.retention import Retention, RetentionListener
from gateway.runtime.retries import Retries
from gateway.runtime.sessions import Sessions
from gateway.runtime.store_checks import AuthorityWatch, Checker


def housekeeping(
    ground: Dependencies, stores: Stores, processor: Processor, listener: RetentionListener
) -> dict[str, Loop]:
    """Return the loops that keep the store within its bounds, by name."""
    table, clock = ground.settings.store, ground.clock
    bounds = Bounds(
        quota_bytes=round(table.quota),
        floor_bytes=round(table.free_space_floor),
        retention_seconds=table.history_retention,
    )

    return {
        "space": Space(
            table.directory,
            bounds,
            clock=clock,
            on_room=processor.room,
            on_condition=ground.health.condition,
            on_figures=ground.health.disk.update,
        ),
        "retention": Retention(
            bounds,
            clock=clock,
            writer=stores.writer,
            history=stores.historian.retention,
            gaps=ground.gaps,
            listener=listener,
            clock_in_doubt=ground.health.clock_in_doubt,
        ),
        "authority": AuthorityWatch(table.directory, authority=ground.authority, clock=clock, inbox=ground.inbox),
        "checker": Checker(table.directory, clock=clock, inbox=ground.inbox, due=ground.prepared.unchecked),
        **_knowledge_keeper(ground),
    }


def _knowledge_keeper(ground: Dependencies) -> dict[str, Loop]:
    """Return the loop that keeps the index for searches by name, none where nobody searches."""
    table = ground.settings.knowledge
    if ground.settings.console is None or not table.enabled:
        return {}
    from gateway.runtime.knowledge import KnowledgeKeeper  # noqa: PLC0415 - only the console searches

    directory = ground.settings.store.directory
    return {"knowledge": KnowledgeKeeper(directory, ground.line.procedures, most_bytes=round(table.most))}


def retries_of(ground: Dependencies, stores: Stores, sessions: Sessions) -> Retries:
    """Return what has dead letters tried again, by the intake that their topic belongs to."""

    def again(topic: str, payload: bytes, committed: Callable[[], None]) -> None:
        intake = sessions.responses if sessions.responses.takes(topic) else sessions.results_and_context
        intake.offer(topic, payload, session="retry", committed=committed)

    return Retries(clock=ground.clock, reader=stores.reader, writer=stores.writer, again=again)
