"""The composition root: opens the resources, runs the loops as named tasks, and shuts down in order.

Shutdown: stop intake, finish what is in flight, drain until a deadline, say goodbye, close always. A second
signal skips the drain.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self

import structlog

from gateway import __version__
from gateway.clock import Clock, SystemClock
from gateway.contract.identity import identity_of
from gateway.contract.topics import Topics
from gateway.database.writer import Writer
from gateway.definitions import LineDefinition
from gateway.errors import StoreCorruptError, first_of
from gateway.events import GatewayStarted, GatewayStopped, Timer, TimerDue
from gateway.guardrails.gates import present_setpoint
from gateway.history.historian import Historian, set_aside_if_corrupt
from gateway.history.recall import RING_SAMPLES, History
from gateway.history.rings import Rings
from gateway.history.windows import WindowRequest
from gateway.inbox import Inbox, Urgency
from gateway.ingest.gaps import Gaps
from gateway.ingest.heads import understand_head
from gateway.ingest.lims import understand_results
from gateway.ingest.mes import understand_context
from gateway.ingest.messages import Intake
from gateway.ingest.opcua import OpcUaFeed
from gateway.ingest.responses import understand_response
from gateway.line import broker_address, opcua_sources
from gateway.operations.health import Health
from gateway.operations.systemd import Notifier, Progress
from gateway.process import Processor
from gateway.publish.drain import Drain
from gateway.publish.status import StatusPublisher, offline_payload
from gateway.records import GapKind, seconds_to_ns
from gateway.schedule import make_due, run_timer
from gateway.settings import Settings, credential
from gateway.store.database import locked, open_state
from gateway.store.heads import HeadFile, load_signer
from gateway.store.opening import Prepared, prepare, suspect
from gateway.store.readers import Reader
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_connection import SessionOptions, Will
from gateway.upkeep import Bounds, Checker, Retention, Retries, Space

log = structlog.get_logger()

_READY_WAIT_SECONDS = 3.0
_DRAIN_SECONDS = 5.0
_GOODBYE_SECONDS = 2.0
_LOOP_ALLOWED_SECONDS = {"process": 15.0, "drain": 15.0}


class Upkeep(Protocol):
    """A loop that keeps something in order."""

    async def run(self) -> None:
        """Run until cancelled."""
        ...


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the daemon has built; each part got only what it needs."""

    settings: Settings
    line: LineDefinition
    clock: Clock
    inbox: Inbox
    historian: Historian
    feeds: tuple[OpcUaFeed, ...]
    processor: Processor
    drain: Drain
    inbound: MqttSession
    main: MqttSession
    health: Health
    progress: Progress
    status: StatusPublisher
    upkeep: Mapping[str, Upkeep]


