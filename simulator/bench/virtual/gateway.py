"""The gateway in virtual time: its own loops, on a store without threads and a line without a network.

What is real: configuration, line, intake, event queue, process loop with every decision, follow-ups, timers, the second
check before sending, the writer of setpoints with its gates. What is not: broker, OPC UA, disk, and the loops that
look after them.
"""

import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.config.connections import opcua_sources
from gateway.config.tables import Settings
from gateway.contract.acts import identity_of_act
from gateway.contract.topics import Topics
from gateway.events import ActRequested, TimerDue
from gateway.history.memory.rings import Rings
from gateway.history.tag_history import RING_SAMPLES, History
from gateway.history.writer.historian import Historian
from gateway.ingest.event_queue import EventQueue, Urgency
from gateway.ingest.messages import Intake
from gateway.ingest.responses import AnswersFirst, understand_response
from gateway.line.definition import LineDefinition
from gateway.operations.health import Health
from gateway.operations.systemd import Progress
from gateway.records.acts import Act, Answer
from gateway.records.timers import Timer
from gateway.records.users import Credential
from gateway.runtime.follow_ups import FollowUps
from gateway.runtime.listeners import HearsOfSending
from gateway.runtime.process_loop import Processor
from gateway.runtime.scheduler import make_due, run_timer
from gateway.runtime.sessions import inbound_intake
from gateway.runtime.setpoint_writer import Connect, SetpointWriter
from gateway.runtime.sources import value_at_present
from gateway.store.outbox import Queued
from simulator.bench.virtual.drain import DrainInPlace
from simulator.bench.virtual.store import ReaderInPlace, WriterInPlace
from simulator.bench.virtual.time import VirtualClock

_TIMERS = tuple(timer for timer in Timer if timer is not Timer.SIGN_HEAD)  # nobody holds the trail's key here


class VirtualGateway:
    """Its parts; ``loops`` run them."""

    def __init__(
        self,
        settings: Settings,
        line: LineDefinition,
        connection: sqlite3.Connection,
        *,
        clock: VirtualClock,
        deliver: Callable[[Queued], None],
        connect: Connect,
    ) -> None:
        """``deliver``: takes each message that leaves. ``connect``: opens the writer's connection to the PLC."""
        self.line, self.inbox, self._clock = line, EventQueue(), clock
        directory = settings.store.directory
        self.history = _history(line, directory, clock)
        self._writer, reader = WriterInPlace(connection), ReaderInPlace(directory, connection)
        health, progress = Health(line=line, monotonic=clock.monotonic), Progress({})
        self._drain = DrainInPlace(
            reader=reader, writer=self._writer, deliver=deliver, line=line, clock=clock, present=self.present,
            listener=HearsOfSending(inbox=self.inbox, clock=clock, health=health, watchdog=progress),
        )  # fmt: skip
        self._follow_ups = FollowUps(
            line=line, reader=reader, inbox=self.inbox, windows=self.history.windows, clock=clock,
            on_alarm=health.alarm, quiet=_at_once,
        )  # fmt: skip
        self._processor = Processor(
            inbox=self.inbox, line=line, windows=self.history.windows, writer=self._writer,
            listener=_Hears(drain=self._drain, follow_up_loop=self._follow_ups),
        )  # fmt: skip
        self._setpoint_writers = [
            SetpointWriter(source, line=line, clock=clock, store=self._writer, inbox=self.inbox, present=self.present,
                           on_condition=health.condition, connect=connect)
            for source in opcua_sources(settings) if line.writes.by_tag
        ]  # fmt: skip
        self._arrivals = inbound_intake(settings, inbox=self.inbox, now=clock.now)
        self._responses = Intake(
            inbox=self.inbox, urgency=Urgency.STOP_AND_RESPONSES, now=clock.now, goes_first=AnswersFirst(),
            routes={Topics(line.topic_root).responses: understand_response},
        )  # fmt: skip

    def present(self, tag: str) -> float | None:
        """Return a tag's value at this instant."""
        return value_at_present(tag, self.line, self.history, self._clock)

    def take(self, topic: str, payload: bytes) -> None:
        """Take a message from outside."""
        intake = self._responses if self._responses.takes(topic) else self._arrivals
        intake.offer(topic, payload, session="virtual", committed=lambda: None)

    def ask(self, act: Act, credential: Credential, answered: Callable[[Answer], None]) -> None:
        """Ask for a person's act."""
        at = self._clock.now()
        event_id = identity_of_act(act, at_ns=at.wall_ns, by=credential.identity)
        event = ActRequested(event_id=event_id, at=at, act=act, credential=credential, reason="bench")
        self.inbox.ask(event, Urgency.STOP_AND_RESPONSES, answered, lambda: True)

    def loops(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """Yield what runs for as long as the gateway does, by name."""
        yield "process", self._processor.run()
        yield "drain", self._drain.run()
        yield "follow-ups", self._follow_ups.run()
        for number, writer in enumerate(self._setpoint_writers):
            yield f"setpoint-writer-{number}", writer.run()
        for model in self.line.models:
            yield f"model-{model.name}", make_due(model, inbox=self.inbox, clock=self._clock)
        for timer in _TIMERS:
            yield f"timer-{timer}", run_timer(timer, inbox=self.inbox, clock=self._clock)


async def _at_once() -> None:
    """Return at once: nothing here is so busy that follow-ups had to wait."""


def _history(line: LineDefinition, directory: Path, clock: VirtualClock) -> History:
    """Return the tags' history as far as memory reaches, which is all of a run."""
    rings = Rings({name: tag.source for name, tag in line.tags.items()}, capacity=RING_SAMPLES)
    return History(rings, Historian(directory, now_ns=clock.now_ns), now=clock.now)


class DecisionFailedError(Exception):
    """The gateway raised an alarm that a run without faults must not raise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Hears:
    """Has what is committed delivered, and what is left for later taken up."""

    drain: DrainInPlace
    follow_up_loop: FollowUps

    def committed(self, _messages: tuple[Queued, ...] | None) -> None:
        """Have the outbox looked at."""
        self.drain.wake()

    def progress(self) -> None:
        """Nobody watches."""

    def store(self, failure: str | None) -> None:
        """End the run where the store fails."""
        if failure is not None:
            raise DecisionFailedError(failure)

    def alarm(self, code: str) -> None:
        """End the run: a decision failed, or met damaged records."""
        raise DecisionFailedError(code)

    def follow_ups(self) -> None:
        """Have what is left for later taken up."""
        self.follow_up_loop.wake()

    def board_due(self, due: TimerDue) -> None:
        """Have the board published again when there is time."""
        self.follow_up_loop.refresh_board(due)
