"""Building the gateway's parts from the configuration: each receives what it needs, and never the whole.

Read ``build`` from top to bottom to see who is connected to whom; ``listeners.py`` says who hears of what.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gateway.clock import Clock
from gateway.config.connections import certificates_of, monitoring_options, webhook_options
from gateway.config.notify import targets
from gateway.config.sinks import pull_source
from gateway.config.tables import Settings
from gateway.console.changes import Changes
from gateway.history.tag_history import History
from gateway.history.writer.historian import Historian
from gateway.ingest.event_queue import EventQueue
from gateway.ingest.mes_pull import MesPull
from gateway.ingest.webhook import WebhookIntake
from gateway.line.definition import LineDefinition
from gateway.operations.health import Health
from gateway.operations.systemd import Progress
from gateway.publish.drain import Drain
from gateway.publish.notifying import Notifier
from gateway.publish.status import StatusPublisher
from gateway.runtime.alarm_watch import AlarmWatch
from gateway.runtime.certificate_issuing import CertificatePrinter, certificate_loops
from gateway.runtime.certificate_watch import CertificateWatch
from gateway.runtime.closing_watch import ClosingWatch
from gateway.runtime.command_door import command_door
from gateway.runtime.console_of_line import console_of, desk_of
from gateway.runtime.control_socket import Acts
from gateway.runtime.dependencies import Dependencies, Loop, Stores
from gateway.runtime.follow_ups import FollowUps
from gateway.runtime.housekeeping import housekeeping, retries_of
from gateway.runtime.interfaces import Interfaces, interfaces
from gateway.runtime.laboratory_planning import laboratory_planner
from gateway.runtime.listeners import HearsOfProcessing, HearsOfRetention, HearsOfSending
from gateway.runtime.model_versions import TakesLine, Versions
from gateway.runtime.process_loop import OnDecided, Processor
from gateway.runtime.readers import opcua_server
from gateway.runtime.reload import Reload
from gateway.runtime.retries import Retries
from gateway.runtime.sessions import Sessions, broker_sessions
from gateway.runtime.setpoint_writers import setpoint_writers
from gateway.runtime.sources import Feed, HistoryOfLine, feeds, loaded_history, value_at_present
from gateway.texts.catalogue import speak
from gateway.transport.mqtt import MqttSession
from gateway.transport.unix_line_server import LineServer
from gateway.transport.webhook_options import WebhookOptions

if TYPE_CHECKING:
    from gateway.runtime.monitoring import MonitoringGround

_LOOP_ALLOWED_SECONDS = {"process": 15.0, "drain": 15.0}
_QUIET_SECONDS = 0.25  # what decisions leave for later waits so long for what is being sent


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the daemon has built; each part got only what it needs."""

    settings: Settings
    line: LineDefinition
    clock: Clock
    inbox: EventQueue
    historian: Historian
    feeds: tuple[Feed, ...]
    processor: Processor
    drain: Drain
    inbound: MqttSession
    main: MqttSession
    health: Health
    progress: Progress
    status: StatusPublisher
    webhook: Loop | None
    console: Loop | None
    control: LineServer
    reload: Reload
    upkeep: Mapping[str, Loop]