async def run(settings: Settings, configuration_sha256: str, line: LineDefinition, *, clock: SystemClock) -> None:
    """Run the gateway until SIGTERM or SIGINT; raises LablineError where it cannot start or go on."""
    notifier = Notifier(os.environ)
    directory = settings.store.directory
    with locked(directory):
        prepared = prepare(directory, at_ns=clock.now_ns())
        clock.remember(prepared.latest_wall_ns)
        signer = load_signer(line=line.path, directory=directory, credential=credential("audit_key"))
        line = replace(line, head_signer=signer.sign)
        health = Health(line=line)
        set_aside_if_corrupt(directory, at_ns=clock.now_ns(), on_damage=lambda: health.alarm("HISTORY_QUARANTINED"))
        try:
            inbox = Inbox()
            gaps = Gaps(inbox=inbox, now=clock.now)
            async with _opened(directory, clock=clock, health=health, gaps=gaps) as stores:
                parts = await _build(
                    settings, line, clock=clock, stores=stores, health=health, prepared=prepared, inbox=inbox, gaps=gaps
                )
                await _live(parts, configuration_sha256, notifier)
        except* StoreCorruptError as group:
            suspect(directory, str(first_of(group)))
            raise


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The databases, open."""

    writer: Writer
    reader: Reader
    historian: Historian


@asynccontextmanager
async def _opened(directory: Path, *, clock: Clock, health: Health, gaps: Gaps) -> AsyncIterator[Stores]:
    def dropped(count: int, from_ns: int, until_ns: int) -> None:
        health.alarm("HISTORY_DROPPED")
        gaps.notice(GapKind.DROPPED, "history", from_ns=from_ns, until_ns=until_ns, samples=count)

    historian = Historian(
        directory,
        now_ns=clock.now_ns,
        on_trouble=lambda why: health.condition("HISTORY_UNAVAILABLE", why is not None),
        on_dropped=dropped,
    )
    with HeadFile(directory) as head_file:
        writer = Writer(partial(open_state, directory), name="store", after_commit=head_file.witness)
        async with writer, Reader(directory) as reader, historian:
            yield Stores(writer=writer, reader=reader, historian=historian)


async def _build(
    settings: Settings, line: LineDefinition, *, clock: Clock, stores: Stores, health: Health, prepared: Prepared,
    inbox: Inbox, gaps: Gaps,
) -> Parts:  # fmt: skip
    progress = Progress(_LOOP_ALLOWED_SECONDS)
    status_due = asyncio.Event()
    health.on_change = status_due.set
    rings = Rings({name: tag.source for name, tag in line.tags.items()}, capacity=RING_SAMPLES)
    history = History(rings, stores.historian, on_damage=lambda: health.alarm("HISTORY_DAMAGED"))
    await history.load()
    inbound, main, intakes = _sessions(settings, line, clock=clock, inbox=inbox, health=health)
    drain = Drain(
        session=main,
        reader=stores.reader,
        writer=stores.writer,
        line=line,
        present=lambda tag: _present(tag, line, history, clock),
        clock=clock,
        on_progress=lambda: progress.beat("drain"),
        on_alarm=health.alarm,
    )
    processor = Processor(
        inbox=inbox,
        line=line,
        windows=history.windows,
        writer=stores.writer,
        on_committed=drain.wake,
        on_progress=lambda: progress.beat("process"),
        on_store=health.store,
        on_alarm=health.alarm,
    )
    feeds = tuple(
        OpcUaFeed(
            source,
            clock=clock,
            history=history,
            gaps=gaps,
            max_clock_skew_ns=seconds_to_ns(settings.opcua[source.name].max_clock_skew),
            on_state=health.source,
            on_condition=health.condition,
            on_skew=health.skew,
        )
        for source in opcua_sources(settings)
    )
    status = StatusPublisher(
        line=line, health=health, reader=stores.reader, session=main, now_ns=clock.now_ns, due=status_due
    )
    upkeep = _upkeep(
        settings, clock=clock, stores=stores, health=health, prepared=prepared,
        inbox=inbox, gaps=gaps, processor=processor, intakes=intakes,
    )  # fmt: skip
    return Parts(
        settings=settings, line=line, clock=clock, inbox=inbox, historian=stores.historian, feeds=feeds,
        processor=processor, drain=drain, inbound=inbound, main=main, health=health, progress=progress, status=status,
        upkeep=upkeep,
    )  # fmt: skip


def _upkeep(
    settings: Settings, *, clock: Clock, stores: Stores, health: Health, prepared: Prepared,
    inbox: Inbox, gaps: Gaps, processor: Processor, intakes: tuple[Intake, Intake],
) -> dict[str, Upkeep]:  # fmt: skip
    """Return the loops that keep the store within its bounds, by name."""
    directory, table = settings.store.directory, settings.store
    bounds = Bounds(
        quota_bytes=round(table.quota),
        floor_bytes=round(table.free_space_floor),
        retention_seconds=table.history_retention,
    )
    responses, inbound = intakes

    def again(topic: str, payload: bytes, committed: Callable[[], None]) -> None:
        (responses if responses.takes(topic) else inbound).again(topic, payload, committed)

    return {
        "space": Space(
            directory, bounds, clock=clock, on_room=processor.room, on_condition=health.condition,
            on_figures=health.disk.update,
        ),
        "retention": Retention(
            bounds, clock=clock, writer=stores.writer, historian=stores.historian, gaps=gaps,
            on_figures=health.disk.update,
        ),
        "checker": Checker(directory, clock=clock, inbox=inbox, due=prepared.unchecked),
        "retries": Retries(clock=clock, reader=stores.reader, writer=stores.writer, again=again),
    }  # fmt: skip


def _present(tag: str, line: LineDefinition, history: History, clock: Clock) -> float | None:
    """Return a tag's value at this instant, judged like any input; None where it is not known or not good."""
    now_ns = clock.now_ns()
    window = history.window(WindowRequest(tag=tag, start_ns=now_ns, end_ns=now_ns))
    setpoint = present_setpoint(line.tags[tag], window)
    return None if setpoint is None else setpoint.value


