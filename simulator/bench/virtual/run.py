"""One run: the demonstration's plant, laboratory, MES and operator around the gateway, in virtual time.

Setpoints are sampled by the gateway as the plant shows them at its scans; everything else of the demonstration is the
same code at the same pace.
"""

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.contract.topics import Topics
from gateway.inference.signed_stages import SignedStages, with_signed_stages
from gateway.line.definition import LineDefinition
from gateway.records.acts import Act, ActOutcome, Answer
from gateway.records.process import TagSample
from gateway.records.user_acts import AddUser, EnrollKey
from gateway.records.users import Credential, CredentialKind, Role
from gateway.store.outbox import Queued
from gateway.texts.catalogue import speak
from simulator.bench.load import MODELS
from simulator.bench.virtual.gateway import VirtualGateway
from simulator.bench.virtual.port import connecting_to
from simulator.bench.virtual.store import open_at_once
from simulator.bench.virtual.time import VirtualClock, VirtualLoop, run_virtually
from simulator.broker import Broker
from simulator.demo import Tally
from simulator.demo_tables import LABORATORY
from simulator.gateway_process import configuration_text
from simulator.habits import Habits
from simulator.lims import Lims
from simulator.mes import Mes
from simulator.mqtt import Received
from simulator.observer import Observer
from simulator.opcua_server import SCAN_SECONDS
from simulator.plant import Plant
from simulator.plant_setpoints import PlantSetpoints
from simulator.scenarios import Pace, off_specification
from simulator.signer import Signer
from simulator.terminal import OPERATOR, OPERATOR_NAME, TERMINAL, Terminal

Outcome = TypeVar("Outcome")

_SOURCE = "plc1"
_PUBLISHED_SECONDS = 0.125  # after a scan, on average: the server sends values every quarter of a second
_READY_SECONDS = 1.5  # from the plant's begin to the gateway's
_SETTLE_SECONDS = 0.5  # until the last result has its disposition
_ADMINISTRATOR = "admin"
_OWNER = Credential(kind=CredentialKind.OS_USER, subject=_ADMINISTRATOR, owns_store=True)


@dataclass(slots=True)
class VirtualRun:
    """What is on stage, and what came of it."""

    line: LineDefinition
    plant: Plant
    setpoints: PlantSetpoints
    observer: Observer
    terminal: Terminal
    tally: Tally
    gateway: VirtualGateway
    connection: sqlite3.Connection


def configured(stage: str, folder: Path) -> tuple[Settings, LineDefinition]:
    """Return the demonstration's configuration and line, read from a file as ``labline run`` does."""
    broker = Broker(port=1883, name="virtual", version_5=True, keeps_messages=True)
    file = folder / "labline.toml"
    text = configuration_text(directory=folder, broker=broker, plant_url="opc.tcp://127.0.0.1:4840", models=MODELS,
                              stage=stage)  # fmt: skip
    file.write_text(text + LABORATORY, encoding="utf-8")
    settings, _sha256 = read(file)
    return settings, with_signed_stages(define_line(settings, path=file), SignedStages(by_model={}))


class Stage:
    """Sets up and plays runs of one stage; its configuration is read once."""

    def __init__(self, stage: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="labline-bench-")
        self.settings, self.line = configured(stage, Path(self._folder.name))
        speak(self.settings.texts.language)

    def close(self) -> None:
        """Remove its files."""
        self._folder.cleanup()

    def play(self, *, seed: int, follows: bool, habits: Habits, seconds: float,
             look: Callable[[VirtualRun], Outcome]) -> Outcome:  # fmt: skip
        """Return what a look at a run shows as it has ended.

        ``seconds``: for how long product is counted. ``follows``: whether the operator does, with these ``habits``.
        """
        loop = VirtualLoop()
        clock = VirtualClock(loop)
        with tempfile.TemporaryDirectory(dir=self._folder.name) as name, closing(open_at_once(Path(name))) as store:
            run = _on_stage(self, store, clock, seed=seed, follows=follows, habits=habits)
            run_virtually(loop, _live(run, clock, seed=seed, seconds=seconds))
            return look(run)


