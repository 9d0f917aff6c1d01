"""The stage for a recording: broker, plant, laboratory, and the real gateway with a bundle, or whichever gateway comes.

The end of the play is the end of its rows. Nothing is left behind but what the caller keeps.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gateway.time_units import seconds_to_ns
from simulator.broker import Broker, free_port, running_broker
from simulator.gateway_process import TOPIC_ROOT, ask, running_gateway
from simulator.mqtt import Participant, Received
from simulator.observer import Observer
from simulator.opcua_server import NAMESPACE
from simulator.play.account import Accounts, accounts_of
from simulator.play.file import Recording, Timetable
from simulator.play.laboratory import EQUIPMENT, measure
from simulator.play.pace import at_pace, models_of
from simulator.play.plan import PlayOptions, Progress, stretch
from simulator.play.plant import PlayedPlant
from simulator.play.production import changes_of, tell

CONFIGURATION = "labline.toml"
_SETTLE_SECONDS = 10.0
_FIRST_TICK_SECONDS, _LOOK_SECONDS = 5.0, 0.02
_MARGIN_NS = 10_000_000  # a model is due so long after a row, which is written before: by a share of the period
_AHEAD, _MOST_AHEAD_NS = 0.4, 1_000_000_000  # a gateway takes source times up to two seconds ahead of its clock
_FASTEST_SECONDS, _TICKS_BETWEEN = 0.1, 4


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stage:
    """What is there while a recording is played."""

    plant: PlayedPlant
    laboratory: Participant


async def play(recording: Recording, options: PlayOptions, folder: Path) -> dict[str, Any]:
    """Play a recording and return the figures; files go into ``folder``. Raises LablineError."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    begin, end = stretch(recording, options)
    account, observer = accounts_of(recording, models_of(options.bundles)), Observer()

    def received(message: Received) -> None:
        observer.received(message)
        account.received(message)

    async with _set(recording, options, folder, received) as stage:
        begin_ns = await first_row_ns(recording, options, account)
        timetable = Timetable(
            begin_ns=begin_ns, first=begin, end=end, since_first_ns=recording.since_first_ns, speed=options.speed
        )
        account.begin(timetable)
        ahead_ns = min(_MOST_AHEAD_NS, round(_AHEAD * recording.period_seconds / options.speed * 1e9))
        await _perform(recording, timetable, stage, observer, ahead_ns=ahead_ns, on_progress=options.on_progress)
        alarms = sorted(account.alarms)  # not of the end
        if options.bundle is not None:
            with suppress(TimeoutError):  # what is missing then is counted as lost
                async with asyncio.timeout(_SETTLE_SECONDS):
                    await observer.until_nothing_lost()
    counts = observer.summary()
    played = {"recording": recording.name, "speed": options.speed, "rows_played": end - begin}
    if options.bundle is None:  # whose gateway it was, and what it was to do with them, is not known here
        return {**played, "lab_results": counts["lab_results"], "predictions_heard": counts["predictions"]}
    audit = str((await ask("audit", "verify", "--config", str(folder / CONFIGURATION)))["audit"])
    return {**played, **figures(account, observer, first=options.first), "audit": audit, "alarms": alarms}


def figures(account: Accounts, observer: Observer, *, first: int) -> dict[str, Any]:
    """Return what came of the rows from ``first`` on, and of the laboratory's results."""
    counts = observer.summary()
    return {
        **account.summary(first=first),
        **{name: counts[name] for name in ("lab_results", "dispositions", "dead_letters", "lost", "duplicates")},
        "stage": account.stage,
    }