def _sessions(
    settings: Settings, line: LineDefinition, *, clock: Clock, inbox: Inbox, health: Health
) -> tuple[MqttSession, MqttSession, tuple[Intake, Intake]]:
    """Return the session for results and context, the one for all else, and what takes from each (second one first)."""
    mqtt, topics, address = settings.mqtt, Topics(line.topic_root), broker_address(settings)
    results = understand_results(
        source=settings.lims.source,
        analytes=settings.lims.analytes,
        assume_status=settings.lims.assume_status,
    )
    inbound_intake = Intake(
        inbox=inbox,
        urgency=Urgency.INBOUND,
        routes={settings.lims.topic: results, settings.mes.topic: understand_context},
        now=clock.now,
    )
    response_intake = Intake(
        inbox=inbox,
        urgency=Urgency.STOP_AND_RESPONSES,
        routes={topics.responses: understand_response, topics.audit_head: understand_head},
        now=clock.now,
    )
    inbound = MqttSession(
        SessionOptions(
            address=address,
            client_id=f"{mqtt.client_id}-in",
            subscriptions=(settings.lims.topic, settings.mes.topic),
            on_delivery=inbound_intake.take,
            on_condition=health.condition,
            on_state=lambda connected: health.source("broker_in", connected),
            session_expiry_seconds=round(mqtt.session_expiry),
            receive_maximum=mqtt.receive_maximum,
        ),
        clock=clock,
    )
    main = MqttSession(
        SessionOptions(
            address=address,
            client_id=mqtt.client_id,
            subscriptions=(topics.responses,),
            retained=(topics.audit_head,),
            on_delivery=response_intake.take,
            on_condition=health.condition,
            on_state=lambda connected: health.source("broker", connected),
            session_expiry_seconds=round(mqtt.session_expiry),
            receive_maximum=mqtt.receive_maximum,
            will=Will(topic=topics.status, payload=lambda: offline_payload(line, clock.now_ns())),
        ),
        clock=clock,
    )
    inbound_intake.session, response_intake.session = inbound, main
    return inbound, main, (response_intake, inbound_intake)


# --- living --------------------------------------------------------------------------------------------


async def _live(parts: Parts, configuration_sha256: str, notifier: Notifier) -> None:
    signals = _Signals()
    parts.inbox.put(_started(parts, configuration_sha256), Urgency.STOP_AND_RESPONSES)
    with signals:
        async with asyncio.TaskGroup() as tasks:

            def start(name: str, work: Awaitable[None]) -> asyncio.Task[None]:
                return tasks.create_task(_named(work), name=name)

            core = [
                start("process", parts.processor.run()),
                start("mqtt-main", parts.main.run()),
                start("drain", parts.drain.run()),
                start("status", parts.status.run()),
                start("watchdog", _watch(parts, notifier)),
                start("historian", parts.historian.run()),
                *(start(name, upkeep.run()) for name, upkeep in parts.upkeep.items()),
            ]
            intake = [
                start("mqtt-in", parts.inbound.run()),
                *(start(f"opcua-{feed.name}", feed.run()) for feed in parts.feeds),
                *(start(f"backfill-{feed.name}", feed.fill()) for feed in parts.feeds),
                *(
                    start(f"model-{model.name}", make_due(model, inbox=parts.inbox, clock=parts.clock))
                    for model in parts.line.models
                ),
                *(
                    start(f"timer-{timer.value}", run_timer(timer, inbox=parts.inbox, clock=parts.clock))
                    for timer in Timer
                ),
            ]
            waiting = [parts.main.wait_connected(), parts.inbound.wait_connected()]
            await _until_ready([*waiting, *(feed.wait_subscribed() for feed in parts.feeds)], signals)
            notifier.notify(READY="1", STATUS="running", MAINPID=str(os.getpid()))
            log.info("ready", line=parts.line.path, tags=len(parts.line.tags), models=len(parts.line.models))
            await signals.first.wait()
            notifier.notify(STOPPING="1", STATUS="draining")
            await _stop(parts, intake, core, signals)


