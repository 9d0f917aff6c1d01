"""A recording played to the gateway in virtual time: each row is seen at its instant, however busy the machine is.

Plant, laboratory and production are those of ``simulator.play``; the gateway is ``VirtualGateway``.
"""

import asyncio
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.config.line_definition import define_line
from gateway.config.reading import read
from gateway.config.tables import Settings
from gateway.guardrails.stages import effective_stage
from gateway.inference.signed_stages import SignedStages, with_signed_stages
from gateway.line.definition import LineDefinition
from gateway.records.process import TagSample
from gateway.store.outbox import Queued
from gateway.store.queries.readers import Reader
from gateway.transport.opcua_source import OpcUaSource
from simulator.bench.virtual.gateway import VirtualGateway
from simulator.bench.virtual.port import PortInMemory
from simulator.bench.virtual.store import ReaderInPlace, open_at_once
from simulator.bench.virtual.time import VirtualClock, VirtualLoop, run_virtually
from simulator.broker import Broker
from simulator.mqtt import Received
from simulator.observer import Observer
from simulator.play.account import Accounts, accounts_of
from simulator.play.file import Recording, Timetable
from simulator.play.laboratory import EQUIPMENT, measure
from simulator.play.pace import at_pace, models_of
from simulator.play.plan import PlayOptions, stretch
from simulator.play.plant import Readings, play_rows
from simulator.play.production import changes_of, tell
from simulator.play.stage import CONFIGURATION, figures, first_row_ns, model_every_seconds, play_configuration

_SOURCE = "plc1"
_GOOD, _NO_DATA = 0x00000000, 0x809B0000  # OPC UA's status codes
_AHEAD_NS = 1_000_000  # a row is read so long before it counts
_SETTLE_SECONDS = 1.0
_CONFIRMED = 4  # so often in the pace of a model the server confirms that its values hold
_BROKER = Broker(port=1883, name="virtual", version_5=True, keeps_messages=True)


def play_virtually(recording: Recording, options: PlayOptions, folder: Path) -> dict[str, Any]:
    """Play a recording to a bundle's gateway and return the figures; its store stays in ``folder``.

    Raises LablineError where it cannot be played.
    """
    begin, end = stretch(recording, options)
    settings, line = _configured(recording, options, folder)
    loop, store = VirtualLoop(), folder / "store"
    store.mkdir()
    clock, account, observer = VirtualClock(loop), accounts_of(recording, models_of(options.bundles)), Observer()

    def deliver(message: Queued) -> None:
        received = Received(topic=message.topic, payload=message.payload, retained=False, at=clock.monotonic())
        observer.received(received)
        account.received(received)

    with closing(open_at_once(store)) as connection:
        gateway = VirtualGateway(settings, line, connection, clock=clock, deliver=deliver, connect=_no_plc)
        play = _Play(recording=recording, options=options, clock=clock, gateway=gateway, account=account,
                     observer=observer, reader=ReaderInPlace(store, connection))  # fmt: skip
        run_virtually(loop, play.live(begin, end))
    played = {"recording": recording.name, "speed": options.speed, "rows_played": end - begin}
    return {**played, **figures(account, observer, first=options.first)}


def _configured(recording: Recording, options: PlayOptions, folder: Path) -> tuple[Settings, LineDefinition]:
    """Return the configuration of the real play, and the line that it defines."""
    if options.bundle is None:
        raise ValueError("nobody else's gateway lives in virtual time")
    bundles = [at_pace(bundle, speed=options.speed, to=folder) for bundle in options.bundles]
    file = folder / CONFIGURATION
    file.write_text(
        play_configuration(recording, options, broker=_BROKER, url="opc.tcp://127.0.0.1:4840", folder=folder,
                           bundles=bundles)
    )  # fmt: skip
    settings, _sha256 = read(file)
    return settings, with_signed_stages(define_line(settings, path=file), SignedStages(by_model={}))


def _no_plc(_source: OpcUaSource) -> AbstractAsyncContextManager[PortInMemory]:
    """Refuse: a played plant takes no writes."""
    raise NotImplementedError("a played plant takes no writes")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Play:
    """What is on stage."""

    recording: Recording
    options: PlayOptions
    clock: VirtualClock
    gateway: VirtualGateway
    account: Accounts
    observer: Observer
    reader: Reader

    async def live(self, begin: int, end: int) -> None:
        """Let the gateway begin, then the rows; return a little after the last one."""
        every = model_every_seconds(self.recording, self.options.speed)
        async with asyncio.TaskGroup() as tasks:
            living = [tasks.create_task(loop, name=name) for name, loop in self.gateway.loops()]
            living.append(tasks.create_task(self._confirm(every / _CONFIRMED), name="plant-alive"))
            begin_ns = await first_row_ns(self.recording, self.options, self.account, self.clock.now_ns)
            timetable = Timetable(begin_ns=begin_ns, first=begin, end=end, speed=self.options.speed,
                                  since_first_ns=self.recording.since_first_ns)  # fmt: skip
            self.account.begin(timetable)
            async with asyncio.TaskGroup() as players:
                self._perform(players, timetable)
            await asyncio.sleep(_SETTLE_SECONDS)
            for task in living:
                task.cancel()

    def _perform(self, players: asyncio.TaskGroup, timetable: Timetable) -> None:
        """Have plant, laboratory and production play."""
        now_ns, first = self.clock.now_ns, timetable.first

        def on_row(row: int) -> None:
            self.options.on_progress("rows", row + 1 - first, timetable.end - first)

        rows = play_rows(self.recording, timetable, self._read, ahead_ns=_AHEAD_NS, on_row=on_row, now_ns=now_ns)
        players.create_task(rows, name="played-plant")
        for item in (self.recording, *self.recording.others):
            results = measure(item, timetable, self, on_published=self.observer.result_published,
                              clock=self.clock.monotonic, now_ns=now_ns)  # fmt: skip
            players.create_task(results, name=f"played-laboratory-{item.analyte}")
        changes = changes_of(self.recording.batches, begin_ns=self.recording.begin_ns, equipment_id=EQUIPMENT)
        told = tell(changes, timetable, self, ahead_ns=_AHEAD_NS, now_ns=now_ns)
        players.create_task(told, name="played-production")

    async def publish(self, topic: str, payload: bytes) -> float:
        """Hand a message to the gateway, as a broker does, and return the instant."""
        self.gateway.take(topic, payload)
        return self.clock.monotonic()

    async def _read(self, readings: Readings, at_ns: int) -> None:
        """Have the gateway hear what the plant reads, and note how far its models may go."""
        samples = [
            TagSample(tag=tag, value=0.0 if value is None else value, status=_NO_DATA if value is None else _GOOD,
                      source_ns=at_ns, server_ns=at_ns)
            for tag, value in readings.items()
        ]  # fmt: skip
        self.gateway.history.add_notification(_SOURCE, samples, confirmed_ns=self.clock.now_ns())
        latches = await self.reader.alarms.latches()
        stages = {model.name: effective_stage(model, latches).name.lower() for model in self.gateway.line.models}
        self.account.note_stage(stages, at_ns=self.clock.now_ns())

    async def _confirm(self, every_seconds: float) -> None:
        """Confirm again and again that what was read last still holds."""
        while True:
            self.gateway.history.add_notification(_SOURCE, (), confirmed_ns=self.clock.now_ns())
            await asyncio.sleep(every_seconds)