async def build(ground: Dependencies, stores: Stores) -> Parts:
    """Return the parts, connected; nothing runs yet."""
    speak(ground.settings.texts.language, ground.settings.texts.units)  # reads the texts now, not with the first result
    history = await loaded_history(ground, stores)
    progress = Progress(_LOOP_ALLOWED_SECONDS)  # it counts from now: loading what earlier runs have left is no stall
    desk, changes = desk_of(ground), Changes()
    sessions, webhook = broker_sessions(ground, desk), webhook_options(ground.settings)
    drain = _drain(ground, stores, sessions, history, progress)
    follow_ups = _follow_ups(ground, stores, drain, history)
    others = interfaces(ground, stores)
    listener = HearsOfProcessing(
        drain=drain,
        follow_up_loop=follow_ups,
        health=ground.health,
        watchdog=progress,
        on_commit=others.hearing(changes.note),
    )
    monitoring = _monitoring(ground)
    processor = _processor(ground, stores, history, listener, None if monitoring is None else monitoring.decided)
    status, retries = _status(ground, stores, sessions, changes), retries_of(ground, stores, sessions)
    take_line: list[TakesLine] = [HistoryOfLine(history=history), processor, drain, status, ground.health, follow_ups]
    writers = setpoint_writers(ground, stores, history)
    take_line += writers.values()
    take_line += others.take_line
    certificates, planner = certificate_loops(ground, stores), laboratory_planner(ground)
    take_line += [planner, *(part for part in certificates.values() if isinstance(part, CertificatePrinter))]
    versions, sources = _versions(ground, stores, take_line), feeds(ground, history)
    acts = _acts(ground, versions, partial(_tried_again, retries, drain, others))
    console = console_of(ground, stores, history, acts, changes, desk)
    take_line += () if console is None else (console.snapshots,)
    served, hear = opcua_server(ground, changes)
    take_line += hear
    kept = housekeeping(ground, stores, processor, HearsOfRetention(drain=drain, health=ground.health))
    return Parts(
        settings=ground.settings,
        line=ground.line,
        clock=ground.clock,
        inbox=ground.inbox,
        historian=stores.historian,
        feeds=sources,
        processor=processor,
        drain=drain,
        inbound=sessions.inbound,
        main=sessions.main,
        health=ground.health,
        progress=progress,
        status=status,
        webhook=None if webhook is None else _webhook(webhook, sessions, ground.health),
        console=None if console is None else console.server,
        control=command_door(ground, history, status, acts),
        reload=_reload(ground, versions, history, sources),
        upkeep={
            **kept,
            **_alarm_loops(ground, stores),
            "retries": retries,
            "follow-ups": follow_ups,
            "laboratory-plan": planner,
            **writers,
            **others.loops,
            **served,
            **certificates,
            **_of_sessions(ground, sessions),
            **_monitoring_loop(monitoring, ground, progress, drain, status, others),
        },
    )


def _processor(
    ground: Dependencies, stores: Stores, history: History, listener: HearsOfProcessing, on_decided: OnDecided | None
) -> Processor:
    return Processor(
        inbox=ground.inbox,
        line=ground.line,
        windows=history.windows,
        writer=stores.writer,
        listener=listener,
        on_decided=on_decided,
        traces=ground.traces,
    )


def _monitoring(ground: Dependencies) -> "MonitoringGround | None":
    """Return what counts and answers for monitoring, None where the configuration has none."""
    if monitoring_options(ground.settings) is None:
        return None
    from gateway.runtime.monitoring import MonitoringGround  # noqa: PLC0415 - a line without it needs no such library

    return MonitoringGround(ground.clock)


def _monitoring_loop(
    monitoring: "MonitoringGround | None",
    ground: Dependencies,
    progress: Progress,
    drain: Drain,
    status: StatusPublisher,
    others: Interfaces,
) -> dict[str, Loop]:
    """Return the server of monitoring by name, none where the configuration has none."""
    options = monitoring_options(ground.settings)
    if monitoring is None or options is None:
        return {}
    from gateway.runtime.monitoring import Monitored  # noqa: PLC0415 - a line without it needs no such library

    monitored = Monitored(
        health=ground.health,
        progress=progress,
        inbox=ground.inbox,
        status=status,
        clock=ground.clock,
        sent=lambda: drain.sent,
        certificates=certificates_of(ground.settings),
        interfaces=others.figures,
    )
    return {"monitoring": monitoring.served(options, monitored)}


def _alarm_loops(ground: Dependencies, stores: Stores) -> dict[str, Loop]:
    """Return the loops that watch alarms and tell of them, by name."""
    watch = AlarmWatch(health=ground.health, reader=stores.reader, inbox=ground.inbox, clock=ground.clock)
    certificates = CertificateWatch(
        certificates_of(ground.settings), now_ns=ground.clock.now_ns, on_condition=ground.health.condition
    )
    closings = ClosingWatch(
        ground.line, directory=ground.settings.store.directory, now_ns=ground.clock.now_ns,
        on_condition=ground.health.condition,
    )  # fmt: skip
    return {"alarms": watch, "certificates": certificates, "closings": closings, **_notifiers(ground, stores)}