def _on_stage(
    stage: Stage, store: sqlite3.Connection, clock: VirtualClock, *, seed: int, follows: bool, habits: Habits
) -> VirtualRun:
    plant, observer, line = Plant(seed), Observer(), stage.line
    setpoints = PlantSetpoints(plant)
    terminal = Terminal(topics=Topics(line.topic_root), habits=habits, follows=follows, now_ns=clock.now_ns)

    def deliver(message: Queued) -> None:
        received = Received(topic=message.topic, payload=message.payload, retained=False, at=clock.monotonic())
        observer.received(received)
        terminal.received(received)

    gateway = VirtualGateway(stage.settings, line, store, clock=clock, deliver=deliver,
                             connect=connecting_to(setpoints))  # fmt: skip
    return VirtualRun(line=line, plant=plant, setpoints=setpoints, observer=observer, terminal=terminal, tally=Tally(),
                      gateway=gateway, connection=store)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class _ToGateway:
    """Hands messages to the gateway, as a broker does."""

    gateway: VirtualGateway
    clock: VirtualClock

    async def publish(self, topic: str, payload: bytes) -> float:
        """Publish a message and return the instant."""
        self.gateway.take(topic, payload)
        return self.clock.monotonic()


async def _live(run: VirtualRun, clock: VirtualClock, *, seed: int, seconds: float) -> None:
    """Let the plant begin, then the gateway, then people, laboratory and MES; end all of them."""
    pace, broker = Pace(), _ToGateway(gateway=run.gateway, clock=clock)
    mes = Mes(broker, pace, now_ns=clock.now_ns)
    lims = Lims(broker, run.plant, mes, pace, seed=seed, on_published=run.observer.result_published,
                now_ns=clock.now_ns)  # fmt: skip
    run.terminal.participant = broker

    async def move(tag: str, value: float) -> None:
        run.setpoints.move(tag, value)

    async with asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(_scans(run, clock), name="plant")]
        await asyncio.sleep(_READY_SECONDS)
        started += [tasks.create_task(loop, name=name) for name, loop in run.gateway.loops()]
        run.terminal.signer = await _enrolled(run, clock)
        run.tally.counting = True
        sampling = tasks.create_task(lims.run(), name="lims")
        people = {"mes": mes.run(), "terminal": run.terminal.run(move)}
        started += [tasks.create_task(work, name=name) for name, work in people.items()]
        await asyncio.sleep(seconds)
        run.tally.counting = False
        sampling.cancel()
        await lims.finish()
        await asyncio.sleep(_SETTLE_SECONDS)
        for task in started:
            task.cancel()


async def _scans(run: VirtualRun, clock: VirtualClock) -> None:
    """Move the plant scan by scan; the gateway hears a little later what its sensors read."""
    begun = clock.monotonic()
    while True:
        now = clock.monotonic()
        run.setpoints.scan(now)
        before = run.plant.now_seconds
        run.plant.advance(now - begun)
        read_ns = clock.now_ns()
        samples = [
            TagSample(tag=tag, value=value, status=0, source_ns=read_ns, server_ns=read_ns)
            for tag, value in run.plant.measure().items()
        ]
        if run.tally.counting:
            truth = run.plant.truth()
            run.tally.made_seconds += run.plant.now_seconds - before
            run.tally.off_seconds += (run.plant.now_seconds - before) * off_specification(truth.viscosity, truth.ph)
        await asyncio.sleep(_PUBLISHED_SECONDS)
        run.gateway.history.add_notification(_SOURCE, samples, confirmed_ns=clock.now_ns())
        await asyncio.sleep(SCAN_SECONDS - _PUBLISHED_SECONDS)


async def _enrolled(run: VirtualRun, clock: VirtualClock) -> Signer:
    """Return the signer of the operator, whom an administrator adds with a key."""
    key = Ed25519PrivateKey.generate()
    administrator = AddUser(user_id=_ADMINISTRATOR, full_name="Administrator", roles=(Role.ADMINISTRATOR,),
                            os_user=_ADMINISTRATOR)  # fmt: skip
    operator = AddUser(user_id=OPERATOR, full_name=OPERATOR_NAME, roles=(Role.OPERATOR,))
    public = key.public_key().public_bytes_raw().hex()
    enrolled = EnrollKey(user_id=OPERATOR, public_key=public, label=TERMINAL)
    answers = [await _done(run, act) for act in (administrator, operator, enrolled)]
    return Signer(key=key, key_id=answers[-1].details["key_id"], line=run.line.topic_root, terminal=TERMINAL,
                  now=clock.now_seconds)  # fmt: skip


async def _done(run: VirtualRun, act: Act) -> Answer:
    answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    run.gateway.ask(act, _OWNER, answer.set_result)
    answered = await answer
    if answered.outcome is not ActOutcome.DONE:
        raise RuntimeError(f"{act.kind} was not done: {answered.why}")
    return answered