async def _named(work: Awaitable[None]) -> None:
    await work


def _started(parts: Parts, configuration_sha256: str) -> GatewayStarted:
    at = parts.clock.now()
    return GatewayStarted(
        event_id=identity_of("gateway-started", at.wall_ns, at.boot_ns, os.getpid()),
        at=at,
        version=__version__,
        configuration_sha256=configuration_sha256,
        bundles={model.name: model.bundle.identity.sha256 for model in parts.line.models},
        stages={model.name: model.stage.name.lower() for model in parts.line.models},
    )


async def _until_ready(waiting: list[Coroutine[Any, Any, None]], signals: "_Signals") -> None:
    """Wait a little for connections; a broker or server that is down is no reason not to be ready."""
    connecting = [asyncio.create_task(each, name="connecting") for each in waiting]
    asked = asyncio.create_task(signals.first.wait(), name="asked-to-stop")
    connected = asyncio.create_task(asyncio.wait(connecting), name="all-connected")
    await asyncio.wait({connected, asked}, timeout=_READY_WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for task in (*connecting, connected, asked):
        task.cancel()
    await asyncio.gather(*connecting, connected, asked, return_exceptions=True)


async def _watch(parts: Parts, notifier: Notifier) -> None:
    """Feed the watchdog while every loop gets on; a stalled loop starves it, and systemd restarts us."""
    every = (notifier.watchdog_seconds or 30.0) / 3
    while True:
        stalled = parts.progress.stalled()
        if stalled:
            log.critical("loops do not get on; the watchdog is not fed", loops=stalled)
        else:
            notifier.notify(WATCHDOG="1")
        await asyncio.sleep(every)


# --- stopping ------------------------------------------------------------------------------------------


class _Signals:
    """The first signal asks to stop in order, the second to stop now."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._received)
        return self

    def __exit__(self, *_exception: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)

    def _received(self) -> None:
        (self.second if self.first.is_set() else self.first).set()


async def _stop(
    parts: Parts, intake: list[asyncio.Task[None]], core: list[asyncio.Task[None]], signals: _Signals
) -> None:
    for task in intake:
        task.cancel()
    await asyncio.wait(intake, timeout=_DRAIN_SECONDS)
    at = parts.clock.now()
    stopped = GatewayStopped(event_id=identity_of("gateway-stopped", at.wall_ns, at.boot_ns, os.getpid()), at=at)
    drained = asyncio.create_task(_drained(parts, stopped), name="last-drain")
    second = asyncio.create_task(signals.second.wait(), name="second-signal")
    await asyncio.wait({drained, second}, timeout=_DRAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    empty = drained.done() and drained.exception() is None  # the store may fail in the last moment, too
    log.info("stopped", drained=empty, waiting=len(parts.inbox))
    drained.cancel()
    expires = parts.settings.mqtt.protocol == "5"
    goodbye = asyncio.create_task(parts.status.say_goodbye(messages_expire=expires), name="goodbye")
    await asyncio.wait({goodbye, second}, timeout=_GOODBYE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    goodbye.cancel()
    second.cancel()
    await asyncio.wait({drained, goodbye, second}, timeout=_GOODBYE_SECONDS)
    for task in core:
        task.cancel()


async def _drained(parts: Parts, stopped: GatewayStopped) -> None:
    """Return when the stop, which all other events went before, and a head over it are committed and all is sent."""
    sign = TimerDue(event_id=identity_of("last-head", stopped.event_id), at=stopped.at, timer=Timer.SIGN_HEAD)
    for event in (stopped, sign):  # one after the other: a timer that waits already would keep its earlier place
        committed = asyncio.Event()
        parts.inbox.put(event, Urgency.MODELS_AND_TIMERS, committed.set)
        await committed.wait()
    await parts.drain.until_empty()
