"""The life of the gateway: opens the resources, runs the loops as named tasks, and shuts down in order.

Shutdown: stop intake, finish what is in flight, drain until a deadline, say goodbye, close always. A second
signal skips the drain.
"""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import structlog

from gateway import __version__
from gateway.clock import SystemClock
from gateway.config.credentials import credential
from gateway.config.file_in_force import ConfigurationFile
from gateway.contract.identity import identity_of
from gateway.errors import StoreCorruptError, first_of
from gateway.events import GatewayStarted, GatewayStopped, TimerDue
from gateway.history.file.quarantine import set_aside_if_corrupt
from gateway.inference.signed_stages import with_signed_stages
from gateway.inference.versions import Promoted
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.ingest.gaps import Gaps
from gateway.line.definition import LineDefinition
from gateway.operations.health import Health
from gateway.operations.memory import give_back_unused
from gateway.operations.systemd import Notifier
from gateway.records.timers import Timer
from gateway.runtime.dependencies import Dependencies, opened
from gateway.runtime.interfaces import span_traces
from gateway.runtime.scheduler import make_due, run_timer
from gateway.runtime.wiring import Parts, build
from gateway.store.audit.governed import governing
from gateway.store.audit.heads import former_line, load_signer
from gateway.store.care.opening import prepare, suspect
from gateway.store.database import locked, read_state
from gateway.store.queries.authority import authority_in
from gateway.store.queries.signed_stages import signed_stages_in
from gateway.store.queries.versions import promoted_at_start

log = structlog.get_logger()

_READY_WAIT_SECONDS = 1.0  # connections take a tenth of it; with one that hangs, a restart still takes less than 3 s
_LOCK_SECONDS = 2.0  # a command that writes while no gateway runs holds it for less
_DRAIN_SECONDS = 5.0
_GOODBYE_SECONDS = 2.0
_THREADS = 32  # a name look-up that hangs holds one for half a minute, and history and checks need theirs


async def run(file: ConfigurationFile, *, clock: SystemClock) -> None:
    """Run the gateway until SIGTERM or SIGINT; raises LablineError where it cannot start or go on."""
    settings = file.settings
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="labline-waiting"))
    notifier = Notifier(os.environ)
    directory = settings.store.directory
    with locked(directory, wait_seconds=_LOCK_SECONDS):
        prepared = prepare(directory, at_ns=clock.now_ns())
        clock.remember(prepared.latest_wall_ns)
        signer = load_signer(
            line=settings.line_path, directory=directory, credential=credential("audit_key"), make_key=True
        )
        _warn_of_another_name(directory, settings.line_path)

        def signed(line: LineDefinition) -> LineDefinition:
            return replace(with_signed_stages(line, signed_stages_in(directory)), head_signer=signer.sign)

        def signing(promoted: Mapping[str, Promoted]) -> LineDefinition:
            return signed(file.define(promoted))

        try:
            with governing(directory, authority_in(directory)) as authority:
                line = signing(promoted_at_start(directory, at_ns=clock.now_ns()))
                health = Health(line=line)
                set_aside_if_corrupt(
                    directory, at_ns=clock.now_ns(), on_damage=lambda: health.alarm("HISTORY_QUARANTINED")
                )
                inbox = EventQueue()
                ground = Dependencies(
                    file=file, settings=settings, line=line, clock=clock, health=health, inbox=inbox,
                    gaps=Gaps(inbox=inbox, now=clock.now), prepared=prepared, define=signing,
                    signed=signed, authority=authority, spans=span_traces(settings, clock=clock),
                )  # fmt: skip
                async with opened(ground) as stores:
                    await _live(await build(ground, stores), file.sha256, notifier)
        except* StoreCorruptError as group:
            suspect(directory, str(first_of(group)))
            raise


# --- living --------------------------------------------------------------------------------------------


def _warn_of_another_name(directory: Path, line: str) -> None:
    """Log where the store was written as another line: its topics were others, and its heads were signed for it."""
    with closing(read_state(directory)) as connection:
        former = former_line(connection, line)
    if former is not None:
        log.warning(
            "the store was written as another line: [site] was renamed, or this is another line's store",
            store=former,
            configuration=line,
        )


async def _live(parts: Parts, configuration_sha256: str, notifier: Notifier) -> None:
    signals = _Signals(parts.reload.asked.set)
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
                start("reload", parts.reload.run()),
                *(start(name, upkeep.run()) for name, upkeep in parts.upkeep.items()),
            ]
            intake = [start(name, work) for name, work in _intake(parts)]
            waiting = [parts.main.wait_connected(), parts.inbound.wait_connected()]
            await _until_ready([*waiting, *(feed.wait_subscribed() for feed in parts.feeds)], signals)
            _settle_in()
            parts.health.started_up = True
            notifier.notify(READY="1", STATUS="running", MAINPID=str(os.getpid()))
            log.info("ready", line=parts.line.path, tags=len(parts.line.tags), models=len(parts.line.models))
            await signals.first.wait()
            parts.health.started_up = False
            notifier.notify(STOPPING="1", STATUS="draining")
            await _stop(parts, intake, core, signals)


