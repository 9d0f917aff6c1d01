"""The demonstration: plant, laboratory, MES, terminal and broker around the real gateway.

Everything is real: the gateway is a process of its own, started by ``labline run``; values come over OPC UA,
results and guidance over MQTT. What is measured is measured from outside, by the observer and the plant's truth.
"""

import asyncio
import logging
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.contract.topics import Topics
from simulator.account import account_of
from simulator.broker import Broker, free_port, running_broker
from simulator.by_hand import moving_by_hand
from simulator.demo_tables import demo_tables
from simulator.gateway_process import (
    TOPIC_ROOT,
    ConsoleLink,
    GatewayFailedError,
    RunningGateway,
    ask,
    configuration_text,
    running_gateway,
)
from simulator.habits import Habits
from simulator.lims import Lims
from simulator.mes import Mes
from simulator.mqtt import Participant, Received
from simulator.observer import Observer
from simulator.opcua_server import PlantServer
from simulator.order_plan import TOPIC as PLAN_TOPIC
from simulator.order_plan import order_plan
from simulator.plant import Plant
from simulator.plant_setpoints import PlantSetpoints
from simulator.quality import Quality
from simulator.questions import Questions
from simulator.rest_systems import RestSystem, serving
from simulator.scenarios import OPENING, PLANTED_LOT, Pace, off_specification
from simulator.signer import enrolled_at_console
from simulator.terminal import OPERATOR, OPERATOR_NAME, TERMINAL, Terminal

