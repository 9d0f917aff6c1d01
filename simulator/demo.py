"""The demonstration: plant, laboratory, MES, terminal and broker around the real gateway.

Everything is real: the gateway is a process of its own, started by ``labline run``; values come over OPC UA,
results and guidance over MQTT. What is measured is measured from outside, by the observer and the plant's truth.
"""

import asyncio
import logging
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.contract.topics import Topics
from simulator.broker import Broker, free_port, running_broker
from simulator.by_hand import moving_by_hand
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
from simulator.mqtt import Participant
from simulator.observer import Observer
from simulator.opcua_server import PlantServer
from simulator.plant import Plant
from simulator.plant_setpoints import PlantSetpoints
from simulator.scenarios import PRODUCT, SPECIFICATIONS, Pace, off_specification
from simulator.signer import enrolled_at_console
from simulator.terminal import OPERATOR, OPERATOR_NAME, TERMINAL, Terminal

_SETTLE_SECONDS = 5.0
_CERTIFICATES = Path(__file__).parent / "certificates"
LABORATORY = f"""
[[together]]
product = "{PRODUCT}"
analytes = {list(SPECIFICATIONS)}
baseline = 20

[procedures]
folder = "{Path(__file__).parent / "procedures"}"

[certificates]
requirements = "{_CERTIFICATES}"
plant_name = "Bench Resins Ltd"
plant_address = ["12 Rue du Quai", "69007 Lyon"]
logo = "{_CERTIFICATES / "logo.svg"}"
"""

Watch = Callable[["Scene"], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoOptions:
    """What the demonstration is to do. ``seconds`` None: until it is stopped."""

    seed: int
    seconds: float | None
    follows: bool
    models: Path
    embedded_broker: bool = False
    pace: Pace = field(default_factory=Pace)
    console: ConsoleLink | None = None
    stage: str = "advise"  # beyond that the gateway writes setpoints
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
    return _summary(scene, str(verified["audit"]))


def _configuration(options: DemoOptions, folder: Path, *, broker: Broker, plant_url: str) -> Path:
    """Write the configuration of the demo's gateway; return where it is."""
    configuration = folder / "labline.toml"
    text = configuration_text(
        directory=folder, broker=broker, plant_url=plant_url, models=options.models, stage=options.stage
    )
    configuration.write_text(text + LABORATORY + ("" if options.console is None else options.console.table))
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
    topics = Topics(TOPIC_ROOT)

    def on_scan(seconds: float) -> None:
        if tally.counting:
            truth = plant.truth()
            tally.made_seconds += seconds
            tally.off_seconds += seconds * off_specification(truth.viscosity, truth.ph)

    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(running_broker(folder, embedded=options.embedded_broker))
        server = await stack.enter_async_context(PlantServer(plant, port=free_port(), on_scan=on_scan))
        terminal = Terminal(topics=topics, habits=options.habits, follows=options.follows)

        async def participant(name: str, *subscriptions: str, on_message: Any = lambda _message: None) -> Participant:
            return await stack.enter_async_context(
                Participant(name, port=broker.port, version_5=broker.version_5, subscriptions=subscriptions,
                            on_message=on_message)
            )  # fmt: skip

        await participant("observer", topics.everything, on_message=observer.received)
        terminal.participant = await participant("terminal", f"{TOPIC_ROOT}/guidance/+", on_message=terminal.received)
        mes = Mes(await participant("mes"), options.pace)
        lims = Lims(await participant("lims"), plant, mes, options.pace, seed=options.seed,
                    on_published=observer.result_published)  # fmt: skip
        configuration = _configuration(options, folder, broker=broker, plant_url=server.url)
        async with _playing(plant=server.run()):
            gateway = await stack.enter_async_context(running_gateway(configuration, directory=folder))
            await _enrolled(options, terminal)
            tally.counting = True
            move = await stack.enter_async_context(moving_by_hand(server.url))
            async with _playing(mes=mes.run(), terminal=terminal.run(move), lims=lims.run()) as players:
                yield Scene(
                    options=options, broker=broker, plant=plant, observer=observer, tally=tally, terminal=terminal,
                    mes=mes, lims=lims, gateway=gateway, sampling=players["lims"], setpoints=server.setpoints,
                )  # fmt: skip


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


def _summary(scene: Scene, audit: str) -> dict[str, Any]:
    observer, gateway = scene.observer, scene.gateway
    first = observer.first_accepted_at
    return {
        "seed": scene.options.seed,
        "broker": scene.broker.name,
        "follows": scene.options.follows,
        "ready_seconds": gateway.ready_seconds,
        "first_prediction_seconds": None if first is None else round(first - gateway.ready_at, 3),
        **observer.summary(),
        "audit": audit,
        "off_specification_share": scene.tally.off_share,
        "stage": scene.options.stage,
        "setpoint_writes": len(scene.setpoints.requests),
        "writes_outside_limits": sum(request.is_outside for request in scene.setpoints.requests),
    }