def _intake(parts: Parts) -> Iterator[tuple[str, Awaitable[None]]]:
    """Return what takes in and what makes due, by name: it ends first where the gateway stops."""
    yield "mqtt-in", parts.inbound.run()
    yield "control", parts.control.run()
    if parts.webhook is not None:
        yield "webhook", parts.webhook.run()
    if parts.console is not None:
        yield "console", parts.console.run()
    for feed in parts.feeds:
        yield f"opcua-{feed.name}", feed.run()
    for feed in parts.feeds:
        yield f"backfill-{feed.name}", feed.fill()
    for model in parts.line.models:
        yield f"model-{model.name}", make_due(model, inbox=parts.inbox, clock=parts.clock)
    for timer in Timer:
        if timer is Timer.FOLLOW_SETPOINTS and not parts.line.writes.by_tag:
            continue
        yield f"timer-{timer.value}", run_timer(timer, inbox=parts.inbox, clock=parts.clock)


def _settle_in() -> None:
    """Leave what is loaded by now out of later garbage collections: walking it takes a tenth of a second each time.

    What loading took in addition is given back.
    """
    gc.collect()
    gc.freeze()
    gc.enable()  # `labline run` starts with it disabled
    give_back_unused()


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
    connecting = [asyncio.create_task(connection, name="connecting") for connection in waiting]
    stopping = asyncio.create_task(signals.first.wait(), name="asked-to-stop")
    connected = asyncio.create_task(asyncio.wait(connecting), name="all-connected")
    await asyncio.wait({connected, stopping}, timeout=_READY_WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    for task in (*connecting, connected, stopping):
        task.cancel()
    await asyncio.gather(*connecting, connected, stopping, return_exceptions=True)


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
    """The first signal asks to stop in order, the second to stop now; SIGHUP to read the configuration again."""

    def __init__(self, on_reload: Callable[[], None] = lambda: None) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        self._on_reload = on_reload

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._received)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._on_reload)
        return self

    def __exit__(self, *_exception: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(number)

    def _received(self) -> None:
        (self.second if self.first.is_set() else self.first).set()


async def _stop(
    parts: Parts, intake: list[asyncio.Task[None]], core: list[asyncio.Task[None]], signals: _Signals
) -> None:
    for task in intake:
        task.cancel()
    await _intake_ended(intake, signals)
    at = parts.clock.now()
    stopped = GatewayStopped(event_id=identity_of("gateway-stopped", at.wall_ns, at.boot_ns, os.getpid()), at=at)
    drained = asyncio.create_task(_drained(parts, stopped), name="last-drain")
    second = asyncio.create_task(signals.second.wait(), name="second-signal")
    steps: set[asyncio.Task[Any]] = {drained, second}
    try:
        await asyncio.wait(steps, timeout=_DRAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        empty = drained.done() and drained.exception() is None  # the store may fail in the last moment, too
        log.info("stopped", drained=empty, waiting=len(parts.inbox))
        drained.cancel()
        expires = parts.settings.mqtt.protocol == "5"
        goodbye = asyncio.create_task(parts.status.say_goodbye(messages_expire=expires), name="goodbye")
        steps.add(goodbye)
        await asyncio.wait({goodbye, second}, timeout=_GOODBYE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:  # where another part fails meanwhile, too: they must not outlive what they use
        for task in steps:
            task.cancel()
        await asyncio.wait(steps, timeout=_GOODBYE_SECONDS)
    for task in core:
        task.cancel()
    await _intake_ended(intake, signals)
    for task in intake:  # whatever it still waits for
        task.cancel()


async def _intake_ended(intake: list[asyncio.Task[None]], signals: _Signals) -> None:
    """Wait a while until intake has ended; a second signal cancels what it still waits for as it ends."""
    ended = asyncio.create_task(asyncio.wait(intake), name="intake-ended")
    second = asyncio.create_task(signals.second.wait(), name="second-signal")
    try:
        await asyncio.wait({ended, second}, timeout=_DRAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if signals.second.is_set():
            for task in intake:
                task.cancel()
    finally:
        ended.cancel()
        second.cancel()


async def _drained(parts: Parts, stopped: GatewayStopped) -> None:
    """Return when the stop, behind all that waited, and a head over it are committed and all is sent."""
    board, sign = (
        TimerDue(event_id=identity_of(name, stopped.event_id), at=stopped.at, timer=timer)
        for name, timer in (("last-board", Timer.REFRESH_BOARD), ("last-head", Timer.SIGN_HEAD))
    )
    parts.inbox.put(board, Urgency.MODELS_AND_TIMERS)  # what waited for a quiet moment has none any more
    for event in (stopped, sign):  # one after the other: a timer that waits already would keep its earlier place
        committed = asyncio.Event()
        parts.inbox.put(event, Urgency.MODELS_AND_TIMERS, committed.set)
        await committed.wait()
    await parts.drain.until_empty()