_SETTLE_SECONDS, _ISSUE_SECONDS = 5.0, 60.0
_LOOK_SECONDS = 0.1
Watch = Callable[["Scene"], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoOptions:
    """What the demonstration is to do. ``seconds`` None: until it is stopped.

    ``signs``: whether simulated quality releases lots and signs certificates at the console; else a person may.
    """

    seed: int
    seconds: float | None
    follows: bool
    models: Path
    embedded_broker: bool = False
    pace: Pace = OPENING
    console: ConsoleLink | None = None
    stage: str = "advise"  # beyond that the gateway writes setpoints
    signs: bool = False
    habits: Habits = field(default_factory=lambda: Habits(median_seconds=Pace().reaction_seconds))


@dataclass(slots=True)
class Tally:
    """The truth about the product made since the gateway was ready."""

    made_seconds: float = 0.0
    off_seconds: float = 0.0
    counting: bool = False

    @property
    def off_share(self) -> float | None:
        """Return the share of product outside its specification, 0 to 1."""
        return round(self.off_seconds / self.made_seconds, 4) if self.made_seconds else None


@dataclass(slots=True)
class Scene:
    """All that is on stage, for the live view and the summary."""

    options: DemoOptions
    broker: Broker
    plant: Plant
    observer: Observer
    tally: Tally
    terminal: Terminal
    questions: Questions
    quality: Quality
    mes: Mes
    lims: Lims
    gateway: RunningGateway
    sampling: asyncio.Task[None]
    setpoints: PlantSetpoints
    stage: str = "running"


async def demonstrate(options: DemoOptions, watch: Watch) -> dict[str, Any]:
    """Run the demonstration and return its summary; ``watch`` may open a live view on the scene.

    Ends after the given time, at SIGINT or at SIGTERM, and leaves no process and no file behind.
    """
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # what is wrong on stage shows in the figures
    sys.setswitchinterval(0.0005)  # the network threads stamp arrivals: they must not wait for the plant
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        with tempfile.TemporaryDirectory(prefix="labline-") as folder:
            return await _play(options, Path(folder), stop, watch)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _play(options: DemoOptions, folder: Path, stop: asyncio.Event, watch: Watch) -> dict[str, Any]:
    async with on_stage(options, folder) as scene, watch(scene):
        await _wait(stop, options.seconds, scene.gateway)
        scene.stage = "finishing"
        await _finish(scene)
    verified = await ask("audit", "verify", "--config", str(folder / "labline.toml"))
    return account_of(scene, str(verified["audit"]))


def _configuration(options: DemoOptions, folder: Path, *, broker: Broker, plant_url: str, mes_port: int) -> Path:
    """Write the configuration of the demo's gateway; return where it is."""
    configuration = folder / "labline.toml"
    text = configuration_text(
        directory=folder, broker=broker, plant_url=plant_url, models=options.models, stage=options.stage
    )
    console = "" if options.console is None else options.console.table
    configuration.write_text(text + demo_tables(mes_port) + console)
    return configuration


async def _enrolled(options: DemoOptions, terminal: Terminal) -> None:
    """Have the terminal's key enrolled, where there is a console to do it at."""
    if options.console is not None:
        terminal.signer = await asyncio.to_thread(
            enrolled_at_console, options.console, OPERATOR, name=OPERATOR_NAME, line=TOPIC_ROOT, terminal=TERMINAL
        )


@asynccontextmanager
async def on_stage(options: DemoOptions, folder: Path) -> AsyncIterator[Scene]:
    """Set the scene: broker, plant, gateway; then laboratory, MES and terminal begin. Ends all of them."""
    plant, observer, tally = Plant(options.seed), Observer(), Tally()
    plant.is_still = True  # until production begins

    def on_scan(seconds: float) -> None:
        if tally.counting:
            truth = plant.truth()
            tally.made_seconds += seconds
            tally.off_seconds += seconds * off_specification(truth.viscosity, truth.ph)

    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(running_broker(folder, embedded=options.embedded_broker))
        server = await stack.enter_async_context(PlantServer(plant, port=free_port(), on_scan=on_scan))
        cast = await _cast(stack, options, broker, plant, observer)
        system = await stack.enter_async_context(serving(RestSystem(heard=cast.mes.heard)))
        configuration = _configuration(options, folder, broker=broker, plant_url=server.url, mes_port=system.port)
        async with _playing(plant=server.run()):
            gateway = await stack.enter_async_context(running_gateway(configuration, directory=folder))
            await _enrolled(options, cast.terminal)
            move = await stack.enter_async_context(moving_by_hand(server.url))
            tally.counting, plant.is_still = True, False
            parts = {"mes": cast.mes.run(), "terminal": cast.terminal.run(move), "lims": cast.lims.run(),
                     "quality": cast.quality.run(), "questions": cast.questions.run()}  # fmt: skip
            async with _playing(**parts) as players:
                yield Scene(
                    options=options, broker=broker, plant=plant, observer=observer, tally=tally, gateway=gateway,
                    terminal=cast.terminal, questions=cast.questions, quality=cast.quality, mes=cast.mes,
                    lims=cast.lims, sampling=players["lims"], setpoints=server.setpoints,
                )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cast:
    """Who takes part, each with a client of the broker where they need one."""

    terminal: Terminal
    questions: Questions
    quality: Quality
    mes: Mes
    lims: Lims


async def _cast(stack: AsyncExitStack, options: DemoOptions, broker: Broker, plant: Plant, observer: Observer) -> _Cast:
    """Return who takes part, connected; what production plans is there before the gateway is."""
    topics = Topics(TOPIC_ROOT)
    terminal = Terminal(topics=topics, habits=options.habits, follows=options.follows)
    questions, quality = Questions(TOPIC_ROOT, TERMINAL, observer), Quality(options.console, signs=options.signs)

    async def participant(name: str, *subscriptions: str, on_message: Any = lambda _message: None) -> Participant:
        return await stack.enter_async_context(
            Participant(name, port=broker.port, version_5=broker.version_5, subscriptions=subscriptions,
                        on_message=on_message)
        )  # fmt: skip

    def at_the_terminal(message: Received) -> None:
        terminal.received(message)
        questions.received(message)

    await participant("observer", topics.everything, on_message=observer.received)
    shown = (f"{TOPIC_ROOT}/guidance/+", f"{TOPIC_ROOT}/answer/{TERMINAL}")
    terminal.participant = questions.participant = await participant("terminal", *shown, on_message=at_the_terminal)
    production = await participant("mes")
    await production.publish(PLAN_TOPIC, order_plan(time.time_ns()), retain=True)
    mes = Mes(production, options.pace, on_closed=quality.closed)
    lims = Lims(await participant("lims"), plant, mes, options.pace, seed=options.seed, planted_lot=PLANTED_LOT,
                on_published=observer.result_published)  # fmt: skip
    return _Cast(terminal=terminal, questions=questions, quality=quality, mes=mes, lims=lims)


@asynccontextmanager
async def _playing(**parts: Coroutine[Any, Any, None]) -> AsyncIterator[dict[str, asyncio.Task[None]]]:
    """Run the parts as named tasks for as long as the block lasts; one that fails ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(part, name=name) for name, part in parts.items()}
        try:
            yield tasks
        finally:
            for task in tasks.values():
                task.cancel()


async def _wait(stop: asyncio.Event, seconds: float | None, gateway: RunningGateway) -> None:
    """Wait for the end of the time or a signal; raises GatewayFailedError where the gateway ends before."""
    stop_requested = asyncio.create_task(stop.wait(), name="asked-to-stop")
    ended = asyncio.create_task(gateway.process.wait(), name="gateway-ended")
    try:
        done, _ = await asyncio.wait({stop_requested, ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop_requested.cancel()
        ended.cancel()
    if ended in done:
        raise GatewayFailedError(
            f"the gateway ended with {gateway.process.returncode}; it said:\n{gateway.last_words()}"
        )


async def _finish(scene: Scene) -> None:
    """Draw no more samples, let the laboratory finish, and wait until every result has its disposition."""
    scene.sampling.cancel()
    scene.tally.counting = False
    await scene.lims.finish()
    with suppress(TimeoutError):  # what is missing then is counted as lost
        async with asyncio.timeout(_SETTLE_SECONDS):
            await scene.observer.until_nothing_lost()
    with suppress(TimeoutError):  # what is missing then is missing in the account
        async with asyncio.timeout(_ISSUE_SECONDS):
            while scene.quality.waiting or not _issued(scene):
                await asyncio.sleep(_LOOK_SECONDS)


def _issued(scene: Scene) -> bool:
    """Return whether the MES has what was signed, and may ship these lots, and the broker has it, too."""
    received = {lot for lot, state, _complete in scene.observer.certificates.values() if state == "signed"}
    signed = received | scene.quality.signed
    return signed <= received & scene.mes.certificates.keys() & scene.mes.released
