"""The composition root: opens the resources, runs the loops as named tasks, and shuts down in order.

Shutdown: stop intake, finish what is in flight, drain until a deadline, say goodbye, close always. A second
signal skips the drain.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from typing import Any, Self

import structlog

from gateway import __version__
from gateway.clock import Clock
from gateway.contract.identity import identity_of
from gateway.contract.topics import Topics
from gateway.definitions import LineDefinition
from gateway.events import GatewayStarted, GatewayStopped, Timer
from gateway.guardrails.gates import present_setpoint
from gateway.history.rings import Rings
from gateway.history.windows import WindowRequest
from gateway.inbox import Inbox, Urgency
from gateway.ingest.lims import understand_results
from gateway.ingest.mes import understand_context
from gateway.ingest.messages import Intake
from gateway.ingest.opcua import subscribe_source
from gateway.ingest.responses import understand_response
from gateway.line import broker_address, opcua_sources
from gateway.operations.health import Health
from gateway.operations.systemd import Notifier, Progress
from gateway.process import Processor
from gateway.publish.drain import Drain
from gateway.publish.status import StatusPublisher, offline_payload
from gateway.schedule import make_due, run_timer
from gateway.settings import Settings
from gateway.store.database import locked
from gateway.store.readers import Reader
from gateway.store.writer import Writer
from gateway.transport.mqtt import MqttSession
from gateway.transport.mqtt_connection import SessionOptions, Will

log = structlog.get_logger()

RING_SAMPLES = 4096
_READY_WAIT_SECONDS = 3.0
_DRAIN_SECONDS = 5.0
_LOOP_ALLOWED_SECONDS = {"process": 15.0, "drain": 15.0}


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the daemon has built; each part got only what it needs."""

    settings: Settings
    line: LineDefinition
    clock: Clock
    inbox: Inbox
    rings: Rings
    processor: Processor
    drain: Drain
    inbound: MqttSession
    main: MqttSession
    health: Health
    progress: Progress
    status: StatusPublisher


async def run(settings: Settings, configuration_sha256: str, line: LineDefinition, *, clock: Clock) -> None:
    """Run the gateway until SIGTERM or SIGINT; raises LablineError where it cannot start."""
    notifier = Notifier(os.environ)
    with locked(settings.store.directory):
        async with Writer(settings.store.directory) as writer, Reader(settings.store.directory) as reader:
            parts = _build(settings, line, clock=clock, writer=writer, reader=reader)
            await _live(parts, configuration_sha256, notifier)


def _build(settings: Settings, line: LineDefinition, *, clock: Clock, writer: Writer, reader: Reader) -> Parts:
    inbox = Inbox()
    rings = Rings({name: tag.source for name, tag in line.tags.items()}, capacity=RING_SAMPLES)
    progress = Progress(_LOOP_ALLOWED_SECONDS)
    status_due = asyncio.Event()
    health = Health(line=line, on_change=status_due.set)
    inbound, main = _sessions(settings, line, clock=clock, inbox=inbox, health=health)
    drain = Drain(
        session=main,
        reader=reader,
        writer=writer,
        line=line,
        present=lambda tag: _present(tag, line, rings, clock),
        now_ns=clock.now_ns,
        on_progress=lambda: progress.beat("drain"),
        on_alarm=health.alarm,
    )
    processor = Processor(
        inbox=inbox,
        line=line,
        rings=rings,
        writer=writer,
        on_committed=drain.wake,
        on_progress=lambda: progress.beat("process"),
        on_store=health.store,
        on_alarm=health.alarm,
    )
    status = StatusPublisher(line=line, health=health, reader=reader, session=main, now_ns=clock.now_ns, due=status_due)
    return Parts(
        settings=settings, line=line, clock=clock, inbox=inbox, rings=rings, processor=processor, drain=drain,
        inbound=inbound, main=main, health=health, progress=progress, status=status,
    )  # fmt: skip


def _present(tag: str, line: LineDefinition, rings: Rings, clock: Clock) -> float | None:
    """Return a tag's value at this instant, judged like any input; None where it is not known or not good."""
    now_ns = clock.now_ns()
    window = rings.window(WindowRequest(tag=tag, start_ns=now_ns, end_ns=now_ns))
    setpoint = present_setpoint(line.tags[tag], window)
    return None if setpoint is None else setpoint.value