async def first_row_ns(
    recording: Recording, options: PlayOptions, account: Accounts, now_ns: Callable[[], int] = time.time_ns
) -> int:
    """Return when the first row happens: directly before a model is due, as training looks at a row at its instant."""
    begin_ns = now_ns() // 1_000_000 * 1_000_000 + round(options.begin_after_seconds * 1e9)
    if options.bundle is None:  # whatever gateway comes
        return begin_ns
    every_ns = round(model_every_seconds(recording, options.speed) * 1e9)
    with suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_TICK_SECONDS):
            while account.tick_ns is None:
                await asyncio.sleep(_LOOK_SECONDS)
    tick_ns = account.tick_ns or begin_ns
    begin_ns = max(begin_ns, now_ns() + min(_MOST_AHEAD_NS, every_ns))
    ticks = -((tick_ns - begin_ns) // every_ns)
    return tick_ns + ticks * every_ns - min(_MARGIN_NS, every_ns // 20)


def model_every_seconds(recording: Recording, speed: float) -> float:
    """Return how often a model is due: with each row, and more often where rows are not a period apart."""
    every = recording.period_seconds / speed
    if np.all(recording.since_first_ns % seconds_to_ns(recording.period_seconds) == 0):
        return every
    return max(_FASTEST_SECONDS, every / _TICKS_BETWEEN)


@asynccontextmanager
async def _set(
    recording: Recording, options: PlayOptions, folder: Path, received: Callable[[Received], None]
) -> AsyncIterator[_Stage]:
    """Set the stage: broker, plant, laboratory, and with a bundle the gateway, READY."""
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(running_broker(folder))
        plant = await stack.enter_async_context(PlayedPlant(recording, port=options.opcua_port or free_port()))
        watched = "#" if options.bundle is None else f"{TOPIC_ROOT}/#"
        await stack.enter_async_context(_participant("observer", broker, watched, received))
        laboratory = await stack.enter_async_context(_participant("laboratory", broker))
        if options.bundle is not None:
            bundles = [at_pace(bundle, speed=options.speed, to=folder) for bundle in options.bundles]
            configuration = folder / CONFIGURATION
            configuration.write_text(
                play_configuration(recording, options, broker=broker, url=plant.url, folder=folder, bundles=bundles)
            )
            await stack.enter_async_context(running_gateway(configuration, directory=folder))
        options.on_stage(plant.url, broker.port)
        yield _Stage(plant=plant, laboratory=laboratory)


async def _perform(
    recording: Recording,
    timetable: Timetable,
    stage: _Stage,
    observer: Observer,
    *,
    ahead_ns: int,
    on_progress: Progress,
) -> None:
    """Let plant and laboratory play to the end of the rows."""
    rows = timetable.end - timetable.first
    async with asyncio.TaskGroup() as players:
        players.create_task(
            stage.plant.play(
                timetable, ahead_ns=ahead_ns, on_row=lambda row: on_progress("rows", row + 1 - timetable.first, rows)
            ),
            name="played-plant",
        )
        for item in (recording, *recording.others):
            results = measure(item, timetable, stage.laboratory, on_published=observer.result_published,
                              clock=time.perf_counter, ahead_ns=ahead_ns)  # fmt: skip
            players.create_task(results, name=f"played-laboratory-{item.analyte}")
        changes = changes_of(recording.batches, begin_ns=recording.begin_ns, equipment_id=EQUIPMENT)
        players.create_task(tell(changes, timetable, stage.laboratory, ahead_ns=ahead_ns), name="played-production")


@asynccontextmanager
async def _participant(
    name: str, broker: Broker, subscription: str | None = None, on_message: Callable[[Received], None] = lambda _: None
) -> AsyncIterator[Participant]:
    subscriptions = () if subscription is None else (subscription,)
    async with Participant(
        name, port=broker.port, version_5=broker.version_5, subscriptions=subscriptions, on_message=on_message
    ) as participant:
        yield participant


def tags_text(recording: Recording, *, speed: float) -> str:
    """Return the ``[tags]`` of a configuration for the played plant."""
    max_age = max(3 * recording.period_seconds, recording.gap_seconds or 0.0) / speed
    return "\n".join(
        f'[tags.{tag}]\nsource = "plc1"\nnode = "nsu={NAMESPACE};s={tag}"\nequipment = "{EQUIPMENT}"\n'
        f'unit = "{recording.units[tag]}"\nmax_age = "{max_age:g}s"\n'
        for tag in recording.tags
    )


def _model_text(bundle: Path, every: float) -> str:
    return f"""[[model]]
bundle = "{bundle}"
equipment = "{EQUIPMENT}"
every = "{every:.9f}s"
stage = "advise"
bias = "auto"
expires_after = "{max(1.0, 3 * every):g}s"
"""


def play_configuration(
    recording: Recording, options: PlayOptions, *, broker: Broker, url: str, folder: Path, bundles: Sequence[Path]
) -> str:
    """Return the configuration of the gateway to which a recording is played."""
    every = model_every_seconds(recording, options.speed)
    pace = f"{min(250, round(every / 4 * 1000))}ms"
    enterprise, site, area, line, _quality = TOPIC_ROOT.split("/")
    analytes = "\n".join(f'"{item.analyte}" = "{item.analyte}"' for item in (recording, *recording.others))
    models = "\n".join(_model_text(bundle, every) for bundle in bundles)
    return f"""[site]
enterprise = "{enterprise}"
site = "{site}"
area = "{area}"
line = "{line}"

[store]
directory = "{folder / "store"}"

[opcua.plc1]
url = "{url}"
security = "None"
publishing_interval = "{pace}"
sampling_interval = "{pace}"

{tags_text(recording, speed=options.speed)}
[mqtt]
host = "127.0.0.1"
port = {broker.port}
tls = false
protocol = "{"5" if broker.version_5 else "3.1.1"}"
client_id = "labline-play"

[lims]
[lims.analytes]
{analytes}

{models}"""