def _notifiers(ground: Dependencies, stores: Stores) -> dict[str, Loop]:
    """Return the loops that tell people outside the plant of alarms, by name."""
    return {
        f"notify-{target.name}": Notifier(
            target,
            reader=stores.reader,
            writer=stores.writer,
            clock=ground.clock,
            on_condition=ground.health.condition,
        )
        for target in targets(ground.settings, ground.line.time_zone)
    }


def _of_sessions(ground: Dependencies, sessions: Sessions) -> dict[str, Loop]:
    """Return the loops that answer terminals and that fetch orders and lots by name, where they are configured."""
    loops: dict[str, Loop] = {} if sessions.asks is None else {"questions": sessions.asks}
    source = pull_source(ground.settings)
    if source is None:
        return loops
    intake = sessions.results_and_context
    return {**loops, "mes-pull": MesPull(source, intake, clock=ground.clock, on_condition=ground.health.condition)}


def _drain(ground: Dependencies, stores: Stores, sessions: Sessions, history: History, progress: Progress) -> Drain:
    return Drain(
        session=sessions.main,
        reader=stores.reader,
        writer=stores.writer,
        line=ground.line,
        present=lambda tag: value_at_present(tag, ground.health.line, history, ground.clock),
        clock=ground.clock,
        listener=HearsOfSending(inbox=ground.inbox, clock=ground.clock, health=ground.health, watchdog=progress),
        traces=ground.traces,
    )


def _follow_ups(ground: Dependencies, stores: Stores, drain: Drain, history: History) -> FollowUps:
    return FollowUps(
        line=ground.line,
        reader=stores.reader,
        inbox=ground.inbox,
        windows=history.windows,
        clock=ground.clock,
        on_alarm=ground.health.alarm,
        quiet=partial(drain.caught_up, within_seconds=_QUIET_SECONDS),
    )


def _status(ground: Dependencies, stores: Stores, sessions: Sessions, changes: Changes) -> StatusPublisher:
    due = asyncio.Event()

    def changed() -> None:
        due.set()
        changes.note()

    ground.health.on_change = changed
    return StatusPublisher(
        line=ground.line,
        health=ground.health,
        reader=stores.reader,
        session=sessions.main,
        now_ns=ground.clock.now_ns,
        due=due,
    )


def _versions(ground: Dependencies, stores: Stores, take_line: Sequence[TakesLine]) -> Versions:
    """Return what has the parts work by another line; ``take_line``: those that work by it."""
    return Versions(
        ground.line,
        define=ground.define,
        reader=stores.reader,
        inbox=ground.inbox,
        clock=ground.clock,
        parts=take_line,
    )


def _reload(ground: Dependencies, versions: Versions, history: History, sources: Sequence[Feed]) -> Reload:
    return Reload(
        ground.file,
        signed=ground.signed,
        versions=versions,
        history=history,
        feeds=sources,
        inbox=ground.inbox,
        clock=ground.clock,
        health=ground.health,
    )


def _acts(ground: Dependencies, versions: Versions, on_retries: Callable[[], None]) -> Acts:
    """Return what takes people's acts."""
    return Acts(
        inbox=ground.inbox,
        clock=ground.clock,
        versions=versions,
        directory=ground.settings.store.directory,
        on_retries=on_retries,
        on_change=ground.health.on_change,
    )


def _tried_again(retries: Retries, drain: Drain, others: Interfaces) -> None:
    """Take up at once what a person wants tried or sent again."""
    retries.wake()
    others.deliver_again()
    drain.look_behind()


def _webhook(options: WebhookOptions, sessions: Sessions, health: Health) -> Loop:
    from gateway.transport.http import Webhook  # noqa: PLC0415 - a line without a webhook needs no web server

    taking = WebhookIntake(sessions.results_and_context)
    return Webhook(options, take=taking.take, on_condition=health.condition)