def _sessions(
    settings: Settings, line: LineDefinition, *, clock: Clock, inbox: Inbox, health: Health
) -> tuple[MqttSession, MqttSession]:
    """Return the session for results and context, and the one for responses, publishing and the will."""
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
        now_ns=clock.now_ns,
    )
    response_intake = Intake(
        inbox=inbox,
        urgency=Urgency.STOP_AND_RESPONSES,
        routes={topics.responses: understand_response},
        now_ns=clock.now_ns,
    )
    inbound = MqttSession(
        SessionOptions(
            address=address,
            client_id=f"{mqtt.client_id}-in",
            subscriptions=(settings.lims.topic, settings.mes.topic),
            on_delivery=inbound_intake.take,
            on_alarm=health.alarm,
            on_state=lambda connected: health.source("broker_in", connected),
            session_expiry_seconds=round(mqtt.session_expiry),
            receive_maximum=mqtt.receive_maximum,
        )
    )
    main = MqttSession(
        SessionOptions(
            address=address,
            client_id=mqtt.client_id,
            subscriptions=(topics.responses,),
            on_delivery=response_intake.take,
            on_alarm=health.alarm,
            on_state=lambda connected: health.source("broker", connected),
            session_expiry_seconds=round(mqtt.session_expiry),
            receive_maximum=mqtt.receive_maximum,
            will=Will(topic=topics.status, payload=lambda: offline_payload(line, clock.now_ns())),
        )
    )
    inbound_intake.session, response_intake.session = inbound, main
    return inbound, main


# --- living --------------------------------------------------------------------------------------------


async def _live(parts: Parts, configuration_sha256: str, notifier: Notifier) -> None:
    signals = _Signals()
    opcua = [
        subscribe_source(
            source,
            rings=parts.rings,
            now_ns=parts.clock.now_ns,
            on_state=parts.health.source,
            on_alarm=parts.health.alarm,
        )
        for source in opcua_sources(parts.settings)
    ]
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
            ]
            intake = [
                start("mqtt-in", parts.inbound.run()),
                *(start(f"opcua-{at}", session.run()) for at, session in enumerate(opcua)),
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
            await _until_ready([*waiting, *(session.wait_subscribed() for session in opcua)], signals)
            notifier.notify(READY="1", STATUS="running", MAINPID=str(os.getpid()))
            log.info("ready", line=parts.line.path, tags=len(parts.line.tags), models=len(parts.line.models))
            await signals.first.wait()
            notifier.notify(STOPPING="1", STATUS="draining")
            await _stop(parts, intake, core, signals)


async def _named(work: Awaitable[None]) -> None:
    await work


def _started(parts: Parts, configuration_sha256: str) -> GatewayStarted:
    at_ns = parts.clock.now_ns()
    return GatewayStarted(
        event_id=identity_of("gateway-started", at_ns, os.getpid()),
        at_ns=at_ns,
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
    at_ns = parts.clock.now_ns()
    stopped = GatewayStopped(event_id=identity_of("gateway-stopped", at_ns, os.getpid()), at_ns=at_ns)
    committed = asyncio.Event()
    parts.inbox.put(stopped, Urgency.MODELS_AND_TIMERS, committed.set)
    drained = asyncio.create_task(_drained(parts, committed), name="last-drain")
    second = asyncio.create_task(signals.second.wait(), name="second-signal")
    await asyncio.wait({drained, second}, timeout=_DRAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    empty = drained.done() and drained.exception() is None  # the store may fail in the last moment, too
    log.info("stopped", drained=empty, waiting=len(parts.inbox))
    drained.cancel()
    second.cancel()
    await parts.status.say_goodbye(messages_expire=parts.settings.mqtt.protocol == "5")
    for task in core:
        task.cancel()


async def _drained(parts: Parts, last_event_committed: asyncio.Event) -> None:
    """Return when the last event, which all others went before, is committed and the outbox is empty."""
    await last_event_committed.wait()
    await parts.drain.until_empty()
